"""Stages of training: what learns, how fast, for how long, and how an interrupted run goes on."""
