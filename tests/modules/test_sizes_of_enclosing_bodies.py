"""Sizes that a body takes from those around it: the built model runs at other sizes than `dims` gives."""

import pytest
import torch

import nnshape

SPEC = """
    input: int64[N, T]
    {dims}
    blocks:
      Positions(d, longest=T):
        pos: arange(longest)
        table: Embedding(32, d)(pos)
        out: Embedding(100, d)(x) + table
      Deep(d, n)(x[N, t, c]):
        inner:
          pos: arange(t) + n - n
          again: {{out: pos + ones(t // 2 + ceil(t / 2)).long()}}
          out: x + again.unsqueeze(1)
        items: Sequential(Linear(d, d), _ + arange(n).view(T, 1))
    layers:
      nested: {{pos: arange(T), out: x + pos}}
      first: Positions(4)(nested)
      second: Deep(4, T)(first)
      out: second + arange(T).unsqueeze(-1)
    """


@pytest.mark.parametrize("dims", ["", "dims: {T: 7}"])
def test_a_body_follows_the_sizes_that_it_names(dims):
    model = nnshape.build(nnshape.trace(nnshape.loads(SPEC.format(dims=dims))), seed=0)
    words = torch.randint(20, (2, 9))
    positions = torch.arange(9)
    first = model.first.out(words + positions) + model.first.table(positions)
    inner = first + (positions + 1).unsqueeze(1)
    second = model.second.items[0](inner) + positions.view(9, 1)
    assert torch.equal(model(words), second + positions.unsqueeze(-1))


def test_a_body_without_such_sizes_takes_its_inputs_alone():
    spec = nnshape.loads("""
        input: [N, 6, 8]
        blocks:
          Attend(d, heads)(x[N, T, c]):
            split: x.view(N, T, heads, d // heads)
            out: split.flatten(2)
        layers:
          block: Attend(x.shape[-1], 2)
        """)
    model = nnshape.build(nnshape.trace(spec))
    assert [node.name for node in model.block.graph.nodes if node.op == "placeholder"] == ["x"]
