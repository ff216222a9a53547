"""Files that nobody vouches for, through the commands: an answer or a located problem, whatever they hold."""

from __future__ import annotations

import json
import os
import random
import signal
import unicodedata
from importlib import import_module
from pathlib import Path

import pytest

from nnshape.spec import limits

CONFIGS = Path(__file__).parents[2] / "configs"

#: Mutated files of the gallery; more where somebody asks: NNSHAPE_EXAMPLES=5000 pytest tests/cli/test_hostile.py
EXAMPLES = int(os.environ.get("NNSHAPE_EXAMPLES", "40"))

#: Seconds of the processor that one command may take; the worst of these takes a third.
SECONDS = 10

COMMANDS = {
    "table": ("inspect", "--device", "none"),
    "json": ("inspect", "--device", "none", "--format", "json"),
    "check": ("check", "--no-cache", "--device", "none"),
    "params": ("params", "--device", "none"),
}


class Overrun(BaseException):
    """A command took too long; no Exception, which nnshape would report as its own fault."""


@pytest.fixture(autouse=True)
def _bounded():
    def stop(number, frame):
        raise Overrun(f"more than {SECONDS} seconds of the processor")

    before = signal.signal(signal.SIGPROF, stop)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)


def answer(run, *arguments: object):
    """What a command says, in bounded time, without a trace of a crash or a sign that steers a terminal."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    result = run(*arguments)
    signal.setitimer(signal.ITIMER_PROF, 0)
    said = result.out + result.err
    assert result.code in (0, 1, 2)
    assert "Traceback" not in said
    assert "internal error" not in said
    assert not {sign for sign in set(said) if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n"}
    assert result.out or result.err
    return result


def kinds_after_all(run, path: Path) -> set[str]:
    """The kinds of problems of a file, put through every command, where all of them must find it right or wrong."""
    results = {name: answer(run, *command, path) for name, command in COMMANDS.items()}
    document = json.loads(results["json"].out)
    problems = document["problems"]
    wrong = any(problem["severity"] == "error" for problem in problems)
    assert {name: result.code for name, result in results.items()} == dict.fromkeys(COMMANDS, int(wrong))
    for problem in problems:
        assert problem["span"] is not None or path.name in problem["message"]
    return {problem["kind"] for problem in problems}


def layers(*steps: str) -> str:
    return "input: 4\nlayers:\n" + "".join(f"  s{index}: {step}\n" for index, step in enumerate(steps))


def quoted(step: str) -> str:
    return layers(json.dumps(step))


def doubling(first: str, last: str) -> str:
    """Each step holds the one before it twice: 2**60 values in as many lines as this."""
    return layers(first, *(f"(s{index}, s{index})" for index in range(60)), last)


FULL = limits.TEXT_BYTES - 64
X = "input: 4\nlayers:\n  a: ReLU()\n"
HOSTILE = {
    # what a terminal would obey, or show out of order
    "escape, raw": ("syntax", b"name: \x1b[31mred\n" + X.encode()),
    "escape, in the model's name": ("", 'name: "\\e[31mred\\a\\b"\n' + X),
    "escape, C1": ("syntax", "name: \u009b31mred\n" + X),
    "escape, in a step's name": ("invalid-name", 'input: 4\nlayers:\n  "\\e[31mred": ReLU()\n'),
    "escape, in a string": ("unknown-name", quoted("foo('\\x1b]0;owned\\x07')")),
    "escape, in an argument": ("invalid-argument", quoted("Conv1d(4, 4, 1, padding_mode='\\x1b[2J')")),
    "escape, in an equation": ("invalid-argument", quoted("einsum('\\x1b[2J', x)")),
    "escape, in the name of an item": ("invalid-name", quoted("Sequential(('\\x1b[2J', ReLU()))")),
    "escape, in globs and ties": ("unknown-name", X + 'tie: {"\\e[2Ja": b}\nfreeze: ["\\e[2J"]\n'),
    "escape, in an import": ("syntax", X + 'import: {A: "\\e[2J:a"}\n'),
    "escape, in a comment that is shown": ("syntax", "input: 4\nlayers:\n  a: Linearr(4, 4)  # \x9b2J\n"),
    "escape, in a text from a variant": ("", X + 'hparams: {h: 4}\nvariants: {"\\e[2J": {h: 5}}\n'),
    "direction, in a step's name": ("invalid-name", "input: 4\nlayers:\n  \u202eabc: ReLU()\n"),
    "direction, in a string": ("wrong-type", "input: 4\nlayers:\n  a: \"Linear(4, '\u202eabc')\"  # \u2066\n"),
    "direction, in the model's name": ("", "name: \u202egnp.exe\n" + X),
    "invisible, in a step's name": ("invalid-name", "input: 4\nlayers:\n  a\u200bb: ReLU()\n"),
    "line ends of Unicode": ("", "input: 4\u0085layers:\u2028  a: ReLU()\n"),
    "half of a surrogate pair": ("syntax", 'input: 4\nlayers:\n  a: "\\ud800"\n'),
    # no text, or more of it
    "NUL": ("syntax", b"input: 4\0\nlayers:\n  a: ReLU()\n"),
    "NUL, escaped": ("invalid-name", 'input: 4\nlayers:\n  "\\x00": ReLU()\n'),
    "not UTF-8": ("syntax", b"input: 4 \xff\xfe\nlayers:\n  a: ReLU()\n"),
    "UTF-16": ("syntax", X.encode("utf-16")),
    "a byte order mark": ("", "\ufeff" + X),
    "carriage returns": ("", X.replace("\n", "\r")),
    "empty": ("missing-key", ""),
    "blank": ("missing-key", " \n\n"),
    "a comment": ("missing-key", "# a: b"),
    "two documents": ("syntax", X + "---\n" + X),
    "a directive": ("syntax", "%YAML 9.9\n---\n" + X),
    "1 MiB in one step": ("too-large", layers("x" * FULL)),
    "1 MiB of brackets": ("too-large", layers("(" * FULL)),
    "1 MiB and a byte": ("too-large", "#" * (limits.TEXT_BYTES + 1)),
    "200,000 flow brackets": ("too-large", "[" * 200_000),
    "200,000 flow braces": ("too-large", "{a: " * 200_000),
    "5,000 unknown keys": ("too-large", "".join(f"k{index}: 1\n" for index in range(5_000))),
    # YAML's own ways to grow, to overwrite and to construct
    "a laugh": ("syntax", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"),
    "an alias": ("syntax", "input: &a 4\nlayers: *a\n"),
    "a tag": ("syntax", "input: !!python/object/apply:os.system [ls]\nlayers:\n  a: ReLU()\n"),
    "a merge key": ("syntax", X + "hparams:\n  <<: {a: 1}\n"),
    "a key twice": ("duplicate-key", X + "input: 5\n"),
    "a complex key": ("syntax", X + "? [a, b]\n: 1\n"),
    # depth
    "nested mappings": ("too-large", "input: 4\nlayers:\n" + "".join("  " * depth + "a:\n" for depth in range(1, 200))),
    "nested brackets": ("too-large", quoted("(" * 900 + "x" + ")" * 900)),
    "nested calls": ("too-large", quoted("relu(" * 300 + "x" + ")" * 300)),
    "signs": ("too-large", quoted("-" * 1900 + "x")),
    "attributes": ("too-large", quoted("x" + ".T" * 900)),
    "comparisons": ("", quoted("x" + " < x" * 400)),
    "a sum": ("too-large", quoted("+".join("x" * 900))),
    "powers": ("too-large", quoted("2" + "**2" * 600)),
    "lambdas": ("syntax", quoted("lambda: " * 200 + "1")),
    "mappings in mappings": ("too-large", layers("{type: Sequential, items: " * 70 + "1" + "}" * 70)),
    "brackets in a shape": ("too-large", "input: " + "(" * 900 + "4" + ")" * 900 + "\nlayers:\n  a: ReLU()\n"),
    # work
    "doubling numbers": ("too-large", doubling("(1, 1)", "Linear(4, s60)")),
    "doubling tensors": ("too-large", doubling("(x, x)", "relu(s60)")),
    "doubling, compared": ("too-large", doubling("(1, 1)", "zeros(1) if s60 == (s59, s59) else x")),
    "doubling, as a text": ("too-large", doubling("(1, 1)", "zeros(len(f'{s60}'))")),
    "repeated tuples": ("too-large", quoted("(((1,) * 9999,) * 9999,) * 9999")),
    "repeated tuples in a text": ("too-large", quoted("f'{((0,) * 9999,) * 9999}'")),
    "a long text": ("wrong-type", quoted("'a' * 2**62")),
    "a wide field": ("syntax", quoted("f'{1:>999999999}'")),
    "a range": ("too-large", quoted("sum(i for i in range(10**12))")),
    "loops in loops": ("too-large", quoted("sum(1 for i in range(9999) for j in range(9999) for k in range(9999))")),
    "loops that keep nothing": ("too-large", quoted("len([0 for i in range(9999) for j in range(9999) if 0])")),
    "modules in loops": (
        "too-large",
        quoted("Sequential(Sequential(ReLU() for i in range(1000)) for j in range(1000))"),
    ),
    "a tensor 10,000**5 times": (
        "too-large",
        layers("cat([x] * 9999, 1)", *(f"cat([s{i}] * 9999, 1)" for i in range(4))),
    ),
    "blocks that double": (
        "too-large",
        "input: 4\nblocks:\n  B0: {a: ReLU()}\n"
        + "".join(f"  B{i + 1}: {{a: B{i}(), b: B{i}()}}\n" for i in range(50))
        + "layers:\n  a: B50()\n",
    ),
    "blocks that double by themselves": (
        "too-large",
        "input: 4\nblocks:\n  A(n):\n    a: A(n-1) if n else ReLU()\n"
        "    b: A(n-1) if n else ReLU()\nlayers:\n  a: A(50)\n",
    ),
    "symbols that square": (
        "too-large",
        "input: '[N, T]'\nlayers:\n  s0: x.shape[1] + 1\n"
        + "".join(f"  s{i + 1}: s{i} * s{i} + N\n" for i in range(30))
        + "  z: zeros(s30)\n",
    ),
    "symbols that square and divide": (
        "",
        "input: '[N, A, B]'\nlayers:\n  s0: (A * B + N)//3\n"
        + "".join(f"  s{i + 1}: (s{i} * s{i} + A)//(B + {i + 1})\n" for i in range(30))
        + "  z: zeros(s30)\n",
    ),
    "a product of sums": (
        "too-large",
        f"input: '[{', '.join(f'A{i}' for i in range(40))}]'\nlayers:\n  p: "
        + "*".join(f"(A{i}+A{i + 1})" for i in range(30))
        + "\n  z: zeros(p)\n",
    ),
    "an equation of one letter": ("wrong-rank", quoted("einsum('" + "a" * 500 + "->', x)")),
    "globs like a slow pattern": ("unknown-name", X + "freeze: ['" + "*a" * 500 + "b', '[', '**', '(a+)+$']\n"),
    # cycles
    "a block in itself": ("too-large", "input: 4\nblocks:\n  A: {a: B()}\n  B: {a: A()}\nlayers:\n  a: A()\n"),
    "a block as its own default": ("too-large", "input: 4\nblocks:\n  A(n=A()): {a: ReLU()}\nlayers:\n  a: A()\n"),
    "defaults in a circle": ("unknown-name", "input: 4\nblocks:\n  A(n=m, m=n): {a: ReLU()}\nlayers:\n  a: A()\n"),
    "hparams in a circle": ("circular", "input: 4\nhparams: {a: b, b: a}\nlayers:\n  l: Linear(4, a)\n"),
    "ties in a circle": (
        "invalid-argument",
        layers(*["Linear(4, 4)"] * 3) + "tie: {s0.weight: s1.weight, s1.weight: s2.weight, s2.weight: s0.weight}\n",
    ),
    "a step of itself": ("unknown-name", layers("relu(s0)")),
    # numbers
    "a huge integer": ("too-large", "input: 4\nhparams: {a: " + "9" * 5000 + "}\nlayers:\n  l: Linear(4, a)\n"),
    "a huge exponent": ("too-large", quoted("Linear(4, 9**9**9)")),
    "a huge float": ("too-large", quoted("Linear(4, int(1e400))")),
    "a huge shift": ("too-large", quoted("Linear(4, 1 << 2**40)")),
    "a huge product": ("too-large", layers("Linear(4, 2**40)", "Linear(2**40, 2**40)")),
    "a huge input": ("too-large", "input: [4, 9223372036854775808]\nlayers:\n  a: ReLU()\n"),
    "a huge expectation": ("wrong-type", X + "expect: {parameters: 1e999999999}\n"),
    "a rank of 200": ("too-large", f"input: [{', '.join('1' * 200)}]\nlayers:\n  a: ReLU()\n"),
    "a view of a rank of 900": ("too-large", quoted(f"x.view({', '.join('1' * 900)}, -1)")),
    "not a number": ("wrong-type", quoted("x.view(nan)")),
    # names, and ways into Python
    "a long name": ("too-large", "input: 4\nlayers:\n  " + "a" * 900 + ": ReLU()\n"),
    "a long name that nothing has": ("syntax", quoted("a" * 1500 + "!")),
    "a long model name": ("", "name: " + "T*" * 900 + "\n" + X),
    "a class": ("syntax", quoted("().__class__.__mro__[1].__subclasses__()")),
    "a class of a tensor": ("syntax", quoted("x.__class__")),
    "a dunder step": ("invalid-name", "input: 4\nlayers:\n  __class__: ReLU()\n  __init__: ReLU()\n"),
    "a step named as a module's own": (
        "invalid-name",
        "input: 4\nlayers:\n  forward: ReLU()\n  _modules: ReLU()\n  training: ReLU()\n",
    ),
    "an import": ("syntax", quoted("__import__('os').system('ls')")),
    "a class imported": ("", X + "import: {A: 'os:system'}\n"),
    "a call of open": ("unknown-name", quoted("open('/etc/passwd')")),
    "a format": ("unknown-name", quoted("'{0.__class__.__init__.__globals__}'.format(x)")),
    "a format of a tensor": ("syntax", quoted("f'{x.__class__!r:{x}}'")),
    "percent": ("wrong-type", quoted("'%s%n%99999999d' % (1, 2)")),
    "assigning": ("", quoted("(y := x)")),
    "assigning to an attribute": ("syntax", quoted("(y.__class__ := x)")),
    "torch's own files": ("unknown-name", quoted("torch.load('/etc/passwd')")),
}


@pytest.fixture
def low_limits(monkeypatch):
    """The limits on work a fiftieth of what they are, and few fixes tried: what runs into a limit does so early."""
    monkeypatch.setattr(import_module("nnshape.tracing.work_limit"), "WORK", limits.WORK // 50)
    monkeypatch.setattr(import_module("nnshape.tracing.tracer"), "CALLS", limits.CALLS // 50)
    monkeypatch.setattr(import_module("nnshape.fixes.searching"), "_TRIES", 3)
    monkeypatch.setattr(import_module("nnshape.fixes.searching"), "_PROBLEMS", 3)


@pytest.mark.usefixtures("low_limits")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gets_an_answer(name, run, tmp_path):
    kind, text = HOSTILE[name]
    path = tmp_path / "m.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    kinds = kinds_after_all(run, path)
    assert kind in kinds if kind else not kinds


def test_the_limit_on_work_itself_is_within_the_bound(run, tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(HOSTILE["doubling tensors"][1])
    assert answer(run, *COMMANDS["check"], path).code == 1


def test_the_bound_can_be_overrun():
    with pytest.raises(Overrun):
        answer(lambda: signal.raise_signal(signal.SIGPROF))


@pytest.mark.parametrize("name", ['"\\x00"', '"\\e[2J"', "\u202eabc", "a\u200bb"], ids=ascii)
def test_a_name_in_a_usage_error_steers_no_terminal(name, run, spec):
    path = spec(f"input: 4\nlayers:\n  {name}: ReLU()\n")
    assert answer(run, "explain", path, "nothing").code == 2


# ---- includes ----

INCLUDES = {
    "/dev/zero": "relative",
    "/etc/passwd": "relative",
    "../../etc/passwd": "leads out",
    "zero.yaml": "leads out",
    "up/passwd": "leads out",
    "pipe.yaml": "not a regular file",
    "folder": "ends in .yaml",
    "m.yaml": "in a circle",
    "to_m.yaml": "in a circle",
    "\\e[2J.yaml": "no such file",
    "\\0.yaml": "not a path",
    "a" * 5000: "",
}


@pytest.mark.parametrize("path", INCLUDES, ids=lambda path: path[:20])
def test_an_include_leads_nowhere(path, run, tmp_path):
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    (tmp_path / "up").symlink_to("/etc")
    (tmp_path / "folder").mkdir()
    (tmp_path / "to_m.yaml").write_text("input: 4\ninclude: {c: m.yaml}\nlayers:\n  a: c()\n")
    os.mkfifo(tmp_path / "pipe.yaml")
    file = tmp_path / "m.yaml"
    file.write_text(f'input: 4\ninclude: {{c: "{path}"}}\nlayers:\n  a: c()\n')
    assert "include-refused" in kinds_after_all(run, file)
    assert INCLUDES[path] in answer(run, *COMMANDS["json"], file).out


@pytest.mark.usefixtures("low_limits")
def test_includes_that_double_end_at_a_limit(run, tmp_path):
    for index in range(40):
        text = f"input: 4\ninclude: {{c: m{index + 1}.yaml}}\nlayers:\n  a: c()\n  b: c()\n"
        (tmp_path / f"m{index}.yaml").write_text(text)
    (tmp_path / "m40.yaml").write_text(X)
    assert kinds_after_all(run, tmp_path / "m0.yaml") == {"too-large"}


# ---- the gallery, mutated ----

PIECES = [
    b"\x1b[2J", b"\0", b"\xff", "\u202e".encode(), b"9" * 40, b"**9", b"[" * 70, b"(", b")", b"{", b": ", b"- ", b"\t",
    b"&a ", b"*a ", b"!!x ", b"<<: ", b"-1", b"0", b"_", b"__class__", b"'", b'"', b"\r", b"%", b"auto",
]  # fmt: skip


def mutated(data: bytes, source: random.Random) -> bytes:
    """A file after one to three accidents: bytes flipped, put in or taken out, its end cut off, lines swapped."""
    for _ in range(source.randint(1, 3)):
        at = source.randrange(len(data))
        accident = source.choice(["flip", "cut", "put", "take", "swap", "repeat"])
        if accident == "flip":
            data = data[:at] + bytes([data[at] ^ (1 << source.randrange(8))]) + data[at + 1 :]
        elif accident == "cut":
            data = data[: at + 1]
        elif accident == "put":
            data = data[:at] + source.choice(PIECES) + data[at:]
        elif accident == "take":
            data = data[:at] + data[at + source.randint(1, 9) :] or b"a"
        else:
            lines = data.splitlines(keepends=True)
            one, other = (source.randrange(len(lines)) for _ in range(2))
            before = lines[one]
            lines[one] = lines[other]
            if accident == "swap":
                lines[other] = before
            data = b"".join(lines)
    return data


@pytest.mark.usefixtures("low_limits")
@pytest.mark.parametrize("seed", range(EXAMPLES))
def test_a_mutated_file_of_the_gallery_gets_an_answer(seed, run, tmp_path, chance):
    source = chance(seed)
    original = source.choice(sorted(CONFIGS.glob("*.yaml")))
    path = tmp_path / original.name
    path.write_bytes(mutated(original.read_bytes(), source))
    results = {name: answer(run, *command, path) for name, command in COMMANDS.items()}
    assert {result.code for result in results.values()} <= {0, 1}
    json.loads(results["json"].out)
