"""Writing a fixed file: nothing is lost, whatever the file is and whatever happens meanwhile."""

import os
import stat
import sys

import pytest

import nnshape
from nnshape.fixes import rewrite, settled
from nnshape.spec import Source, read_source

NO_ROOT = pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may write anything")


def fix(path) -> None:
    trace = nnshape.trace(path)
    rewrite(trace.spec.source, settled(trace).text)


@pytest.fixture
def file(tmp_path, wrong):
    path = tmp_path / "model.yaml"
    path.write_bytes(wrong.encode())
    return path


def test_the_file_is_mended_and_nothing_else_is_left_in_the_folder(file, mended):
    fix(file)
    assert file.read_bytes() == mended.encode()
    assert [path.name for path in file.parent.iterdir()] == ["model.yaml"]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_line_ends_and_a_mark_are_kept(file, wrong, mended, mark, end):
    file.write_bytes(mark + wrong.replace("\n", end).encode())
    fix(file)
    assert file.read_bytes() == mark + mended.replace("\n", end).encode()


def test_characters_beyond_ascii_are_kept(file):
    text = "# größer 🙂\ninput: 8\nlayers:\n  größe: Linear(7, 4)  # 世界\n"
    file.write_bytes(text.encode())
    fix(file)
    assert file.read_bytes() == text.replace("7", "8").encode()


def test_a_missing_last_line_end_stays_missing(file):
    file.write_bytes(b"input: 8\nlayers:\n  a: Linear(7, 4)")
    fix(file)
    assert file.read_bytes() == b"input: 8\nlayers:\n  a: Linear(8, 4)"


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_permissions_are_kept(file):
    file.chmod(0o640)
    fix(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="symlinks need leave there")
def test_a_link_stays_and_its_target_is_written(file, mended, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.yaml"
    link.symlink_to("../model.yaml")
    fix(link)
    assert link.is_symlink()
    assert file.read_bytes() == mended.encode()


def test_a_file_that_changed_since_it_was_read_is_left_alone(file):
    trace = nnshape.trace(file)
    file.write_text("input: 3\nlayers:\n  mine: ReLU()\n")
    with pytest.raises(nnshape.SpecError, match="it has changed since it was read"):
        rewrite(trace.spec.source, settled(trace).text)
    assert file.read_text() == "input: 3\nlayers:\n  mine: ReLU()\n"


def test_a_file_that_changes_while_it_is_written_is_left_alone(file, monkeypatch):
    trace = nnshape.trace(file)
    text = settled(trace).text

    def meanwhile(descriptor: int) -> None:
        file.write_text("theirs")

    monkeypatch.setattr(os, "fsync", meanwhile)
    with pytest.raises(nnshape.SpecError, match="changed"):
        rewrite(trace.spec.source, text)
    assert file.read_text() == "theirs"
    assert len(list(file.parent.iterdir())) == 1


@pytest.mark.parametrize("step", ["replace", "fsync", "chmod"])
def test_an_interruption_leaves_the_old_file_whole(file, wrong, monkeypatch, step):
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        fix(file)
    monkeypatch.undo()
    assert file.read_bytes() == wrong.encode()
    assert [path.name for path in file.parent.iterdir()] == ["model.yaml"]


def test_a_full_disk_leaves_the_old_file_whole(file, wrong, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(nnshape.SpecError, match="No space left on device; nothing was changed"):
        fix(file)
    assert file.read_bytes() == wrong.encode()


def test_a_read_only_file_is_not_written(file, wrong, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(nnshape.SpecError, match="permission is denied"):
        fix(file)
    assert file.read_bytes() == wrong.encode()


@NO_ROOT
def test_a_folder_that_cannot_be_written_is_told(file, wrong):
    file.parent.chmod(0o500)
    try:
        with pytest.raises(nnshape.SpecError, match=r"[Pp]ermission"):
            fix(file)
    finally:
        file.parent.chmod(0o700)
    assert file.read_bytes() == wrong.encode()


def test_a_file_that_is_gone_is_told(file):
    source = read_source(file)
    file.unlink()
    with pytest.raises(nnshape.SpecError, match="No such file"):
        rewrite(source, "x")


@pytest.mark.parametrize("name", ["<stdin>", "<text>"])
def test_what_was_no_file_is_not_written(name):
    with pytest.raises(nnshape.SpecError, match="it was not read from a file"):
        rewrite(Source(name, "a"), "b")
