"""Cells in: what there is, whether it can be read, who it belongs to, and how a network gets to see it."""
