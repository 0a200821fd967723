"""Lets Keras load our networks after a bare `import leukemia_tf`, which itself imports neither Keras nor TensorFlow."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

LAYERS = tuple(f"leukemia_tf.models.{name}" for name in ("cell_input", "pooling", "member", "probability"))


def register_layers() -> None:
    """Register the layers with Keras: now if it is imported already, else right after it is."""
    if "keras" in sys.modules:
        _import_layers()
    elif not any(isinstance(finder, _AfterKeras) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterKeras())


def _import_layers() -> None:
    for name in LAYERS:
        if name not in sys.modules:  # else it is being imported, and registers its layers itself
            import_module(name)


class _AfterKeras(MetaPathFinder):
    """Finds Keras as usual, with a loader that imports our layers behind it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Step in at `import keras` alone, once."""
        if fullname != "keras":
            return None
        sys.meta_path.remove(self)
        spec = find_spec("keras")
        if spec and spec.loader:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create Keras's module as usual."""
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run Keras's module, then import our layers."""
        self.loader.exec_module(module)
        _import_layers()
