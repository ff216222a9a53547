"""Sets the starting values of a trace: input shapes, hparams and sizes, with overrides."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from nnshape.problems import Problem, SpecError
from nnshape.problems.nearest import listed, nearest
from nnshape.shapes.dims import RESERVED, TooLarge, symbol
from nnshape.shapes.dtypes import DEFAULTS, DTYPES, FLOAT32, DType
from nnshape.shapes.layers import find_layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import UNKNOWN, N, Tensor
from nnshape.spec import Located, ShapePattern, Span, Spec, nodes, parse_shape, parse_value
from nnshape.spec.limits import PROBLEMS
from nnshape.spec.nested_inputs import nested
from nnshape.tracing import shape_matching
from nnshape.tracing.batch import is_batch
from nnshape.tracing.faults import Abort, Fault, fault
from nnshape.tracing.internal import internal_error
from nnshape.tracing.model import BodyInput, produced
from nnshape.tracing.scope import FileScope, Frame, Local
from nnshape.tracing.settings import tupled
from nnshape.tracing.work_limit import ended
from nnshape.work import OutOfWork

if TYPE_CHECKING:
    from nnshape.tracing.tracer import Tracer


def input_patterns(
    spec: Spec, given: str | Mapping[str, str | ShapePattern] | Sequence[str] | None
) -> dict[str, ShapePattern]:
    """Return the shape of each input: the given one, or else the one in the spec. Raises SpecError."""
    patterns_by_name = _own_patterns(spec)
    for name, shape in named_inputs(spec, () if given is None else given).items():
        patterns_by_name[name] = shape if isinstance(shape, ShapePattern) else _parsed_shape(shape)
    return patterns_by_name


def dtype_of(spec: Spec, given: str | None) -> DType:
    """Return the dtype of a model: the given one, or else that of its file. Raises SpecError unless it is a float."""
    if given is None:
        return FLOAT32 if spec.dtype is None else spec.dtype.value
    name = str(given).removeprefix("torch.")
    if name not in DEFAULTS:
        help = nearest(name, DEFAULTS) or (f"write one of {', '.join(DEFAULTS)}",)
        message = f"the dtype of a model is a float type of torch, not {given}"
        raise SpecError(Problem("invalid-argument", message, argument="dtype", help=help))
    return DTYPES[name]


def named_inputs(
    spec: Spec, given: str | Mapping[str, str | ShapePattern] | Sequence[str]
) -> dict[str, str | ShapePattern]:
    """Return the given input shapes by name. Raises SpecError if the spec has no such input.

    A mapping may hold a list or mapping of shapes for an input. The quotes in the name of a part may be left out.
    """
    names = list(_own_patterns(spec))
    if isinstance(given, Mapping):
        pairs = {name: shape for key, value in given.items() for name, shape in _by_part(key, value)}
    else:
        pairs = {}
        for position, text in enumerate((given,) if isinstance(given, str) else given):
            name, equals, shape = text.partition("=")
            if not equals:
                if position >= len(names):
                    raise _no_input(spec, str(position), names)
                name, shape = names[position], text
            pairs[name.strip()] = shape
    bare = {_without_quotes(name): name for name in names}
    pairs = {bare.get(_without_quotes(name), name): shape for name, shape in pairs.items()}
    for name in pairs:
        if name not in names:
            raise _no_input(spec, name, names)
    return pairs


def _by_part(name: str, value: Any) -> Iterator[tuple[str, str | ShapePattern]]:
    """Yield the name and shape of each part of a given input: a shape, or a list or mapping of them."""
    if isinstance(value, (Mapping, list, tuple)):
        for key, part in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _by_part(f"{name}[{key!r}]", part)
    else:
        yield name, value


def _without_quotes(name: str) -> str:
    return name.replace("'", "").replace('"', "") if "[" in name else name


def _own_patterns(spec: Spec) -> dict[str, ShapePattern]:
    return {item.name: item.pattern for item in spec.inputs if item.pattern is not None}


def _parsed_shape(text: str) -> ShapePattern:
    try:
        return parse_shape(text, "<input>")
    except SpecError as error:
        raise error.of_argument("input") from None


def _parsed_value(text: str, hparams: Collection[str]) -> Located[Any]:
    try:
        return parse_value(text, "<overrides>", hparams)
    except SpecError as error:
        raise error.of_argument("overrides") from None


def _no_input(spec: Spec, name: str, names: list[str]) -> SpecError:
    message = f"{spec.name} has no input {name}: it has {listed(names)}"
    return SpecError(Problem("unknown-name", message, argument="input", help=nearest(name, names)))


def override(
    tracer: Tracer,
    spec: Spec,
    file: FileScope,
    shapes: dict[str, ShapePattern],
    variant: str | None,
    overrides: Mapping[str, Any],
    symbolic: bool,
) -> dict[str, Any]:
    """Apply `dims`, the variant, the overrides and the given shapes, and return the values of symbolic sizes.

    The value of `N` is among them if it is set: see `nnshape.tracing.given_batch`. Raises SpecError.
    """
    own = _own_patterns(spec)
    sizes = sizes_of(file, (*shapes.values(), *own.values()))
    for block in spec.blocks.values():
        if find_layer(block.name) is not None:
            message = f"{block.name} is both a layer of torch and a block of this file"
            tracer.report(Problem("ambiguous-name", message, block.name_span, help=("give the block another name",)))
    values: dict[str, Any] = {}
    for name, located in spec.dims.items():
        if len(tracer.problems) > PROBLEMS:
            break  # the trace ends at its first call
        if name == "N" and is_batch(own.values(), file.hparams):
            tracer.report(_batch_has_no_value(located.span).problem)
        elif name not in sizes:
            message = f"{name} is not a size of an input"
            tracer.report(Problem("unknown-name", message, located.span, help=nearest(name, sizes)))
            file.sizes[name] = located.value  # so that steps that use it have no fault of their own
        elif not symbolic:
            values[name] = located.value
    if variant is not None:
        try:
            values.update(apply_variant(tracer.report, file, sizes, variant))
        except Refusal as refusal:
            help = nearest(str(variant), spec.variants)
            problem = Problem(refusal.problem, refusal.message, help=help, argument="variant")
            raise SpecError(problem) from None
    set_sizes: dict[str, int] = {}
    for name, value in overrides.items():
        if isinstance(value, str):
            value = _parsed_value(value, spec.hparams)
        if isinstance(value, Located):
            value = value.value
        if isinstance(value, type):  # a class of torch.nn
            value = value.__name__
        if name in file.hparams:
            file.hparams[name] = tupled(value)
        elif name in sizes:
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                message = f"{name} is a size, which must be a whole number of 1 or more, not {value!r}"
                raise SpecError(Problem("wrong-type", message, argument="overrides"))
            values[name] = set_sizes[name] = value
        else:
            message = f"{spec.name} has no hparam or size {name}"
            help = nearest(name, chain(file.hparams, sizes)) or (
                f"it has {listed(chain(file.hparams, sorted(sizes)))}",
            )
            raise SpecError(Problem("unknown-name", message, argument="overrides", help=help))
    if any(shapes[name] is not pattern for name, pattern in own.items()):
        from nnshape.tracing.given_shapes import sizes_of_given  # only options give other shapes

        given = sizes_of_given(file, own, shapes, values, set_sizes)
        if "N" in given:  # [8, 3, 32, 32] for [N, 3, 32, 32]: a model of one batch, as if the file said so
            file.sizes["N"] = given.pop("N")
        values.update(given)
    return values


def apply_variant(
    report: Callable[[Problem], None], file: FileScope, sizes: Collection[str], variant: object
) -> dict[str, Any]:
    """Set the hparams of a file to a variant's values, and return the variant's sizes. Raises Refusal if unknown."""
    spec = file.spec
    if not isinstance(variant, str) or variant not in spec.variants:
        message = f"{spec.name} has no variant {variant}: it has {listed(spec.variants)}"
        raise Refusal("unknown-name", message, "variant")
    values = {}
    for name, setting in spec.variants[variant].values.items():
        if name in file.hparams:
            file.hparams[name] = tupled(setting.value)
        elif name in sizes:
            values[name] = setting.value
        else:
            message = f"{name} is neither an hparam nor a size of an input"
            help = nearest(name, chain(file.hparams, sizes))
            report(Problem("unknown-name", message, setting.span, help=help))
    return values


def sizes_of(file: FileScope, shapes: Iterable[ShapePattern]) -> set[str]:
    """Return the names of the symbolic sizes in the inputs' shapes, `N` included."""
    patterns = list(shapes)
    names = {name for name, _, _ in shape_matching.declare_sizes(file, patterns)} - file.spec.blocks.keys()
    return names | {"N"} if any(pattern.per_sample for pattern in patterns) else names


