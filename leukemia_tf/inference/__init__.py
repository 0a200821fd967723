"""One predictor for files, arrays and a loaded model; writers of predictions."""
