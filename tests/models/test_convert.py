"""torchvision's weights in our bases: names, layouts, scalings; and torchvision itself as the oracle."""

import keras
import numpy as np
import pytest
from safetensors.numpy import save_file

from leukemia_tf.config import ConvertWeightsConfig
from leukemia_tf.core.errors import UserError
from leukemia_tf.models.base import build_base
from leukemia_tf.models.cell_input import CellInput
from leukemia_tf.models.convert import fill, layer_name
from leukemia_tf.models.network import build_network
from leukemia_tf.models.table import ARCHITECTURES, find_architecture
from leukemia_tf.models.weights import load_imagenet
from leukemia_tf.workflows.convert_weights import convert_weights

CONVERTED = [name for name, record in ARCHITECTURES.items() if record.converted]
TORCHVISION = {"squeezenet": "squeezenet1_1"}
FIRES = {2: 3, 3: 4, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12}  # where torchvision's list has them


def squeezenet_state():
    """Random weights under the names, and in the layout, of torchvision's SqueezeNet 1.1."""
    draw = np.random.default_rng(0)
    shapes = {"features.0": (64, 3, 3, 3)}
    channels = 64
    for number, (squeezed, expanded) in enumerate(((16, 64),) * 2 + ((32, 128),) * 2 + ((48, 192),) * 2, start=2):
        shapes[f"features.{FIRES[number]}.squeeze"] = (squeezed, channels, 1, 1)
        shapes[f"features.{FIRES[number]}.expand1x1"] = (expanded, squeezed, 1, 1)
        shapes[f"features.{FIRES[number]}.expand3x3"] = (expanded, squeezed, 3, 3)
        channels = 2 * expanded
    for number in (8, 9):
        shapes[f"features.{FIRES[number]}.squeeze"] = (64, channels, 1, 1)
        shapes[f"features.{FIRES[number]}.expand1x1"] = (256, 64, 1, 1)
        shapes[f"features.{FIRES[number]}.expand3x3"] = (256, 64, 3, 3)
        channels = 512
    state = {}
    for name, shape in shapes.items():
        state[f"{name}.weight"] = draw.normal(0, 0.1, shape).astype(np.float32)
        state[f"{name}.bias"] = draw.normal(0, 0.1, shape[0]).astype(np.float32)
    return {**state, "classifier.1.weight": np.zeros((10, 512, 1, 1), np.float32)}


def test_a_converted_file_is_found_and_gives_torchvisions_first_maps(tmp_path, monkeypatch):
    state = squeezenet_state()
    save_file(state, tmp_path / "squeezenet1_1.safetensors")
    monkeypatch.setenv("LEUKEMIA_TF_WEIGHTS", str(tmp_path))
    out = convert_weights(ConvertWeightsConfig(tmp_path / "squeezenet1_1.safetensors", "squeezenet"))
    assert out == tmp_path / "squeezenet.weights.h5"
    architecture = find_architecture("squeezenet")
    model = build_network(architecture, preprocessing={"image_size": 32})
    loaded = load_imagenet(model, architecture, architecture.blocks)
    assert (loaded.source, loaded.random, loaded.parameters) == (str(out), (), 722_496)
    cells = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), np.uint8)
    seen = (cells / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]  # torchvision's scaling, by hand
    windows = np.lib.stride_tricks.sliding_window_view(seen, (3, 3), axis=(1, 2))[:, ::2, ::2]
    wanted = np.einsum("nhwcij,ocij->nhwo", windows, state["features.0.weight"]) + state["features.0.bias"]
    got = keras.Model(model.input, model.get_layer("conv1").output)(cells)
    np.testing.assert_allclose(got, wanted, atol=1e-4)
    np.testing.assert_array_equal(
        model.get_layer("fire5_expand3x3").kernel[1, 2], state["features.7.expand3x3.weight"][:, :, 1, 2].T
    )


