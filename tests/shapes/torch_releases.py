"""Where other releases of torch differ from the one that the rules follow.

`.ci/versions torch 2.6.0` runs the suite on another release. Each row names tests that fail there, from one release on
and before another, with the reason. Such a test must fail: pytest reports a row that no longer holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

import pytest

Release = tuple[int, int]

#: The release that the rules follow, which CI installs.
FOLLOWED: Release = (2, 13)


def installed() -> Release:
    """The release of torch that is installed; the followed one where there is none."""
    try:
        major, minor = version("torch").split(".")[:2]
    except PackageNotFoundError:
        return FOLLOWED
    return int(major), int(minor)


RELEASE = installed()


class Difference(NamedTuple):
    """Tests that fail with some releases of torch."""

    since: Release
    before: Release
    #: Patterns of test ids, without the folder; in them, [[] stands for a bracket.
    tests: tuple[str, ...]
    reason: str


OLDEST: Release = (0, 0)
NEWEST: Release = (99, 0)

DIFFERENCES = (
    Difference(
        OLDEST,
        (2, 13),
        (
            "test_declarations.py::test_every_rule_has_its_class_in_torch",
            "test_declarations.py::test_*_are_those_of_torch[[]LinearCrossEntropyLoss]",
            "test_documentation.py::test_torch_has_the_name[[]*inear*ross*ntropy*]",
            "test_examples.py::*[[]*inear*ross*ntropy*]",
            "test_whole_language.py::*[[]*inear*ross*ntropy*]",
            "test_without_rules.py::*[[]*inear*ross*ntropy*]",
        ),
        "torch 2.9 has no LinearCrossEntropyLoss, and no linear_cross_entropy",
    ),
    Difference(
        OLDEST,
        (2, 13),
        (
            "test_declarations.py::test_fields_and_defaults_are_those_of_torch[[]*BatchNorm*]",
            "test_declarations.py::test_fields_and_defaults_are_those_of_torch[[]*InstanceNorm*]",
            "test_declarations.py::test_fields_and_defaults_are_those_of_torch[[]GroupNorm]",
        ),
        "the normalizations of torch 2.9 have no `bias`",
    ),
    Difference(
        OLDEST,
        (2, 7),
        (
            "test_dtypes.py::test_item_bytes_and_aliases_are_torchs",
            "test_dtypes.py::test_every_dtype_of_torch_is_in_the_table",
            "test_dtypes.py::test_the_largest_number_of_a_small_float_is_torchs[[]float8_e8m0fnu]",
            "test_dtypes.py::test_what_moves_a_stored_tensor_gives_what_torch_gives[[]*float8_e8m0fnu]",
        ),
        "torch 2.6 has no float8_e8m0fnu",
    ),
    Difference(
        OLDEST,
        (2, 7),
        ("test_examples.py::test_macs_of_an_example_are_half_of_torchs_flops[[]tensordot]",),
        "torch 2.6 counts the FLOPs of tensordot",
    ),
    Difference(
        OLDEST,
        (2, 7),
        (
            "test_surviving.py::test_export_with_all_sizes_open",
            "test_whole_language.py::test_a_model_is_proved_copied_and_exported[[]numbers in steps]",
        ),
        "torch.export of 2.6 takes no model that computes with open sizes",
    ),
    Difference(
        OLDEST,
        (2, 13),
        ("test_whole_language.py::test_a_model_is_proved_copied_and_exported[[]tuples in and out of blocks]",),
        "torch.export of 2.9 stacks a tuple that is the state of an LSTM",
    ),
    Difference(
        OLDEST,
        (2, 7),
        ("test_layers_normalization.py::test_layer_norm[[]RMSNorm]",),
        "RMSNorm of torch 2.6 gives float32 for a float16 input",
    ),
    Difference(
        (2, 14),
        NEWEST,
        (
            "test_dtypes.py::test_every_dtype_of_torch_is_in_the_table",
            "test_dtypes.py::test_result_type_of_tensors_with_and_without_dimensions[[]first[12]-second[12]]",
            "test_dtypes.py::test_result_type_with_a_python_number[[]1j-*]",
        ),
        "torch 2.14 has bcomplex32, the complex number of bfloat16",
    ),
    Difference(
        (2, 14),
        NEWEST,
        (
            "test_examples.py::test_an_example_is_what_torch_makes_of_it[[]cholesky]",
            "test_whole_language.py::test_the_example_of_a_rule_agrees_with_torch[[]function cholesky]",
            "test_functions_matrix.py::test_linear_algebra[[]cholesky]",
        ),
        "torch 2.14 removed torch.cholesky",
    ),
    Difference(
        (2, 14),
        NEWEST,
        ("test_without_rules.py::test_what_meta_cannot_run_is_unknown_and_said",),
        "torch 2.14 runs combinations on meta",
    ),
)


def mark_differences(items: Iterable[pytest.Item]) -> None:
    """Mark the tests that must fail with the installed release."""
    rows = [row for row in DIFFERENCES if row.since <= RELEASE < row.before]
    for item in items:
        name = item.nodeid.rpartition("/")[2]
        for row in rows:
            if any(fnmatchcase(name, pattern) for pattern in row.tests):
                item.add_marker(pytest.mark.xfail(reason=row.reason))
