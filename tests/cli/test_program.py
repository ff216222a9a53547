"""What the command line as a whole promises: exit codes, help, no tracebacks, no torch before its time."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

import nnshape
from nnshape.cli import main
from nnshape.cli.commands import COMMANDS

ROOT = Path(__file__).parents[2]
PROBE = """
import sys
from nnshape.cli import main
code = main(sys.argv[1:])
heavy = sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "numpy", "sympy"})
print("imported", *heavy, file=sys.stderr)
sys.exit(code)
"""


def process(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, **options
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect", "configs/lenet.yaml", "--device", "none"],
        ["inspect", "configs/lenet.yaml", "--device", "none", "--format", "json"],
        ["params", "configs/lenet.yaml"],
        ["schema"],
        ["--help"],
        ["inspect", "--help"],
    ],
)
def test_no_torch_where_nothing_is_built(arguments):
    result = process("-c", PROBE, *arguments)
    assert result.returncode == 0
    assert result.stderr == "imported\n"


def test_the_test_above_can_fail():
    proof = ("inspect", "configs/lenet.yaml", "--device", "meta", "--no-cache")
    assert "imported numpy sympy torch" in process("-c", PROBE, *proof).stderr


def test_as_a_module():
    result = process("-m", "nnshape", "--version")
    assert (result.returncode, result.stdout) == (0, f"nnshape {nnshape.__version__}\n")


def test_alone_it_prints_help(run):
    result = run()
    assert result.code == 0
    assert "inspect" in result.out
    assert result.out == run("--help").out == run("-h").out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(run, command):
    result = run(command, "--help")
    assert result.code == 0
    assert f"nnshape {command} " in result.out.partition("Examples:")[2]


def test_a_command_that_is_not_there(run):
    result = run("inspct")
    assert result.code == 2
    assert "Did you mean inspect?" in result.err


def test_an_unexpected_fault_is_one_message_and_no_traceback(run, lenet, monkeypatch):
    def broken(*_arguments, **_options):
        raise ValueError("two\nlines")

    monkeypatch.setattr(nnshape, "trace", broken)
    result = run("inspect", lenet, "--device", "none")
    assert result.code == 2
    assert result.err.startswith("nnshape: internal error: ValueError: two lines\n")
    assert "report" in result.err
    assert "Traceback" not in result.err
    monkeypatch.setenv("NNSHAPE_TRACEBACK", "1")
    with pytest.raises(ValueError, match="two"):
        main(["inspect", lenet, "--device", "none"])


@pytest.mark.parametrize("fault", [RecursionError, MemoryError])
def test_limits_of_the_machine_are_no_traceback(run, lenet, monkeypatch, fault):
    def broken(*_arguments, **_options):
        raise fault

    monkeypatch.setattr(nnshape, "trace", broken)
    assert run("inspect", lenet).code == 2


def test_an_interrupt(run, lenet, monkeypatch):
    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(nnshape, "trace", interrupted)
    result = run("inspect", lenet)
    assert result.code == 130
    assert "Traceback" not in result.err


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of a Unix shell")
def test_a_reader_that_leaves(tmp_path):
    spec = tmp_path / "long.yaml"
    steps = "".join(f"  step{i}: Linear(8, 8)\n  relu{i}: ReLU()\n" for i in range(2000))
    spec.write_text(f"input: 8\nlayers:\n{steps}")
    command = f"{sys.executable} -m nnshape inspect {spec} --device none --format csv | head -n 1"
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.startswith("path,")
    assert result.stderr == ""
    assert result.returncode in (0, 141)


def test_a_stream_that_knows_only_ascii():
    arguments = ("-m", "nnshape", "inspect", "configs/lenet.yaml", "--device", "none")
    result = process(*arguments, env={"PYTHONIOENCODING": "ascii"})
    assert result.returncode == 0
    assert result.stdout.isascii()
    assert "-----" in result.stdout


def test_without_a_standard_output():
    command = f"{sys.executable} -m nnshape inspect configs/lenet.yaml --device none >&-"
    result = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_full_disk_is_no_bug():
    command = f"{sys.executable} -m nnshape inspect configs/lenet.yaml --device none > /dev/full"
    result = subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr.startswith("nnshape: No space left")
    assert "bug" not in result.stderr


def test_the_help_of_a_command_begins_with_what_it_is(run):
    for name, line in COMMANDS.items():
        assert f"  {name:<8} {line}\n" in run("--help").out


@pytest.mark.parametrize("arguments", [["FILE"], ["FILE", "--format", "json"], ["--format", "json", "FILE"]])
def test_a_file_alone_is_inspected(run, lenet, arguments):
    given = [lenet if word == "FILE" else word for word in arguments]
    assert run(*given, "--device", "none") == run("inspect", *given, "--device", "none")
    assert run("--device", "none", *given) == run("inspect", *given, "--device", "none")


def test_standard_input_alone_is_inspected(run, lenet):
    text = Path(lenet).read_text("utf-8")
    assert "conv1" in run("-", "--device", "none", stdin=text).out
    assert "conv1" in run("--device", "none", "-", stdin=text).out


def test_a_command_wins_over_a_file_of_its_name(run, lenet, tmp_path, monkeypatch):
    text = Path(lenet).read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    Path("schema").write_text(text, "utf-8")
    assert run("schema").out.startswith("{")
    assert run("./schema", "--device", "none").out.startswith("LeNet")
    Path("shcema").write_text(text, "utf-8")
    assert run("shcema", "--device", "none").out.startswith("LeNet")


def test_a_spec_that_is_not_there_is_a_missing_file_and_no_command(run):
    result = run("modle.yaml")
    assert result.code == 2
    assert "modle.yaml" in result.err
    assert "command" not in result.err


def test_a_folder_alone_is_not_checked_unasked(run, tmp_path):
    result = run(str(tmp_path))
    assert result.code == 2
    assert f"nnshape check {tmp_path}" in result.err


def test_a_word_that_steers_a_terminal_is_quoted_without_its_signs(run):
    result = run("\x1b[31mred")
    assert result.code == 2
    assert "red" in result.err
    assert "\x1b" not in result.err


def test_a_misspelt_option_of_the_program_stays_one(run):
    result = run("--verson")
    assert result.code == 2
    assert "--version" in result.err


def test_the_collector_is_left_as_it_was(run, lenet):
    before = gc.get_threshold()
    assert run("inspect", lenet, "--device", "none").code == 0
    assert run("inspect", "missing.yaml").code == 2
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
