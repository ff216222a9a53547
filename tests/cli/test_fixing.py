"""`--fix` and `--diff`, of `inspect` and of `check`."""

import json

import pytest

WRONG = "input: 8\nlayers:\n  a: Linear(7, 4)   # seven?\n  b: Linear(4, 2)\n"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.yaml"
    path.write_text(WRONG)
    return path


def test_a_fault_is_shown_with_its_fixes(run, file):
    answer = run("inspect", str(file), "--device", "none")
    assert answer.code == 1
    assert "help: match the input: a: Linear(8, 4)" in " ".join(answer.out.split())
    assert file.read_text() == WRONG


def test_they_are_in_the_json_too(run, file):
    answer = run("inspect", str(file), "--device", "none", "--format", "json")
    first = json.loads(answer.out)["problems"][0]["help"][0]
    assert first.split() == ["match", "the", "input:", "a:", "Linear(8,", "4)"]


@pytest.mark.parametrize("command", ["inspect", "check"])
def test_fix_writes_the_file_and_says_so(run, file, command):
    answer = run(command, str(file), "--fix", "--device", "none", *(["--no-cache"] if command == "check" else []))
    assert answer.code == 0
    assert file.read_text() == WRONG.replace("7", "8")
    assert f"fixed {file}:3: a: Linear(8, 4)" in answer.err


@pytest.mark.parametrize("command", ["inspect", "check"])
def test_diff_writes_nothing(run, file, command):
    answer = run(command, str(file), "--diff", "--device", "none")
    assert answer.code == 1
    assert answer.out.startswith(f"--- {file}\n+++ {file}\n@@")
    assert "-  a: Linear(7, 4)   # seven?\n+  a: Linear(8, 4)   # seven?\n" in answer.out
    assert file.read_text() == WRONG


def test_fix_leaves_a_clean_file_alone(run, file):
    file.write_text(WRONG.replace("7", "8"))
    before = file.stat().st_mtime_ns
    assert run("inspect", str(file), "--fix", "--device", "none").code == 0
    assert run("inspect", str(file), "--diff").out == ""
    assert file.stat().st_mtime_ns == before


def test_fix_says_where_there_is_nothing_safe_to_do(run, file):
    file.write_text("input: 8\nlayers:\n  a: Lineer(8, 4)\n")
    answer = run("inspect", str(file), "--fix", "--device", "none")
    assert (answer.code, "no problem here has a safe fix" in answer.err) == (1, True)


def test_standard_input_cannot_be_written(run):
    answer = run("inspect", "-", "--fix", "--device", "none", stdin=WRONG)
    assert answer.code == 2
    assert "cannot write <stdin>: it was not read from a file" in answer.err


def test_check_fixes_every_file_that_it_can(run, tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(WRONG)
    (tmp_path / "three.yaml").write_text("input: 8\nlayers:\n  a: Lineer(8, 4)\n")
    answer = run("check", str(tmp_path), "--fix", "--device", "none", "--no-cache")
    assert answer.code == 1
    assert answer.err.count("fixed ") == 2
    assert "3 specs checked; 1 problem in 1 file" in answer.out


def test_check_shows_the_fixes(run, file):
    assert "help: match the input:" in run("check", str(file), "--device", "none", "--no-cache").out
