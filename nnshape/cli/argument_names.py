"""How the command line calls the arguments of Python's functions, for problems that lie in one."""

from __future__ import annotations

from dataclasses import replace

from nnshape.problems import Problem

#: Every other argument is the option of the same name.
_OPTIONS = {"overrides": "--set"}


def in_options(problem: Problem) -> Problem:
    """The problem with its place, the option, where it lies in an argument."""
    if not problem.argument:
        return problem
    option = _OPTIONS.get(problem.argument) or f"--{problem.argument.replace('_', '-')}"
    return replace(problem, place=option)
