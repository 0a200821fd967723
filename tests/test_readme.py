"""The README's Python runs as it stands."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_python_of_the_readme(tiny_cells, tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(code.strip().splitlines()) <= 10
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEUKEMIA_TF_DATA", str(tiny_cells))
    names = {}
    exec(code, names)
    assert (tmp_path / "runs").is_dir()
    assert list(tmp_path.rglob("*gradcam.png"))
