"""Bases that Keras does not bring, in plain layers; those of torchvision have its modules' names."""
