"""Text of a stranger in each place that a command may quote, in every format: it is shown, and never obeyed."""

# ruff: noqa: E501 (the tables of texts, places and arguments are read by eye, a case beside its like)

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar
from xml.etree import ElementTree

import pytest

from nnshape.cli import main
from nnshape.rendering import visible

# Imported by path: the tests are no package.
sys.path.insert(0, str(Path(__file__).parent))
from runners import commands_in, hidden_in

CHECK_FORMATS = ("full", "concise", "json", "github", "gitlab", "junit", "sarif", "rdjson")
FORMATS = ("table", "json", "markdown", "csv")
WIDTHS = (20, 60, 80, 200)
#: Whether every combination is tried, as a fuzzer would, and not only every pair.
EVERY = bool(os.environ.get("NNSHAPE_EXAMPLES"))

Case = TypeVar("Case")


def some(cases: Sequence[Case], first: int, step: int) -> Sequence[Case]:
    """One case in `step`, counted from `first`; every case with NNSHAPE_EXAMPLES set."""
    return cases if EVERY else cases[first % step :: step]


TEXTS = [
    "::error::x", "::add-mask::x", "::set-output name=a::b", "::stop-commands::x", "  ::error file=a,line=1::x",
    "##[error]x", "a ##[group]x", "###[command]x", "##vso[task.setvariable variable=a]b", "##teamcity[testFailed name='a']",
    "section_start:1:a\r\x1b[0Kx", "a\nsection_end:1:a", "a\r::error::x", "a\n::error::x", "a\r\n ::error::x",
    "a\v::error::x", "a\f::error::x", "a\x85::error::x", "a\u2028::error::x", "a\u2029::error::x", "\u00a0::error::x",
    "\u3000::error::x", "\u200b::error::x", ":\u200b:error::x", "#\u00ad#[error]x", "\ufe0f::error::x", "\u3164::error::x",
    "\x1b[31m::error::x", "\x1b]0;x\x07", "\x9b2J", "\x7f", "\u202egnp.exe", "\u2066a\u2069", "a\tb", "\ue000", "\U000e0041",
    "⋮:error::x", "│::error::x", "…::error::x", "é::error::x",
    "`|\\<b>&lt;**_[x](y)", "a\\|b", "a`|`b", "```\n::error::x", "-->\n<!-- ]]>", "=1+1", "@x", "+1;=2", " \t=1", "%0A::error::x",
    " ".join(["::error::x"] * 40), " ".join(["##[error]x"] * 40), "::error::" + "x" * 300, "w" * 70 + " ::error::x",
]  # fmt: skip
LONE = "\ud800"


def yaml(text: str) -> str:
    """A text as YAML quotes it, whatever is in it."""
    return json.dumps(text)


