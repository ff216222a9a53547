"""Every example of the README and of the guide runs as it is written, and every generated part is up to date.

Specs are checked, commands are run, sessions of Python are doctests, and settings are read. An example may fail only
where its file is called `wrong.yaml`.
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch
import yaml

from nnshape.cli import main

_location = spec_from_file_location("docs", Path(__file__).parent.parent / "docs.py")
assert _location is not None
docs = module_from_spec(_location)
_location.loader.exec_module(docs)

#: What .ci/constraints.txt pins; the pages name it, and the suite also runs with others.
PINNED = "torch 2.13.0"
PAGES = [(page.stem, page.read_text("utf-8")) for page in docs.pages()]
BLOCKS = [
    pytest.param(text, language, body, id=f"{name}-{index}-{language}")
    for name, text in PAGES
    for index, (language, body) in enumerate(docs.blocks(text))
    if language != "pycon"
]
#: The sessions of a page are one, as a reader would type them.
SESSIONS = [
    pytest.param("\n".join(sessions), id=name)
    for name, text in PAGES
    if (sessions := [body for language, body in docs.blocks(text) if language == "pycon"])
]
GENERATED = [
    pytest.param(text, match[2], match[0], id=f"{name}-{match[2]}")
    for name, text in PAGES
    for match in docs.PART.finditer(text)
    if match[2] != "help"  # typer's releases break its lines differently; .ci/run compares it
]


def exit_code(command: str, folder: Path) -> int:
    """Run a line of a shell, with no proof where many files are checked: the gallery's tests prove them."""
    if "nnshape check" in command and "--device" not in command:
        command = command.replace("nnshape check", "nnshape check --device none")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "COLUMNS": docs.COLUMNS, "XDG_CACHE_HOME": str(folder / ".cache")}
    run = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True)
    print(command, run.stdout, run.stderr, sep="\n")
    return run.returncode


def commands_in(language: str, body: str) -> list[str]:
    """The nnshape commands of a shell's block, or of a workflow."""
    if language == "console":
        lines = [line.removeprefix("$ ") for line in body.splitlines() if line.startswith("$ ")]
    elif language == "sh":
        lines = body.splitlines()
    else:
        lines = [step["run"] for job in yaml.safe_load(body)["jobs"].values() for step in job["steps"] if "run" in step]
    return [line for line in lines if line.startswith("nnshape ")]


def check_spec(folder: Path, text: str, body: str) -> None:
    """A spec is clean and proved; one of blocks alone is included by another of its page."""
    name = next((name for name, file in docs.files_of(text).items() if file == body), "example.yaml")
    (folder / name).write_text(body, "utf-8")
    if "layers:" in body:
        wrong = main(["check", "--device", "meta", "--no-cache", str(folder / name)])
        assert wrong == (1 if name == "wrong.yaml" else 0)
    else:
        assert any(f": {name}}}" in file for file in docs.files_of(text).values())


def drop_suppressed(folder):
    """Remove the files whose comments suppress problems, which a gate does not heed, and those that include them."""
    texts = {path: path.read_text("utf-8") for path in folder.glob("*.yaml")}
    dropped = {path for path, text in texts.items() if "nnshape: ignore" in text}
    dropped |= {path for path, text in texts.items() if any(f": {other.name}}}" in text for other in dropped)}
    for path in dropped:
        path.unlink()


@pytest.mark.parametrize(("text", "language", "body"), BLOCKS)
def test_an_example_runs(text, language, body, tmp_path, monkeypatch):
    docs.fill(tmp_path, text)
    monkeypatch.chdir(tmp_path)
    if "--no-config" in body:
        drop_suppressed(tmp_path / "configs")
    if language in ("sh", "console") or (language == "yaml" and "\njobs:" in f"\n{body}"):
        for command in commands_in(language, body):
            assert exit_code(command, tmp_path) == 0
    elif language == "yaml":
        check_spec(tmp_path, text, body)
    elif language == "toml":
        (tmp_path / "pyproject.toml").write_text(body, "utf-8")
        assert exit_code("nnshape check .", tmp_path) == 0
    else:
        assert language == "text", f"nothing runs an example in {language}"


@pytest.mark.parametrize("session", SESSIONS)
def test_a_session_of_python_prints_its_answers(session, tmp_path, monkeypatch):
    shutil.copytree(docs.ROOT / "configs", tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    found = doctest.DocTestParser().get_doctest(session, {}, "page", None, None)
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(found).failed == 0


@pytest.mark.parametrize(("text", "command", "part"), GENERATED)
def test_a_generated_part_is_up_to_date(text, command, part, tmp_path):
    docs.fill(tmp_path, text)
    found = f"<!-- generated: {command} -->\n{docs.generated(command, tmp_path)}<!-- end -->"
    assert found.replace(f"torch {torch.__version__.partition('+')[0]}:", f"{PINNED}:") == part


def test_an_example_can_fail(tmp_path):
    """The tests above see a wrong spec, a wrong command and a wrong session."""
    shutil.copytree(docs.ROOT / "configs", tmp_path / "configs")
    with pytest.raises(AssertionError):
        check_spec(tmp_path, "", "input: 4\nlayers:\n  fc: Linear(5, 2)\n")
    assert exit_code("nnshape inspect configs/none.yaml", tmp_path) == 2
    session = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "page", None, None)
    assert doctest.DocTestRunner(verbose=False).run(session, out=lambda text: None).failed == 1


def test_the_readme_can_be_read_in_two_minutes():
    assert len(docs.README.read_text("utf-8").splitlines()) <= 200


def test_every_page_is_linked_from_the_readme_and_every_link_leads_somewhere():
    for page in docs.pages():
        text = page.read_text("utf-8")
        for target in re.findall(r"(?<!\w)\[[^]]+\]\(([^)]+)\)", text):
            file, _, title = target.partition("#")
            if not target.startswith("https://"):
                linked = page.parent / file if file else page
                assert linked.exists(), f"{page.name}: {target}"
                titles = re.findall("(?m)^#+ (.+)$", linked.read_text("utf-8")) if title else []
                assert not title or title in [found.lower().replace(" ", "-") for found in titles], target
    readme = docs.README.read_text("utf-8")
    assert all(f"(nnshape/guide/{page.name})" in readme for page in docs.pages()[1:])


def test_the_contributors_page_names_every_package_and_files_that_exist():
    text = (docs.ROOT / ".github" / "CONTRIBUTING.md").read_text("utf-8")
    packages = {path.parent.name for path in (docs.ROOT / "nnshape").glob("*/__init__.py")}
    assert packages == {*re.findall(r"^\| `(\w+)` \| [^|]*\|$", text, re.MULTILINE)}
    made_by_a_recipe = set(re.findall(r"[Ww]rite (?:its page, )?`([\w./-]+)`", text))
    named = set(re.findall(r"(?<![\w/])(?:nnshape|tests|\.ci)/[\w./-]*\w", text))
    assert len(made_by_a_recipe) == 4
    assert [name for name in sorted(named - made_by_a_recipe) if not (docs.ROOT / name).exists()] == []
