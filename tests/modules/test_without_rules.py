"""Layers and functions of torch without a rule: measured, and then what their rule would have said."""

import subprocess
import sys

import pytest
import torch

from nnshape import loads, trace, verify
from nnshape.calculator.one_step import one_step
from nnshape.shapes.dims import substitute
from nnshape.shapes.function import TWINS
from nnshape.shapes.functions import all_functions
from nnshape.shapes.layers import all_layers
from nnshape.shapes.tensor import Tensor, Unknown
from nnshape.tracing import numbers

#: Where a rule is looked for by name.
LOOKED_UP = (
    "scope.find_layer",
    "scope.find_function",
    "calls.find_method",
    "calls.find_function",
    "name_lookup.find_method",
)


@pytest.fixture
def without(monkeypatch):
    """Hides the rule of a name."""

    def hide(name):
        for place in LOOKED_UP:
            module, attribute = place.split(".")
            find = getattr(sys.modules[f"nnshape.tracing.{module}"], attribute)
            monkeypatch.setattr(
                sys.modules[f"nnshape.tracing.{module}"],
                attribute,
                lambda wanted, find=find: None if wanted == name else find(wanted),
            )

    return hide


def said(value):
    """A value in a form to compare: its shapes at two batches, since one size can be written in several ways."""
    if isinstance(value, (tuple, list)):
        return [said(item) for item in value]
    if not isinstance(value, Tensor):
        return value
    return str(value.dtype), [[substitute(size, {"N": n}) for size in value.shape] for n in (5, 8)]


def holds_unknown(value):
    """Whether a part of a value is unknown."""
    return isinstance(value, Unknown) or (isinstance(value, (tuple, list)) and any(map(holds_unknown, value)))


#: Layers whose parameters have no size until they first run: only a rule can tell them ahead.
LAZY = sorted(name for name in all_layers() if name.startswith("Lazy"))
#: Methods that no operator of torch stands behind, or that move a tensor to a device that is not there.
NOT_OPERATORS = {
    "bfloat16", "byte", "cdouble", "cfloat", "chalf", "char", "double", "half", "long", "short", "cuda", "dim",
    "element_size", "is_complex", "is_floating_point", "ndimension", "nelement", "numel", "requires_grad_", "size",
    "type", "getitem", "T", "mT", "H", "mH",
}  # fmt: skip
#: Functions whose example writes the dimensions one by one, which only their method takes.
ONE_BY_ONE = {"flip", "permute", "reshape", "tile"}


@pytest.mark.parametrize("name", sorted({*all_layers()} - {*LAZY}))
def test_a_layer_is_measured_as_its_rule_says(name, without):
    example = all_layers()[name].example
    ruled = trace(one_step(example[0], example[1:]))
    without(name)
    measured = trace(ruled.spec)
    (call,) = measured.root.children
    assert measured.errors == ()
    assert (call.measured, call.partial_macs, call.partial_parameters) == (True, True, False)
    assert measured.totals.parameters == ruled.totals.parameters
    assert [row.name for row in measured.parameters] == [row.name for row in ruled.parameters]
    if holds_unknown(measured.output):
        assert [problem.kind for problem in measured.problems] == ["unmeasured"]
    else:
        assert said(measured.output) == said(ruled.output)
        assert verify(measured).agree


@pytest.mark.parametrize("name", LAZY)
def test_a_layer_that_waits_for_its_first_run_is_refused(name, without):
    example = all_layers()[name].example
    spec = one_step(example[0], example[1:])
    without(name)
    (problem,) = trace(spec).errors
    assert problem.kind == "unmeasured"
    assert "has no size until its first run" in problem.message


FUNCTIONS = sorted({*all_functions()} - NOT_OPERATORS - ONE_BY_ONE - {*numbers.PYTHON} - {*numbers.SHARED} - set(TWINS))


#: The functions of torch and torch.nn.functional, which are measured; those of torch.nn.utils are not.
MEASURED = [
    name for name in FUNCTIONS if any(hasattr(home, name) for home in (torch, torch.nn.functional, torch.Tensor))
]


