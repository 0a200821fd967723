"""Metrics, intervals over patients, calibration, out-of-distribution detection, predictions, figures."""
