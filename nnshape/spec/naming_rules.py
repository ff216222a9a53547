"""Rules for names in a spec: allowed names, and pairs that are easily confused."""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING

from nnshape.problems import Label, Problem
from nnshape.spec import limits
from nnshape.spec.nodes import Name
from nnshape.spec.source import Span
from nnshape.spec.spec import Block, BlockInput, Body, Input

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nnshape.spec.findings import Findings
    from nnshape.spec.shape_patterns import ShapePattern

#: The attributes of torch.nn.Module and torch.fx.GraphModule. `add_module` refuses a submodule of such a
#: name, or the submodule would hide an attribute that torch uses.
MODULE_ATTRIBUTES = frozenset({
    "T_destination", "add_module", "add_submodule", "apply", "bfloat16", "buffers", "call_super_init",
    "children", "code", "compile", "cpu", "cuda", "delete_all_unused_submodules", "delete_submodule", "double",
    "dump_patches", "eval", "extra_repr", "float", "forward", "get_buffer", "get_extra_state", "get_parameter",
    "get_submodule", "graph", "half", "ipu", "load_state_dict", "meta", "modules", "mtia", "named_buffers",
    "named_children", "named_modules", "named_parameters", "parameters", "print_readable", "recompile",
    "register_backward_hook", "register_buffer", "register_forward_hook", "register_forward_pre_hook",
    "register_full_backward_hook", "register_full_backward_pre_hook", "register_load_state_dict_post_hook",
    "register_load_state_dict_pre_hook", "register_module", "register_parameter",
    "register_state_dict_post_hook", "register_state_dict_pre_hook", "requires_grad_", "set_extra_state",
    "set_submodule", "shape_env", "share_memory", "state_dict", "to", "to_empty", "to_folder", "train", "training",
    "type", "xpu", "zero_grad",
    "_apply", "_backward_hooks", "_backward_pre_hooks", "_boxed_call", "_buffers", "_call_impl", "_code",
    "_compiled_call_impl", "_create_node_hooks", "_deepcopy_hooks", "_deepcopy_init", "_erase_node_hooks",
    "_forward_hooks", "_forward_hooks_always_called", "_forward_hooks_with_kwargs", "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs", "_get_backward_hooks", "_get_backward_pre_hooks", "_get_name", "_graph",
    "_is_full_backward_hook", "_is_written", "_lineno_map", "_load_from_state_dict", "_load_state_dict_post_hooks",
    "_load_state_dict_pre_hooks", "_maybe_warn_non_full_backward_hook", "_modules", "_named_members",
    "_non_persistent_buffers_set", "_parameters", "_prologue_start", "_recompile_submodules",
    "_register_create_node_hook", "_register_deepcopy_hook", "_register_erase_node_hook",
    "_register_load_state_dict_pre_hook", "_register_replace_node_hook", "_register_state_dict_hook",
    "_replace_hooks", "_replicate_for_data_parallel", "_save_to_state_dict", "_set_replace_hook", "_slow_forward",
    "_state_dict_hooks", "_state_dict_pre_hooks", "_tracer_cls", "_tracer_extras", "_unregister_create_node_hook",
    "_unregister_deepcopy_hook", "_unregister_erase_node_hook", "_unregister_replace_node_hook", "_version",
    "_wrapped_call", "_wrapped_call_impl", "_write_code",
})  # fmt: skip

#: Further attributes of torch's containers.
_OF_CONTAINERS = {
    "Sequential": {"_get_item_by_idx", "append", "extend", "insert", "pop"},
    "ModuleDict": {"clear", "items", "keys", "pop", "update", "values"},
    "ParameterDict": {
        "_key_to_attr", "_keys", "clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "setdefault",
        "update", "values",
    },
}  # fmt: skip

#: The names of the language itself, and their meanings.
LANGUAGE = {"_": "the value of the step before", "auto": "a size read off the input", "N": "the batch"}


