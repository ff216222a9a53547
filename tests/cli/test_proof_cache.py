"""A proof is kept: an unchanged spec says so without torch, and whatever is changed or damaged is proved again."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import nnshape.modules
from nnshape.proofs import proof_cache

ROOT = Path(nnshape.__file__).parents[1]
SPEC = "input: [N, 8]\nhparams: {w: 4}\ninclude: {lib: lib.yaml}\nlayers:\n  fc: lib.B(w)\n"
LIB = "blocks:\n  B(n):\n    fc: Linear(8, n)\n"


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A folder with a spec and what it includes, as the current folder, and a user's cache outside it."""
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "a.yaml").write_text(SPEC)
    (folder / "lib.yaml").write_text(LIB)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def proofs(monkeypatch):
    """The devices of the proofs that were made, and not found."""
    made = []
    real = nnshape.modules.verify

    def verify(trace, device):
        made.append(device)
        return real(trace, device)

    monkeypatch.setattr(nnshape.modules, "verify", verify)
    return made


def entries(tmp_path) -> list[Path]:
    return [path for path in (tmp_path / "cache" / "nnshape").glob("*") if len(path.name) == 64]


def last(result) -> str:
    return result.out.splitlines()[-1]


def test_the_second_answer_is_found_and_says_when(run, tree, proofs):
    first, second = (run("inspect", "a.yaml") for _ in range(2))
    assert proofs == ["auto"]
    assert last(first).startswith("built on cpu with torch ")
    assert last(second).startswith("proved on cpu with torch ")
    assert " UTC, unchanged since: 2 of 2 shapes and 36 parameters agree in evaluation mode" in last(second)
    assert first.out.splitlines()[:-1] == second.out.splitlines()[:-1]
    assert (first.code, second.code) == (0, 0)


def test_json_tells_what_was_proved_and_when(run, tree, proofs):
    first, second = (json.loads(run("inspect", "a.yaml", "--format", "json").out)["verification"] for _ in range(2))
    assert (first.pop("from_cache"), second.pop("from_cache")) == (False, True)
    assert first.pop("date") is None
    assert second.pop("date").startswith("20")
    assert first.pop("sentence") != second.pop("sentence")
    assert first == second
    assert first["modes"] == ["evaluation"]


@pytest.mark.parametrize("step", ["a.yaml", "Linear(8, 4)"])
def test_a_cached_proof_imports_no_torch(tree, step):
    arguments = ["inspect", step] if step.endswith(".yaml") else ["layer", step, "8"]
    script = (
        "import sys; from nnshape.cli import main; code = main(sys.argv[1:]); "
        "print('torch' in sys.modules, code, file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    seen = [
        subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stderr for _ in range(2)
    ]
    assert seen == ["True 0\n", "False 0\n"]


