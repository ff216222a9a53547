"""Chains of operations against the CPU: `differences` draws a chain from its number, so that each can be run again."""

import pytest
from stride_chains import MODES, chain, differences

CHAINS = 160


@pytest.mark.parametrize("part", range(4))
def test_shapes_strides_and_refusals_are_those_of_torch(part):
    compared = 0
    for number in range(part * CHAINS, (part + 1) * CHAINS):
        found, known, _ = differences(number)
        assert not found, f"chain {number}: {found[0]}"
        compared += known
    assert compared > 10 * CHAINS


def test_the_chains_hold_refusals_of_views_and_modes_that_differ():
    refused = modes = 0
    for number in range(CHAINS):
        for results in chain(number)[2]:
            texts = [result for result in results.values() if isinstance(result, str)]
            refused += bool(texts)
            strides = {str(result) for result in results.values()}
            modes += len(strides) > 1
    assert refused > 3
    assert modes > 0
    assert len(MODES) == 3