def name_problem(name: str, what: str, span: Span) -> Problem | None:
    """The problem with a name in a file, or None; `what` is its sort, such as "a step" or "an hparam"."""
    if len(name) > limits.NAME_CHARACTERS:
        message = f"a name has at most {limits.NAME_CHARACTERS} characters"
        return Problem("too-large", message, span)
    if not name.isidentifier():
        message = f"{shortened(name)!r} cannot name {what}: a name is letters, digits and _"
        return Problem("invalid-name", message, span)
    if keyword.iskeyword(name):
        return Problem("invalid-name", f"{name} is a Python keyword and cannot name {what}", span)
    return _identifier_problem(name, what, span)


def _identifier_problem(name: str, what: str, span: Span) -> Problem | None:
    if _as_python_reads(name) != name:
        return Problem("invalid-name", f"Python reads {name} as {_as_python_reads(name)}: write it so", span)
    if name.startswith("__"):
        return Problem("invalid-name", f"{name} begins with two underscores and cannot name {what}", span)
    if name == "expect" and what in ("an hparam", "a size"):
        message = f"expect cannot name {what}: in a variant, it holds the variant's own figures"
        return Problem("invalid-name", message, span)
    if name in LANGUAGE and not (name == "N" and what == "a size"):
        return Problem("invalid-name", f"{name} means {LANGUAGE[name]} and cannot name {what}", span)
    return None


def step_name_problem(name: str, span: Span) -> Problem | None:
    """The problem with the name of a step, or None. It may begin with a digit, hold hyphens and be a Python keyword."""
    if len(name) > limits.NAME_CHARACTERS:
        message = f"a name has at most {limits.NAME_CHARACTERS} characters"
        return Problem("too-large", message, span)
    plain = name.replace("-", "")
    if not f"_{plain}".isidentifier() or not plain or name.startswith("-"):
        wanted = "does not begin with a hyphen" if name.startswith("-") else "is letters, digits, _ and hyphens"
        message = f"{shortened(name)!r} cannot name a step: a name {wanted}"
        return Problem("invalid-name", message, span)
    if keyword.iskeyword(name):
        return None
    return _identifier_problem(name, "a step", span)


def attribute_problem(name: str, span: Span) -> Problem:
    """The problem with a step that makes a module or parameter and has the name of an attribute of torch's modules."""
    message = f"a step that makes a module cannot be called {name}: every torch module has something of that name"
    fix = f"call it {name}1" if name.endswith("_") else f"call it {name}1 or {name}_"
    return Problem("invalid-name", message, span, help=(fix,))


def item_name_fault(name: str, container: str = "") -> str | None:
    """The reason why a container of this type cannot have a child of this name, or None.

    The name appears in the code of the built module, as an attribute or in quotes.
    """
    if not name or "." in name:
        return f"an item's name is a string without dots, not {name!r}"
    if len(name) > limits.NAME_CHARACTERS:
        return f"a name has at most {limits.NAME_CHARACTERS} characters"
    if not name.isprintable() or '"' in name or "\\" in name:
        return f"an item's name has only printable characters, and no double quote or backslash: not {name!r}"
    if name.startswith("__"):
        return f"{name} begins with two underscores and cannot name an item"
    if name in MODULE_ATTRIBUTES or name in _OF_CONTAINERS.get(container, ()):
        return f"an item cannot be called {name}: a {container or 'module'} of torch has something of that name already"
    if _as_python_reads(name) != name:
        return f"Python reads {name} as {_as_python_reads(name)}: write it so"
    return None


def _as_python_reads(name: str) -> str:
    """A name as Python's parser normalizes it, and therefore as expressions refer to it."""
    if name.isascii():
        return name
    from unicodedata import normalize  # only for a name that is not plain ASCII

    return normalize("NFKC", name)


_NOTHING: Mapping[str, tuple[str, Span]] = {}


