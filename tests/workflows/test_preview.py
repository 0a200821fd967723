"""The preview of an image: every framing and contrast, or its augmented views."""

import cv2
import pytest

from leukemia_tf.config import PreviewConfig
from leukemia_tf.core.errors import UserError
from leukemia_tf.workflows.preview import preview


@pytest.mark.parametrize("flags", [{}, {"augmentations": True}])
def test_preview(tiny_cells, tmp_path, monkeypatch, flags):
    monkeypatch.chdir(tmp_path)
    image = tmp_path / "data" / "cell.bmp"
    image.parent.mkdir()
    image.write_bytes(next(tiny_cells.rglob("*.bmp")).read_bytes())
    drawn = cv2.imread(str(preview(PreviewConfig(image, **flags))))
    assert drawn.std() > 10
    assert {path.name for path in tmp_path.rglob("*.*")} == {"cell.bmp", "cell-preview.png"}
    assert list(image.parent.iterdir()) == [image]
    with pytest.raises(UserError, match="Received: framing='boxed'"):
        preview(PreviewConfig(image, framing="boxed"))


def test_a_second_preview_gets_a_number(tiny_cells, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = next(tiny_cells.rglob("*.bmp"))
    names = [preview(PreviewConfig(image)).name for _ in range(2)]
    assert names == [f"{image.stem}-preview.png", f"{image.stem}-2-preview.png"]
