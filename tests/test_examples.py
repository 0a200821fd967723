"""The notebook of examples/, run from top to bottom as a reader would."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_quickstart(tmp_path, monkeypatch):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    notebook = nbformat.read(ROOT / "examples" / "quickstart.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    texts = ["".join(_texts(cell)) for cell in notebook.cells if cell.cell_type == "code"]
    trained = next(text for text in texts if "run folder:" in text)
    assert "0 of" in next(text for text in texts if "patients shared" in text)
    assert [line for line in trained.splitlines() if "epoch" in line and "val_loss" in line]  # one line per epoch
    assert "test AUROC by patient" in trained
    assert sum("data:image/png" in str(output.get("data", {})) for output in _outputs(notebook)) == 2
    assert not [text for text in texts if "oneDNN" in text or "cuda" in text.lower()]


def _outputs(notebook):
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def _texts(cell):
    for output in cell.outputs:
        yield output.get("text", "") or output.get("data", {}).get("text/plain", "")


def test_the_notebook_holds_no_output():
    text = (ROOT / "examples" / "quickstart.ipynb").read_text(encoding="utf-8")
    assert '"outputs": []' in text
    assert '"output_type"' not in text
    assert os.linesep == "\n" or "\r" not in text