def _batch_has_no_value(span: Span) -> Fault:
    help = ("write its size in the input's shape: input: [8, 1, 32, 32]",)
    return fault("invalid-argument", "N is the batch and cannot be set", span, help=help)


def _name_of(node: nodes.Node) -> str:
    return node.id if isinstance(node, nodes.Name) else ""


def declare_inputs(frame: Frame, shapes: dict[str, ShapePattern], values: dict[str, Any]) -> None:
    """Make the input tensors of the model and its symbolic sizes. Reports faults in the input shapes."""
    file = frame.file
    if "N" not in file.sizes and any(p.per_sample or "N" in map(_name_of, p.dims) for p in shapes.values()):
        file.sizes["N"] = values.get("N", N)
    for name, node, pattern in shape_matching.declare_sizes(file, list(shapes.values())):
        if name in file.spec.blocks or name in file.spec.imports:
            span = pattern.expression.span(node)
            frame.tracer.report(fault("ambiguous-name", f"{name} is both a block and a size", span).problem)
        if name not in file.sizes and name not in RESERVED:  # reserved names are refused with the pattern
            file.sizes[name] = values.get(name, symbol(name))
    file.sizes.update((name, value) for name, value in values.items() if name not in file.sizes)
    own = _own_patterns(file.spec)
    tensors: dict[str, Any] = {}
    for name, pattern in shapes.items():
        try:
            tensor: Any = shape_matching.input_tensor(frame, pattern)
        except Fault as wrong:
            frame.tracer.report(wrong.problem)
            tensor = UNKNOWN
        except TooLarge as error:
            frame.tracer.report(Problem("too-large", str(error), pattern.span))
            tensor = UNKNOWN
        except OutOfWork:
            raise ended(pattern.span, "in this input") from None
        except Abort:
            raise
        except Exception as error:
            frame.tracer.report(internal_error(error, pattern.span))
            tensor = UNKNOWN
        tensors[name] = tensor = produced(tensor, BodyInput(name, pattern.span, is_single=len(shapes) == 1))
        if isinstance(tensor, Tensor):
            shape_matching.bind_sizes(file.sizes, pattern, tensor)
            if own[name] is not pattern:
                shape_matching.bind_sizes(file.sizes, own[name], tensor)
    for item in file.spec.inputs:
        tensors.setdefault(item.name, UNKNOWN)
    frame.run.inputs.update(nested(file.spec.inputs, tensors))
    for name, value in frame.run.inputs.items():
        frame.locals[name] = Local(value)
    meant = bool(file.spec.inputs or file.spec.problems)  # an input that is missing or wrong has been reported
    frame.running = next(iter(frame.run.inputs.values()), UNKNOWN if meant else None)
