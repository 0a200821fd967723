"""Where in a cell a network looks, and what its layers respond to."""
