"""Folders of runs and of studies, and running tasks one after another or on a Ray cluster."""
