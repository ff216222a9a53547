"""Who may import whom, and that nothing heavy is imported before it must; each rule with a proof that it can fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nnshape
from nnshape.cli.commands import COMMANDS as ALL_COMMANDS

PACKAGE = Path(nnshape.__file__).parent
CONFIGS = PACKAGE.parent / "configs"


def contracts_of(package: Path) -> str:
    """What import-linter says of the contracts in pyproject.toml, for the package at this path."""
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    run = subprocess.run(
        [sys.executable, "-c", code, "--no-cache", str(PACKAGE.parent / "pyproject.toml")],
        cwd=package.parent,
        capture_output=True,
        text=True,
    )
    return run.stdout + run.stderr


def test_imports_keep_the_contracts():
    assert "4 kept, 0 broken" in contracts_of(PACKAGE)


def test_each_contract_of_imports_can_be_broken(tmp_path):
    copy = shutil.copytree(PACKAGE, tmp_path / "nnshape", ignore=shutil.ignore_patterns("__pycache__"))
    for file, text in {
        "spec/one.py": "from nnshape.tracing import trace_spec\n",
        "shapes/layers/two.py": "def f():\n    import torch.nn\n",
        "rendering/three.py": "def f():\n    from nnshape.rendering import four\n",
        "cli/five.py": "import click\n",
        "rendering/four.py": "from nnshape.rendering import three\n",
    }.items():
        (copy / file).write_text(text)
    report = contracts_of(copy)
    assert "0 kept, 4 broken" in report
    for broken in (
        "spec.one -> nnshape.tracing",
        "shapes.layers.two -> torch",
        "No cycles are allowed in nnshape.rendering",
    ):
        assert broken in report


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


def test_only_public_names_of_typer():
    for path in PACKAGE.rglob("*.py"):
        assert "typer._" not in path.read_text("utf-8"), path
