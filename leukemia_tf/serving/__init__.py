"""From a network to an answer: bytes in, probability out, in Python and in TensorFlow Serving."""
