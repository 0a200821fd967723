"""Names of pictures: distinct in one call, and free in the working directory."""

from pathlib import Path

from leukemia_tf.workflows.output_names import OutputNames, default_picture


def test_names_in_a_named_folder_are_distinct_and_may_be_written_over(tmp_path):
    (tmp_path / "cell-map.png").touch()
    names = OutputNames(tmp_path, ["-map.png"])
    assert [names.stem("cell").name for _ in range(3)] == ["cell", "cell-2", "cell-3"]
    assert [names.numbered("sheet").name for _ in range(2)] == ["sheet-1", "sheet-2"]


def test_names_in_the_working_directory_are_free(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for taken in ("cell-map.png", "cell-2-arrays.npz", "sheet-1-map.png"):
        Path(taken).touch()
    names = OutputNames(None, ["-map.png", "-arrays.npz"])
    assert names.stem("cell") == Path("cell-3")
    assert names.stem("cell") == Path("cell-4")
    assert names.numbered("sheet") == Path("sheet-2")
    assert default_picture(Path("data/cell.v2.bmp"), "map") == Path("cell.v2-map.png")
    assert default_picture(Path("data/cell.bmp"), "map") == Path("cell-2-map.png")
