"""Backbones that Keras lacks, in plain layers; those of torchvision have its modules' names."""
