"""`Layer`: the base of every rule for a class of `torch.nn`.

A layer is declared once, as a class of torch's name. Its annotated fields are the constructor's
arguments, in torch's order and with torch's defaults:

    class Linear(Layer):
        '''Applies an affine map to the last dimension.'''

        in_features: Size
        out_features: Size
        bias: bool = True
        device: Device | None = None
        dtype: DType | None = None

        auto = {"in_features": (0, -1)}
        example = ("Linear(20, 30)", "20")

Registry, argument checks, help and the conformance test against torch follow from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from nnshape.shapes.arguments import (
    AUTO,
    REQUIRED,
    Parameter,
    Signature,
    kinds_of,
    register_type,
    signature_of_function,
)
from nnshape.shapes.dims import at_least
from nnshape.shapes.dtypes import DType, category, default_dtype
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.results import check_result
from nnshape.shapes.stored import refuse_stored
from nnshape.shapes.tensor import Tensor
from nnshape.work import RULE, spend

if TYPE_CHECKING:
    from nnshape.shapes.dims import Size
    from nnshape.shapes.function import Function

#: The name of a device. nnshape ignores it: the layers of a spec are built on the device of the command.
Device = str

#: Every declared layer, by torch's name; importing a family fills it.
REGISTRY: dict[str, type[Layer]] = {}


class Layer:
    """A module of `torch.nn`: its arguments, and the rule for its outputs, parameters and MACs.

    Instances are immutable. The constructor raises Refusal if torch's would raise.
    """

    #: Whether it has no rule, and outputs are inferred by running the real module.
    measured: ClassVar[bool] = False
    #: A step and its inputs, as written in a spec.
    example: ClassVar[tuple[str, ...]] = ()
    #: The fields that may be `auto`, and the source of each: (index of the input, dimension).
    auto: ClassVar[Mapping[str, tuple[int, int]]] = {}
    #: Its twin: the function of `torch.nn.functional` that shares its rule.
    functional: ClassVar[Function | None] = None
    #: The keyword-only fields.
    keyword_only: ClassVar[tuple[str, ...]] = ()
    #: The result of a call, if it is more than one tensor: `(output, h_n)`.
    returns: ClassVar[str] = ""
    _signature: ClassVar[Signature]
    _call_signature: ClassVar[Signature]

    def __init_subclass__(cls) -> None:
        if cls.__name__.startswith("_"):
            return
        if cls.__name__ in REGISTRY:
            raise TypeError(f"{cls.__name__} is declared twice: in {REGISTRY[cls.__name__].__module__} too")
        REGISTRY[cls.__name__] = cls

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        bound = self.signature().bind(arguments, keywords, self.auto)
        refuse_stored(type(self).__name__, (bound.get("dtype"),))
        self.__dict__.update(bound)
        if not self.wants_auto:
            self.check()

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __repr__(self) -> str:
        required = {parameter.name for parameter in self.signature().parameters if parameter.default is REQUIRED}
        shown = (f"{value!r}" if name in required else f"{name}={value!r}" for name, value in self.given().items())
        return f"{type(self).__name__}({', '.join(shown)})"

    @classmethod
    def signature(cls) -> Signature:
        """The constructor's arguments, by torch's names and in torch's order."""
        if "_signature" not in cls.__dict__:
            annotations: dict[str, str] = {}
            for base in reversed(cls.__mro__[:-1]):
                annotations.update(base.__annotations__)
            cls._signature = Signature(
                cls.__name__,
                [
                    Parameter(
                        name, kinds_of(annotation), getattr(cls, name, REQUIRED), keyword_only=name in cls.keyword_only
                    )
                    for name, annotation in annotations.items()
                    if not annotation.startswith("ClassVar")
                ],
            )
        return cls._signature

    @classmethod
    def call_signature(cls) -> Signature:
        """The arguments of a call, by the names in torch's `forward`."""
        if "_call_signature" not in cls.__dict__:
            cls._call_signature = signature_of_function(cls.__name__, cls.forward, skip=1)
        return cls._call_signature

    @classmethod
    def help(cls) -> tuple[str, dict[str, str]]:
        """A sentence on the layer, and the meaning of each constructor argument, in torch's order."""
        sentence, meanings = cls._explained()
        return sentence, {name: meanings[name] for name in cls.signature().by_name if name in meanings}

    @classmethod
    def input_help(cls) -> dict[str, str]:
        """The meaning of each input that the docstring describes."""
        meanings = cls._explained()[1]
        return {name: meanings[name] for name in cls.call_signature().by_name if name in meanings}

    @classmethod
    def _explained(cls) -> tuple[str, dict[str, str]]:
        """The docstring's sentence and its lines `name, name: meaning`, which override those of the base classes."""
        from nnshape.shapes.meanings import explained  # only help needs it

        meanings = {
            "device": "the device of the parameters; a spec's layers are built on the device of the command.",
            "dtype": "the dtype of the parameters; float32 if None.",
        }
        sentence = ""
        for base in reversed(cls.__mro__[:-2]):
            sentence, own = explained(base.__dict__.get("__doc__"))
            meanings.update(own)
        return sentence, meanings

    def given(self) -> dict[str, Any]:
        """The required arguments and those that differ from torch's defaults, in torch's order.

        The real module is built from these only, so that a torch that lacks one of the others can build it.
        """
        arguments = {}
        for parameter in self.signature().parameters:
            value = vars(self)[parameter.name]
            # 1 == True == 1.0, and torch may treat them differently.
            if type(value) is not type(parameter.default) or value != parameter.default:
                arguments[parameter.name] = value
        return arguments

    @property
    def wants_auto(self) -> bool:
        """Whether a field is still `auto`."""
        return any(vars(self)[name] is AUTO for name in self.auto)

    def check(self) -> None:
        """Raise Refusal if torch's constructor would raise for these arguments."""

    def resolve(self, inputs: Sequence[Tensor]) -> Layer:
        """The same layer with every `auto` read off the inputs.

        Raises Refusal (wrong-rank) if the input lacks the dimension.
        """
        values = dict(vars(self))
        if not any(value is AUTO for value in values.values()):
            return self
        for name, (position, dim) in self.auto.items():
            if values[name] is not AUTO:
                continue
            try:
                values[name] = self.read_auto(name, inputs[position], dim)
            except IndexError:
                arrives = inputs[position] if position < len(inputs) else "nothing"
                message = f"{{layer}} cannot read {name} off its input: {arrives} has no dimension {dim}"
                raise Refusal("wrong-rank", message, name) from None
        resolved = object.__new__(type(self))
        resolved.__dict__.update(values)
        resolved.check()
        return resolved

    def read_auto(self, name: str, input: Tensor, dim: int) -> Any:
        """The value of an `auto` field: a size of the input."""
        return input.shape[dim]

    def apply(self, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """The result of `forward` for the arguments of a call; both are checked. Raises Refusal."""
        spend(RULE)
        signature = self.call_signature()
        bound = signature.bind(arguments, keywords)
        refuse_stored(type(self).__name__, bound.values())
        result = self.forward(**bound)
        check_result(type(self).__name__, result, signature.returns)
        return result

    def forward(self, *arguments: Any, **keywords: Any) -> Any:
        """The outputs for these inputs: a tensor, or tuples of tensors, as torch returns.

        Raises Refusal if torch would raise.
        """
        raise NotImplementedError

    def expected_inputs(self, *arguments: Any, **keywords: Any) -> tuple[Any, ...] | None:
        """The inputs that the layer expects, given the refused ones, so that the trace can go on.

        None if they are unknown.
        """
        return None

    def parameters(self) -> dict[str, Tensor]:
        """Every parameter by its name, in the order of torch's `named_parameters`."""
        return {}

    def buffers(self) -> dict[str, Tensor]:
        """Every persistent buffer by its name in torch's `state_dict`."""
        return {}

    def macs(self, output: Any, *arguments: Any, **keywords: Any) -> Size:
        """Multiply-accumulates of one application to these inputs, for the whole batch."""
        return 0

    def derivation(self, *arguments: Any, **keywords: Any) -> tuple[str, ...]:
        """The calculation of the output's sizes, one per line, with the numbers filled in."""
        return ()

    def require_sizes(self, *names: str) -> None:
        """Raise Refusal (invalid-argument) if one of these fields, each a size of a parameter, is negative."""
        for name in names:
            if at_least(vars(self)[name], 0) is False:
                message = f"{type(self).__name__} wants {name} of 0 or more, not {vars(self)[name]}"
                raise Refusal("invalid-argument", message, name)

    def require_learnable(self) -> None:
        """Raise Refusal (wrong-dtype) unless the dtype is floating-point or complex: others have no gradients."""
        dtype = vars(self).get("dtype")
        if dtype is not None and category(dtype) < 2:
            message = (
                f"{type(self).__name__} learns its parameters, and {dtype} numbers cannot learn: use a float dtype"
            )
            note = "Only Tensors of floating point and complex dtype can require gradients"
            raise Refusal("invalid-argument", message, "dtype", note=note)

    def require_dtype(self, input: Tensor, name: str = "input", note: str = "") -> None:
        """Raise Refusal (wrong-dtype) unless an input has the dtype of the parameters; `note` is torch's message."""
        wanted = self.parameter_dtype
        if input.dtype != wanted:
            message = f"{{layer}} computes in {wanted}, but {name} is {input.dtype}"
            raise Refusal("wrong-dtype", message, name, note=note)

    @property
    def parameter_dtype(self) -> DType:
        """The dtype of the parameters: the argument `dtype` if there is one, otherwise float32."""
        return vars(self).get("dtype") or default_dtype()


register_type(Layer, "Layer", "Activation")