@pytest.mark.parametrize("name", MEASURED)
def test_a_function_is_measured_as_its_rule_says(name, without):
    example = all_functions()[name].example
    ruled = trace(one_step(example[0], example[1:]))
    without(name)
    measured = trace(ruled.spec)
    assert measured.errors == ()
    (call,) = measured.root.children
    assert (call.measured, call.partial_macs, call.partial_parameters) == (True, True, False)
    if holds_unknown(measured.output):
        assert [problem.kind for problem in measured.problems] == ["unmeasured"]
    else:
        assert said(measured.output) == said(ruled.output)


MODEL = """
input: [N, 4, T]
layers:
  step: diff(dim=2)
  area: torch.trapezoid(step, dim=1)
  window: kaiser_window(12)
  square: window.diagflat()
  fc: Linear(12, 3)(window)
"""


def test_functions_that_never_had_a_rule_work_together():
    traced = trace(loads(MODEL))
    assert [str(call.output) for call in traced.calls] == ["4 x (T - 1)", "(T - 1)", "[12]", "[12, 12]", "[3]"]
    assert [call.measured for call in traced.calls] == [True, True, True, True, False]
    assert (traced.totals.macs, traced.totals.partial_macs) == (36, True)
    assert verify(traced).agree


@pytest.mark.parametrize(
    "step",
    ["load('x')", "save(x, 'x')", "from_file('x', size=4)", "manual_seed(1)", "set_num_threads(1)", "compile(x)",
     "torch.hub()", "x.tofile('x')", "x.numpy()", "x.register_hook(1)", "F.handle_torch_function(x)", "_C()"],
)  # fmt: skip
def test_what_is_no_operation_on_tensors_is_not_run(step, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (problem,) = trace(loads(f"input: 4\nlayers:\n  a: {step}\n")).errors
    assert problem.kind == "unknown-name"
    assert list(tmp_path.iterdir()) == []


def test_what_torch_refuses_is_told_in_its_words():
    (problem,) = trace(loads("input: [4, 4, 4]\nlayers:\n  a: cov()\n")).errors
    assert problem.kind == "invalid-argument"
    assert "expected input to have two or fewer dimensions" in problem.message
    assert problem.span.line == 3


def test_what_meta_cannot_run_is_unknown_and_said():
    traced = trace(loads("input: [5]\nlayers:\n  a: combinations()\n  b: relu()\n  c: Linear(2, 3)\n"))
    assert traced.errors == ()
    assert [problem.kind for problem in traced.problems] == ["unmeasured"]
    assert (traced.totals.parameters, traced.totals.partial_parameters) == (9, False)
    verification = verify(traced)
    assert not verification.agree
    assert verification.sentence.endswith("the output of a is unknown")


def test_a_misspelt_name_imports_no_torch():
    code = (
        "import sys, nnshape\n"
        "steps = '  a: rleu()\\n  b: Linaer(4, 2)\\n  c: x.sofmtax()\\n'\n"
        "t = nnshape.trace(nnshape.loads('input: 4\\nlayers:\\n' + steps))\n"
        "assert [p.kind for p in t.errors] == ['unknown-name', 'unknown-layer', 'unknown-name'], t.errors\n"
        "assert 'torch' not in sys.modules\n"
        "nnshape.trace(nnshape.loads('input: 4\\nlayers:\\n  a: diff()\\n'))\n"
        "assert 'torch' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_torch_the_step_says_what_it_lacks(monkeypatch):
    def missing():
        raise ImportError("No module named 'torch'")

    monkeypatch.setattr("nnshape.api._torch_measure", missing)
    (problem,) = trace(loads("input: 4\nlayers:\n  a: diff()\n")).errors
    assert problem.kind == "unmeasured"
    assert "diff has no rule, and torch, which would infer its shape, cannot be imported" in problem.message


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("{macs: <= 10}", [("over-budget", "error")]),
        ("{macs: <= 1M}", [("unchecked", "warning")]),
        ("{macs: 36}", [("unchecked", "warning")]),
        ("{parameters: 39}", []),
        ("{parameters: <= 38}", [("over-budget", "error")]),
    ],
)
def test_a_lower_bound_is_judged_only_where_it_decides(expected, told):
    traced = trace(loads(f"{MODEL}expect: {expected}\n"))
    found = [(problem.kind, problem.severity) for problem in traced.problems if problem.kind != "unused-step"]
    assert found == told
