"""Who may import whom, and who may spell what; read from the source, and tried on a small tree with planted faults."""

import ast
import configparser
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE, COMMANDS, DOOR = "leukemia_tf", "commands", "door"
ORDER = (  # a room imports rooms before its own; those of one line stand beside each other
    *(("core",), ("config",), ("runs", "recipes"), ("data",), ("models",), ("training",), ("evaluation",)),
    *(("explain", "tuning", "serving"), ("inference", "reporting"), ("workflows",), (COMMANDS,)),
)
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
LIGHT = {"core", "config", "runs"}  # what a command may import when it starts
TOP_ROOMS = ("models", "tuning", "explain")  # beside the package's folder
OPTIONAL = {  # packages that the plain install does not have
    *("ray", "torch", "fastapi", "uvicorn", "prometheus_client", "onnxruntime", "tf2onnx", "openvino"),
    "ai_edge_litert",
}
INSIDE_FUNCTIONS = {  # (module, what it imports where it is needed): why
    (f"{PACKAGE}.workflows.serve", f"{PACKAGE}.serving.app"): "it needs FastAPI, which only the extra `serve` brings",
    (f"{PACKAGE}.train", f"{PACKAGE}.workflows.resolve"): "a wrong setting is named before TensorFlow is imported",
    (f"{PACKAGE}.data.tables", "openpyxl"): "an environment of an earlier version lacks it; only Excel files need it",
    (f"{PACKAGE}.models.table", f"{PACKAGE}.models.base"): "the table itself imports no Keras",
}
NOT_OURS = {  # private names of other packages than Keras: why
    f"{PACKAGE}.tuning.search": "keras-tuner's oracles are extended through them",
    f"{PACKAGE}.cli": "os._exit",
}
KERAS_INTERNALS = f"{PACKAGE}.models.keras_internals"
FILE_NAME = re.compile(r"[\w.-]*\w\.(json|csv|html|md|keras)")


@dataclass(frozen=True)
class Source:
    """One file of the package."""

    name: str
    room: str
    tree: ast.Module


@dataclass(frozen=True)
class Import:
    """One name that a file imports; `where` is `top`, `types` (for annotations alone) or `function`."""

    target: str
    where: str
    line: int

    @property
    def room(self) -> str:
        parts = self.target.split(".")
        if parts[0] != PACKAGE:
            return ""
        if parts[1:] in ([], ["__version__"]):
            return DOOR
        return COMMANDS if parts[1] not in RANK or parts[-1] == "__main__" else parts[1]


def sources(root: Path) -> list[Source]:
    files = {path: path.relative_to(root) for path in sorted((root / PACKAGE).rglob("*.py"))}
    for room in TOP_ROOMS:
        files |= {path: Path(PACKAGE) / path.relative_to(root) for path in sorted((root / room).rglob("*.py"))}
    found = []
    for path, place in files.items():
        parts = place.with_suffix("").parts
        room = COMMANDS if len(parts) == 2 or parts[-1] == "__main__" else parts[1]
        room = DOOR if parts == (PACKAGE, "__init__") else room
        found.append(Source(".".join(parts).removesuffix(".__init__"), room, ast.parse(path.read_text("utf-8"))))
    return found


def imports(source: Source) -> Iterator[Import]:
    def visit(node: ast.AST, where: str) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            inner = where
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                inner = "function"
            elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
                inner = "types"
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(alias.name, where, child.lineno)
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                if child.level:
                    base = ".".join([*source.name.split(".")[: -child.level], *([base] if base else [])])
                whole = [f"{base}.{alias.name}" for alias in child.names] if base == PACKAGE or child.level else [base]
                for target in whole:
                    yield Import(target, where, child.lineno)
            yield from visit(child, inner)

    yield from visit(source.tree, "top")


