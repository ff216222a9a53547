"""The names of steps in messages, where loops and containers nest."""

import pytest

import nnshape


@pytest.mark.parametrize(
    ("layers", "name"),
    [
        ("{h: 'Sequential(Sequential(Sequential(ReLU(), Linear(3, 3))))'}", "h.0.0.1"),
        ("{h: [[ReLU(), ['Linear(3, 3)']]]}", "h.0.1.0"),
        ("[['Linear(3, 3)']]", "0.0"),
        ("{m: 'ModuleList(Sequential(ReLU(), Linear(3, 3)) for i in [1])', s: 'm[0](x)'}", "m.0.1"),
        ("{m: 'Sequential((\"a\", Sequential(Linear(3, 3))))'}", "a.0"),
    ],
)
def test_a_numbered_step_is_named_with_the_nearest_parent_that_has_a_name(layers, name):
    (problem,) = nnshape.trace(nnshape.loads(f"input: 8\nlayers: {layers}\n")).errors
    assert problem.message == f"{name} wants 3 features, but 8 arrive"
