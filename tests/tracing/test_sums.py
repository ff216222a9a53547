"""Python's functions on numbers: `sum` adds tensors too, and no sentence of Python's reaches a message."""

import re

import pytest
import torch

from nnshape import build, loads, trace, verify

MODEL = """
input: 4
layers:
  hs: ModuleList(Linear(4, 2) for i in range(3))
  a: hs[0](x)
  b: hs[1](x)
  c: hs[2](x)
  o: "{}"
output: [o, a, b, c]
"""


def traced(step: str):
    return trace(loads(MODEL.format(step)))


@pytest.mark.parametrize(
    ("step", "twin"),
    [
        ("sum(h(x) for h in hs)", lambda a, b, c: a + b + c),
        ("sum([a, b, c])", lambda a, b, c: a + b + c),
        ("sum([a, b], c)", lambda a, b, c: c + a + b),
        ("sum((h(x) for h in hs), start=c)", lambda a, b, c: c + a + b + c),
        ("sum([a])", lambda a, b, c: a),
        ("sum([], a)", lambda a, b, c: a),
        ("sum([1, a, 2.5])", lambda a, b, c: 1 + a + 2.5),
        ("sum([a > 0, b > 0, c > 0])", lambda a, b, c: sum([a > 0, b > 0, c > 0])),
        ("sum([a > 0])", lambda a, b, c: sum([a > 0])),
        ("sum([(a, b), (c,)], ())[2]", lambda a, b, c: c),
        ("a * sum([1, 2], 3) * sum(range(3))", lambda a, b, c: a * 6 * 3),
        ("sum(x.shape) * a", lambda a, b, c: (a.shape[0] + 4) * a),
        ("sum(x.shape, 1) * a", lambda a, b, c: (a.shape[0] + 5) * a),
        ("a if any([k > 2 for k in range(4)]) and all([True, 1]) else b", lambda a, b, c: a),
        ("sum(a, 1)", lambda a, b, c: a.sum(1)),
        ("a.sum() * len([h for h in hs])", lambda a, b, c: a.sum() * 3),
    ],
)
def test_a_sum_is_what_python_makes_of_it(step, twin):
    answer = traced(step)
    assert [problem.message for problem in answer.errors] == []
    assert verify(answer).agree
    o, *abc = build(answer)(torch.rand(5, 4) - 0.5)
    wanted = twin(*abc)
    assert o.dtype == wanted.dtype
    assert torch.equal(o, wanted)


WRONG = (
    """
sum([a, 'b'])|sum(['a'])|sum([(a, b)])|sum([a, None])|sum((a, b), c, a)|sum([a], begin=b)|sum('ab', 'c')|sum(3, a)
max([a, b])|max(h(x) for h in hs)|min(None, 1)|min([])|max([1, 2], key=3)|min(1, 'x')|any([a, b])|all(h(x) for h in hs)
len(3)|len()|len(1, 2)|zip(a, b)|zip(1, 2)|int('q')|int(1, 2, 3)|float('x')|list(1)|list(a)|tuple(1)|range('x')|range(a)
range(1, 2, 0)|range(1.5)|range()|enumerate(1)|enumerate(a)|reversed(3)|reversed(a)|str(1, 2)|isqrt(-1)|isqrt('x')
sqrt(-1)|log(0)|exp(10000)|round('x')|abs('x')|abs(None)|1 in 3|'a' < 1|None >= 2|1 // 0|5 % 0|1 / 0|2 ** 'x'|-'c'|~'c'
(a,) * 'c'|(1, 2) - (1,)|(1, 2) < 3|[1, 2][1.5]|[1, 2]['a']|[1, 2][7]|x[None:'b']|x['a']|x.size('a')|x.size(1, 2)
f'{a}'|f'{hs}'|pow(2, 'x')|pow(1, 2, 3, 4)|ceil('x')|'a' @ 2|1 << -1|1 << 'a'|1.5 & 2|[i for i in 3]|(*3, 1)|3(a)|'a'(b)
""".strip()
    .replace("\n", "|")
    .split("|")
)
#: Words of CPython's own messages.
PYTHONS = re.compile(
    r"unsupported operand|object is not|has no len|not supported between|positional arguments? but|invalid literal|"
    r"could not convert|keyword argument|math domain|interpreted as|arg \d|must be nonnegative|empty sequence|\w\(\) |"
    r"lambda|is not iterable|'(int|str|float|tuple|list|NoneType|Tensor|Module|Dim|RuntimeSize|Frame)'|takes exactly|"
    r"must be (an integer|str|real)|out of range|negative shift|math range|Traceback|indices must"
)


@pytest.mark.parametrize("step", WRONG)
def test_a_wrong_argument_is_told_in_a_sentence_of_our_own(step):
    errors = traced(step).errors
    assert errors
    for problem in errors:
        assert problem.span is not None
        assert problem.kind != "internal"
        assert not PYTHONS.search(problem.message), problem.message