def against_the_order(tree: list[Source]) -> Iterator[str]:
    """Left to right only."""
    for source in tree:
        if source.room == DOOR:
            continue
        for one in imports(source):
            if one.room in ("", DOOR, source.room):
                continue
            if RANK[one.room] >= RANK[source.room]:
                yield f"{source.name}:{one.line}: {source.room} imports {one.room} ({one.target})"


def more_than_the_version(tree: list[Source]) -> Iterator[str]:
    """Nobody inside goes through the public door, but for the version."""
    for source in tree:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == PACKAGE and node.attr != "__version__":
                yield f"{source.name}:{node.lineno}: {PACKAGE}.{node.attr}"


def heavy_commands(tree: list[Source]) -> Iterator[str]:
    """A command imports its settings at the top, its own workflow inside its function, and no command."""
    for source in (one for one in tree if one.room == COMMANDS):
        name, *_ = [part for part in source.name.split(".")[1:] if part != "__main__"] or ["__main__"]
        for one in imports(source):
            if one.where == "types" or one.room in ("", DOOR):
                continue
            if one.room == COMMANDS:
                right = one.target == f"{PACKAGE}.cli" and one.where == "top" and name != "cli"
            elif one.where == "top":
                right = one.room in LIGHT | {name}
            else:
                right = one.target == f"{PACKAGE}.workflows.{name}" or (source.name, one.target) in INSIDE_FUNCTIONS
            if not right:
                yield f"{source.name}:{one.line}: {one.target} ({one.where})"


def late_imports(tree: list[Source]) -> Iterator[str]:
    """Below the lobby imports stand at the top of a file, but for optional packages and those listed."""
    for source in (one for one in tree if one.room not in (COMMANDS, DOOR)):
        for one in imports(source):
            listed = one.target.split(".")[0] in OPTIONAL or (source.name, one.target) in INSIDE_FUNCTIONS
            if one.where == "function" and not listed:
                yield f"{source.name}:{one.line}: {one.target} inside a function"


def tensorflow_in_models(tree: list[Source]) -> Iterator[str]:
    """models/ runs on any backend of Keras: neither it nor what it imports imports TensorFlow."""
    by_name = {source.name: source for source in tree}
    waiting, seen = [(source.name, source.name) for source in tree if source.room == "models"], set()
    while waiting:
        name, by = waiting.pop(0)
        if name in seen or name not in by_name:
            continue
        seen.add(name)
        for one in imports(by_name[name]):
            if one.target.split(".")[0] in ("tensorflow", "tf_keras"):
                yield f"{by}: {name}:{one.line}: {one.target}"
            elif one.where == "top" and one.room not in ("", DOOR):
                waiting.append((one.target, by))


