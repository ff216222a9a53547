"""What `import nnshape` offers: public names only, and values that print as the terminal shows them."""

from __future__ import annotations

import pickle
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import nnshape
from nnshape.cli import main
from nnshape.rendering.formats import format_names

ROOT = Path(__file__).parent.parent
LENET = str(ROOT / "configs" / "lenet.yaml")
WRONG = str(ROOT / "tests" / "cases" / "wrong.yaml")


class Parser(HTMLParser):
    """Reads the cells of the tables, and holds that every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.cells.append(data)


def test_dir_shows_the_public_names_only_whatever_was_imported():
    code = (
        "import nnshape, nnshape.tracing.model, nnshape.cli\n"
        "assert all(getattr(nnshape, name) for name in dir(nnshape))\n"
        "print(*dir(nnshape))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == sorted([*nnshape.__all__, "__version__"])
    assert all(name[0].isalpha() for name in nnshape.__all__)


@pytest.mark.parametrize("file", [LENET, WRONG])
def test_a_trace_prints_as_inspect_does(file, capsys):
    main(["inspect", file, "--device", "none", "--columns", "100", "--color", "never"])
    shown = capsys.readouterr().out
    if file == WRONG:
        shown = shown.partition("\nnot built")[0]
    assert str(nnshape.trace(file)).rstrip("\n") == shown.rstrip("\n")
    assert nnshape.render(nnshape.trace(file)) == str(nnshape.trace(file)) + "\n"


@pytest.mark.parametrize("name", format_names("inspect"))
def test_render_writes_every_format_of_inspect(name, capsys):
    for device in ("none", "meta"):
        main(
            [
                "inspect",
                LENET,
                "--no-cache",
                "--device",
                device,
                "--format",
                name,
                "--columns",
                "100",
                "--color",
                "never",
            ]
        )
        trace = nnshape.trace(LENET)
        verification = None if device == "none" else nnshape.verify(trace, device)
        assert nnshape.render(trace, format=name, verification=verification) == capsys.readouterr().out


def test_render_takes_a_width_and_refuses_an_unknown_format():
    trace = nnshape.trace(LENET)
    assert max(map(len, nnshape.render(trace, width=60).splitlines())) <= 60
    with pytest.raises(
        ValueError, match=r"'jsn' is not a format of a trace; the formats are table, json, markdown, csv"
    ):
        nnshape.render(trace, format="jsn")
    known = ", ".join(format_names("inspect"))
    with pytest.raises(ValueError, match=f"'jsn' is not a format of a trace; the formats are {known}$"):
        nnshape.render(trace, format="jsn")
    with pytest.raises(ValueError, match="'sarif'"):
        nnshape.render(trace, format="sarif")


def test_a_problem_and_an_error_print_in_a_line_each_with_file_and_line():
    trace = nnshape.trace(WRONG)
    assert [str(problem) for problem in trace.problems] == [
        f"{WRONG}:11:15: error[size-mismatch]: fc1 wants 400 features, but 576 arrive",
        f"{WRONG}:14:10: error[unknown-layer]: there is no layer or block called Relu",
    ]
    with pytest.raises(nnshape.SpecError) as caught:
        nnshape.loads("input: [4\nlayers: {}\n")
    assert str(caught.value).splitlines() == [str(problem) for problem in caught.value.problems]
    assert all(line.startswith("<text>:") and "error[" in line for line in str(caught.value).splitlines())
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_an_error_without_a_place_in_a_text_names_the_file():
    with pytest.raises(nnshape.SpecError, match=r"^no/such\.yaml: error\[unreadable\]: "):
        nnshape.load("no/such.yaml")


def test_a_hostile_name_prints_in_one_line_and_as_text():
    text = "input: 4\nlayers:\n  a: Linear(5, 2)\n"
    problem = nnshape.trace(nnshape.loads(text, "\n::error::<script>\x1b[2J")).problems[0]
    assert "\n" not in str(problem)
    assert "\x1b" not in str(problem)
    trace = nnshape.trace('name: "<script>"\ninput: 4\nlayers:\n  "a": Linear(4, 2)  -> 3\n')
    assert "script" not in Parser(trace._repr_html_()).tags
    assert "&lt;script&gt;" in trace._repr_html_()


@pytest.mark.parametrize("file", [LENET, WRONG, str(ROOT / "configs" / "gpt2.yaml")])
def test_a_notebook_shows_a_table_with_the_figures_of_the_trace(file):
    trace = nnshape.trace(file)
    html = Parser(trace._repr_html_())
    assert html.tags <= {"p", "b", "br", "table", "tr", "th", "td", "pre"}
    assert html.cells[:6] == ["Layer", "Type", "Input", "Output", "Params", "MACs"]
    assert any(cell.endswith(f"{trace.totals.parameters:,}") for cell in html.cells)
    assert trace.calls[0].path in html.cells
    assert ("pre" in html.tags) == bool(trace.problems)


@pytest.mark.parametrize("modes", [(), ("training",), ("evaluation", "q"), "evaluation"])
def test_a_proof_in_modes_that_it_does_not_have_is_refused(modes):
    with pytest.raises(ValueError, match="modes must be"):
        nnshape.verify(nnshape.trace("input: 3\nlayers:\n  a: Linear(3, 4)\n"), modes=modes)


def test_a_proof_names_its_modes():
    trace = nnshape.trace("input: 3\nlayers:\n  a: Linear(3, 4)\n")
    assert nnshape.verify(trace, device="cpu").modes == ("evaluation",)
    assert nnshape.verify(trace, device="cpu", modes=("evaluation", "training")).modes == ("evaluation", "training")
