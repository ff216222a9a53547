"""Every rule stands in a section, and bears a name that torch has."""

from __future__ import annotations

import pytest
import torch

from nnshape.shapes.documentation import functions_by_section, layers_by_section, page_of, torch_name
from nnshape.shapes.functions import all_functions
from nnshape.shapes.layers import all_layers

RULES = {**all_layers(), **all_functions()}


@pytest.mark.parametrize("name", RULES)
def test_torch_has_the_name(name):
    full = torch_name(RULES[name])
    found = torch
    for part in full.split(".")[1:]:
        found = getattr(found, part)
    assert page_of(RULES[name]).startswith("https://pytorch.org/docs/stable/")


def test_every_rule_stands_in_a_section():
    for sections, rules in ((layers_by_section(), all_layers()), (functions_by_section(), all_functions())):
        assert "Other" not in sections, sections.get("Other")
        assert sorted(name for names in sections.values() for name in names) == sorted(rules)
