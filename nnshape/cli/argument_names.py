"""The options of the command line for the arguments of Python functions, in problems with an argument."""

from __future__ import annotations

from dataclasses import replace

from nnshape.problems import Problem

#: Any other argument is the option of the same name.
_OPTIONS = {"overrides": "--set"}


def in_options(problem: Problem) -> Problem:
    """The problem with the option as its place, if it is a problem with an argument."""
    if not problem.argument:
        return problem
    option = _OPTIONS.get(problem.argument) or f"--{problem.argument.replace('_', '-')}"
    return replace(problem, place=option)
