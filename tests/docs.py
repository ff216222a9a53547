"""Writes the generated parts of README.md and of the guide's pages: python tests/docs.py [--check].

A part stands between `<!-- generated: COMMAND -->` and `<!-- end -->`. COMMAND is an nnshape command, whose output is
shown as a terminal of 100 columns shows it, or one of `help`, `coverage`, `kinds`, `topics` and `gallery`. Commands
run in a folder that holds `configs/` and the page's own files: the YAML blocks that begin with a comment such as
`# model.yaml`.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
GUIDE = ROOT / "nnshape" / "guide"
COLUMNS = "100"
PART = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
_FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_NAMED = re.compile(r"# ([\w./-]+\.(?:yaml|yml|toml))\n")


def pages() -> list[Path]:
    """The README and every page of the guide."""
    return [README, *sorted(GUIDE.glob("*.md"))]


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """The language and the text of each fenced block of a page that is not generated."""
    yield from _FENCED.findall(PART.sub("", text))


def files_of(text: str) -> dict[str, str]:
    """The files that a page shows, by their names."""
    named = ((_NAMED.match(body), body) for _, body in blocks(text))
    return {match[1]: body for match, body in named if match}


def fill(folder: Path, text: str) -> None:
    """Write what a page's commands read into a folder: the gallery, and the page's own files."""
    shutil.copytree(ROOT / "configs", folder / "configs")
    for name, body in files_of(text).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, "utf-8")


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run an nnshape command as a terminal of 100 columns without colour does."""
    cache = str(folder / ".cache")
    environment = {**os.environ, "COLUMNS": COLUMNS, "NO_COLOR": "1", "TERM": "dumb", "XDG_CACHE_HOME": cache}
    program, *arguments = shlex.split(command)
    assert program == "nnshape", command
    line = [sys.executable, "-m", "nnshape", *arguments]
    return subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True)


def output(command: str, folder: Path) -> str:
    """The output of an nnshape command, without the blanks at the ends of lines."""
    answer = run(command, folder)
    if answer.returncode > 1 or answer.stderr:
        raise SystemExit(f"{command}: {answer.stderr or answer.stdout}")
    return "\n".join(line.rstrip() for line in answer.stdout.strip("\n").splitlines())


def command_help(folder: Path) -> str:
    """The help of every command."""
    from nnshape.cli.commands import COMMANDS

    return "\n".join(
        f"## nnshape {name}\n\n```text\n{output(f'nnshape {name} --help', folder)}\n```\n" for name in COMMANDS
    )


def coverage() -> str:
    """Every layer and function that has a rule, by the sections of torch's documentation."""
    from nnshape.shapes.documentation import functions_by_section, layers_by_section

    parts = []
    for noun, sections in (("layers", layers_by_section()), ("functions and methods", functions_by_section())):
        count = sum(map(len, sections.values()))
        rows = [f"| {section} | {', '.join(shortened(names))} |" for section, names in sections.items()]
        parts.append("\n".join([f"| {count} {noun} | |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def kinds() -> str:
    """Every kind of problem with its sentence, and a link to its document."""
    from nnshape.problems.kinds import kind_names
    from nnshape.problems.pages import kind_of

    rows = [f"| [`{kind.name}`](../problems/{kind.name}.md) | {kind.sentence} |" for kind in map(kind_of, kind_names())]
    return "\n".join(["| kind | meaning |", "|---|---|", *rows]) + "\n"


def topics() -> str:
    """Every page of the guide with its sentence, and a link to it."""
    from nnshape.guide import page_of
    from nnshape.guide import topics as topic_names

    listed = [page_of(topic) for topic in topic_names()]
    rows = [f"| [{page.title}](nnshape/guide/{page.topic}.md) | {page.sentence} |" for page in listed]
    return "\n".join(["| page | about |", "|---|---|", *rows]) + "\n"


def gallery() -> str:
    """Every file of the gallery with its leading comment, and the parameters of its variants."""
    rows = []
    for path in sorted((ROOT / "configs").glob("*.yaml")):
        comment = re.match(r"(# .*\n)+", path.read_text("utf-8"))
        assert comment, f"{path} names no source"
        about = comment[0].replace("# ", "").replace("\n", " ")
        about = re.sub(r"(and )?([^\s,;:()][^,;:()]*) \((https://\S+?)\)", r"\1[\2](\3)", about)
        rows.append(f"| [{path.name}](../../configs/{path.name}) | {about}{published(path)} |")
    return "\n".join(["| file | network |", "|---|---|", *rows]) + "\n"


def published(path: Path) -> str:
    """The parameters that a file expects, or those of each variant."""
    import nnshape

    spec = nnshape.load(path)
    expected = [(name, variant.expect) for name, variant in spec.variants.items()] or [("", spec.expect)]
    counts = [
        f"`{name}` {each.value:,}" if name else f"{'at most ' if each.relation == '<=' else ''}{each.value:,}"
        for name, expectations in expected
        for each in expectations
        if each.quantity == "parameters"
    ]
    return f"Parameters: {'; '.join(counts)}."


def shortened(names: list[str]) -> list[str]:
    """The names, with those that differ only in the number of dimensions as one: `Conv1d/2d/3d`."""
    ends: dict[tuple[str, bool], list[str]] = {}
    for name in names:
        match = re.fullmatch(r"(.*?)([123]d)", name)
        ends.setdefault((match[1], True) if match else (name, False), []).append(match[2] if match else "")
    return [base + "/".join(found) for (base, _), found in ends.items()]


def generated(command: str, folder: Path) -> str:
    """The text of one part."""
    if command == "help":
        return command_help(folder)
    tables = {"coverage": coverage, "kinds": kinds, "topics": topics, "gallery": gallery}
    if command in tables:
        return tables[command]()
    return f"```text\n$ {command}\n{output(command, folder)}\n```\n"


def renewed(text: str) -> str:
    """The page with every generated part written again."""
    if not PART.search(text):
        return text
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        fill(folder, text)
        return PART.sub(lambda match: f"{match[1]}{generated(match[2], folder)}{match[3]}", text)


def main() -> None:
    """Write the pages, or with --check show what is out of date."""
    outdated = False
    for page in pages():
        old = page.read_text("utf-8")
        new = renewed(old)
        name = str(page.relative_to(ROOT))
        if "--check" not in sys.argv:
            page.write_text(new, "utf-8")
        elif new != old:
            outdated = True
            sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), name, "generated"))
        print(f"{name}: {len(PART.findall(old))} generated parts")
    if outdated:
        raise SystemExit("a page is out of date: run python tests/docs.py")


if __name__ == "__main__":
    main()