#: A spec with a stranger's text in each place where one can stand.
SPECS = {
    "name": lambda t: f"name: {yaml(t)}\ninput: 4\nlayers:\n  a: Linear(5, 3)\n",
    "step": lambda t: f"input: 4\nlayers:\n  {yaml(t)}: Linear(5, 3)\n  b: ReLU()\n",
    "item": lambda t: f"input: 4\nlayers:\n  a: {yaml(f'Sequential(({t!r}, Linear(5, 3)))')}\n",
    "string": lambda t: f"input: [N, 4, 4]\nlayers:\n  a: {yaml(f'Conv1d(4, 4, 1, padding_mode={t!r})')}\n",
    "raw string": lambda t: f"input: 4\nlayers:\n  a: {yaml(f'foo({t})')}\n",
    "mapping": lambda t: f"input: 4\nlayers:\n  a: {{type: {yaml(t)}, {yaml(t)}: {yaml(t)}}}\n",
    "output": lambda t: f"input: 4\nlayers:\n  a: Linear(4, 4)\noutput: {{{yaml(t)}: a}}\n",
    "key": lambda t: f"{yaml(t)}: 1\ninput: 4\nlayers:\n  a: ReLU()\n",
    "twice": lambda t: f"input: 4\nlayers:\n  {yaml(t)}: ReLU()\n  {yaml(t)}: ReLU()\n",
    "hparam": lambda t: f"input: 4\nhparams: {{h: {yaml(t)}, {yaml(t)}: 1}}\nlayers:\n  a: Linear(h, 4)\n",
    "input": lambda t: f"input: {{{yaml(t)}: 4}}\nlayers:\n  a: Linear(5, 3)\n",
    "shape": lambda t: f"input: {yaml(t)}\nlayers:\n  a: Linear(5, 3)\n",
    "dtype": lambda t: f"input: 4\ndtype: {yaml(t)}\nlayers:\n  a: Linear(5, 3)\n",
    "variant": lambda t: f"input: 4\nhparams: {{h: 4}}\nvariants: {{{yaml(t)}: {{h: 5}}}}\nlayers:\n  a: Linear(h, 4)\n",
    "block": lambda t: f"input: 4\nblocks:\n  {yaml(t)}:\n    a: ReLU()\nlayers:\n  a: Linear(5, 3)\n",
    "include": lambda t: f"input: 4\ninclude: {{c: {yaml(t)}, d: {yaml(t + '.yaml')}}}\nlayers:\n  a: c()\n",
    "import": lambda t: f"input: 4\nimport: {{A: {yaml(t)}, B: {yaml('a:' + t)}}}\nlayers:\n  a: A()\n",
    "tie": lambda t: f"input: 4\nlayers:\n  a: Linear(4, 4)\ntie: {{{yaml(t)}: a.weight}}\nfreeze: [{yaml(t)}]\n",
    "expect": lambda t: f"input: 4\nlayers:\n  a: Linear(4, 4)\nexpect: {{parameters: {yaml(t)}, {yaml(t)}: 1}}\n",
    "comment": lambda t: f"input: 4\nlayers:\n  a: Linear(5, 3)  # {t}\n",
    "block text": lambda t: f"name: >\n  {t}\n  {t}\ninput: 4\nlayers:\n  a: Linear(5, 3)\n",
    "no YAML": lambda t: f"input: 4\nlayers: [\n{t}\n",
}  # fmt: skip


