"""A spec as read: nothing evaluated, a span on every value. Its parts compare by identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar

from nnshape.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnshape.problems import Problem
    from nnshape.shapes.dtypes import DType
    from nnshape.spec.expression import Expression
    from nnshape.spec.nodes import Node
    from nnshape.spec.settings import Setting
    from nnshape.spec.shape_patterns import ShapePattern
    from nnshape.spec.source import Source, Span

T = TypeVar("T")
Relation = Literal["<=", "<", ">=", ">", "=="]
Quantity = Literal["parameters", "trainable", "buffers", "macs", "parameter_bytes", "output"]


@dataclass(frozen=True, slots=True, eq=False)
class Located(Generic[T]):
    """A value and its span."""

    value: T
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """An input tensor of the model. `span` is the span of its shape; `name_span` is None for the unnamed `x`.

    A tensor of a list or mapping has its `place` in the `argument` of the forward method, and is named after both:
    `images[0]`, `boxes['a']`.
    """

    name: str
    pattern: ShapePattern | None
    span: Span
    name_span: Span | None = None
    holder: str = ""
    place: tuple[int | str, ...] = ()

    @property
    def argument(self) -> str:
        """The argument of the forward method that is the tensor, or holds it."""
        return self.holder or self.name


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One line of a body: an expression or an anonymous block, and an assertion on its shape.

    `value` is None if the step could not be read, which is a problem of the spec. `text` is the
    expression as written, without the assertion, and with folded whitespace.
    """

    name: str
    name_span: Span
    value: Expression | Body | None
    assertion: ShapePattern | None
    text: str
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """Steps in order; those of a list are named 0, 1, …

    `is_expression` is True for a block that is written as one expression, which is then its step 0.
    """

    steps: tuple[Step, ...]
    span: Span
    is_list: bool
    is_expression: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class BlockParameter:
    """A hyperparameter of a block; its default is a node of `Block.signature`."""

    name: str
    default: Node | None
    has_default: bool
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class BlockInput:
    """An input of a block; `optional` if it may be omitted (`mask=None`)."""

    name: str
    pattern: ShapePattern | None
    optional: bool
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A reusable group of steps: hyperparameters, then inputs."""

    name: str
    name_span: Span
    parameters: tuple[BlockParameter, ...]
    inputs: tuple[BlockInput, ...]
    body: Body
    signature: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """The output of the model: one expression, several, or several by name.

    `takes_numbers` is True for a calculation, whose result may be a number; a module returns tensors.
    """

    value: Expression | tuple[Expression, ...] | dict[str, Expression]
    span: Span
    takes_numbers: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Tie:
    """Two tied parameters: `path` shares the tensor of `to`."""

    path: str
    to: str
    path_span: Span
    to_span: Span


OutputShape: TypeAlias = "ShapePattern | tuple[OutputShape, ...] | dict[str, OutputShape]"


@dataclass(frozen=True, slots=True, eq=False)
class Expectation:
    """A line under `expect`: a quantity, a relation, and a count or the output's shapes."""

    quantity: Quantity
    relation: Relation
    value: int | OutputShape
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """A named set of hparams and sizes, with all that it inherits, and its expectations in place of the file's."""

    values: dict[str, Located[Setting]]
    expect: tuple[Expectation, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Include:
    """Another file under a local name; `spec` is None if the file could not be read."""

    name: str
    path: str
    span: Span
    spec: Spec | None


@dataclass(frozen=True, slots=True, eq=False)
class Import:
    """A Python class, `module.path:Class`, under a local name."""

    name: str
    target: str
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Spec:
    """A spec as read, nothing evaluated. `problems` holds the problems of this file and of its includes."""

    source: Source
    name: str
    inputs: tuple[Input, ...]
    hparams: dict[str, Located[Setting]]
    dims: dict[str, Located[int]]
    blocks: dict[str, Block]
    body: Body
    output: Output | None
    tie: dict[str, Tie]
    freeze: tuple[Located[str], ...]
    expect: tuple[Expectation, ...]
    variants: dict[str, Variant]
    includes: dict[str, Include]
    imports: dict[str, Import]
    problems: tuple[Problem, ...]
    #: Reads another text in place of this spec's, if it does not come from a file. Raises SpecError.
    reread: Callable[[str], Spec] | None = None
    #: The dtype of what has none of its own; None for float32.
    dtype: Located[DType] | None = None
