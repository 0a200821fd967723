"""Files that are there whole or not at all, after a power cut too."""

import os
import stat

import pytest

from leukemia_tf.core import files
from leukemia_tf.core.errors import DamagedFileError
from leukemia_tf.core.files import copy_atomically, read_csv, read_json, read_record, write_atomically


def test_the_content_reaches_the_disk_before_the_name_and_the_name_after_it(tmp_path, monkeypatch):
    steps = []

    def flush(handle):
        steps.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "content")
        os_fsync(handle)

    def replace(source, target):
        steps.append("name")
        os_replace(source, target)

    os_fsync, os_replace = os.fsync, os.replace
    monkeypatch.setattr(files.os, "fsync", flush)
    monkeypatch.setattr(files.os, "replace", replace)
    write_atomically(tmp_path / "a.txt", lambda scratch: scratch.write_text("new"))
    assert steps == ["content", "name", "folder"]


def test_a_write_that_fails_leaves_the_former_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("former")

    def write(scratch):
        scratch.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, write)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("a.txt", "former")]


def test_a_copy_is_the_file(tmp_path):
    (tmp_path / "a").write_bytes(b"\x00\xff")
    assert copy_atomically(tmp_path / "a", tmp_path / "new" / "b").read_bytes() == b"\x00\xff"


@pytest.mark.parametrize(
    ("read", "content", "reason"),
    [
        (read_json, b"{", "Expecting property name"),
        (read_json, b"\x93\xff", "decode"),
        (read_record, b"[]", "it holds list, not an object"),
        (lambda path: read_csv(path, ("path", "label")), b"path\na\n", "it has no column label"),
        (lambda path: read_csv(path, ("path", "label")), b"path,label\na,all\nb\n", "line 3 is cut short"),
        (lambda path: read_csv(path, ("path",)), b"", "it has no column path"),
        (read_csv, b'path\n"' + b"a" * 200_000, "field larger than field limit"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_named(read, content, reason, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=reason) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path} is damaged, or another file (")
