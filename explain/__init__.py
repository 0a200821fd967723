"""Where in the cell a network looked, and what its layers see."""