@pytest.fixture
def bytes_of(monkeypatch, tmp_path):
    """What a command writes to both streams, as bytes; a stream may know fewer signs than UTF-8 has."""
    for name in ("NO_COLOR", "FORCE_COLOR", "NNSHAPE_TRACEBACK", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.chdir(tmp_path)

    def bytes_of(*arguments: str, encoding: str = "utf-8") -> bytes:
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", streams[0])
            patch.setattr(sys, "stderr", streams[1])
            code = main([str(argument) for argument in arguments])
        out, err = (stream.buffer.getvalue() for stream in streams)
        assert code in (0, 1, 2)
        assert b"Traceback" not in err
        assert b"internal error" not in err
        assert not hidden_in(out + err) or encoding != "utf-8"
        assert not commands_in(err)
        if "github" not in arguments:
            assert not commands_in(out)
        return out

    return bytes_of


def own_commands(out: bytes) -> None:
    """Hold that GitHub finds in a report nothing but annotations of nnshape's own, one a line."""
    lines = out.decode().splitlines()
    assert commands_in(out) == lines
    for line in lines:
        match = re.fullmatch(r"::(error|warning) (title=nnshape%3A [a-z-]+(?:,\w+=[^,:]*)*)::(.*)", line)
        assert match, line


ANSWERS = [
    *(("check", "PATH", "--device", "none", "--no-cache", "--format", form) for form in CHECK_FORMATS),
    *((command, "PATH", "--device", "none", "--format", form) for command in ("inspect", "params") for form in FORMATS),
    ("inspect", "PATH", "--diff"), ("check", "PATH", "--diff", "--no-cache"),
    ("explain", "PATH", "a"), ("explain", "PATH", "nothing"), ("explain", "PATH", "a", "--format", "json"),
]  # fmt: skip


def answer(bytes_of, path: str, command: tuple[str, ...]) -> None:
    """One answer on one file, read back by what reads its format."""
    out = bytes_of(*(path if word == "PATH" else word for word in command))
    form = command[-1]
    if form == "github":
        own_commands(out)
    elif form == "junit":
        ElementTree.fromstring(out)
    elif form in ("gitlab", "sarif", "rdjson") or (form == "json" and out):
        json.loads(out)
    elif form == "csv":
        assert_no_formula(out)
    elif form == "markdown":
        assert_whole_rows(out)


def assert_no_formula(out: bytes) -> None:
    rows = list(csv.reader(io.StringIO(out.decode(), newline="")))
    assert len({len(row) for row in rows}) <= 1, "as many cells as titles"
    for cell in (part for row in rows for field in row for part in re.split("[;\n]", field)):
        assert not re.match(r"""[\s"']*[=+\-@\t\r]""", cell) or cell.lstrip('"\n ').startswith("'") or is_number(cell)


def is_number(cell: str) -> bool:
    return re.fullmatch(r"[+-]?[\d.]+(e[+-]?\d+)?", cell) is not None


def assert_whole_rows(out: bytes) -> None:
    """Hold that each row of a Markdown table has the cells of its header, as cmark-gfm counts them."""
    tables = re.findall(r"(?:^\|.*\n)+", out.decode(), re.MULTILINE)
    for table in tables:
        assert len({len(re.findall(r"(?:\\.|[^|\\])*\|", row)) for row in table.splitlines()}) == 1, table


@pytest.mark.parametrize("place", SPECS)
def test_text_of_a_spec(place, bytes_of, monkeypatch):
    """Every text in every place, through one answer each: every place meets every answer, and so does every text."""
    for number, text in enumerate(TEXTS):
        Path("m.yaml").write_bytes(SPECS[place](text).encode())
        monkeypatch.setenv("COLUMNS", str(WIDTHS[number % len(WIDTHS)]))
        for command in answers_of(number, place):
            answer(bytes_of, "m.yaml", command)


def answers_of(number: int, place: str) -> Sequence[tuple[str, ...]]:
    """The answers that a text goes through in a place."""
    return some(ANSWERS, number + list(SPECS).index(place), len(ANSWERS))


def test_every_pair_of_text_place_and_answer_is_tried():
    tried = [
        (number, place, item) for number in range(len(TEXTS)) for place in SPECS for item in answers_of(number, place)
    ]
    assert {(number, place) for number, place, _ in tried} == set(itertools.product(range(len(TEXTS)), SPECS))
    assert {(place, item) for _, place, item in tried} == set(itertools.product(SPECS, ANSWERS))
    assert {(number, item) for number, _, item in tried} == set(itertools.product(range(len(TEXTS)), ANSWERS))


@pytest.mark.parametrize("command", ANSWERS, ids=" ".join)
def test_without_the_guard_every_answer_speaks(command, bytes_of, monkeypatch):
    """Hold that the texts above reach every answer: nothing but the escapes keeps them from being obeyed."""
    Path("m.yaml").write_text(SPECS["step"]("##[error]x"))
    answer(bytes_of, "m.yaml", command)
    # Every renderer and the writer escape by these three: now each of them leaves a text as it is.
    monkeypatch.setattr(visible, "_is_plain", lambda text: True)
    monkeypatch.setattr(visible, "_is_hidden", lambda sign: False)
    monkeypatch.setattr(visible, "_COMMAND", re.compile("(?!)"))
    with pytest.raises(AssertionError, match=r"##\[error\]x"):
        answer(bytes_of, "m.yaml", command)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("place", SPECS)
def test_wrapped_lines(place, width, bytes_of, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    commands = (
        ("check", "--no-cache", "--device", "none", "m.yaml"),
        ("inspect", "--device", "none", "m.yaml"),
        ("explain", "m.yaml", "a"),
    )
    for number, before in enumerate((0, 31, 59), list(SPECS).index(place) + WIDTHS.index(width)):
        words = "w" * before + " " + " ".join(["::error::x", "##[error]x"] * 12)
        Path("m.yaml").write_text(SPECS[place](words))
        for command in some(commands, number, len(commands)):
            bytes_of(*command)


FILE_NAMES = [text for text in TEXTS if "\0" not in text and len(text) < 200] + ["\udcff"]


@pytest.mark.parametrize("text", FILE_NAMES, ids=ascii)
@pytest.mark.parametrize("faulty", [True, False], ids=["faulty", "no spec"])
def test_names_of_files_and_folders(text, faulty, bytes_of):
    folder = Path(text.replace("/", "_"))
    try:
        folder.mkdir()
        (folder / f"{folder.name}.yaml").write_text(
            "input: 4\nlayers:\n  a: Linear(5, 3)\n" if faulty else "layers: [\n"
        )
    except OSError:
        pytest.skip("no name for a file here")
    # There are twice as many names as answers: a faulty file and no spec each go through all of them.
    number = FILE_NAMES.index(text) + faulty * len(ANSWERS) // 2
    for command in some(ANSWERS, number, len(ANSWERS)):
        answer(bytes_of, f"./{folder}/{folder.name}.yaml", command)
    for form in some(CHECK_FORMATS, number, len(CHECK_FORMATS)):
        bytes_of("check", ".", "--device", "none", "--no-cache", "--format", form)
    bytes_of("check", f"./{folder}/nothing.yaml", "--no-cache")


ARGUMENTS = [
    ("{}",), ("inspect", "{}"), ("inspect", "m.yaml", "{}"), ("inspect", "m.yaml", "--{}"), ("inspect", "m.yaml", "--format", "{}"),
    ("inspect", "m.yaml", "--set", "{}"), ("inspect", "m.yaml", "--set", "{}=1"), ("inspect", "m.yaml", "--set", "h={}"),
    ("inspect", "m.yaml", "--input", "{}"), ("inspect", "m.yaml", "--variant", "{}"), ("inspect", "m.yaml", "--device", "{}"),
    ("inspect", "m.yaml", "--columns", "{}"), ("inspect", "m.yaml", "--depth", "{}"), ("params", "m.yaml", "--layer", "{}"),
    ("check", "{}"), ("check", "m.yaml", "--format", "{}"), ("check", "m.yaml", "--device", "none", "--exclude", "{}"), ("check", "-", "--stdin-filename", "{}"),
    ("check", "m.yaml", "--output-file", "{}/a"), ("check", "m.yaml", "--jobs", "{}"), ("explain", "{}"), ("explain", "m.yaml", "{}"),
    ("layer", "{}", "4"), ("layer", "Linear(4, '{}')", "4"), ("layer", "Linear(4, 4)", "{}"), ("layer", "relu(y)", "{}=4"),
    ("layer", "Linear(4, 4)", "4", "--set", "{}=1"), ("schema", "{}"), ("schema", "--output-file", "{}/a"),
]  # fmt: skip


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=" ".join)
def test_usage_errors_that_quote_arguments(arguments, bytes_of, monkeypatch):
    Path("m.yaml").write_text("input: 4\nhparams: {h: 4}\nlayers:\n  a: Linear(h, 4)\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"input: 4\nlayers:\n  a: Linear(5, 3)\n")))
    for text in [*some(TEXTS, ARGUMENTS.index(arguments), 7), "\udcff"]:
        bytes_of(*(argument.format(text) if "{}" in argument else argument for argument in arguments))


SETTINGS = ["exclude = [{}]", "include = [{}]", "device = {}", "format = {}", "ignore = [{}]", "{} = 1", "format = [{}]",
            "per-file-ignores = {{ {} = [{}] }}", "device = {}\nx"]  # fmt: skip


@pytest.mark.parametrize("setting", SETTINGS)
def test_settings(setting, bytes_of):
    Path("m.yaml").write_text("input: 4\nlayers:\n  a: Linear(5, 3)\n")
    for text in some(TEXTS, SETTINGS.index(setting), 3):
        quoted = json.dumps(text, ensure_ascii=True)
        quoted = re.sub(r"(?:\\ud[89ab]..\\u....)", '"', quoted) if "\\ud" in quoted else quoted
        line = setting.replace("{{", "{").replace("}}", "}").replace("{}", quoted.replace('""', '"'))
        Path("pyproject.toml").write_text(f"[tool.nnshape]\n{line}\n")
        bytes_of("check", "m.yaml", "--no-cache")


VARIABLES = ["GITHUB_WORKSPACE", "CI_PROJECT_DIR", "COLUMNS", "XDG_CACHE_HOME", "TERM", "PYTHONIOENCODING"]


@pytest.mark.parametrize("name", VARIABLES)
def test_environment(name, bytes_of, monkeypatch):
    Path("m.yaml").write_text("input: 4\nlayers:\n  a: Linear(5, 3)\n")
    for number, text in enumerate(TEXTS):
        monkeypatch.setenv(name, text)
        for form in some(CHECK_FORMATS, number + VARIABLES.index(name), len(CHECK_FORMATS)):
            cache = () if name == "XDG_CACHE_HOME" else ("--no-cache",)
            bytes_of("check", "m.yaml", "--device", "none", *cache, "--format", form)


ENCODINGS = ["ascii", "latin-1", "cp1252", "utf-8"]
FOREIGN = ["größe 世界 🙂 │⋮:", "⋮:error::x", "│::error::x", "\udcff", "…"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", FOREIGN, ids=ascii)
def test_streams_that_know_few_signs(encoding, text, bytes_of):
    Path(f"{text}.yaml").write_text(
        f"name: '{text}'\ninput: 4\nlayers:\n  a: Linear(5, 3)  # 世 │⋮\n", "utf-8", "replace"
    )
    # With more texts than encodings, every encoding meets every format.
    number = ENCODINGS.index(encoding) + FOREIGN.index(text)
    for form in some(CHECK_FORMATS, number, len(ENCODINGS)):
        out = bytes_of("check", f"{text}.yaml", "--device", "none", "--no-cache", "--format", form, encoding=encoding)
        if form in ("json", "gitlab", "sarif", "rdjson"):
            json.loads(out.decode("utf-8"))
        elif form == "junit":
            assert (
                ElementTree.fromstring(out).find("testsuite").get("name") == text.replace("\udcff", "\\udcff") + ".yaml"
            )
    for form in some(FORMATS, number, len(ENCODINGS)):
        out = bytes_of("inspect", f"{text}.yaml", "--device", "none", "--format", form, encoding=encoding)
        if form == "json":
            assert json.loads(out.decode("utf-8"))["name"] == text.replace("\udcff", "?")


PROCESS_TEXTS = ["::error::x", "##[error]x", "a\n::error::x", "\x1b[31mred", "\u202eabc"]
SYSTEMS = [{"GITHUB_ACTIONS": "true"}, {"GITLAB_CI": "true"}, {}]
PROCESSES = [
    (form, text, ci)
    for number, form in enumerate(CHECK_FORMATS)
    for text in some(PROCESS_TEXTS, number, len(PROCESS_TEXTS))
    for ci in some(SYSTEMS, number, len(SYSTEMS))
]


@pytest.mark.parametrize(("form", "text", "ci"), PROCESSES, ids=ascii)
def test_real_processes(form, text, ci, tmp_path):
    folder = tmp_path / text
    folder.mkdir()
    (folder / "m.yaml").write_text(SPECS["name"](text) + f"# {text!r}\n")
    environment = {
        name: value for name, value in os.environ.items() if name not in ("CI", "GITHUB_ACTIONS", "GITLAB_CI")
    }
    done = subprocess.run(
        [sys.executable, "-m", "nnshape", "check", "--device", "none", "--no-cache", "--format", form, f"{text}/m.yaml"],
        cwd=tmp_path, env={**environment, **ci}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert not hidden_in(done.stdout + done.stderr)
    assert not commands_in(done.stderr)
    own_commands(done.stdout) if form == "github" else None
    assert form == "github" or not commands_in(done.stdout)


def test_closed_streams(tmp_path):
    (tmp_path / "m.yaml").write_text(SPECS["name"]("a"))
    command = f'"{sys.executable}" -m nnshape check --device none --no-cache m.yaml'
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        done = subprocess.run(["sh", "-c", f"{command} {closed}"], cwd=tmp_path, capture_output=True, check=False)
        assert (done.returncode, b"Traceback" in done.stderr) == (1, False)


# ---- the rules themselves can find something ----


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"a\n::error::x\n", ["::error::x"]),
        (b"a\r \t::error::x", ["::error::x"]),
        ("\u2003\u00a0::error::x".encode(), ["::error::x"]),
        ("\u200b:\u00ad:error::x".encode(), ["::error::x"]),
        (b"12 | ##[error]x", ["##[error]x"]),
        (b"a ##vso[task.x a=b]c", ["##vso[task.x a=b]c"]),
        (b"##teamcity[a 'b']", ["##teamcity[a 'b']"]),
        (b"a section_start:1:b\r\x1b[0Kc", ["section_start:1:b"]),
        (b"12 | ::error::x", []),
        (b"::error", []),
        (b"a: b:: c", []),
        (b"# [error] #[x]", []),
    ],
)
def test_a_planted_command_is_found(data, found):
    assert commands_in(data) == found


def test_a_hidden_sign_is_found():
    assert hidden_in("a\x1b\u202e\ufe0f\u3164\x85\r\nb".encode()) == {
        "\x1b",
        "\u202e",
        "\ufe0f",
        "\u3164",
        "\x85",
        "\r",
    }
    assert not hidden_in("größe 世界 🙂 │⋮\n".encode())
