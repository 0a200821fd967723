"""Networks in plain Keras: a table of architectures, heads, weights.

Importing this package imports no Keras; its modules do when a network is built.
"""
