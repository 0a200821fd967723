"""Choosing what a training is run with: the learning rate, for now."""