class Names:
    """The names of a file, each with its sort and its place."""

    __slots__ = ("_known", "findings")

    def __init__(self, findings: Findings) -> None:
        self._known: dict[str, tuple[str, Span]] = {}
        self.findings = findings

    def add(self, name: str, what: str, span: Span) -> None:
        """Add a name, or the problem that something else has it."""
        if not self._clashes(name, what, span, self._known):
            self._known[name] = (what, span)

    def add_body(
        self, body: Body, inputs: Iterable[tuple[str, Span]], own: Iterable[tuple[str, Span]] | None = None
    ) -> None:
        """Check the inputs and steps of a body against the other names on its level.

        Those are the hyperparameters of a block, `own`, or the names of the file for the model. A name may hide one of
        an outer level: in a block that of an hparam, in nested steps that of a step around them.
        """
        known = self._known if own is None else {name: ("a hyperparameter", span) for name, span in own}
        local: dict[str, tuple[str, Span]] = {}
        for name, span in inputs:
            if not self._clashes(name, "an input", span, known):
                local[name] = ("an input", span)
        for inner in _bodies(body):
            for step in inner.steps:
                if inner is body:
                    self._clashes(step.name, "a step", step.name_span, known, local)
                if step.assertion is not None:
                    self.check_split(step.assertion)

    def check_split(self, pattern: ShapePattern | None) -> None:
        """Report a name of the file that the x form splits: `1xmaxlen` is 1 x ma x len."""
        dims = pattern.dims if pattern is not None and pattern.per_sample else ()
        for index in range(len(dims) - 1):
            first, second = dims[index : index + 2]
            if pattern is None or not (isinstance(first, Name) and isinstance(second, Name)):
                continue
            whole = f"{first.id}x{second.id}"
            span = Span(pattern.span.source, pattern.span_of(index).start, pattern.span_of(index + 1).end)
            if span.text == whole and whole in self._known:
                message = f"{whole} reads as {first.id} x {second.id} here, but it is also {self._known[whole][0]}"
                related = (Label(self._known[whole][1], whole),)
                fix = (f"put blanks around the x that separates sizes: … x {whole}",)
                self.findings.add(Problem("ambiguous-name", message, span, related=related, help=fix))

    def _clashes(
        self,
        name: str,
        what: str,
        span: Span,
        known: Mapping[str, tuple[str, Span]],
        local: Mapping[str, tuple[str, Span]] = _NOTHING,
    ) -> bool:
        first = local.get(name) or known.get(name)
        if first is None:
            return False
        other, place = first
        name = shortened(name)
        message = f"{name} is {what} and also {other}" if what != other else f"{name} is {what} twice"
        related = (Label(place, f"{name}, {other}"),)
        fix = ("give one of them another name",)
        label = f"{name}, {what}"
        self.findings.add(Problem("ambiguous-name", message, span, label, related=related, help=fix))
        return True


def check_names(names: Names, inputs: tuple[Input, ...], body: Body, blocks: Iterable[Block]) -> None:
    """Check every name of the model and of its blocks against the names and sizes of the file."""
    for entry in inputs:
        names.check_split(entry.pattern)
    own = list({entry.argument: (entry.argument, entry.name_span or entry.span) for entry in inputs}.values())
    names.add_body(body, own)
    _check_sizes(names, inputs, body, own)
    for block in blocks:
        own = [(entry.name, entry.span) for entry in block.inputs]
        names.add_body(block.body, own, [(parameter.name, parameter.span) for parameter in block.parameters])
        _check_sizes(names, block.inputs, block.body, own)


def _check_sizes(
    names: Names, inputs: Iterable[Input | BlockInput], body: Body, named: Iterable[tuple[str, Span]]
) -> None:
    """Check the sizes in the inputs' shapes against the names of the inputs and the steps."""
    sizes: dict[str, Span] = {}
    for entry in inputs:
        if entry.pattern is None:
            continue
        for dim in entry.pattern.dims:
            if isinstance(dim, Name) and dim.id not in ("N", "_"):
                sizes.setdefault(dim.id, entry.pattern.expression.span(dim))
    steps = [(step.name, "a step", step.name_span) for step in body.steps]
    for name, what, span in (*((name, "an input", span) for name, span in named), *steps):
        if name in sizes:
            message = f"{name} is {what} and also a size of the input"
            related = (Label(sizes[name], f"{name}, a size"),)
            fix = ("give one of them another name",)
            problem = Problem("ambiguous-name", message, span, f"{name}, {what}", related=related, help=fix)
            names.findings.add(problem)


def _bodies(body: Body) -> Iterator[Body]:
    yield body
    for step in body.steps:
        if isinstance(step.value, Body):
            yield from _bodies(step.value)


def shortened(text: str) -> str:
    """A text of the file, shortened for a message."""
    return text if len(text) <= 40 else text[:39] + "…"
