"""An unchanged file is not judged again; whatever is wrong with the cache, the answer is the same."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import nnshape
from nnshape.checking import Cache, cache_folder, judging, running

ROOT = Path(nnshape.__file__).parents[1]
INCLUDER = "input: 8\ninclude: {lib: lib.yaml}\nlayers:\n  a: lib.B()\n"


@pytest.fixture
def judged(monkeypatch):
    """The names of the files that were judged, and not remembered."""
    names = []

    def judge(task):
        names.append(task.source.name)
        return judging.judge(task)

    monkeypatch.setattr(running, "judge", judge)
    return names


@pytest.fixture
def cache(tmp_path_factory):
    return Cache(str(tmp_path_factory.mktemp("cache")))


def entries(cache):
    return [path for path in Path(cache._root).rglob("*") if path.is_file() and path.name != "pruned"]


def texts(report):
    return [
        (outcome.name, outcome.variants, outcome.traced, outcome.proved, finding.variants, finding.told())
        for outcome, finding in report.findings
    ]


def test_the_second_answer_is_remembered_and_the_same(project, checked, cache, judged):
    project(
        a_yaml="input: 8\nlayers:\n  a: ReLU()\n",
        b_yaml="input: 8\nhparams: {w: 7}\nvariants: {v: {w: 6}}\nlayers:\n  a: Linear(8, 4)\n  b: Linear(w, 3)\n",
        lib_yaml="blocks:\n  B():\n    fc: Linear(7, 3)\n",
        c_yaml=INCLUDER,
    )
    first = checked(cache=cache)
    assert judged == ["a.yaml", "b.yaml", "c.yaml"]
    second = checked(cache=cache)
    assert len(judged) == 3
    assert texts(first) == texts(second) == texts(checked())
    assert first.summary == second.summary


def test_a_changed_text_is_judged_again(project, checked, cache, judged):
    project(a_yaml="input: 8\nlayers:\n  a: ReLU()\n")
    checked(cache=cache)
    project(a_yaml="input: 8\nlayers:\n  a: Linear(7, 2)\n")
    assert checked(cache=cache).errors == 1
    project(a_yaml="input: 8\nlayers:\n  a: ReLU()\n")
    assert checked(cache=cache).errors == 0
    assert judged == ["a.yaml"] * 2


def test_a_changed_include_is_seen_at_any_depth(project, checked, cache, judged):
    project(
        a_yaml=INCLUDER,
        lib_yaml="include: {deep: sub/deep.yaml}\nblocks:\n  B():\n    fc: deep.C()\n",
        sub__deep_yaml="blocks:\n  C():\n    fc: Linear(8, 3)\n",
    )
    assert checked(cache=cache).errors == 0
    assert checked(cache=cache).errors == 0
    assert judged == ["a.yaml"]
    project(sub__deep_yaml="blocks:\n  C():\n    fc: Linear(7, 3)\n")
    assert checked(cache=cache).errors == 1
    Path("sub/deep.yaml").unlink()
    assert checked(cache=cache).errors >= 1
    project(sub__deep_yaml="blocks:\n  C():\n    fc: Linear(8, 3)\n")
    assert checked(cache=cache).errors == 0


def test_an_include_that_was_missing_is_looked_for_again(project, checked, cache):
    project(a_yaml=INCLUDER)
    assert checked(cache=cache).errors >= 1
    project(lib_yaml="blocks:\n  B():\n    fc: Linear(8, 3)\n")
    assert checked(cache=cache).errors == 0


def test_options_and_versions_are_part_of_the_key(project, checked, cache, judged, monkeypatch):
    project(a_yaml="input: 8\nlayers:\n  a: ReLU()\n")
    checked(cache=cache)
    checked(cache=cache, device="meta")
    assert len(judged) == 2
    monkeypatch.setattr(nnshape, "__version__", "99")
    checked(cache=Cache(cache._root))
    assert len(judged) == 3
    monkeypatch.setattr("importlib.metadata.version", lambda package: "99")
    checked(cache=Cache(cache._root))
    assert len(judged) == 3, "torch has no part in an answer without a proof"
    checked(cache=Cache(cache._root), device="meta")
    assert len(judged) == 4


def test_a_real_device_and_an_import_are_never_remembered(project, checked, cache, judged):
    project(a_yaml="input: 8\nlayers:\n  a: ReLU()\n")
    for _ in range(2):
        checked(cache=cache, device="cpu")
        checked(cache=cache, allow_import=("a:B",))
    assert len(judged) == 4
    assert not entries(cache)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"size-mismatch", b"wrong-rank"),
        lambda data: b"\0" * len(data),
        lambda data: data.partition(b"\n")[2],
        lambda data: b"[" * 100_000,
    ],
)
def test_a_damaged_entry_is_judged_again(project, checked, cache, judged, damage):
    project(a_yaml="input: 8\nlayers:\n  a: Linear(7, 4)\n")
    wanted = texts(checked(cache=cache))
    (entry,) = entries(cache)
    entry.write_bytes(damage(entry.read_bytes()))
    assert texts(checked(cache=cache)) == wanted
    assert texts(checked(cache=cache)) == wanted
    assert len(judged) == 2


@pytest.mark.parametrize(
    "record", ["{}", "[]", "null", '{"includes":[],"outcome":{}}', '{"includes":[["x"]]}', "[" * 5000]
)
def test_an_entry_of_another_form_is_judged_again(project, checked, cache, judged, record):
    import hashlib

    project(a_yaml="input: 8\nlayers:\n  a: Linear(7, 4)\n")
    checked(cache=cache)
    (entry,) = entries(cache)
    data = record.encode()
    entry.write_bytes(hashlib.sha256(data).hexdigest().encode() + b"\n" + data)
    assert checked(cache=cache).errors == 1
    assert len(judged) == 2


def test_a_cache_that_cannot_be_written_changes_nothing(project, checked, tmp_path_factory):
    project(a_yaml="input: 8\nlayers:\n  a: Linear(7, 4)\n")
    file = tmp_path_factory.mktemp("cache") / "file"
    file.write_text("")
    assert checked(cache=Cache(str(file))).errors == 1
    assert checked(cache=Cache("/dev/null/nowhere")).errors == 1


def test_runs_at_the_same_time_agree(project, checked, cache):
    project(**{f"f{i}_yaml": f"input: 8\nlayers:\n  a: Linear({i}, 4)\n" for i in range(12)})
    wanted = texts(checked())
    found = []
    threads = [threading.Thread(target=lambda: found.append(texts(checked(cache=cache)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 4
    assert not [path for path in entries(cache) if path.name.startswith("tmp")]


def test_clear_and_prune(project, checked, cache, judged):
    project(a_yaml="input: 8\nlayers:\n  a: ReLU()\n", b_yaml="input: 8\nlayers:\n  a: Tanh()\n")
    checked(cache=cache)
    old, _ = entries(cache)
    os.utime(old, (0, 0))
    cache.prune()
    assert len(entries(cache)) == 2, "pruned once a day"
    os.utime(Path(cache._root, "pruned"), (0, 0))
    cache.prune()
    assert len(entries(cache)) == 1
    cache.clear()
    assert not entries(cache)
    checked(cache=cache)
    assert len(judged) == 4


def test_the_folder_is_the_platforms(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == str(tmp_path / "nnshape")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder().startswith(str(tmp_path))
    assert "relative" not in cache_folder()


def loaded(folder: Path, *arguments: str) -> set[str]:
    """The modules that `nnshape check` has loaded at its end."""
    code = "import sys; from nnshape.cli import main; main(); print('\\n'.join(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", code, "check", *arguments],
        cwd=folder,
        env={**os.environ, "XDG_CACHE_HOME": str(folder / ".cache"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stdout.split())


def test_an_unchanged_tree_imports_no_torch(tmp_path):
    (tmp_path / "a.yaml").write_text("input: 8\nvariants: {}\nlayers:\n  a: Linear(8, 2)\n")
    assert "torch" in loaded(tmp_path, ".")
    second = loaded(tmp_path, ".")
    assert not {name for name in second if name.split(".")[0] in ("torch", "numpy", "rich", "multiprocessing")}
    assert "torch" in loaded(tmp_path, ".", "--no-cache")
