"""An unchanged file is not judged again; whatever is wrong with the cache, the answer is the same."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import nnshape
from nnshape.cache.store import _digest
from nnshape.checking import Cache, check_run, judging

ROOT = Path(nnshape.__file__).parents[1]
INCLUDER = "input: 8\ninclude: {lib: lib.yaml}\nlayers:\n  a: lib.B()\n"


@pytest.fixture
def judged(monkeypatch):
    """The names of the files that were judged, and not remembered."""
    names = []

    def judge(task):
        names.append(task.source.name)
        return judging.judge(task)

    monkeypatch.setattr(check_run, "judge", judge)
    return names


@pytest.fixture
def cache(tmp_path_factory):
    return Cache(str(tmp_path_factory.mktemp("cache") / "nnshape"))


def entries(cache):
    folder = Path(cache.store.folder)
    return sorted(path for path in folder.glob("*") if path.name not in ("CACHEDIR.TAG", "pruned"))


def forge(entry, data):
    """Write a document that the cache takes for its own."""
    entry.write_bytes(_digest(entry.name.encode(), data) + b"\n" + data)


def texts(report):
    return [
        (outcome.name, outcome.variants, outcome.traced, outcome.proved, finding.variants, finding.with_note())
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
    checked(cache=Cache(cache.store.folder))
    assert len(judged) == 3


@pytest.mark.parametrize("device", ["none", "meta"])
@pytest.mark.parametrize("change", ["another version", "none at all"])
def test_torch_is_part_of_every_key(project, checked, cache, judged, monkeypatch, device, change):
    # Without a proof too: torch measures the functions that have no rule.
    from nnshape.cache.versions import versions

    project(a_yaml="input: 8\nlayers:\n  a: ReLU()\n")
    for _ in range(2):
        checked(cache=Cache(cache.store.folder), device=device)
    assert len(judged) == 1
    *others, origin, text = versions()
    changed = (*others, origin, text.replace("2.", "3.")) if change == "another version" else tuple(others)
    monkeypatch.setattr("nnshape.checking.outcome_cache.versions", lambda: changed)
    checked(cache=Cache(cache.store.folder), device=device)
    assert len(judged) == 2


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


def finding(**changed):
    """A finding as a record has it, some of its fields changed."""
    fields = {
        "kind": "size-mismatch", "message": "a", "span": [0, 0, 1], "label": "", "related": [], "frames": [],
        "help": [], "notes": [], "severity": "error", "place": "", "variants": [], "varying": False,
    }  # fmt: skip
    return {"findings": [list({**fields, **changed}.values())]}


HOSTILE = {
    "a clean one, which is believed": {},
    "an unknown kind": finding(kind="fine"),
    "a list as the kind": finding(kind=[]),
    "a number as the message": finding(message=3),
    "an escape in the message": finding(message="\x1b[2J"),
    "a return in the message": finding(message="ok\r::error::"),
    "a C1 control in a label": finding(label="\x9b2J"),
    "an escape in the help": finding(help=["\x1b"]),
    "a text as the help": finding(help="abc"),
    "a span beyond the text": finding(span=[0, 0, 10**6]),
    "a span of another text": finding(span=[7, 0, 1]),
    "a negative text": finding(span=[-1, 0, 1]),
    "a fraction as an offset": finding(span=[0, 0.0, 1.0]),
    "truth as an offset": finding(span=[0, False, True]),
    "a huge number": finding(span=[0, 0, 10**300]),
    "another severity": finding(severity="note"),
    "a number as a variant": finding(variants=[1]),
    "a word as a truth": finding(varying="no"),
    "numbers as variants": {"variants": [1]},
    "a word for traced": {"traced": "yes"},
    "no text of an include": {"sources": [["lib.yaml", 3]]},
    "NUL in an include": {"sources": [["lib.yaml", "a\0b"]]},
    "an escape in an include's name": {"sources": [["\x1b.yaml", "a"]]},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_record_is_only_forgotten(project, checked, cache, judged, name):
    project(a_yaml="input: 8\nlayers:\n  a: Linear(7, 4)\n")
    wanted = texts(checked(cache=cache))
    (entry,) = entries(cache)
    outcome = {
        "variants": [],
        "traced": True,
        "proved": False,
        "findings": [],
        "needs": [],
        "sources": [],
        **HOSTILE[name],
    }
    forge(entry, json.dumps({"includes": [], "outcome": outcome}).encode())
    found = texts(checked(cache=cache))
    assert (found, len(judged)) == (([], 1) if "believed" in name else (wanted, 2))


@pytest.mark.parametrize(
    "includes",
    [[["/etc/passwd", ""]], [["../a.yaml", ""]], [["missing.yaml", ""]], [[]], [[1, 2]], ["ab"], 3, None, [["a", []]]],
)
def test_a_hostile_list_of_includes_is_only_forgotten(project, checked, cache, judged, includes):
    project(a_yaml="input: 8\nlayers:\n  a: Linear(7, 4)\n")
    wanted = texts(checked(cache=cache))
    (entry,) = entries(cache)
    document = json.loads(entry.read_bytes().partition(b"\n")[2])
    forge(entry, json.dumps({**document, "includes": includes}).encode())
    assert texts(checked(cache=cache)) == wanted
    assert len(judged) == 2


def test_an_include_is_read_again_under_the_rules_of_the_first_time(project, checked, cache, judged, tmp_path):
    library = "blocks:\n  B():\n    fc: Linear(8, 3)\n"
    project(tree__a_yaml=INCLUDER, tree__lib_yaml=library)
    for _ in range(2):
        assert checked("tree/a.yaml", cache=cache).errors == 0
    assert len(judged) == 1
    # The same text, now reached through a link out of the tree: refused as it would be without a cache.
    Path("tree/lib.yaml").rename("lib.yaml")
    Path("tree/lib.yaml").symlink_to("../lib.yaml")
    wanted = texts(checked("tree/a.yaml"))
    assert {item[-1].kind for item in wanted} == {"include-refused"}
    assert texts(checked("tree/a.yaml", cache=cache)) == wanted


def test_an_answer_that_lacked_torch_is_not_kept(project, checked, cache, judged, monkeypatch):
    project(a_yaml="input: 8\nlayers:\n  a: torch.special.entr(x)\n")
    monkeypatch.setitem(sys.modules, "nnshape.modules", None)
    monkeypatch.setitem(sys.modules, "nnshape.modules.measured", None)
    report = checked(cache=cache)
    assert {finding.problem.kind for _, finding in report.findings} == {"unmeasured"}
    assert not entries(cache)


@pytest.mark.parametrize(
    "record", ["{}", "[]", "null", '{"includes":[],"outcome":{}}', '{"includes":[["x"]]}', "[" * 5000]
)
def test_an_entry_of_another_form_is_judged_again(project, checked, cache, judged, record):
    project(a_yaml="input: 8\nlayers:\n  a: Linear(7, 4)\n")
    checked(cache=cache)
    (entry,) = entries(cache)
    forge(entry, record.encode())
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


def loaded(folder: Path, *arguments: str) -> set[str]:
    """The modules that `nnshape check` has loaded at its end."""
    code = "import sys; from nnshape.cli import main; main(); print('\\n'.join(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", code, "check", *arguments],
        cwd=folder,
        env={**os.environ, "XDG_CACHE_HOME": str(folder.with_name(f"{folder.name}-cache")), "PYTHONPATH": str(ROOT)},
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
