"""Choosing settings: hyperparameter search, the learning-rate range test, the weights of an ensemble's members."""