def keras_internals(tree: list[Source]) -> Iterator[str]:
    """What Keras does not promise to keep is used in one file alone."""
    for source in (one for one in tree if one.name not in (KERAS_INTERNALS, *NOT_OURS)):
        own = set()
        for node in ast.walk(source.tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                own.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                own.add(node.attr)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                own.add(node.id)
        for node in ast.walk(source.tree):
            private = isinstance(node, ast.Attribute) and re.match(r"_(?!_)", node.attr)
            if private and node.attr not in own | {"_replace", "_asdict", "_fields"}:
                yield f"{source.name}:{node.lineno}: {ast.unparse(node)}"
        for one in imports(source):
            if one.target.startswith("keras.src"):
                yield f"{source.name}:{one.line}: {one.target}"


def _texts(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield a file's strings, without docstrings; of an f-string its parts."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node


def run_file_names(tree: list[Source]) -> Iterator[str]:
    """Only runs/ spells the name of a run's file."""
    names = {
        text.value
        for source in tree
        if source.room == "runs"
        for text in _texts(source.tree)
        if FILE_NAME.fullmatch(text.value)
    }
    for source in (one for one in tree if one.room != "runs"):
        for text in _texts(source.tree):
            spelt = text.value in names or text.value.startswith("predictions-")
            if spelt:
                yield f"{source.name}:{text.lineno}: {text.value!r}"


def layer_names(tree: list[Source]) -> Iterator[str]:
    """Only models/ spells the name of a layer."""
    for source in (one for one in tree if one.room != "models"):
        for node in ast.walk(source.tree):
            spelt: list[ast.expr] = []
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called.endswith(".get_layer"):
                    spelt = [*node.args, *(word.value for word in node.keywords)]
                elif re.search(r"\blayer\.name\.\w+$", called):
                    spelt = node.args
                elif re.match(r"(keras\.)?layers\.", called):
                    spelt = [word.value for word in node.keywords if word.arg == "name"]
            elif isinstance(node, ast.Compare) and re.search(r"\blayer\.name\b", ast.unparse(node)):
                spelt = [node.left, *node.comparators]
            inner = (part for value in spelt for part in ast.walk(value))
            for part in inner:
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield f"{source.name}:{node.lineno}: {part.value!r}"


def command_line_below(tree: list[Source]) -> Iterator[str]:
    """Settings and all behind them know no command line."""
    for source in (one for one in tree if one.name != f"{PACKAGE}.cli"):
        for one in imports(source):
            if one.target.split(".")[0] in ("tyro", "argparse", "click"):
                yield f"{source.name}:{one.line}: {one.target}"


RULES = (
    *(against_the_order, more_than_the_version, heavy_commands, late_imports, tensorflow_in_models),
    *(keras_internals, run_file_names, layer_names, command_line_below),
)


@pytest.fixture(scope="module")
def package():
    return sources(ROOT)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package(rule, package):
    faults = sorted(set(rule(package)))
    assert not faults, "\n".join(["", *faults])


def test_every_room_is_installed(package):
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    folders = {path.parent for room in TOP_ROOMS for path in (ROOT / room).rglob("__init__.py")}
    folders |= {path.parent for path in (ROOT / PACKAGE).rglob("__init__.py")}
    names = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    wanted = {name if name.split(".")[0] == PACKAGE else f"{PACKAGE}.{name}" for name in names}
    assert set(setup["options"]["packages"].split()) == wanted
    assert {source.room for source in package} - {DOOR} == set(RANK)


CLEAN = {
    "leukemia_tf/__init__.py": "def __getattr__(name):\n    from leukemia_tf.workflows.train import train\n",
    "leukemia_tf/__main__.py": "from leukemia_tf import __version__, config\n",
    "leukemia_tf/cli.py": "import tyro\nimport os\nfrom leukemia_tf import config\nos._exit(1)\n",
    "leukemia_tf/train.py": """
        from typing import TYPE_CHECKING
        from leukemia_tf.cli import run_command
        from leukemia_tf.config import TrainConfig
        if TYPE_CHECKING:
            from leukemia_tf.runs.run_folder import RunFolder
        def train(config):
            from leukemia_tf.workflows.train import train as run
    """,
    "leukemia_tf/core/files.py": "import os\nSUFFIX = '.json'\n",
    "leukemia_tf/config/__init__.py": "from leukemia_tf.core import files\n",
    "leukemia_tf/runs/run_folder.py": "import leukemia_tf\nMETRICS = 'metrics.json'\nleukemia_tf.__version__\n",
    "leukemia_tf/data/preprocessing.py": "BACKGROUND = 16\n",
    "leukemia_tf/data/graph.py": "import tensorflow as tf\nfrom leukemia_tf.data.preprocessing import BACKGROUND\n",
    "leukemia_tf/workflows/train.py": """
        from leukemia_tf.explain import cams
        def train(config):
            '''Write metrics.json.'''
            import ray
            model.get_layer(LOGIT)
    """,
    "models/keras_internals.py": "import keras\ndef nodes(model):\n    return model._nodes_by_depth\n",
    "models/network.py": """
        import keras
        from leukemia_tf.data.preprocessing import BACKGROUND
        class Network:
            def __init__(self):
                self._own = keras.layers.Dense(1, name="logit")
            def call(self):
                return self._own
    """,
    "models/__main__.py": "from leukemia_tf.cli import run_command\nfrom leukemia_tf.models.network import Network\n",
    "explain/cams.py": "from leukemia_tf.models import network\n",
}
PLANTED = (
    (against_the_order, "leukemia_tf/core/files.py", "from leukemia_tf.config import TrainConfig"),
    (against_the_order, "leukemia_tf/data/graph.py", "from leukemia_tf.models.network import Network"),
    (against_the_order, "leukemia_tf/data/graph.py", "from ..models import network"),
    (against_the_order, "explain/cams.py", "def heat():\n    from leukemia_tf.serving import app"),
    (against_the_order, "leukemia_tf/workflows/train.py", "from leukemia_tf.train import train"),
    (against_the_order, "leukemia_tf/workflows/train.py", "from leukemia_tf import train"),
    (against_the_order, "leukemia_tf/workflows/train.py", "from leukemia_tf.models.__main__ import describe"),
    (against_the_order, "leukemia_tf/runs/run_folder.py", "import leukemia_tf.recipes"),
    (more_than_the_version, "leukemia_tf/runs/run_folder.py", "leukemia_tf.load_model('x')"),
    (heavy_commands, "leukemia_tf/train.py", "from leukemia_tf.models.__main__ import describe"),
    (heavy_commands, "leukemia_tf/train.py", "from leukemia_tf import evaluate"),
    (heavy_commands, "leukemia_tf/train.py", "from leukemia_tf.workflows.train import train as run"),
    (heavy_commands, "leukemia_tf/train.py", "def more():\n    from leukemia_tf.workflows.evaluate import evaluate"),
    (heavy_commands, "leukemia_tf/cli.py", "from leukemia_tf.train import train"),
    (late_imports, "explain/cams.py", "def heat():\n    import tensorflow as tf"),
    (
        late_imports,
        "leukemia_tf/workflows/train.py",
        "class A:\n    def b(self):\n        from leukemia_tf.core import c",
    ),
    (tensorflow_in_models, "models/network.py", "from tensorflow import keras as other"),
    (tensorflow_in_models, "models/network.py", "from leukemia_tf.data.graph import preprocess"),
    (keras_internals, "explain/cams.py", "model._run_through_graph([])"),
    (keras_internals, "models/network.py", "class Mine(keras.Model):\n    def f(self):\n        self._losses"),
    (keras_internals, "explain/cams.py", "from keras.src.models import Functional"),
    (run_file_names, "leukemia_tf/workflows/train.py", "path = folder / 'metrics.json'"),
    (run_file_names, "leukemia_tf/workflows/train.py", "path = f'predictions-{part}.csv'"),
    (layer_names, "explain/cams.py", "model.get_layer('logit')"),
    (layer_names, "explain/cams.py", "[layer for layer in model.layers if layer.name == 'scale']"),
    (layer_names, "explain/cams.py", "[layer for layer in model.layers if layer.name.startswith('pool')]"),
    (layer_names, "leukemia_tf/data/graph.py", "layers.Dense(1, name='logit')"),
    (command_line_below, "leukemia_tf/config/__init__.py", "import tyro"),
)


def plant(root: Path, **more: str) -> list[Source]:
    for name, text in CLEAN.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text) + "\n" + more.get(name, "") + "\n", encoding="utf-8")
    return sources(root)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_clean_tree(rule, tmp_path):
    assert list(rule(plant(tmp_path))) == []


@pytest.mark.parametrize(("rule", "file", "line"), PLANTED)
def test_a_planted_fault(rule, file, line, tmp_path):
    faults = list(rule(plant(tmp_path, **{file: line})))
    assert len(faults) == 1
    name = file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    assert faults[0].startswith((name, f"{PACKAGE}.{name}"))
