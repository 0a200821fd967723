"""From a network to predictions: SavedModel, runtimes, and an HTTP server with TensorFlow Serving's paths."""