CHANGES = {
    "a byte of the text": lambda tree: (tree / "a.yaml").write_text(SPEC + " "),
    "a byte of an include": lambda tree: (tree / "lib.yaml").write_text(LIB + " "),
    "the spec's name": lambda tree: (
        (tree / "a.yaml").rename(tree / "b.yaml").rename(tree / "a.yaml")
        and (tree / "a.yaml").write_text("name: other\n" + SPEC)
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_file_is_proved_again(run, tree, proofs, change):
    run("inspect", "a.yaml")
    CHANGES[change](tree)
    run("inspect", "a.yaml")
    assert len(proofs) == 2


@pytest.mark.parametrize(
    "options", [["--set", "w=5"], ["--input", "[N, T, 8]"], ["--device", "cpu"], ["--device", "meta"], ["--symbolic"]]
)
def test_each_option_has_a_proof_of_its_own(run, tree, proofs, options):
    for given in ([], options, [], options):
        assert run("inspect", "a.yaml", *given).code == 0
    assert len(proofs) == 2


@pytest.mark.parametrize("index", range(6))
def test_another_installation_proves_again(run, tree, proofs, monkeypatch, index):
    run("inspect", "a.yaml")
    known = list(proof_cache.versions())
    monkeypatch.setattr(proof_cache, "versions", lambda: (*known[:index], known[index] + "x", *known[index + 1 :]))
    assert last(run("inspect", "a.yaml")).startswith("built on")
    assert len(proofs) == 2


def test_no_cache_neither_reads_nor_writes(run, tree, proofs, tmp_path):
    run("inspect", "a.yaml", "--no-cache")
    assert entries(tmp_path) == []
    run("inspect", "a.yaml")
    assert last(run("inspect", "a.yaml", "--no-cache")).startswith("built on")
    assert len(proofs) == 3


def test_a_named_folder_is_used_even_inside_the_tree(run, tree, proofs, tmp_path):
    for _ in range(2):
        run("inspect", "a.yaml", "--cache-dir", "kept")
    assert len(proofs) == 1
    assert entries(tmp_path) == []
    assert run("inspect", "a.yaml", "--cache-dir", "a.yaml").code == 2


def test_a_tree_cannot_bring_its_own_proofs(run, tree, proofs, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tree / "cache"))
    (tree / "pyproject.toml").write_text("[project]\nname = 'a'\n")
    for _ in range(2):
        run("inspect", "a.yaml")
    assert len(proofs) == 2
    assert not (tree / "cache").exists()


def forged(path: Path, text: bytes) -> None:
    """Write a document that the cache takes for its own."""
    digest = hashlib.sha256(b"64:" + path.name.encode() + b"%d:" % len(text) + text).hexdigest()
    path.write_bytes(digest.encode() + b"\n" + text)


FORGED = {
    "device": ["cuda", "\x1b[31m", None, 3],
    "torch": ["2.13\n", "", None, 2, "x" * 65],
    "calls": [1, 3, -2, "2", None, True],
    "parameters": [35, -1, "36", None],
    "sizes": [[], {"N": "4"}, {"N": -1}, {"N": True}, None],
    "second_sizes": [[], {"N": 0.5}],
    "modes": [[], ["dreaming"], None, "evaluation", [["evaluation"]]],
    "samples_apart": [0, "yes", []],
    "date": ["yesterday", "", None, 7, "2026-01-01", "2026-01-01T00:00:00"],
}


@pytest.mark.parametrize("field", FORGED)
def test_a_forged_proof_is_forgotten(run, tree, proofs, tmp_path, field):
    run("inspect", "a.yaml")
    (entry,) = entries(tmp_path)
    honest = json.loads(entry.read_bytes().partition(b"\n")[2])
    for value in FORGED[field]:
        forged(entry, json.dumps({**honest, field: value}).encode())
        assert last(run("inspect", "a.yaml")).startswith("built on"), value
    del honest[field]
    forged(entry, json.dumps(honest).encode())
    assert last(run("inspect", "a.yaml")).startswith("built on")
    assert last(run("inspect", "a.yaml")).startswith("proved on"), "the last proof is kept again"


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"null", b"\xff" * 99, b"9" * 5000, b"[" * 9999])
def test_a_damaged_proof_is_forgotten(run, tree, proofs, tmp_path, data):
    run("inspect", "a.yaml")
    (entry,) = entries(tmp_path)
    entry.write_bytes(data)
    assert last(run("inspect", "a.yaml")).startswith("built on")
    forged(entry, data)
    assert last(run("inspect", "a.yaml")).startswith("built on")


def test_a_proof_under_the_name_of_another_is_forgotten(run, tree, proofs, tmp_path):
    run("inspect", "a.yaml")
    (first,) = entries(tmp_path)
    (tree / "a.yaml").write_text(SPEC.replace("w: 4", "w: 5"))
    run("inspect", "a.yaml")
    (second,) = set(entries(tmp_path)) - {first}
    second.write_bytes(first.read_bytes())
    assert last(run("inspect", "a.yaml")).startswith("built on")


NOT_KEPT = {
    "a wrong model": "input: 8\nlayers:\n  a: Linear(7, 4)\n",
    "a part that could not run": "input: 8\nlayers:\n  mask: x > 0\n  b: x[mask]\n",
    "a model of unknown output": "input: [N, 8]\nlayers:\n  a: unique_consecutive()\n  b: Linear(8, 2)(x)\n",
}


@pytest.mark.parametrize("text", NOT_KEPT.values(), ids=NOT_KEPT)
def test_only_whole_proofs_are_kept(run, tree, tmp_path, text):
    (tree / "a.yaml").write_text(text)
    first, second = (run("inspect", "a.yaml") for _ in range(2))
    assert (first.code, first.out) == (second.code, second.out)
    assert entries(tmp_path) == []


def test_a_disagreement_is_not_kept(run, tree, tmp_path, monkeypatch):
    real = nnshape.modules.verify

    def verify(trace, device):
        found = real(trace, device)
        fields = {name: getattr(found, name) for name in found.__dataclass_fields__}
        return type(found)(**{**fields, "agree": False})

    monkeypatch.setattr(nnshape.modules, "verify", verify)
    run("inspect", "a.yaml")
    assert entries(tmp_path) == []


def test_what_imports_code_is_not_kept(run, tree, tmp_path):
    (tree / "own_layer_of_a_test.py").write_text("import torch\nclass Own(torch.nn.Linear):\n    pass\n")
    (tree / "a.yaml").write_text("input: 8\nimport: {Own: 'own_layer_of_a_test:Own'}\nlayers:\n  a: Own(8, 4)\n")
    result = run("inspect", "a.yaml", "--allow-import", "own_layer_of_a_test:Own")
    assert (result.code, entries(tmp_path)) == (0, [])


def test_without_a_device_nothing_is_looked_up(run, tree, tmp_path):
    run("inspect", "a.yaml")
    assert "proved" not in run("inspect", "a.yaml", "--device", "none").out
