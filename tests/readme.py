"""Writes the generated parts of README.md: python tests/readme.py [--check].

A part stands between `<!-- generated: COMMAND -->` and `<!-- end -->`: the output of an nnshape
command as a terminal of 100 columns shows it, or, for `help`, the help of every command,
for `coverage`, a table of all rules, and for `kinds`, one of all kinds of problem.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
_PART = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
_COLUMNS = "100"


def run(*arguments: str) -> str:
    """What an nnshape command prints, blanks at the ends of lines taken off."""
    environment = {**os.environ, "COLUMNS": _COLUMNS, "NO_COLOR": "1", "TERM": "dumb"}
    answer = subprocess.run(
        [sys.executable, "-m", "nnshape", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if answer.returncode > 1 or answer.stderr:
        raise SystemExit(f"nnshape {shlex.join(arguments)}: {answer.stderr or answer.stdout}")
    return "\n".join(line.rstrip() for line in answer.stdout.strip("\n").splitlines())


def commands() -> list[str]:
    """The names of all commands."""
    from nnshape.cli.commands import COMMANDS

    return list(COMMANDS)


def coverage() -> str:
    """Every layer and function that has a rule, by the sections of torch's documentation."""
    from nnshape.shapes.documentation import functions_by_section, layers_by_section

    parts = []
    for what, sections in (("layers", layers_by_section()), ("functions and methods", functions_by_section())):
        count = sum(map(len, sections.values()))
        rows = [f"| {section} | {', '.join(shortened(names))} |" for section, names in sections.items()]
        parts.append("\n".join([f"| {count} {what} | |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def kinds() -> str:
    """Every kind of problem with its sentence, and a link to its document."""
    from nnshape.problems.kinds import kind_names, kind_of

    rows = [
        f"| [`{kind.name}`](nnshape/problems/{kind.name}.md) | {kind.sentence} |" for kind in map(kind_of, kind_names())
    ]
    return "\n".join(["| kind | what it means |", "|---|---|", *rows]) + "\n"


def shortened(names: list[str]) -> list[str]:
    """The names, those that differ in a number of dimensions alone as one: `Conv1d/2d/3d`."""
    ends: dict[tuple[str, bool], list[str]] = {}
    for name in names:
        match = re.fullmatch(r"(.*?)([123]d)", name)
        ends.setdefault((match[1], True) if match else (name, False), []).append(match[2] if match else "")
    return [base + "/".join(found) for (base, _), found in ends.items()]


def generated(command: str) -> str:
    """The text of one part."""
    if command == "help":
        return "\n".join(f"### `nnshape {name}`\n\n```text\n{run(name, '--help')}\n```\n" for name in commands())
    if command == "coverage":
        return coverage()
    if command == "kinds":
        return kinds()
    program, *arguments = shlex.split(command)
    assert program == "nnshape", command
    return f"```text\n$ {command}\n{run(*arguments)}\n```\n"


def renewed(text: str) -> str:
    """The page with every generated part made anew."""
    return _PART.sub(lambda match: f"{match[1]}{generated(match[2])}{match[3]}", text)


def main() -> None:
    """Write the page, or with --check say what is out of date."""
    old = README.read_text("utf-8")
    new = renewed(old)
    if "--check" not in sys.argv:
        README.write_text(new, "utf-8")
    elif new != old:
        sys.stdout.writelines(
            difflib.unified_diff(old.splitlines(True), new.splitlines(True), "README.md", "generated")
        )
        raise SystemExit("README.md is out of date: run python tests/readme.py")
    else:
        print(f"README.md: {len(_PART.findall(old))} generated parts are up to date")


if __name__ == "__main__":
    main()
