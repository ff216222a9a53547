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
from nnshape.shapes.results import check_macs, check_result
from nnshape.shapes.stored import refuse_stored
from nnshape.work import RULE, spend

if TYPE_CHECKING:
    from nnshape.shapes.dims import Size

Rule = Callable[..., Any]

#: Every declared function, by torch's name; importing a family fills it.
REGISTRY: dict[str, Function] = {}
#: Names that a method and a different function share; the method is registered as `Tensor.unfold`.
TWINS = frozenset({"unfold", "where"})


#: The functions that view their arguments, besides those that write in place.
_ASKING = ("as_strided", "isin", "kron", "local_response_norm", "take_along_dim", "view", "view_as")


class Function:
    """An operation of `torch`, `torch.nn.functional` or a Tensor method, and the rule for its result.

    `method`: it is also a method of Tensor. `only_method`: it is nothing else. `factory`: it creates a
    tensor from numbers, so the value of the step before is not passed to it.
    """

    #: Whether it has no rule, and results are inferred by running torch's function.
    measured = False

    __slots__ = (
        "_signature",
        "asks_for_layout",
        "by_place",
        "count",
        "derive",
        "example",
        "factory",
        "method",
        "name",
        "only_method",
        "rule",
        "writes",
    )

    def __init__(
        self,
        name: str,
        rule: Rule,
        *,
        method: bool,
        only_method: bool,
        factory: bool,
        example: tuple[str, ...],
        by_place: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.rule = rule
        self.method = method or only_method
        self.only_method = only_method
        #: Torch refuses some arguments by how they lie in memory: see `nnshape.shapes.layouts`.
        self.asks_for_layout = name in _ASKING or name.endswith("_")
        self.factory = factory
        self.example = example
        self.by_place = by_place
        self.count: Callable[..., Size] | None = None
        self.derive: Callable[..., tuple[str, ...]] | None = None
        self._signature: Signature | None = None

    def __repr__(self) -> str:
        return f"the function {self.name}"

    @property
    def doc(self) -> str:
        """The docstring of the rule: a sentence and the arguments."""
        return self.rule.__doc__ or ""

    def signature(self) -> Signature:
        """The arguments, by torch's names and in torch's order."""
        if self._signature is None:
            self._signature = signature_of_function(self.name, self.rule, by_place=self.by_place)
        return self._signature

    def apply(self, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """The result for these arguments: tensors, numbers or tuples of them, as torch returns.

        Raises Refusal if torch would raise.
        """
        result = self._call(self.rule, arguments, keywords)
        check_result(self.name, result, self.signature().returns)
        return result

    def macs(self, output: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Size:
        """Multiply-accumulates of one application, for the whole batch; 0 if none are declared."""
        if self.count is None:
            return 0
        size: Size = self._call(lambda *args, **kw: self.count(output, *args, **kw), arguments, keywords)  # type: ignore[misc]
        check_macs(self.name, size)
        return size

    def derivation(self, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> tuple[str, ...]:
        """The calculation of the result's sizes, one per line; empty if the function declares none."""
        if self.derive is None:
            return ()
        lines: tuple[str, ...] = self._call(self.derive, arguments, keywords)
        return lines

    def derives(self, rule: Callable[..., tuple[str, ...]]) -> Callable[..., tuple[str, ...]]:
        """Declare the derivation of the sizes: a function of the same arguments that returns lines."""
        self.derive = rule
        return rule

    def counts(self, rule: Callable[..., Size]) -> Callable[..., Size]:
        """Declare the multiply-accumulates: a function of `(output, *arguments)` that returns a size."""
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
    by_place: tuple[str, ...] = (),
) -> Callable[[Rule], Function]:
    """Declare a rule under torch's name (`name`, if Python reserves it). Raises TypeError for a second rule.

    `by_place` names the arguments that torch takes by their place alone.
    """

    def declare(rule: Rule) -> Function:
        torch_name = name or rule.__name__
        declared = Function(
            torch_name,
            rule,
            method=method,
            only_method=only_method,
            factory=factory,
            example=example,
            by_place=by_place,
        )
        key = f"Tensor.{torch_name}" if only_method and torch_name in TWINS else torch_name
        if key in REGISTRY:
            raise TypeError(f"{key} is declared twice: in {REGISTRY[key].rule.__module__} too")
        REGISTRY[key] = declared
        return declared

    return declare
