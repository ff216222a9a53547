"""The document of each kind of problem: its example fails as it says, and mended is clean and proved.

`pytest tests/problems --snapshot-update` writes the messages anew; they are reviewed by reading them.
"""

from __future__ import annotations

import ast
import re
import shlex
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import nnshape
from nnshape.cli import main
from nnshape.fixes import explained
from nnshape.problems.kinds import kind_names
from nnshape.problems.pages import Example, kind_of, read_kind
from nnshape.rendering.problems import problems_lines
from nnshape.rendering.styled import painted
from nnshape.shapes.function import REGISTRY

PACKAGE = Path(nnshape.__file__).parent
KINDS = kind_names()
_HEADLINE = re.compile(r"^(error|warning)\[([a-z-]+)\]", re.MULTILINE)
_MESSAGE = re.compile(r"^(```text\n|```console\n\$ [^\n]*\n).*?^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """What nnshape says to an example, and its exit code; a machine without accelerators says it everywhere."""
    import torch

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    before = set(sys.modules)

    def said(example: Example) -> tuple[str, int]:
        for name, text in example.files.items():
            (tmp_path / name).write_text(text, "utf-8")
        if example.command:
            program, *arguments = shlex.split(example.command)
            assert program == "nnshape"
            code = main(arguments)
            captured = capsys.readouterr()
            return (captured.out + captured.err).rstrip("\n"), code
        problems = problems_of("model.yaml")
        return painted(problems_lines(problems, 80), False).rstrip("\n"), int(bool(problems))

    yield said
    REGISTRY.pop("halve", None)  # the rule that the page of internal-error breaks
    for name in set(sys.modules) - before:
        if (tmp_path / f"{name}.py").exists():
            del sys.modules[name]


def problems_of(path: str) -> tuple[nnshape.Problem, ...]:
    try:
        return explained(nnshape.trace(path))
    except nnshape.SpecError as error:
        return error.problems


@pytest.mark.parametrize("name", KINDS)
def test_the_example_fails_with_this_kind_alone_and_as_it_says(name, said, request):
    kind = kind_of(name)
    message, code = said(kind.fails)
    assert set(_HEADLINE.findall(message)) == {(kind.severity, name)}
    if request.config.option.update_snapshots:
        path = PACKAGE / "problems" / f"{name}.md"
        path.write_text(_MESSAGE.sub(lambda found: f"{found[1]}{message}\n```", kind.page, count=1), "utf-8")
        kind = read_kind(path.read_text("utf-8"))
    assert message == kind.fails.message
    assert code or kind.severity == "warning"


@pytest.mark.parametrize("name", KINDS)
def test_the_example_mended_is_clean_and_proved(name, said):
    kind = kind_of(name)
    message, code = said(kind.fixed)
    assert code == 0
    assert not _HEADLINE.search(message)
    if not kind.fixed.command:
        verification = nnshape.verify(nnshape.trace("model.yaml"))
        assert verification.agree, verification.sentence
        assert not verification.unproved


@pytest.mark.parametrize("name", KINDS)
def test_a_document_is_whole(name):
    kind = kind_of(name)
    assert kind.name == name
    assert kind.sentence.endswith(".")
    assert kind.sentence.count(". ") == 0, "one sentence"
    assert kind.paragraphs
    assert all(paragraph.endswith(".") for paragraph in kind.paragraphs)
    assert kind.fails.files
    assert kind.fixed.files
    assert (kind.fails.files, kind.fails.command) != (kind.fixed.files, kind.fixed.command)
    ours = [line for line in kind.page.splitlines() if not line.startswith("note: torch says: ")]
    assert max(map(len, ours)) <= 160


@pytest.mark.parametrize(
    "page",
    [
        "# wrong[x]\n\nA.\n\n## Fails\n\n## Fixed\n",
        "# error[x]\n\nA.\n",
        "# error[x]\n\nA.\n\n## Fails\n\n## Fixed\n",
    ],
)
def test_what_is_no_document(page):
    with pytest.raises(ValueError, match=r"title|unpack|no kind"):
        read_kind(page)


def told_kinds(tree: ast.AST) -> Iterator[str]:
    """The kinds that a module tells of: the first argument of what makes a problem."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if called in ("Problem", "Refusal", "Fault", "fault", "notice") and isinstance(first, ast.Constant):
                yield first.value


def test_every_kind_that_is_told_has_a_document_and_the_other_way_round():
    told = {kind for path in PACKAGE.rglob("*.py") for kind in told_kinds(ast.parse(path.read_text("utf-8")))}
    # The rest of their calls gives the kind by a name.
    assert told | {"unused-ignore"} == set(KINDS)


def test_a_kind_without_a_document():
    with pytest.raises(KeyError):
        kind_of("too-wide")


def test_a_kind_that_is_told_would_be_seen():
    assert list(told_kinds(ast.parse("raise faults.fault('too-wide', message)"))) == ["too-wide"]


def test_the_recipe_for_a_kind_has_the_form_of_a_document():
    contributing = (Path(__file__).parents[2] / ".github" / "CONTRIBUTING.md").read_text("utf-8")
    page = textwrap.dedent(contributing.split("   ````markdown\n")[1].split("   ````\n")[0])
    kind = read_kind(page.replace("drops-everything", KINDS[0]))
    assert "p: Dropout(1)" in kind.fails.files["model.yaml"]
    assert "p: Dropout(0.1)" in kind.fixed.files["model.yaml"]
