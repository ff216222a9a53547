"""Random compositions: names, shapes, order, counts and values are those of the modules that are built by hand.

More of them where somebody asks: NNSHAPE_COMPOSITIONS=10000 pytest tests/modules/test_random_compositions.py
"""

import os
import warnings

import pytest
import torch
from random_composition_draws import composition

import nnshape
from nnshape.tracing.scope import Frame

COUNT = int(os.environ.get("NNSHAPE_COMPOSITIONS", "40"))
FIRST = int(os.environ.get("NNSHAPE_FIRST_COMPOSITION", "0"))
#: So many are one test.
TOGETHER = 20


def compare(seed: int, folder) -> None:
    torch.manual_seed(seed)
    files, real, width = composition(seed)
    for name, text in files.items():
        (folder / name).write_text(text)
    said = f"seed {seed}\n" + "\n".join(f"# {name}\n{text}" for name, text in files.items())
    traced = nnshape.trace(folder / "model.yaml")
    assert [(p.kind, p.message) for p in traced.errors] == [], said
    model = nnshape.build(traced).eval()
    real.eval()
    ours, theirs = model.state_dict(), real.state_dict()
    assert [(name, one.shape) for name, one in ours.items()] == [(name, one.shape) for name, one in theirs.items()], (
        said
    )
    for (name, one), (other, two) in zip(
        model.named_parameters(remove_duplicate=False), real.named_parameters(remove_duplicate=False), strict=True
    ):
        assert (name, one.requires_grad) == (other, two.requires_grad), said
    parameters = list(real.parameters())
    assert traced.totals.parameters == sum(one.numel() for one in parameters), said
    assert traced.totals.trainable == sum(one.numel() for one in parameters if one.requires_grad), said
    real.load_state_dict(ours)
    x = torch.rand(3, width)
    mine, wanted = model(x), real(x)
    assert tuple(traced.output.shape[1:]) == tuple(wanted.shape[1:]), said
    assert torch.equal(mine, wanted), said
    if seed % 10 == 0:
        assert nnshape.verify(traced).agree, said


@pytest.mark.parametrize("first", range(FIRST, FIRST + COUNT, TOGETHER))
def test_a_composition_is_what_the_interpreter_builds(first, tmp_path, pytestconfig):
    shift = 10_000 * (pytestconfig.option.explore or 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(first, min(first + TOGETHER, FIRST + COUNT)):
            compare(seed + shift, tmp_path)


def test_a_composition_that_is_traced_wrongly_is_found(tmp_path, monkeypatch):
    """Loop variables that are read late, as they once were."""
    monkeypatch.setattr(Frame, "captured", lambda frame: frame)
    found = []
    for seed in range(60):
        try:
            compare(seed, tmp_path)
        except AssertionError:
            found.append(seed)
    assert found
