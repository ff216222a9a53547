"""Writing a fixed file: nothing is lost, whatever the file is and whatever happens meanwhile."""

import os
import stat
import sys

import pytest

import nnshape
from nnshape.fixes import apply_fixes, rewrite
from nnshape.spec import Source, read_source

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and permissions of POSIX")
NO_ROOT = pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may write anything")


def fix(path) -> None:
    trace = nnshape.trace(path)
    rewrite(trace.spec.source, apply_fixes(trace).text)


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


@POSIX
def test_permissions_are_kept(file):
    file.chmod(0o640)
    fix(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@POSIX
@pytest.mark.parametrize("is_fixed_through_it", [False, True], ids=["a link", "the file"])
def test_nothing_is_written_through_a_link(file, wrong, mended, tmp_path, is_fixed_through_it):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.yaml"
    link.symlink_to("../model.yaml")
    if is_fixed_through_it:
        fix(file)
    else:
        with pytest.raises(nnshape.SpecError, match=r"link\.yaml is a link; nothing was changed"):
            fix(link)
    assert link.is_symlink()
    assert file.read_bytes() == (mended if is_fixed_through_it else wrong).encode()


@POSIX
@pytest.mark.parametrize("mark", [".git", "pyproject.toml", "the current folder"])
def test_nothing_is_written_through_a_folder_of_the_tree_that_is_a_link(tmp_path, wrong, monkeypatch, mark):
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    (outside / "sub").mkdir(parents=True)
    tree.mkdir()
    (tree / "configs").symlink_to(outside)
    if mark == ".git":
        (tree / ".git").mkdir()
    elif mark == "pyproject.toml":
        (tree / "pyproject.toml").write_text("")
    else:
        monkeypatch.chdir(tree)
    target = outside / "sub" / "model.yaml"
    target.write_text(wrong)
    name = "configs/sub/model.yaml" if mark == "the current folder" else tree / "configs" / "sub" / "model.yaml"
    with pytest.raises(nnshape.SpecError, match=r"configs is a link; nothing was changed"):
        fix(name)
    assert target.read_text() == wrong


@POSIX
def test_a_link_above_the_tree_is_the_users_own(tmp_path, wrong, mended):
    tree = tmp_path / "real" / "tree"
    (tree / ".git").mkdir(parents=True)
    (tmp_path / "home").symlink_to("real")
    (tree / "model.yaml").write_text(wrong)
    fix(tmp_path / "home" / "tree" / "model.yaml")
    assert (tree / "model.yaml").read_text() == mended


@POSIX
def test_a_folder_that_becomes_a_link_meanwhile_is_not_followed(tmp_path, wrong, mended, monkeypatch):
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    for folder in (tree / "configs", outside):
        folder.mkdir(parents=True)
        (folder / "model.yaml").write_text(wrong)
    fsync = os.fsync

    def swapped(descriptor: int) -> None:
        (tree / "configs").rename(tree / "moved")
        (tree / "configs").symlink_to(outside)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", swapped)
    fix(tree / "configs" / "model.yaml")
    assert (outside / "model.yaml").read_text() == wrong
    assert (tree / "moved" / "model.yaml").read_text() == mended


@POSIX
def test_a_file_that_becomes_a_link_meanwhile_is_not_followed(file, tmp_path, wrong, monkeypatch):
    other = tmp_path / "other.txt"
    other.write_text(wrong)

    def swapped(descriptor: int) -> None:
        file.unlink()
        file.symlink_to(other)

    monkeypatch.setattr(os, "fsync", swapped)
    with pytest.raises(nnshape.SpecError, match="is a link; nothing was changed"):
        fix(file)
    assert (other.read_text(), sorted(path.name for path in tmp_path.iterdir())) == (wrong, ["model.yaml", "other.txt"])


@POSIX
def test_a_hard_link_keeps_the_old_text(file, tmp_path, wrong, mended):
    other = tmp_path / "other.yaml"
    os.link(file, other)
    fix(file)
    assert (file.read_text(), other.read_text()) == (mended, wrong)


@POSIX
def test_a_pipe_in_place_of_the_file_is_not_waited_for(file):
    source = read_source(file)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(nnshape.SpecError, match="it is not a regular file"):
        rewrite(source, "x")


def test_a_file_that_changed_since_it_was_read_is_left_alone(file):
    trace = nnshape.trace(file)
    file.write_text("input: 3\nlayers:\n  mine: ReLU()\n")
    with pytest.raises(nnshape.SpecError, match="it has changed since it was read"):
        rewrite(trace.spec.source, apply_fixes(trace).text)
    assert file.read_text() == "input: 3\nlayers:\n  mine: ReLU()\n"


def test_a_file_that_changes_while_it_is_written_is_left_alone(file, monkeypatch):
    trace = nnshape.trace(file)
    text = apply_fixes(trace).text

    def meanwhile(descriptor: int) -> None:
        file.write_text("theirs")

    monkeypatch.setattr(os, "fsync", meanwhile)
    with pytest.raises(nnshape.SpecError, match="changed"):
        rewrite(trace.spec.source, text)
    assert file.read_text() == "theirs"
    assert len(list(file.parent.iterdir())) == 1


@pytest.mark.parametrize("step", ["replace", "fsync", "fchmod"])
def test_an_interruption_leaves_the_old_file_whole(file, wrong, monkeypatch, step):
    def interrupted(*arguments: object, **keywords: object) -> None:
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


@NO_ROOT
def test_a_read_only_file_is_not_written(file, wrong):
    file.chmod(0o400)
    with pytest.raises(nnshape.SpecError, match="Permission denied"):
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
