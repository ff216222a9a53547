"""Functions of torch that take any number of operands, given by name as in a mapping step."""

import pytest
import torch

import nnshape

X = torch.randn(2, 5, 3)
CASES = {
    '{type: einsum, equation: "bij,bkj->bik", operands: [x, x]}': lambda x: torch.einsum("bij,bkj->bik", x, x),
    '{type: einsum, operands: [x, x], equation: "bij,bkj->bik"}': lambda x: torch.einsum("bij,bkj->bik", x, x),
    "{type: broadcast_tensors, tensors: [x, x]}": lambda x: torch.broadcast_tensors(x, x),
    "\"meshgrid(tensors=[x[0, 0], x[0, 1]], indexing='xy')\"": lambda x: torch.meshgrid(*x[0, :2], indexing="xy"),
    '"block_diag(tensors=[x[0], x[1]])"': lambda x: torch.block_diag(x[0], x[1]),
    "{type: permute, dims: [0, 2, 1]}": lambda x: x.permute(0, 2, 1),
    "{type: permute, dims: [0, 2, 1], input: x}": lambda x: x.permute(0, 2, 1),
    "{type: x.expand, sizes: [2, 5, 3]}": lambda x: x,
    "{type: ones, size: [3, 4]}": lambda x: torch.ones(3, 4),
}


@pytest.mark.parametrize("step", CASES)
def test_operands_by_name_reach_torch(step):
    trace = nnshape.trace(nnshape.loads(f"input: [2, 5, 3]\nlayers:\n  out: {step}\n"))
    assert nnshape.verify(trace, device="cpu").is_complete
    torch.testing.assert_close(nnshape.build(trace)(X), CASES[step](X))
