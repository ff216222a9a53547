"""Reads the sections of a file other than the layers: inputs, sizes, variants, output, ties, freezes, imports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nnshape.problems import Label, Problem, SpecError
from nnshape.problems.nearest import nearest
from nnshape.shapes.dtypes import DEFAULTS, DTYPES
from nnshape.spec import limits
from nnshape.spec.expression import Expression, parse_expression
from nnshape.spec.keys import KEYS
from nnshape.spec.naming_rules import Names, name_problem, shortened, step_name_problem
from nnshape.spec.nested_inputs import nested_inputs
from nnshape.spec.nodes import Name
from nnshape.spec.scalars import kind_of, value_of, word_of
from nnshape.spec.settings import Setting, setting_of
from nnshape.spec.shape_patterns import shapes_meant, tuple_problem
from nnshape.spec.source import Span
from nnshape.spec.spec import Import, Input, Located, Output, Tie
from nnshape.spec.yaml_tree import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nnshape.shapes.dtypes import DType
    from nnshape.spec.findings import Findings

#: A value of `import`: the path of a module, a colon, a class.
TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
#: The most sizes in which the end of a tuple is looked for.
_LONGEST_TUPLE = 16


class SectionReader:
    """Reads sections. Invalid entries are skipped, and their problems are added to `findings`."""

    __slots__ = ("findings", "names", "settings")

    def __init__(self, findings: Findings, names: Names) -> None:
        self.findings = findings
        self.names = names
        #: The names of the hparams, which the values of hparams may use.
        self.settings: frozenset[str] = frozenset()

    def entries(self, node: Node | None, key: str, example: str = "") -> tuple[tuple[Scalar, Node], ...]:
        """The items of a mapping; for anything else, none, and a problem that shows an example."""
        if node is None or (isinstance(node, Scalar) and node.plain and not node.value):
            return ()
        if isinstance(node, Mapping):
            return node.items
        message = f"{key} is a mapping, not {kind_of(node)}"
        self.findings.add(Problem("wrong-type", message, node.span, help=(example or KEYS[key].example,)))
        return ()

    def inputs(self, node: Node) -> tuple[Input, ...]:
        """The inputs: `1x32x32`, `[N, 1, H, W]` or a mapping `name: shape`, empty for a model without inputs."""
        if not isinstance(node, Mapping):
            return tuple(nested_inputs("x", node, None, self.findings.extend))
        found = []
        end = -1
        for index, (key, value) in enumerate(node.items):
            if key.span.end <= end:  # the rest of a tuple
                continue
            self.check_name(key, "an input")
            cut = _cut_tuple(value, node.items[index + 1 : index + _LONGEST_TUPLE])
            if cut is not None:
                self.findings.add(cut[0])
                end = cut[1].end
                found.append(Input(key.value, None, value.span, key.span))
                continue
            found += nested_inputs(key.value, value, key.span, self.findings.extend)
        return tuple(found)

    def hparams(self, node: Node | None) -> dict[str, Located[Setting]]:
        """The named numbers, strings, lists and expressions of the file."""
        found: dict[str, Located[Setting]] = {}
        entries = self.entries(node, "hparams")
        self.settings = frozenset(key.value for key, _ in entries)
        for key, value in entries:
            if self.check_name(key, "an hparam"):
                self.names.add(key.value, "an hparam", key.span)
            try:
                found[key.value] = Located(self.setting(value), value.span)
            except SpecError as error:
                self.findings.extend(error.problems)
        return found

    def dims(self, node: Node | None) -> dict[str, Located[int]]:
        """The values of symbolic sizes."""
        found: dict[str, Located[int]] = {}
        for key, value in self.entries(node, "dims"):
            if self.check_name(key, "a size"):
                self.names.add(key.value, "a size", key.span)
            try:
                found[key.value] = Located(self.size(key.value, value), value.span)
            except SpecError as error:
                self.findings.extend(error.problems)
        return found

    def dtype(self, node: Node | None) -> Located[DType] | None:
        """The dtype of the whole file."""
        if node is None:
            return None
        try:
            name, span = word_of(node, "a dtype")
        except SpecError as error:
            self.findings.extend(error.problems)
            return None
        if name.removeprefix("torch.") in DEFAULTS:
            return Located(DTYPES[name.removeprefix("torch.")], span)
        help = nearest(name, DEFAULTS) or (f"write one of {', '.join(DEFAULTS)}",)
        message = f"the dtype of a file is a float type of torch, not {shortened(name)}"
        self.findings.add(Problem("invalid-argument", message, span, help=help))
        return None

    def output(self, node: Node | None) -> Output | None:
        """The output: one expression, a list of expressions, or a mapping of names to expressions."""
        if node is None:
            return None
        try:
            if isinstance(node, Scalar):
                return Output(_expression(node), node.span)
            if not node.items:
                message = "output names no step, so the model would return nothing"
                help = ("name its steps, or leave output out: the model then returns its last step",)
                raise SpecError(Problem("wrong-type", message, node.span, help=help))
            if isinstance(node, Sequence):
                return Output(tuple([_expression(item) for item in node.items]), node.span)
            return Output({key.value: _expression(value) for key, value in node.items}, node.span)
        except SpecError as error:
            self.findings.extend(error.problems)
            return None

    def tie(self, node: Node | None) -> dict[str, Tie]:
        """The tied parameters: the path of each, and the path of the parameter that it shares."""
        found: dict[str, Tie] = {}
        for key, value in self.entries(node, "tie"):
            try:
                to, to_span = word_of(value, "a parameter's path")
            except SpecError as error:
                self.findings.extend(error.problems)
                continue
            if to == key.value:
                related = (Label(key.span, "the same path"),)
                message = f"{to} is tied to itself"
                self.findings.add(Problem("ambiguous-name", message, to_span, related=related))
                continue
            found[key.value] = Tie(key.value, to, key.span, to_span)
        return found

    def freeze(self, node: Node | None) -> tuple[Located[str], ...]:
        """The globs of the parameters to freeze."""
        if node is None or (isinstance(node, Scalar) and node.plain and not node.value):
            return ()
        if isinstance(node, Mapping):
            fix = (KEYS["freeze"].example,)
            self.findings.add(Problem("wrong-type", "freeze is a list of globs, not a mapping", node.span, help=fix))
            return ()
        found = []
        for item in node.items if isinstance(node, Sequence) else (node,):
            try:
                found.append(Located(*word_of(item, "a glob of parameter paths")))
            except SpecError as error:
                self.findings.extend(error.problems)
        return tuple(found)

    def imports(self, node: Node | None) -> dict[str, Import]:
        """The imported Python classes. The trace refuses each unless the user allows it."""
        found: dict[str, Import] = {}
        for key, value in self.entries(node, "import"):
            try:
                target, span = word_of(value, "module.path:Class")
            except SpecError as error:
                self.findings.extend(error.problems)
                continue
            if not TARGET.fullmatch(target):
                message = "an import is written module.path:Class"
                self.findings.add(Problem("syntax", message, span, help=('MyAttn: "mypkg.layers:MyAttn"',)))
                continue
            if self.check_name(key, "an import"):
                self.names.add(key.value, "an import", key.span)
            found[key.value] = Import(key.value, target, span)
        return found

    def setting(self, node: Node) -> Setting:
        """The value of an hparam. Raises SpecError."""
        return setting_of(node, self.settings)

    def size(self, name: str, node: Node) -> int:
        """The value of a size. Raises SpecError unless it is a whole number of 0 or more."""
        size = value_of(node) if isinstance(node, Scalar) else None
        if type(size) is int and size >= 0:
            return size
        raise SpecError(Problem("wrong-type", f"the size {name} is a whole number of 0 or more", node.span))

    def check_name(self, key: Scalar, what: str) -> bool:
        """Whether a key is a valid name for `what`; otherwise, its problem is added."""
        problem = name_problem(key.value, what, key.span)
        if problem is not None:
            self.findings.add(problem)
        return problem is None


def _expression(node: Node) -> Expression:
    if not isinstance(node, Scalar):
        message = f"output names a value here, not {kind_of(node)}"
        raise SpecError(Problem("wrong-type", message, node.span))
    if len(node.value) > limits.EXPRESSION_CHARACTERS:
        raise SpecError(Problem("too-large", "this expression is too long", node.span))
    try:
        return parse_expression(node.value, node.origin)
    except SpecError:
        text = node.value.strip()
        if step_name_problem(text, node.span) is not None:
            raise
        # The name of a step that Python cannot read: `in`, `1x1`.
        start = node.value.index(text)
        return Expression(node.value, Name(text, start, start + len(text)), node.origin)


def _cut_tuple(value: Node, following: Iterable[tuple[Scalar, Node]]) -> tuple[Problem, Span] | None:
    """The problem and span of a tuple that YAML cuts at its commas, `{image: (3, 8, 8)}`; None for other values."""
    if not isinstance(value, Scalar) or not value.value.startswith("(") or ")" in value.value:
        return None
    for key, _ in following:
        if key.value.endswith(")"):
            span = Span(value.span.source, value.span.start, key.span.end)
            meant = shapes_meant(" ".join(span.text.split()))
            if meant:
                return tuple_problem(meant, span), span
    return None
