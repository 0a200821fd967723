"""Names of the layers that every network of this package has."""

INPUT, SCALE, LOGIT, PROBABILITY = "cell", "scale", "logit", "probability"
