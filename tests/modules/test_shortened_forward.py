"""On meta, the forward method runs with long layers shortened, and the proof says so."""

import pytest

from nnshape import Trace, loads, trace, verify

LONG = {
    "LSTM": ("[N, 40, 8]", "LSTM(8, 4, batch_first=True)(x)[0]"),
    "GRU": ("[40, N, 8]", "GRU(8, 4, 2, bidirectional=True)(x)[0]"),
    "Bilinear": ("[N, 8]", "Bilinear(8, 8, 40)(x, x)"),
    "CrossMapLRN2d": ("[N, 40, 6, 6]", "CrossMapLRN2d(3)(x)"),
}


def of(input, step):
    return trace(loads(f'input: "{input}"\nlayers:\n  fc: relu()\n  a: {step}\n  b: a.sum(-1)\n'))


@pytest.mark.parametrize("name", LONG)
def test_the_forward_method_runs_the_first_steps(name):
    verification = verify(of(*LONG[name]), "meta")
    assert verification.agree
    assert verification.remarks == (f"the forward method ran 16 steps of {name}, since meta would run each one",)
    assert not verification.is_complete


@pytest.mark.parametrize("name", LONG)
def test_a_wrong_output_of_the_forward_method_is_found(name):
    traced = of(*LONG[name])
    wrong = Trace(**{**vars(traced), "output": traced.calls[0].output})
    verification = verify(wrong, "meta")
    assert [problem.message.partition(":")[0] for problem in verification.disagreements] == ["the forward method"]


def test_a_short_layer_runs_in_full():
    assert verify(of("[16, N, 8]", "LSTM(8, 4)(x)[0]"), "meta").remarks == ()


def test_the_function_bilinear_is_not_run_as_a_whole():
    traced = trace(loads('input: {x: "[N, 8]", w: "[40, 8, 8]"}\nlayers:\n  a: bilinear(x, x, w)\n'))
    (remark,) = verify(traced, "meta").remarks
    assert remark == "the forward method as a whole was not run, since meta would run each of the steps of bilinear"
