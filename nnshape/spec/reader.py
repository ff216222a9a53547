"""Reads a source into a Spec, key by key."""

from __future__ import annotations

import os
from math import inf
from typing import TYPE_CHECKING

from nnshape.problems import Label, Problem, SpecError
from nnshape.problems.nearest import nearest, nearest_name, suggested
from nnshape.spec import limits
from nnshape.spec.block_signatures import signature_of
from nnshape.spec.body_reader import StepReader
from nnshape.spec.expect_key import expectations
from nnshape.spec.findings import Findings, TooManyProblems
from nnshape.spec.keys import KEYS, REQUIRED
from nnshape.spec.naming_rules import Names, check_names, shortened
from nnshape.spec.nodes import Name
from nnshape.spec.scalars import kind_of, word_of
from nnshape.spec.sections import SectionReader
from nnshape.spec.source import Source, Span, names_file
from nnshape.spec.spec import Block, Body, Include, Input, Spec
from nnshape.spec.variants_key import read_variants
from nnshape.spec.yaml_tree import Mapping, Node, Scalar, parse_document
from nnshape.work import Budget, bounded

if TYPE_CHECKING:
    from nnshape.spec.files import Folder

_FIRST_SPEC = "\n".join(KEYS[key].example for key in REQUIRED)


def read_spec(source: Source, folder: Folder | None, included: bool = False) -> Spec:
    """The spec in a source. Raises SpecError only if there is no mapping to read.

    `folder` is the folder of the includes, or None for a text without one. An `included` file may hold
    only blocks.
    """
    root, duplicates = parse_document(source)
    items = _root_items(root, source)
    findings = Findings()
    try:
        findings.extend(duplicates)
        with bounded(Budget(inf)):  # reading is bounded by the text; this only counts the work of suggestions
            return _spec(source, items, findings, folder, included)
    except TooManyProblems:
        message = f"the file has more than {limits.PROBLEMS:,} problems"
        last = Problem("too-large", message, Span(source, items.span.start, items.span.start))
        raise SpecError(*_in_order(findings.problems, source), last) from None


def _spec(source: Source, items: Mapping, findings: Findings, folder: Folder | None, included: bool) -> Spec:
    values: dict[str, Node] = {}
    written = {key.value for key, _ in items.items}
    for key, value in items.items:
        if key.value in KEYS:
            values[key.value] = value
        else:
            near = nearest_name(key.value, KEYS)
            help = suggested(near) or (f"the keys of a spec are {', '.join(KEYS)}",)
            message = f"{shortened(key.value)} is not a key of a spec"
            meant = () if near is None else (near,)
            findings.add(Problem("unknown-key", message, key.span, help=help, instead=meant))
            if near is not None and near not in written:
                # The names that it declares are known, so that what uses them has no fault of its own.
                values.setdefault(near, value)
    _check_required(source, items, values, findings, included)

    names = Names(findings)
    settings = SectionReader(findings, names)
    hparams = settings.hparams(values.get("hparams"))
    dims = settings.dims(values.get("dims"))
    imports = settings.imports(values.get("import"))
    includes = _includes(values.get("include"), settings, folder)
    signatures = settings.entries(values.get("blocks"), "blocks")
    modules = {*imports, *includes, *(key.value.partition("(")[0].strip() for key, _ in signatures)}
    steps = StepReader(findings, modules)
    blocks = _blocks(signatures, steps, names)
    inputs = settings.inputs(values["input"]) if "input" in values else ()
    if "layers" in values:
        body = steps.body(values["layers"], "layers")
    else:
        body = Body((), Span(source, 0, 0), False)
    check_names(names, inputs, body, blocks.values())
    sizes = {*dims, *_symbols(inputs)}
    variants = read_variants(settings, values.get("variants"), hparams, sizes)
    expected = settings.entries(values.get("expect"), "expect")
    expect = expectations(expected, findings)
    output = settings.output(values.get("output"))
    tie, freeze = settings.tie(values.get("tie")), settings.freeze(values.get("freeze"))
    dtype = settings.dtype(values.get("dtype"))
    name = _name(values.get("name"), source, findings)
    return Spec(
        source, name, inputs, hparams, dims, blocks, body, output, tie, freeze, expect, variants, includes,
        imports, _in_order(findings.problems, source), dtype=dtype,
    )  # fmt: skip


