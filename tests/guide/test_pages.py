"""The guide: every page is a topic of `nnshape explain`, shown as written, and true of the limits that it names."""

from __future__ import annotations

import json
import re

import pytest

import nnshape.guide
from nnshape.cli import main
from nnshape.cli.commands import COMMANDS
from nnshape.cli.completion import subjects
from nnshape.guide import page_of, topics
from nnshape.problems.kinds import kind_names
from nnshape.shapes.functions import all_functions
from nnshape.shapes.layers import all_layers
from nnshape.spec import limits
from nnshape.spec.words import WORDS
from nnshape.tracing.measuring import declares_function


@pytest.fixture
def explain(capsys):
    def explain(*arguments: str) -> tuple[int, str]:
        code = main(["explain", *arguments])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return explain


def words(text: str) -> list[str]:
    """The words of a page without its marks of Markdown, comments, and the headings of columns."""
    parts = []
    # Code stands at the odd places, and is shown as it is.
    for index, part in enumerate(re.split(r"^```\w*\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)):
        if index % 2 == 0:
            part = re.sub(r"^<!--.*-->$|^\| .+ \| .+ \|\n(?=\|---)|^\|---\|---\|$", "", part, flags=re.MULTILINE)
            part = re.sub(r"^\| (.*?) \| (.*?)\|$", r"\1 \2", part, flags=re.MULTILINE)
            part = re.sub(r"(?<!\w)\[([^]]+)\]\([^)]+\)", r"\1", part)
            part = re.sub(r"^(#+ |- )", "", part, flags=re.MULTILINE)
        parts += part.split()
    return parts


def test_there_are_topics_and_an_unknown_one_is_refused():
    assert "security" in topics()
    with pytest.raises(KeyError):
        page_of("no-topic")
    with pytest.raises(KeyError):
        page_of("../problems/syntax")


@pytest.mark.parametrize("topic", topics())
def test_explain_shows_a_topic_whole_and_within_the_width(topic, explain):
    page = page_of(topic)
    for width in (40, 80, 200):
        code, text = explain(topic, "--columns", str(width), "--color", "never")
        assert code == 0
        assert [word for word in text.split() if word != "-"] == [word for word in words(page.text) if word != "-"]
    code, text = explain(topic, "--columns", "80", "--color", "never")
    code_lines = {
        line for block in re.findall(r"```\w*\n(.*?)```", page.text, re.DOTALL) for line in block.splitlines()
    }
    assert max(len(line) for line in text.splitlines() if line.strip() not in map(str.strip, code_lines)) <= 80
    assert all(f"  {line}".rstrip() in text.splitlines() for line in code_lines)


@pytest.mark.parametrize("topic", topics())
def test_a_topic_as_json_is_its_page(topic, explain):
    code, text = explain(topic, "--format", "json")
    page = page_of(topic)
    assert code == 0
    assert json.loads(text) == {
        "version": 1, "kind": "topic", "name": topic, "title": page.title, "sentence": page.sentence, "text": page.text,
    }  # fmt: skip


@pytest.mark.parametrize("topic", topics())
def test_a_page_begins_with_its_title_and_a_sentence(topic):
    page = page_of(topic)
    assert page.text.startswith(f"# {page.title}\n\n")
    assert page.sentence.endswith(".")
    assert not page.sentence.startswith(("#", "-", "```"))
    prose = re.sub(r"^```.*?^```|^\|.*?$", "", page.text, flags=re.DOTALL | re.MULTILINE)
    assert max(map(len, prose.splitlines())) <= 120


def test_topics_are_listed_without_a_name_in_the_help_and_by_completion(explain):
    for arguments in ((), ("--help",)):
        code, text = explain(*arguments)
        assert code == 0
        assert all(topic in text for topic in topics())
    code, text = explain("--format", "json")
    assert [(topic["name"], topic["sentence"]) for topic in json.loads(text)["topics"]] == [
        (topic, page_of(topic).sentence) for topic in topics()
    ]
    for topic in topics():
        assert topic in subjects(topic[:3])


def test_a_misspelt_topic_gets_the_nearest(explain):
    code, text = explain("securty")
    assert code == 2
    assert "Did you mean security?" in text


def test_no_topic_has_the_name_of_something_else():
    others = {*all_layers(), *all_functions(), *kind_names(), *WORDS}
    assert not {other.lower() for other in others} & set(topics())
    assert not [topic for topic in topics() if declares_function(topic)]


def test_a_layer_is_shown_where_a_page_has_its_name(explain, tmp_path, monkeypatch):
    """The test above can fail, and then nothing is hidden all the same."""
    (tmp_path / "relu.md").write_text("# A page\n\nOf the name of a function.\n")
    monkeypatch.setattr(nnshape.guide, "_FOLDER", str(tmp_path))
    assert topics() == ("relu",)
    assert "Of the name of a function" not in explain("relu")[1]


def test_every_option_that_a_page_names_is_one(capsys):
    named = {option for topic in topics() for option in re.findall(r"`(--[a-z-]+)|(--[a-z-]+) ", page_of(topic).text)}
    named = {option for pair in named for option in pair if option} - {"--version"}
    assert {"--no-config", "--strict", "--allow-import", "--fix"} <= named
    for command in ([], *([name] for name in COMMANDS)):
        assert main([*command, "--help"]) == 0
    assert named <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out))


def test_the_gate_of_the_page_is_one_that_a_pull_request_cannot_loosen(tmp_path, monkeypatch, capsys):
    """The command of the page, on a tree whose own settings and comments would have let its fault pass."""
    command = re.search(r"nnshape (check --no-config --strict .*) \.$", page_of("security").text, re.MULTILINE)
    assert command is not None
    (tmp_path / "pyproject.toml").write_text("[tool.nnshape]\nexclude = ['*']\nignore = ['size-mismatch']\n")
    (tmp_path / "model.yaml").write_text(
        "input: 8\nlayers:\n  fc: Linear(7, 4)  # nnshape: ignore[size-mismatch]\n", "utf-8"
    )
    monkeypatch.chdir(tmp_path)
    arguments = [*command[1].split(), "--no-cache", "--device", "none"]
    assert main([*arguments, "."]) == 1
    assert "size-mismatch" in capsys.readouterr().out
    assert main(["check", "--no-cache", "--device", "none", "."]) != 1  # the tree's own settings let it pass


def test_the_limits_are_those_of_the_code():
    text = page_of("limits").text
    for limit in (
        f"text of a file | {limits.TEXT_BYTES // 2**20} MiB |",
        f"in the brackets of an expression | {limits.DEPTH} |",
        f"YAML values of a file | {limits.NODES:,} |",
        f"included files | {limits.FILES} |",
        f"variants of a file | {limits.VARIANTS} |",
        f"characters of an expression | {limits.EXPRESSION_CHARACTERS:,} |",
        f"inside one another in an expression | {limits.EXPRESSION_DEPTH} |",
        f"characters of a name | {limits.NAME_CHARACTERS} |",
        f"calls of a model | {limits.CALLS:,} |",
        f"iterations of a loop | {limits.ITERATIONS:,} |",
        f"dimensions of a tensor | {limits.DIMENSIONS} |",
        f"integers | below 2**{limits.INTEGER.bit_length() - 1} |",
        f"tracing one model | {limits.WORK:,} units, and {limits.WORK_A_CALL} more for each call |",
        f"search for fixes | {limits.FIXING:,} units, and {limits.FIXING_A_CALL} more for each call;",
        f"problems of a file | {limits.PROBLEMS:,};",
    ):
        assert limit in text
