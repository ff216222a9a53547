"""Chains on inputs with N and other symbols against the CPU: `differences` draws a chain from its number."""

import pytest
from symbolic_chains import differences

CHAINS = 60


@pytest.mark.parametrize("part", range(4))
def test_strides_and_refusals_are_those_of_torch_at_each_size(part):
    compared = unknown = 0
    for number in range(part * CHAINS, (part + 1) * CHAINS):
        found, known, open_ = differences(number)
        assert not found, f"chain {number}: {found[0]}"
        compared += known
        unknown += open_
    assert compared > 20 * CHAINS
    assert unknown < compared / 3
