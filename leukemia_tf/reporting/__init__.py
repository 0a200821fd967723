"""report.html, the model card, error analysis, and finished runs side by side."""