@pytest.mark.parametrize(
    ("base", "module", "layer"),
    [
        ("resnet18", "layer2.0.downsample.0", "layer2_0_downsample_0"),
        ("googlenet", "inception3a.branch2.1.bn", "inception3a_branch2_1_bn"),
        ("alexnet", "features.10", "conv5"),
        ("squeezenet", "features.12.expand3x3", "fire9_expand3x3"),
        ("densenet161", "features.denseblock1.denselayer2.norm1", "features_denseblock1_denselayer2_norm1"),
        ("densenet161", "features.denseblock1.denselayer2.norm.1", "features_denseblock1_denselayer2_norm1"),
        ("densenet161", "features.transition1.conv", "features_transition1_conv"),
    ],
)
def test_names(base, module, layer):
    assert layer_name(base, module) == layer


def test_refused(tmp_path):
    state = squeezenet_state()
    save_file({key: value for key, value in state.items() if "features.9." not in key}, tmp_path / "part.safetensors")
    save_file({**state, "features.0.bias": np.zeros(3, np.float32)}, tmp_path / "shape.safetensors")
    (tmp_path / "text.safetensors").write_text("no weights")
    for name, base, reason in (
        ("gone.safetensors", "squeezenet", "gone.safetensors: no such file"),
        ("text.safetensors", "squeezenet", "text.safetensors: it is no state dict"),
        (
            "part.safetensors",
            "squeezenet",
            "part.safetensors is not torchvision's squeezenet: it has no fire6_squeeze",
        ),
        ("shape.safetensors", "squeezenet", "its conv1 has another shape"),
        ("part.safetensors", "vgg16", "its weights are not converted; those of resnet18"),
        ("part.safetensors", "squeezenett", "did you mean squeezenet"),
    ):
        out = tmp_path / "out.weights.h5"
        with pytest.raises(UserError, match=reason):
            convert_weights(ConvertWeightsConfig(tmp_path / name, base, out))
        assert not out.exists()
    with pytest.raises(UserError, match=r"`out`: the name has to end in \.weights\.h5"):
        convert_weights(ConvertWeightsConfig(tmp_path / "part.safetensors", "squeezenet", tmp_path / "out.h5"))


@pytest.mark.slow
@pytest.mark.parametrize("size", [224, 231])
@pytest.mark.parametrize("name", CONVERTED)
def test_outputs_equal_torchvisions(name, size):
    torch = pytest.importorskip("torch")
    networks = pytest.importorskip("torchvision.models", exc_type=Exception)
    torch.manual_seed(0)
    oracle = getattr(networks, TORCHVISION.get(name, name))(
        weights=None, **({"init_weights": True} if name == "googlenet" else {})
    )
    for module in oracle.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.2)
            torch.nn.init.normal_(module.running_mean, 0, 0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    oracle.eval()
    architecture = find_architecture(name)
    cells = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), np.uint8)
    cell = keras.Input((size, size, 3), dtype="uint8")
    base, _ = build_base(architecture, CellInput(architecture.scaling, {})(cell))
    fill(base, name, architecture.scaling, {key: value.numpy() for key, value in oracle.state_dict().items()})
    scaled = (cells / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    if name == "googlenet":
        scaled = cells / 127.5 - 1  # what its published weights, with their own transformation of the input, see
    x = torch.from_numpy(scaled.astype(np.float32)).permute(0, 3, 1, 2)
    seen = []
    oracle.get_submodule(
        {"googlenet": "inception5b", "densenet161": "features", "squeezenet": "features.12", "alexnet": "features"}.get(
            name, "layer4"
        )
    ).register_forward_hook(lambda *a: seen.append(a[2]))
    with torch.no_grad():
        oracle(x)
    wanted = seen[0].numpy().transpose(0, 2, 3, 1)
    got = np.asarray(base(CellInput(architecture.scaling, {})(cells)))
    if name == "densenet161":
        wanted = np.maximum(wanted, 0)  # torchvision applies the last ReLU outside its features
    np.testing.assert_allclose(got, wanted, atol=1e-4 * max(1, np.abs(wanted).max()))
    assert np.abs(wanted[0] - wanted[1]).max() > 1e-3
