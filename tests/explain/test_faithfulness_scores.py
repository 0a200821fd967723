"""Which method the check found more faithful."""

from leukemia_tf.explain.faithfulness_scores import more_faithful

LAYERS = ["conv2", "conv4"]
GAINS = {
    "gradcam": (0.1, 0.2),
    "hirescam": (0.3, 0.4),
    "layercam": (0.5, 0.1),
    "occlusion": (0.2, 0.3),
    "random": (1, 1),
}
CHECK = {
    "explained": LAYERS,
    "methods": {name: {"deletion": {"value": a}, "insertion": {"value": b}} for name, (a, b) in GAINS.items()},
}
BOTH, LAST, NONE = [("conv2", "conv4")], [("conv4",)], [()]


def test_a_method_is_more_faithful_if_it_is_in_both_measures():
    line = "explain_check found HiResCAM more faithful to this network than Grad-CAM"
    assert more_faithful(CHECK, {"gradcam": BOTH}).startswith(line)
    assert more_faithful(CHECK, {"gradcam": BOTH}).endswith("`method=hirescam`")
    assert "HiResCAM more faithful to this network than occlusion" in more_faithful(CHECK, {"occlusion": NONE})
    assert more_faithful(CHECK, {"layercam": BOTH}) is None  # its deletion is the highest
    assert more_faithful(CHECK, {"gradcam": BOTH, "hirescam": BOTH}) is None


def test_a_check_of_something_else_says_nothing():
    assert more_faithful(CHECK, {"gradcam": LAST}) is None
    assert more_faithful(CHECK, {"gradcam": [*BOTH, *BOTH]}) is None  # of an ensemble
    assert more_faithful(CHECK, {"eigencam": LAST}) is None
    assert more_faithful({"methods": CHECK["methods"], "layer": "conv4"}, {"gradcam": BOTH}) is None
