"""Names of the layers that every network of this package has."""

INPUT, SCALE, LOGIT, PROBABILITY = "cell", "scale", "logit", "probability"
POOL = "pool"  # of the deepest maps; of the others `pool_1` and so on
