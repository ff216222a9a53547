"""A store gives back what was put, or forgets; it never gives anything else."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import nnshape
from nnshape.cache import Store
from nnshape.cache.store import MAX_BYTES, _digest

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")
DOCUMENT = {"a": [1, "ü", None, True, 0.5, -(10**16)]}


def documents(folder):
    return sorted(path for path in folder.iterdir() if len(path.name) == 64)


def forge(path, data):
    path.write_bytes(_digest(path.name.encode(), data) + b"\n" + data)


def test_a_document_is_found_under_its_key_alone(store):
    store.put(DOCUMENT, "a", "bc")
    assert store.get("a", "bc") == DOCUMENT
    for key in (("ab", "c"), ("abc",), ("a", "bc", ""), ("bc", "a"), ("a\0bc",)):
        assert store.get(*key) is None
    assert Store(store.folder, "proof").get("a", "bc") is None
    store.put({"b": 2}, "a", "bc")
    assert store.get("a", "bc") == {"b": 2}


def test_without_a_folder_nothing_is_kept():
    store = Store(None, "test")
    store.put(DOCUMENT, "k")
    assert store.get("k") is None
    store.clear()
    store.prune()
    store.check()


def test_a_document_under_the_name_of_another_is_forgotten(store, folder):
    store.put({"clean": True}, "harmless")
    (clean,) = documents(folder)
    store.put({"clean": False}, "wrong")
    (wrong,) = set(documents(folder)) - {clean}
    wrong.write_bytes(clean.read_bytes())
    assert store.get("harmless") == {"clean": True}
    assert store.get("wrong") is None


HOSTILE = {
    "empty": b"",
    "list": b"[]",
    "null": b"null",
    "number": b"1",
    "cut off": b"{",
    "deep lists": b"[" * 500_000,
    "deep objects": b'{"a":' * 100_000,
    "long number": b'{"a": ' + b"9" * 19 + b"}",
    "very long number": b'{"a": ' + b"9" * 1_000_000 + b"}",
    "NaN": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "no UTF-8": b'{"a": "\xff"}',
    "raw control character": b'{"a": "\x1b"}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_forgotten(store, folder, name):
    store.put(DOCUMENT, "k")
    (path,) = documents(folder)
    forge(path, HOSTILE[name])
    assert store.get("k") is None
    store.put(DOCUMENT, "k")
    assert store.get("k") == DOCUMENT


def test_a_well_formed_forgery_would_be_believed(store, folder):
    # So that the test above can fail: only the folder's owner and mode keep forgers out.
    store.put(DOCUMENT, "k")
    (path,) = documents(folder)
    forge(path, b'{"a": 999999999999999999}')
    assert store.get("k") == {"a": 10**18 - 1}


@pytest.mark.parametrize("over", [0, 1])
def test_a_document_is_kept_up_to_a_size(store, folder, over):
    rest = len(json.dumps({"a": ""}, separators=(",", ":"))) + 65
    store.put({"a": "x" * (MAX_BYTES - rest + over)}, "k")
    assert (store.get("k") is None) == bool(over)
    if not over:
        (path,) = documents(folder)
        assert path.stat().st_size == MAX_BYTES
        with path.open("ab") as file:
            file.write(b" ")
        assert store.get("k") is None


def test_an_endless_document_is_not_read(store, folder):
    store.put(DOCUMENT, "k")
    (path,) = documents(folder)
    with path.open("r+b") as file:
        file.truncate(1 << 40)
    assert store.get("k") is None


@POSIX
@pytest.mark.parametrize("place", ["link", "link to a folder", "pipe", "folder", "/dev/zero"])
def test_what_is_no_regular_file_is_neither_read_nor_waited_for(store, folder, tmp_path, place):
    store.put(DOCUMENT, "k")
    (path,) = documents(folder)
    target = tmp_path / "target"
    path.rename(target)
    if place == "link":
        path.symlink_to(target)
    elif place == "link to a folder":
        path.symlink_to(tmp_path)
    elif place == "pipe":
        os.mkfifo(path)
    elif place == "folder":
        path.mkdir()
    else:
        path.symlink_to(place)
    assert store.get("k") is None
    before = target.read_bytes()
    store.put({"b": 1}, "k")
    assert target.read_bytes() == before, "a link is replaced, and not written through"
    assert store.get("k") == (None if place == "folder" else {"b": 1})


@POSIX
def test_clearing_and_pruning_touch_nothing_behind_a_link(store, folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    theirs = outside / ("a" * 64)
    theirs.write_text("theirs")
    os.utime(theirs, (0, 0))
    store.put(DOCUMENT, "k")
    (folder / ("b" * 64)).symlink_to(theirs)
    (folder / ("c" * 64)).symlink_to(outside)
    (folder / "pruned").symlink_to(theirs)
    (folder / "sub").symlink_to(outside)
    for name in ("pruned", "b" * 64, "c" * 64):
        os.utime(folder / name, (0, 0), follow_symlinks=False)
    store.prune()
    assert not (folder / "pruned").is_symlink()
    assert len(documents(folder)) == 1
    (folder / ("b" * 64)).symlink_to(theirs)
    store.clear()
    assert sorted(os.listdir(folder)) == ["CACHEDIR.TAG", "sub"]
    assert [path.read_text() for path in outside.iterdir()] == ["theirs"]
    assert theirs.stat().st_mtime == 0


@pytest.mark.parametrize("days", [-31, -29, 31])
def test_a_document_that_no_run_asked_for_in_a_month_is_removed(store, folder, days):
    store.put(DOCUMENT, "k")
    (path,) = documents(folder)
    at = time.time() + days * 24 * 60 * 60
    os.utime(path, (at, at))
    store.prune()
    assert bool(documents(folder)) == (days == -29)


def test_pruning_looks_once_a_day(store, folder):
    store.prune()
    for looked, is_due in ((time.time(), False), (0, True), (time.time() + 10**6, True)):
        store.put(DOCUMENT, "k")
        if looked == 0 or not is_due:
            store.prune()  # makes the mark where there is none
        os.utime(folder / "pruned", (looked, looked))
        os.utime(documents(folder)[0], (0, 0))
        store.prune()
        assert bool(documents(folder)) != is_due


def test_a_document_that_is_asked_for_stays(store, folder):
    store.put(DOCUMENT, "k")
    os.utime(documents(folder)[0], (0, 0))
    assert store.get("k") == DOCUMENT
    store.prune()
    assert store.get("k") == DOCUMENT


def test_temporary_files_of_a_killed_run_are_cleared(store, folder):
    store.put(DOCUMENT, "k")
    (folder / ".nnshape-0123").write_text("half")
    store.clear()
    assert os.listdir(folder) == ["CACHEDIR.TAG"]


def test_processes_at_the_same_time_see_whole_documents(store, folder):
    code = (
        "import sys; from nnshape.cache import Store; store = Store(sys.argv[1], 'test')\n"
        "for i in range(200):\n"
        "    store.put({'text': sys.argv[2] * 5000}, 'k')\n"
        "    found = store.get('k')\n"
        "    print('lost') if found is None else print(len(set(found['text'])), len(found['text']))\n"
        "    if i % 50 == 49 and sys.argv[2] == 'a':\n"
        "        store.clear()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(nnshape.__file__).parents[1])}
    commands = [[sys.executable, "-c", code, store.folder, letter] for letter in "ab"]
    runs = [subprocess.Popen(c, env=environment, stdout=subprocess.PIPE, text=True) for c in commands]
    for run in runs:
        lines = run.communicate(timeout=60)[0].splitlines()
        assert (run.returncode, len(lines)) == (0, 200)
        assert set(lines) <= {"1 5000", "lost"}
        assert lines.count("1 5000") > 100
    assert not [name for name in os.listdir(folder) if name.startswith(".nnshape-")]
