"""Training: settings, stages, the loop over epochs, cached features, checkpoints and exact resume."""
