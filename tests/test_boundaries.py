"""Who may import whom, and that nothing heavy is imported before it must; each rule with a proof that it can fail."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nnshape
from nnshape.cli.commands import COMMANDS as ALL_COMMANDS

PACKAGE = Path(nnshape.__file__).parent
CONFIGS = PACKAGE.parent / "configs"

#: What each part may import of the package, apart from itself, and `problems`.
MAY_IMPORT = {
    "problems": {"spec"},
    "spec": {"shapes"},  # the table of dtypes, and the nearest name: neither knows of a spec
    "shapes": set(),
    "tracing": {"spec", "shapes"},
    "explain": {"spec", "shapes", "tracing"},
    "calculator": {"spec", "shapes", "tracing", "explain"},
    "fixes": {"spec", "shapes", "tracing", "explain"},
    "modules": {"spec", "shapes", "tracing"},
    "rendering": {"spec", "shapes", "tracing", "explain", "calculator", "guide"},
    "guide": set(),
    "cache": set(),
    "checking": {"spec", "shapes", "tracing", "fixes", "modules", "cache", "rendering.formats"},
    "schema": {"spec", "shapes"},
}
MAY_IMPORT["cli"] = set(MAY_IMPORT)  # the command line is on top


def imports_of(path: Path) -> set[str]:
    """The modules that a file imports when it runs; those for type checkers alone are left out."""
    tree = ast.parse(path.read_text("utf-8"))
    checked = {id(n) for node in ast.walk(tree) if _for_types(node) for n in ast.walk(node)}
    found = set()
    for node in ast.walk(tree):
        if id(node) in checked:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
    return found


def _for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def wrong_imports(path: Path, package: Path) -> list[str]:
    """What a file imports against the direction of the house, or from torch without leave."""
    part = path.relative_to(package).parts[0].removesuffix(".py")
    wrong = []
    for name in imports_of(path):
        top, _, rest = name.partition(".")
        if top == "torch" and part != "modules":
            wrong.append(name)
        if top == "nnshape" and rest and part in MAY_IMPORT:
            leave = {part, "problems"} | MAY_IMPORT[part]
            if rest.split(".")[0] in MAY_IMPORT and not any(f"{rest}.".startswith(f"{other}.") for other in leave):
                wrong.append(name)
    return wrong


def test_imports_run_one_way():
    wrong = {str(path): found for path in PACKAGE.rglob("*.py") if (found := wrong_imports(path, PACKAGE))}
    assert not wrong


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("spec/a.py", "from nnshape.tracing import trace_spec"),
        ("shapes/layers/a.py", "def f():\n    import torch.nn"),
        ("tracing/a.py", "from nnshape import modules"),
        ("rendering/a.py", "from nnshape.cli import main"),
        ("checking/a.py", "from nnshape.rendering.json import text_of"),
    ],
)
def test_the_direction_of_imports_can_be_broken(tmp_path, file, text):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert wrong_imports(path, tmp_path)


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh Python has loaded after running the code."""
    run = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint('\\n'.join(sys.modules), file=sys.stderr)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stderr.split())


HEAVY = {"torch", "numpy", "rich", "pydantic"}
LENET = str(CONFIGS / "lenet.yaml")


def run_command(*arguments: str) -> str:
    return f"from nnshape.cli import main\ntry: main({list(arguments)!r})\nexcept SystemExit: pass"


COMMANDS = {
    "import": "import nnshape",
    "trace": f"import nnshape; nnshape.trace({str(CONFIGS / 'resnet.yaml')!r})",
    "version": run_command("--version"),
    "help": run_command("--help"),
    "help of a command": run_command("check", "--help"),
    "a wrong option": run_command("inspect", "--unknown"),
    "inspect": run_command("inspect", LENET, "--device", "none"),
    "inspect a wrong model": run_command("inspect", str(CONFIGS.parent / "tests/cases/wrong.yaml"), "--device", "none"),
    "params": run_command("params", LENET),
    "check": run_command("check", LENET, "--device", "none", "--no-cache"),
    "layer": run_command("layer", "Conv2d(1, 6, 5)", "1x32x32", "--device", "none"),
    "explain": run_command("explain", "Conv2d"),
    "schema": run_command("schema"),
}


def loaded_roots(code: str) -> set[str]:
    return {name.partition(".")[0] for name in loaded_by(code)}


@pytest.mark.parametrize("code", COMMANDS.values(), ids=COMMANDS)
def test_nothing_heavy_before_it_must_be(code):
    assert not loaded_roots(code) & HEAVY


def test_torch_would_be_seen():
    assert "torch" in loaded_by("import nnshape; nnshape.verify(nnshape.trace('input: 4\\nlayers:\\n  a: ReLU()\\n'))")


@pytest.mark.parametrize("name", ["rich", "pydantic"])
def test_the_other_heavy_packages_would_be_seen(name, tmp_path):
    (tmp_path / "pydantic.py").touch()
    assert name in loaded_roots(f"sys.path.append({str(tmp_path)!r}); import {name}") & HEAVY


def test_python_without_the_command_line_loads_none_of_it():
    command_line = {"typer", "click", "difflib", "textwrap", "shutil"}
    code = f"import nnshape; nnshape.trace({LENET!r})"
    assert not loaded_roots(code) & command_line
    assert loaded_roots(f"{code}; import nnshape.cli.commands") & command_line


def commands_loaded(code: str) -> set[str]:
    loaded = loaded_by(code)
    return {name for name in ALL_COMMANDS if f"nnshape.cli.{name}" in loaded}


def test_a_command_is_imported_only_when_it_is_asked_for():
    assert commands_loaded(COMMANDS["help"]) == set()
    assert commands_loaded(COMMANDS["version"]) == set()
    assert commands_loaded(COMMANDS["inspect"]) == {"inspect"}
    assert commands_loaded(run_command(LENET, "--device", "none")) == {"inspect"}


def test_click_is_reached_through_typer_alone():
    """Newer versions of typer bring their own copy of click, and none is installed beside it."""
    for path in PACKAGE.rglob("*.py"):
        assert not {name for name in imports_of(path) if name.partition(".")[0] == "click"}, path
        assert "typer._" not in path.read_text("utf-8"), path
