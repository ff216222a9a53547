"""Files nobody vouches for: each is a located problem, in bounded time and memory."""

import subprocess
import sys

import pytest

from nnshape.problems import SpecError
from nnshape.problems.kinds import kind_names
from nnshape.spec import limits, loads

H = "input: 3\nlayers:\n"
FULL = limits.TEXT_BYTES - 64
HOSTILE = {
    "flow brackets": "a: " + "[" * 200_000,
    "flow braces": "a: " + "{" * 200_000,
    "block list": "- " * 200_000,
    "block mapping": "".join(" " * index + "a:\n" for index in range(1400)),
    "long word": H + "  a: " + "x" * FULL,
    "escapes": H + '  a: "' + "\\x41" * (FULL // 4) + '"',
    "folds": H + "  a: >\n" + "   x\n" * (FULL // 5),
    "blank lines": H + '  a: "x' + " \n" * (FULL // 2) + '"',
    "a million items": "-\n" * (FULL // 2),
    "a million steps": H + "- a\n" * (FULL // 4),
    "a million pairs": "a: 1\n" * (FULL // 5),
    "unknown keys": "".join(f"k{index}: 1\n" for index in range(80_000)),
    "bad steps": H + "".join(f"  a{index}: f((\n" for index in range(50_000)),
    "no spaces": "a:b\n" * (FULL // 4),
    "open brackets": H + "  a: '" + "(" * 1900 + "'",
    "many open brackets": H + "  a: '" + "(" * FULL + "'",
    "minus signs": H + "  a: '" + "-" * 1900 + "1'",
    "a laugh": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "a long integer": "hparams: {a: " + "9" * FULL + "}\n",
    "a long float": "hparams: {a: " + "1" * FULL + ".5}\n",
    "a long shape": "input: " + "1x" * (FULL // 2) + "1\nlayers: {a: b}",
    "a long name": "hparams: {? " + "x" * (FULL // 2) + ": 1}\n",
    "a long signature": "blocks:\n  ? B(" + "a, " * (FULL // 4) + ")\n  : {a: b}\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_a_located_problem(name):
    try:
        problems = loads(HOSTILE[name]).problems
    except SpecError as error:
        problems = error.problems
    assert 0 < len(problems) <= limits.PROBLEMS + 1
    for problem in problems:
        assert problem.kind in kind_names()
        assert problem.span is not None
        assert len(problem.message) < 300
        assert sum(map(len, problem.help)) < 500


@pytest.mark.parametrize("opening", ["[", "[\n", "{", "{\n", "{a: ", "[b, ", "['a', ", "- ", "? "])
@pytest.mark.parametrize("count", [limits.DEPTH + 1, 999, 1_001, 5_000, 100_000])
def test_too_many_levels_are_too_many_whoever_counts_them(opening, count):
    """libyaml has a limit of its own, which its scanner may reach before the parser tells of the first bracket."""
    with pytest.raises(SpecError) as error:
        loads("a: [b, " + opening * count if opening in "[{" else opening * count)
    assert [(problem.kind, problem.message) for problem in error.value.problems] == [
        ("too-large", "the file nests deeper than 64 levels")
    ]


def test_reading_takes_bounded_memory():
    script = (
        "import re, sys\n"
        "from nnshape.spec import loads\n"
        "from nnshape.problems import SpecError\n"
        "for text in sys.stdin.read().split('\\f'):\n"
        "    try: loads(text)\n"
        "    except SpecError: pass\n"
        # ru_maxrss would count the process that started this one; VmHWM begins anew with the program.
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])\n"
    )
    texts = "\f".join(HOSTILE[name] for name in ("flow brackets", "a million items", "no spaces", "escapes", "folds"))
    done = subprocess.run([sys.executable, "-c", script], input=texts, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 200 * 1024


def test_reading_is_linear_in_the_number_of_steps():
    def work(count: int) -> int:
        calls = 0

        def count_call(frame, event, argument):
            nonlocal calls
            calls += 1

        text = H + "".join(f"  s{index}: Conv2d({index}, {count}, 5)\n" for index in range(count))
        sys.setprofile(count_call)
        try:
            assert len(loads(text).body.steps) == count
        finally:
            sys.setprofile(None)
        return calls

    work(10)
    assert work(4000) < 11 * work(400)


VALID = """\
name: Net  # é😀
hparams: {depth: 12, act: "relu"}
dims: {H: 224}
blocks:
  Attn(d, heads=8)(x[N, T, D], mask=None):
    q: Linear(d, d) -> [N, T, D]
    out: (q + x) @ x.transpose(1, 2)
input: {img: 3xHx(H//2), t: "int64[N, T]"}
layers:
  conv1: Conv2d(1, 6, kernel_size=(5, 5))
  h: Sequential((f'l{i}', Attn(6)) for i in range(depth))
  m: {type: Conv2d, in_channels: 1, from: conv1, shape: [N, 6, 28, 28]}
  inner:
    - ReLU() if depth > 1 else Identity()
    - 'cat([_, conv1], 1)'
  text: |
    flatten(1)
output: [h, m]
tie: {a.weight: b.weight}
expect: {parameters: 1_000, macs: <= 4.1G, output: {a: 10}}
"""


def test_the_seed_is_valid():
    assert loads(VALID).problems == ()


@pytest.mark.parametrize("seed", range(20))
def test_a_mutated_text_is_read_or_refused(seed, chance):
    source = chance(seed)
    alphabet = "[]{}()'\"|>-:, \n\t#&*!%@`~xN0123456789.é😀\\=+/<\r\x85\u2028\ufeff\0"
    for _ in range(100):
        text = VALID
        for _ in range(source.randint(1, 4)):
            at = source.randrange(len(text))
            end = min(len(text), at + source.choice([0, 0, 1, 1, 5, 60]))
            piece = source.choice(["", source.choice(alphabet), text[at:end] * 2, source.choice(alphabet) * 70])
            text = text[:at] + piece + text[end:]
        try:
            problems = loads(text).problems
        except SpecError as error:
            problems = error.problems
            assert problems
        for problem in problems:
            assert problem.kind in kind_names()
            assert problem.span is not None
            assert 0 <= problem.span.start <= problem.span.end <= len(problem.span.source.text)
            for label in problem.related:
                assert 0 <= label.span.start <= label.span.end <= len(label.span.source.text)
