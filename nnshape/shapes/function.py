"""`Function`: the base of every rule for an operation without parameters.

A rule is a Python function of torch's name and arguments from abstract tensors to abstract tensors:

    @function(method=True, example=("flatten(1)", "6x5x5"))
    def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        '''Joins a range of dimensions into one.'''
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nnshape.shapes.arguments import Signature, register_type, signature_of_function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.results import check_result
from nnshape.shapes.stored import refuse_stored
from nnshape.work import RULE, spend

if TYPE_CHECKING:
    from nnshape.shapes.dims import Size

Rule = Callable[..., Any]

#: Every declared function, by torch's name; the families fill it as they are imported.
REGISTRY: dict[str, Function] = {}
#: The names that a method has and another function too (or one of another order): it is registered as `Tensor.unfold`.
TWINS = frozenset({"unfold", "where"})


class Function:
    """An operation of `torch`, `torch.nn.functional` or a Tensor method, and the rule for its result.

    `method` says that a Tensor has it; `only_method` that nothing else has. A `factory` makes a
    tensor out of numbers, so that the value of the step before is not given to it.
    """

    #: Its answers are read off runs of torch's own function, for want of a rule.
    measured = False

    __slots__ = ("_signature", "count", "derive", "example", "factory", "method", "name", "only_method", "rule")

    def __init__(
        self, name: str, rule: Rule, *, method: bool, only_method: bool, factory: bool, example: tuple[str, ...]
    ) -> None:
        self.name = name
        self.rule = rule
        self.method = method or only_method
        self.only_method = only_method
        self.factory = factory
        self.example = example
        self.count: Callable[..., Size] | None = None
        self.derive: Callable[..., tuple[str, ...]] | None = None
        self._signature: Signature | None = None

    def __repr__(self) -> str:
        return f"the function {self.name}"

    @property
    def doc(self) -> str:
        """What the operation does, in one sentence."""
        return self.rule.__doc__ or ""

    def signature(self) -> Signature:
        """The arguments, by torch's names and in torch's order."""
        if self._signature is None:
            self._signature = signature_of_function(self.name, self.rule)
        return self._signature

    def apply(self, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """The result for these arguments, in torch's structure. Raises Refusal where torch refuses."""
        result = self._call(self.rule, arguments, keywords)
        check_result(self.name, result, self.signature().returns)
        return result

    def macs(self, output: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Size:
        """Multiply-accumulates of one application, for the whole batch."""
        if self.count is None:
            return 0
        size: Size = self._call(lambda *args, **kw: self.count(output, *args, **kw), arguments, keywords)  # type: ignore[misc]
        return size

    def derivation(self, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> tuple[str, ...]:
        """How the result's sizes come about, line by line, where the function itself declares it."""
        if self.derive is None:
            return ()
        lines: tuple[str, ...] = self._call(self.derive, arguments, keywords)
        return lines

    def derives(self, rule: Callable[..., tuple[str, ...]]) -> Callable[..., tuple[str, ...]]:
        """Declare the rule that tells how the sizes come about: the function's own arguments -> lines."""
        self.derive = rule
        return rule

    def counts(self, rule: Callable[..., Size]) -> Callable[..., Size]:
        """Declare the rule that counts multiply-accumulates: `(output, *arguments)` -> a size."""
        self.count = rule
        return rule

    def _call(self, rule: Rule, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        spend(RULE)
        signature = self.signature()
        bound = signature.bind(arguments, keywords)
        refuse_stored(self.name, bound.values())
        if signature.variadic is None:
            return rule(**bound)
        sizes = signature.variadic
        if "Tensor" not in sizes.kinds and len(arguments) <= len(signature.positional) and sizes.name not in keywords:
            raise Refusal("missing-argument", f"{self.name} is missing 1 required argument: {sizes.name}")
        ahead = [bound.pop(parameter.name) for parameter in signature.positional]
        return rule(*ahead, *bound.pop(signature.variadic.name), **bound)


register_type(Function, "Activation")


def function(
    *,
    example: tuple[str, ...],
    method: bool = False,
    only_method: bool = False,
    factory: bool = False,
    name: str | None = None,
) -> Callable[[Rule], Function]:
    """Declare a rule under torch's name for it (`name` where Python's own name is taken)."""

    def declare(rule: Rule) -> Function:
        torch_name = name or rule.__name__
        declared = Function(torch_name, rule, method=method, only_method=only_method, factory=factory, example=example)
        key = f"Tensor.{torch_name}" if only_method and torch_name in TWINS else torch_name
        if key in REGISTRY:
            raise TypeError(f"{key} is declared twice: in {REGISTRY[key].rule.__module__} too")
        REGISTRY[key] = declared
        return declared

    return declare
