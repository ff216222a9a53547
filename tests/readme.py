"""Writes the generated parts of README.md: python tests/readme.py [--check].

A part stands between `<!-- generated: COMMAND -->` and `<!-- end -->`: the output of an nnshape
command as a terminal of 100 columns shows it, or, for `help`, the help of every command.
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
    from nnshape.cli.program import COMMANDS

    return list(COMMANDS)


def generated(command: str) -> str:
    """The text of one part."""
    if command == "help":
        return "\n".join(f"### `nnshape {name}`\n\n```text\n{run(name, '--help')}\n```\n" for name in commands())
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
