"""Reads the `variants` of a file: named sets of values, each with figures of its own, and built on one another."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from nnshape.problems import Label, Problem, SpecError
from nnshape.problems.nearest import listed, nearest
from nnshape.spec import limits
from nnshape.spec.expect_key import expectations
from nnshape.spec.naming_rules import shortened
from nnshape.spec.scalars import word_of
from nnshape.spec.spec import Located, Variant

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from nnshape.spec.sections import SectionReader
    from nnshape.spec.settings import Setting
    from nnshape.spec.spec import Expectation, Quantity, Spec
    from nnshape.spec.yaml_tree import Node

#: The keys of a variant that set no hparam or size.
OWN_KEYS = {
    "expect": "Expected totals and output shape of this variant. They replace the file's, key by key.",
    "from": "The variant that this one builds on: it has the values and expectations of that one, and its own instead.",
}


def read_variants(
    reader: SectionReader, node: Node | None, hparams: Collection[str], sizes: Collection[str]
) -> dict[str, Variant]:
    """The variants, each with everything that it inherits. Problems of invalid ones are added to the findings."""
    own: dict[str, Variant] = {}
    bases: dict[str, Located[str]] = {}
    for key, value in reader.entries(node, "variants"):
        if len(own) >= limits.VARIANTS:
            message = f"a file has at most {limits.VARIANTS} variants; from {shortened(key.value)} on they are not read"
            help = ("put the others into a file that includes this one",)
            reader.findings.add(Problem("too-large", message, key.span, help=help))
            break
        values: dict[str, Located[Setting]] = {}
        expect: tuple[Expectation, ...] = ()
        for name, setting in reader.entries(value, f"the variant {key.value}", f"{key.value}: {{depth: 6}}"):
            try:
                if name.value == "expect":
                    example = f"{key.value}: {{expect: {{parameters: 81290}}}}"
                    expected = reader.entries(setting, f"expect of the variant {key.value}", example)
                    expect = expectations(expected, reader.findings)
                elif name.value == "from":
                    bases[key.value] = Located(*word_of(setting, "the name of a variant"))
                elif name.value in hparams:
                    values[name.value] = Located(reader.setting(setting), setting.span)
                elif name.value in sizes:
                    values[name.value] = Located(reader.size(name.value, setting), setting.span)
                else:
                    message = f"{name.value} is neither an hparam nor a size of this file"
                    near = nearest(name.value, chain(hparams, sizes, OWN_KEYS))
                    reader.findings.add(Problem("unknown-name", message, name.span, help=near))
            except SpecError as error:
                reader.findings.extend(error.problems)
        own[key.value] = Variant(values, expect)
    for problem in _without_base(own, bases):
        reader.findings.add(problem)
    return {name: _with_base(name, own, bases) for name in own}


def _without_base(own: dict[str, Variant], bases: dict[str, Located[str]]) -> Iterator[Problem]:
    """Remove each `from` that names no variant, or that leads back to its own variant. Yield their problems."""
    for name, base in list(bases.items()):
        if base.value not in own:
            others = [other for other in own if other != name]
            message = f"there is no variant {shortened(base.value)}"
            help = nearest(base.value, others) or (f"the other variants are {listed(others, 'none')}",)
            del bases[name]
            yield Problem("unknown-name", message, base.span, help=help)
    for name in list(bases):
        way = [name]
        while way[-1] in bases and bases[way[-1]].value not in way:
            way.append(bases[way[-1]].value)
        if way[-1] in bases and bases[way[-1]].value == name:
            related = [Label(bases[other].span, f"{other} builds on {bases[other].value}") for other in way[1:]]
            message = f"the variant {shortened(name)} builds on itself"
            yield Problem("circular", message, bases.pop(name).span, related=tuple(related))


def _with_base(name: str, own: dict[str, Variant], bases: dict[str, Located[str]]) -> Variant:
    """A variant with the values and expectations of those that it builds on."""
    way = [name]
    while (base := bases.get(way[-1])) is not None:
        way.append(base.value)
    values: dict[str, Located[Setting]] = {}
    expect: tuple[Expectation, ...] = ()
    for one in reversed(way):
        values.update(own[one].values)
        expect = _replaced(expect, own[one].expect)
    return Variant(values, expect)


def expectations_of(spec: Spec, variant: str | None) -> tuple[Expectation, ...]:
    """The expectations of a file in one of its variants; None for the file without one."""
    return spec.expect if variant is None else _replaced(spec.expect, spec.variants[variant].expect)


def _replaced(expect: Iterable[Expectation], by: Iterable[Expectation]) -> tuple[Expectation, ...]:
    """Expectations with those of the same quantities replaced by others."""
    found: dict[Quantity, Expectation] = {one.quantity: one for one in expect}
    found.update({one.quantity: one for one in by})
    return tuple(found.values())
