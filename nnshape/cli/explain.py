"""`nnshape explain`: pages on layers, functions, kinds of problem and topics, and the derivation of a step."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Annotated

from typer import Argument

from nnshape.cli import completion, options
from nnshape.cli.usage import Misuse
from nnshape.guide import page_of, topics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnshape.explain.places import Place
    from nnshape.rendering.rule_page import Rule
    from nnshape.tracing import Trace

_LISTED = 6
Subject = Annotated[
    str | None,
    Argument(
        metavar="[NAME|FILE]",
        help="A layer, function or method of torch, a kind of problem, a spec file, "
        f"or a topic: {', '.join(topics())}.",
        autocompletion=completion.subjects,
    ),
]


def explain(
    subject: Subject = None,
    step: options.StepPath = None,
    inputs: options.Inputs = None,
    settings: options.Settings = None,
    variant: options.Variant = None,
    symbolic: options.Symbolic = False,
    dtype: options.Dtype = None,
    needs: options.Needs = False,
    allow_import: options.AllowImport = None,
    output_format: options.PlainFormat = "table",
    columns: options.Columns = None,
    color: options.ColorWhen = "auto",
) -> int:
    """Explain a layer, a function, a kind of problem, a topic, or one step of a file.

    Without a NAME, this lists the topics. For a step of a file, this derives its output shape and its
    parameter count.

    \b
    Examples:
      nnshape explain Conv2d
      nnshape explain view
      nnshape explain size-mismatch
      nnshape explain security
      nnshape explain configs/resnet.yaml layer1.0.conv1
      nnshape explain configs/unet.yaml --needs
    """
    from nnshape.cli.writing import output, write

    out = output(columns, color)
    if subject is None:
        from nnshape.rendering.guide_page import topic_lines, topics_json

        pages = [page_of(topic) for topic in topics()]
        if output_format == "json":
            write(topics_json(pages))
        else:
            out.write(topic_lines(pages, out.width))
        return 0
    if needs:
        from nnshape.cli.tracing import exit_code, traced
        from nnshape.rendering.needs import needs_json, needs_lines

        if step is not None:
            raise Misuse("--needs speaks of the whole file: leave out the step.")
        trace = traced(subject, inputs, settings, variant, True, allow_import)
        if output_format == "json":
            write(needs_json(trace), "json")
        else:
            from nnshape.rendering.problems import problems_lines

            out.write(needs_lines(trace, out.width))
            if trace.problems:
                out.write([(), *problems_lines(trace.problems, out.width)])
        return exit_code(trace.errors)
    if step is not None:
        from nnshape.cli.tracing import traced
        from nnshape.rendering.step import step_json, step_lines

        trace = traced(subject, inputs, settings, variant, symbolic, allow_import, dtype)
        found, others = _step(trace, step)
        if output_format == "json":
            write(step_json(trace, found, others), "json")
        else:
            out.write(step_lines(trace, found, out.width, others))
        return 0
    from nnshape.problems.kinds import kind_names
    from nnshape.problems.pages import kind_of

    name = _kind_name(subject)
    if name in kind_names():
        from nnshape.rendering.kind import kind_json, kind_lines

        kind = kind_of(name)
        if output_format == "json":
            write(kind_json(kind), "json")
        else:
            out.write(kind_lines(kind, out.width))
        return 0
    from nnshape.rendering.rule_page import rule_json, rule_lines, word_json, word_lines
    from nnshape.spec.words import WORDS

    if name in WORDS:
        if output_format == "json":
            write(word_json(name), "json")
        else:
            out.write(word_lines(name, out.width))
        return 0
    rule = _rule(subject)
    if rule is None:
        from nnshape.rendering.guide_page import page_json, page_lines

        topic = page_of(name)
        if output_format == "json":
            write(page_json(topic))
        else:
            out.write(page_lines(topic, out.width))
        return 0
    if output_format == "json":
        write(rule_json(rule), "json")
    else:
        out.write(rule_lines(rule, out.width))
    return 0


def _kind_name(subject: str) -> str:
    """The kind in text copied from a message, such as `error[size-mismatch]:`; other text unchanged."""
    found = re.fullmatch(r"(?:error|warning)?\[([\w-]+)\]:?", subject.strip())
    return found[1] if found else subject.strip()


def _rule(subject: str) -> Rule | None:
    """The layer or function of a name, with or without torch's prefix; None for a topic.

    Raises Misuse for any other name. Topics come last, so that none hides a layer or function.
    """
    from nnshape.problems.kinds import kind_names
    from nnshape.problems.nearest import nearest
    from nnshape.shapes.functions import all_functions, find_function, find_method
    from nnshape.shapes.layers import all_layers, find_layer
    from nnshape.spec.words import WORDS
    from nnshape.tracing.measuring import declares_function

    path = subject.strip().removesuffix("()")
    name = path.rpartition(".")[2]
    found: Rule | None = find_layer(name) if name[:1].isupper() else None
    if found is None:
        found = find_method(name) if "Tensor" in path.split(".")[:-1] else None
        found = found or find_function(name) or find_method(name)
    if found is not None or subject.strip() in topics():
        return found
    if os.path.exists(subject) or subject.endswith((".yaml", ".yml")):
        raise Misuse(f"name a step of {subject}: nnshape explain {subject} STEP")
    if declares_function(name):
        message = f"{subject} has no rule: its shape is inferred by running torch on meta, and the table marks it"
        raise Misuse(f'{message}. Try: nnshape layer "{name}(x)" x=SHAPE')
    near = nearest(_kind_name(name), [*all_layers(), *all_functions(), *kind_names(), *WORDS, *topics()])
    hint = f" {near[0][0].upper()}{near[0][1:]}" if near else ""
    raise Misuse(f"{subject} is not a layer, function, kind of problem or topic.{hint}")


def _step(trace: Trace, step: str) -> tuple[Sequence[Place], Sequence[str]]:
    """The calls of one step, and the paths of others that are equal to it but for their place in the model.

    A usage error where the path means none, or several that differ.
    """
    from nnshape.explain.places import are_alike, found_steps
    from nnshape.problems.nearest import nearest

    found = found_steps(trace, step)
    paths = list(dict.fromkeys(place.call.path for place in found))
    if paths and all(are_alike(place.call, found[0].call) for place in found[1:]):
        return [place for place in found if place.call.path == paths[0]], paths[1:]
    if len(paths) == 1:
        return found, ()
    if paths:
        more = f" and {len(paths) - _LISTED} more" if len(paths) > _LISTED else ""
        raise Misuse(f"{step} is the end of {len(paths)} paths: {', '.join(paths[:_LISTED])}{more}")
    every = [call.path for call in trace.calls]
    near = nearest(step, every)
    hint = f" {near[0][0].upper()}{near[0][1:]}" if near else f" It has {', '.join(every[:_LISTED])}."
    raise Misuse(f"{trace.spec.name} has no step {step}.{hint}")
