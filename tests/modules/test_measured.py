"""Python classes without a rule: refused, or allowed by name and measured."""

import sys

import pytest
import torch

from nnshape import build, loads, trace, verify

LAYERS = '''
import torch

class Pair(torch.nn.Module):
    """Doubles the length, and sums it away."""

    def __init__(self, width, times=2):
        super().__init__()
        self.inner = torch.nn.Linear(width, times * width)
        self.register_buffer("seen", torch.zeros(3))

    def forward(self, x):
        return self.inner(x).reshape(x.shape[0], -1, x.shape[2]), x.sum(1).long()

class Halves(torch.nn.Module):
    """Wants an even width, and pads."""

    def forward(self, x, extra=1):
        if x.shape[-1] % 8:
            raise ValueError("the width must be a multiple of 8")
        return torch.nn.functional.pad(x, (extra, 2)), x[..., : x.shape[-2] + x.shape[-1]]

class Squares(torch.nn.Module):
    def forward(self, x):
        return x.new_zeros(x.shape[1] ** 2)

class Broken(torch.nn.Module):
    def __init__(self, late=False):
        super().__init__()
        if not late:
            raise KeyError("no such thing")

    def forward(self, x):
        raise SystemExit("gone")

def function(x):
    return x
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "measured_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "layers.py").write_text(LAYERS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield "measured_package.layers"
    for name in [name for name in sys.modules if name.startswith("measured_package")]:
        del sys.modules[name]


def model(package: str, step: str, input: str = "[N, T, 8]", name: str = "Pair", allow: bool = True):
    text = f'input: {input}\nimport: {{{name}: "{package}:{name}"}}\nlayers:\n  one: Linear(8, 8)\n  own: {step}\n'
    return trace(loads(text), allow_import=[f"{package}:{name}"] if allow else ["other:Thing"])


def outputs(traced) -> list[str]:
    own = traced.root.run.calls[-1] if hasattr(traced.root, "run") else list(traced.calls)[-1]
    return [str(tensor) for tensor in (own.output if isinstance(own.output, tuple) else (own.output,))]


@pytest.mark.parametrize("allow", [["other:Thing"], []])
def test_a_class_that_is_not_allowed_is_not_imported(package, allow):
    text = f'input: 8\nimport: {{Pair: "{package}:Pair"}}\nlayers:\n  own: Pair(8)\n'
    traced = trace(loads(text), allow_import=allow)
    (problem,) = traced.problems
    assert (problem.kind, problem.span.text) == ("import-refused", "Pair(8)")
    assert f"allow-import: {package}:Pair" in " ".join((problem.message, *problem.help))
    assert not any(name.startswith("measured_package") for name in sys.modules)


def test_an_allowed_class_is_measured_and_built(package):
    traced = model(package, "Pair(8, times=3)")
    assert traced.problems == ()
    assert outputs(traced) == ["(3*T) x 8", "int64[N, 8]"]
    own = list(traced.calls)[-1]
    assert (own.measured, own.parameters) == (True, 8 * 24 + 24)
    assert [row.name for row in traced.parameters if row.buffer] == ["own.seen"]
    built = build(traced)
    assert type(built.own).__name__ == "Pair"
    assert built(torch.rand(2, 5, 8))[0].shape == (2, 15, 8)
    assert verify(traced).agree


def test_sizes_grow_until_the_class_takes_them(package):
    traced = model(package, "Halves()(x, extra=3)", "[N, T, D]", "Halves")
    assert [problem.kind for problem in traced.problems] == ["unused-step"]
    assert outputs(traced)[0] == "T x (D + 5)"
    text = f'input: [N, T, D]\nimport: {{Halves: "{package}:Halves"}}\nlayers:\n  own: Halves()\n'
    traced = trace(loads(text), allow_import=[f"{package}:Halves"])
    assert outputs(traced) == ["T x (D + 3)", "T x D"]


def test_a_size_that_is_no_plain_combination_is_unknown(package):
    traced = model(package, "Squares()", name="Squares")
    assert outputs(traced) == ["?"]
    (problem,) = traced.problems
    assert (problem.kind, problem.severity) == ("unmeasured", "warning")
    assert "Squares has no rule, and no linear formula of N, T fits its sizes" in problem.message
    assert verify(traced).sentence.endswith("the output of own is unknown")


@pytest.mark.parametrize(
    ("step", "name", "message"),
    [
        ("Broken()", "Broken", "raises KeyError: 'no such thing'"),
        ("Broken(late=True)", "Broken", "raises SystemExit: gone"),
        ("Pair(8, 9, 10)", "Pair", "raises TypeError: Pair.__init__() takes from 2 to 3 positional arguments"),
        ("Pair(auto)", "Pair", "has no rule, so argument 0 cannot be auto"),
        ("Pair(T)", "Pair", "needs a number, but T has no value"),
        ("Missing()", "Missing", "raises AttributeError"),
        ("function()", "function", "raises TypeError"),
    ],
)
def test_what_the_class_raises_is_a_problem_of_the_step(package, step, name, message):
    traced = model(package, step, name=name)
    (problem,) = traced.problems
    assert message in problem.message
    assert problem.span.line == 5


def test_a_concrete_model_is_measured_once(package):
    assert outputs(model(package, "Pair(8)", "[2, 5, 8]")) == ["[2, 10, 8]", "int64[2, 8]"]