def _in_order(problems: list[Problem], source: Source) -> tuple[Problem, ...]:
    """The problems in the order of the text; those of an included file come at its include."""

    def offset(problem: Problem) -> int:
        spans = (problem.span, *(frame.span for frame in problem.frames))
        return next((span.start for span in spans if span is not None and span.source is source), 0)

    return tuple(sorted(problems, key=offset))


def _root_items(root: Node | None, source: Source) -> Mapping:
    if isinstance(root, Mapping):
        return root
    if root is None or (isinstance(root, Scalar) and not root.value.strip()):
        message = "the file is empty" if source.text.strip() == "" else "the file has no content"
        raise SpecError(Problem("missing-key", message, Span(source, 0, 0), help=(_FIRST_SPEC,)))
    if isinstance(root, Scalar) and root.plain and (at := root.span.text.find(":")) > 0:
        place = Span(source, root.span.start + at, root.span.start + at + 1)
        raise SpecError(Problem("syntax", "a space is missing after this colon", place))
    message = f"a spec is a mapping with input and layers, not {kind_of(root)}"
    raise SpecError(Problem("wrong-type", message, _first_line(root.span), help=(_FIRST_SPEC,)))


def _first_line(span: Span) -> Span:
    line, column = span.source.position(span.start)
    end = span.start + max(1, len(span.source.line(line)) - column + 1)
    return Span(span.source, span.start, min(span.end, end))


def _check_required(source: Source, root: Mapping, values: dict[str, Node], findings: Findings, included: bool) -> None:
    if included and "blocks" in values and "input" not in values and "layers" not in values:
        return
    misspelt = {fix for key, _ in root.items if key.value not in KEYS for fix in nearest(key.value, KEYS)}
    for key in REQUIRED:
        if key not in values and f"did you mean {key}?" not in misspelt:
            place = Span(source, root.span.start, root.span.start)
            findings.add(Problem("missing-key", f"the file has no {key}", place, help=(KEYS[key].example,)))


def _blocks(entries: tuple[tuple[Scalar, Node], ...], steps: StepReader, names: Names) -> dict[str, Block]:
    found: dict[str, Block] = {}
    for key, value in entries:
        body = steps.block_body(value, f"the block {shortened(key.value)}")
        try:
            signature = signature_of(key)
        except SpecError as error:
            steps.findings.extend(error.problems)
            continue
        if (first := found.get(signature.name)) is not None:
            related = (Label(first.name_span, "first here"),)
            message = f"the block {signature.name} is written twice"
            steps.findings.add(
                Problem("duplicate-key", message, signature.name_span, "and again here", related=related)
            )
            continue
        names.add(signature.name, "a block", signature.name_span)
        found[signature.name] = Block(
            signature.name, signature.name_span, signature.parameters, signature.inputs, body, signature.expression
        )
    return found


def _includes(node: Node | None, settings: SectionReader, folder: Folder | None) -> dict[str, Include]:
    found: dict[str, Include] = {}
    for key, value in settings.entries(node, "include"):
        try:
            path, span = word_of(value, "a file's path")
        except SpecError as error:
            settings.findings.extend(error.problems)
            continue
        if settings.check_name(key, "an include"):
            settings.names.add(key.value, "an include", key.span)
        spec: Spec | None = None
        try:
            if folder is None:
                message = "only a file can include another file"
                raise SpecError(Problem("include-refused", message, span))
            spec, problems = folder.include(path, span, read_spec)
            settings.findings.extend(problems)
        except SpecError as error:
            settings.findings.extend(error.problems)
        found[key.value] = Include(key.value, path, span, spec)
    return found


def _symbols(inputs: tuple[Input, ...]) -> set[str]:
    patterns = [entry.pattern for entry in inputs if entry.pattern]
    names = {dim.id for pattern in patterns for dim in pattern.dims if isinstance(dim, Name)}
    return names | {"N"} if any(pattern.per_sample for pattern in patterns) else names


def _name(node: Node | None, source: Source, findings: Findings) -> str:
    if node is not None:
        try:
            return word_of(node, "the model's name")[0]
        except SpecError as error:
            findings.extend(error.problems)
    if not names_file(source.name):
        return "model"
    return os.path.splitext(os.path.basename(source.name))[0]
