"""Files that are no network, or one made to do harm: a sentence, nothing executed, nothing written, little memory."""

import gc
import json
import os
import pickle
import resource
import zipfile

import h5py
import keras
import numpy as np
import pytest

from leukemia_tf.core.errors import RunError
from leukemia_tf.models.architecture import network_name
from leukemia_tf.models.keras_internals import archive_members
from leukemia_tf.models.network import build_network, load_network
from leukemia_tf.models.network_file import file_problem
from leukemia_tf.models.table import find_architecture

CONFIG, WEIGHTS = archive_members()
MEGABYTES = 1024  # of ru_maxrss, in kilobytes


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "model.keras"
    build_network(find_architecture("scratch"), 1, {"image_size": 60}).save(path)
    return path


def rebuilt(sound, path, config=None, weights=None, extra=()):
    """Write a `.keras` file with its config or weights changed, and with further members."""
    change = {CONFIG: config, WEIGHTS: weights}
    with zipfile.ZipFile(sound) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change[name](content) if change.get(name) else content)
        for name in extra:
            new.writestr(name, b"escaped")


def edited(edit):
    def config(content):
        settings = json.loads(content)
        edit(settings["config"]["layers"])
        return json.dumps(settings).encode()

    return config


def with_lambda(layers):
    function = keras.saving.serialize_keras_object(keras.layers.Lambda(lambda x: x))
    layers.append({**function, "name": "lambda", "inbound_nodes": []})


def with_a_function_of_os(layers):
    layers[1] = {"module": "os", "class_name": "system", "config": "touch executed", "name": "x", "inbound_nodes": []}


def with_a_wide_layer(layers):
    (logit,) = [layer for layer in layers if layer["config"].get("units")][-1:]
    logit["config"]["units"] = 5_000_000_000
    del logit["build_config"]


def claiming(**storage):
    def weights(content):
        with h5py.File.in_memory(content) as stored:
            names = []
            stored.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
            del stored[names[0]]
            stored.create_dataset(names[0], shape=(2_500_000_000,), dtype="f4", **storage)
            stored.flush()
            return stored.id.get_file_image()

    return weights


class Executing:
    def __reduce__(self):
        return os.system, ("touch executed",)


def write(kind, sound, path):
    content = sound.read_bytes()
    if kind in BYTES:
        path.write_bytes(BYTES[kind](content))
    elif kind == "bomb":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(WEIGHTS, b"")
            with archive.open(CONFIG, "w") as member:
                for _ in range(64):
                    member.write(bytes(1024 * 1024))
    else:
        rebuilt(sound, path, **ARCHIVES[kind])


BYTES = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "pickle": lambda content: pickle.dumps(Executing()),
    "one byte changed": lambda content: content[: len(content) // 2] + b"\x55\xaa" + content[len(content) // 2 + 2 :],
}
ARCHIVES = {
    "path upwards": {"extra": ("../../escaped.txt",)},
    "path upwards, backslashes": {"extra": ("..\\..\\escaped.txt",)},
    "absolute path": {"extra": ("/escaped.txt",)},
    "Lambda": {"config": edited(with_lambda)},
    "function of os": {"config": edited(with_a_function_of_os)},
    "wide layer": {"config": edited(with_a_wide_layer)},
    "10 GB of weights": {"weights": claiming()},
    "10 GB of weights, compressed": {"weights": claiming(chunks=(1 << 20,), compression="gzip")},
    "half the weights": {"weights": lambda content: content[: len(content) // 2]},
    "list": {"config": lambda content: b"[1]"},
    "nested": {"config": lambda content: b"[" * 100_000 + b"]" * 100_000},
}
REASONS = {
    "empty": "cut short, or no `.keras` archive",
    "truncated": "cut short, or no `.keras` archive",
    "pickle": "cut short, or no `.keras` archive",
    "bomb": "67,108,864 bytes, more than",
    "path upwards": "leads out of the archive",
    "path upwards, backslashes": "leads out of the archive",
    "absolute path": "leads out of the archive",
    "Lambda": "a Lambda layer, whose code would run",
    "wide layer": "declare .* parameters, more than its .* bytes can hold",
    "nested": "nested too deeply",
}


@pytest.mark.parametrize("kind", [*BYTES, *ARCHIVES, "bomb"])
def test_it_is_refused_in_one_sentence(kind, sound, tmp_path, monkeypatch):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    write(kind, sound, inner / "model.keras")
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RunError, match=REASONS.get(kind)) as caught:
        load_network(inner / "model.keras")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * MEGABYTES
    assert str(inner / "model.keras") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "safe_mode" not in str(caught.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [inner / "model.keras"]


def test_a_wide_or_large_network_of_this_package_is_none_of_these(tmp_path):
    from leukemia_tf.models.heads import Head

    for name, head, size in (("wide", Head(units=(5000,)), 60), ("flat", Head(pooling="flatten", units=(4,)), 640)):
        architecture = find_architecture("scratch")
        model = build_network(architecture, 1, {"image_size": size}, head)
        model.save(tmp_path / f"{name}.keras")
        assert file_problem(tmp_path / f"{name}.keras") == ""
        again = load_network(tmp_path / f"{name}.keras")
        assert all((one.numpy() == other.numpy()).all() for one, other in zip(model.weights, again.weights))
        assert again.name == network_name(architecture, 1, None).replace("-", "_")
        assert np.isfinite(keras.layers.Dense(2)(np.ones((1, 3))).numpy()).all()  # no variable is left to be made
