"""Where the cache is, and which folders are trusted; each rule from both sides, with real modes, owners and links."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import nnshape
from nnshape.cache import Store, UnusableFolderError, cache_folder, folder_for

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="links, owners and permissions of POSIX")
AS_ROOT = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root has two users' rights")
DOCUMENT = {"a": [1, "ü", None, True]}


def documents(folder):
    return [path for path in folder.iterdir() if len(path.name) == 64]


def test_the_folder_is_the_platforms(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == str(tmp_path / "nnshape")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder().startswith(str(tmp_path))
    assert "relative" not in cache_folder()


@POSIX
def test_what_is_created_is_the_users_alone_and_tagged(tmp_path):
    store = Store(str(tmp_path / "above" / "nnshape"), "test")
    store.put(DOCUMENT, "k")
    for path in (tmp_path / "above", tmp_path / "above" / "nnshape"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    (name,) = set(os.listdir(store.folder)) - {"CACHEDIR.TAG"}
    assert stat.S_IMODE(Path(store.folder, name).stat().st_mode) == 0o600
    tag = Path(store.folder, "CACHEDIR.TAG").read_bytes()
    assert tag.startswith(b"Signature: 8a477f597d28d172789f06886806bc55\n")


@POSIX
@pytest.mark.parametrize(("mode", "trusted"), [(0o700, True), (0o755, True), (0o775, False), (0o702, False)])
def test_a_folder_that_others_may_write_to_is_not_used(store, folder, mode, trusted):
    store.put(DOCUMENT, "k")
    folder.chmod(mode)
    assert store.get("k") == (DOCUMENT if trusted else None)
    store.put(DOCUMENT, "other")
    assert len(os.listdir(folder)) == (3 if trusted else 2)
    if not trusted:
        for refused in (store.check, store.clear):
            with pytest.raises(UnusableFolderError, match="other users may write to it"):
                refused()


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o622])
def test_a_document_that_others_may_write_to_is_not_read(store, folder, mode):
    store.put(DOCUMENT, "k")
    (path,) = documents(folder)
    path.chmod(mode)
    assert store.get("k") == (None if mode & 0o022 else DOCUMENT)


@AS_ROOT
@pytest.mark.parametrize("owned", ["the folder", "the document", "nothing"])
def test_what_belongs_to_another_user_is_not_read(store, folder, owned):
    store.put(DOCUMENT, "k")
    if owned == "the folder":
        os.chown(folder, 65534, 65534)
    elif owned == "the document":
        os.chown(documents(folder)[0], 65534, 65534)
    assert store.get("k") == (DOCUMENT if owned == "nothing" else None)
    if owned == "the folder":
        with pytest.raises(UnusableFolderError, match="it belongs to another user"):
            store.check()


@AS_ROOT
def test_a_process_of_another_user_uses_no_folder_of_this_one():
    with tempfile.TemporaryDirectory() as shared:
        os.chmod(shared, 0o1777)
        theirs = Store(os.path.join(shared, "nnshape"), "test")
        theirs.put(DOCUMENT, "k")
        os.chmod(theirs.folder, 0o755)
        code = (
            "import os; from nnshape.cache import Store; os.setgid(65534); os.setuid(65534)\n"
            f"mine, theirs = (Store(os.path.join({shared!r}, name), 'test') for name in ('mine', 'nnshape'))\n"
            "mine.put({'b': 1}, 'k'); theirs.put({'b': 1}, 'k')\n"
            "print(mine.get('k'), theirs.get('k'))"
        )
        environment = {**os.environ, "PYTHONPATH": str(Path(nnshape.__file__).parents[1])}
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
        assert run.stdout == "{'b': 1} None\n", run.stderr
        assert theirs.get("k") == DOCUMENT


@POSIX
def test_a_folder_that_is_a_link_is_neither_read_nor_cleared(store, folder, tmp_path):
    store.put(DOCUMENT, "k")
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to("elsewhere")
    before = sorted(os.listdir(tmp_path / "elsewhere"))
    assert store.get("k") is None
    store.put(DOCUMENT, "other")
    store.prune()
    with pytest.raises(UnusableFolderError, match="it is a link"):
        store.clear()
    assert sorted(os.listdir(tmp_path / "elsewhere")) == before
    folder.unlink()
    (tmp_path / "elsewhere").rename(folder)
    assert store.get("k") == DOCUMENT


@POSIX
def test_nothing_is_created_behind_a_link(store, folder, tmp_path):
    folder.symlink_to("missing")
    store.put(DOCUMENT, "k")
    assert os.listdir(tmp_path) == ["nnshape"]


def test_a_folder_of_other_files_is_used_only_if_it_is_tagged(store, folder):
    folder.mkdir(mode=0o700)
    (folder / "thesis.txt").write_text("all of it")
    store.put(DOCUMENT, "k")
    for refused in (store.check, store.clear):
        with pytest.raises(UnusableFolderError, match="it holds files that nnshape did not make"):
            refused()
    assert os.listdir(folder) == ["thesis.txt"]
    (folder / "thesis.txt").rename(folder.parent / "thesis.txt")
    store.put(DOCUMENT, "k")
    (folder.parent / "thesis.txt").rename(folder / "thesis.txt")
    assert store.get("k") == DOCUMENT
    store.clear()
    assert sorted(os.listdir(folder)) == ["CACHEDIR.TAG", "thesis.txt"]


def test_the_tag_of_another_program_does_not_count(store, folder):
    folder.mkdir(mode=0o700)
    (folder / "CACHEDIR.TAG").write_bytes(b"Signature: 8a477f597d28d172789f06886806bc55\n# pip\n")
    (folder / "wheels").mkdir()
    with pytest.raises(UnusableFolderError, match="nnshape did not make"):
        store.clear()


def test_a_file_in_its_place_is_left_alone(store, folder):
    folder.write_text("mine")
    assert store.get("k") is None
    store.put(DOCUMENT, "k")
    with pytest.raises(UnusableFolderError, match="it is not a folder"):
        store.check()
    assert folder.read_text() == "mine"


@POSIX
@pytest.mark.parametrize(
    ("cache", "path", "marks", "used"),
    [
        ("tree/.cache", "tree", [], False),
        ("tree/.cache", "tree/model.yaml", [], False),
        ("tree/.cache", "tree/configs", [], True),
        ("tree/.cache", "tree/configs", ["tree/.git/"], False),
        ("tree/.cache", "tree/configs/model.yaml", ["tree/.git/"], False),
        ("tree/.cache", "tree/configs", ["tree/pyproject.toml"], False),
        ("tree/.cache", "tree/configs", ["tree/pyproject.toml", "tree/configs/pyproject.toml"], False),
        ("tree/.cache", "tree/configs", ["tree/configs/.git", "tree/.git/"], False),  # a submodule
        (".cache", "tree/configs", ["tree/.git/", ".git/"], True),  # a repository of the home folder
        (".cache", "tree", [], True),
        ("tree", "tree", [], False),
        ("tree-2", "tree", [], True),
        ("linked/.cache", "tree", [], False),
    ],
)
def test_a_folder_inside_the_tree_is_not_used(tmp_path, monkeypatch, cache, path, marks, used):
    (tmp_path / "tree" / "configs").mkdir(parents=True)
    (tmp_path / "linked").symlink_to("tree")
    for mark in marks:
        if mark.endswith("/"):
            (tmp_path / mark).mkdir()
        else:
            (tmp_path / mark).write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / cache))
    wanted = str(tmp_path / cache / "nnshape") if used else None
    assert folder_for([str(tmp_path / path)]) == wanted
    assert folder_for(["/", str(tmp_path / path)]) is None
    is_file = path.endswith(".yaml")
    monkeypatch.chdir(tmp_path / os.path.dirname(path) if is_file else tmp_path / path)
    assert folder_for(["-" if is_file else "."]) == wanted


def test_a_folder_that_vanishes_meanwhile_is_made_again(store, folder):
    store.put(DOCUMENT, "k")
    shutil.rmtree(folder)
    assert store.get("k") is None
    store.put(DOCUMENT, "k")
    assert store.get("k") == DOCUMENT
