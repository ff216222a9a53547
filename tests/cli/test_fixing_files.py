"""`--fix` and `--diff` on real files: each kind of file, each thing that can go wrong, and `patch` as the reader."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap

import pytest

from nnshape.fixes import Search

WRONG = "# größe 🙂\ninput: 8\n\nlayers:\n  a:   Linear( 7, 4 )   # seven?\n  b: ReLU()\n  c: Linear(5, 2)\n"
FIXED = WRONG.replace("7, 4", "8, 4").replace("(5", "(4")
MARK = b"\xef\xbb\xbf"
#: Each kind of file, as what WRONG becomes in it.
KINDS = {
    "plain": str.encode,
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "BOM": lambda text: MARK + text.encode(),
    "BOM and CRLF": lambda text: MARK + text.replace("\n", "\r\n").encode(),
    "no last line end": lambda text: text.rstrip("\n").encode(),
    "other separators": lambda text: text.replace("# seven?", "# seven\u2028  # ?\x85").encode(),
}
COMMANDS = {"inspect": (), "check": ("--no-cache",)}
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", KINDS)
def test_all_else_is_kept_to_the_byte(run, tmp_path, command, kind):
    path = tmp_path / "model.yaml"
    path.write_bytes(KINDS[kind](WRONG))
    assert run(command, str(path), "--fix", "--device", "none", *COMMANDS[command]).code == 0
    assert path.read_bytes() == KINDS[kind](FIXED)
    assert os.listdir(tmp_path) == ["model.yaml"]


@pytest.mark.parametrize("tool", [["patch", "-p0"], ["git", "apply", "-p0"]], ids=["patch", "git apply"])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["model.yaml", "a folder/my model.yaml", "größe.yaml", 'a"b.yaml'])
@pytest.mark.parametrize("kind", KINDS)
def test_a_diff_applies(run, tmp_path, monkeypatch, tool, command, name, kind):
    if shutil.which(tool[0]) is None:
        pytest.skip(f"no {tool[0]} here")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(KINDS[kind](WRONG))
    answer = run(command, name, "--diff", "--device", "none", *COMMANDS[command])
    assert (answer.code, path.read_bytes()) == (1, KINDS[kind](WRONG))
    options = ["--binary"] if tool[0] == "patch" else []
    # A repository above would make `git apply` look for the file there.
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    diff = answer.out.encode()
    done = subprocess.run([*tool, *options], input=diff, capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert path.read_bytes() == KINDS[kind](FIXED)


@POSIX
@pytest.mark.parametrize("command", COMMANDS)
def test_a_link_is_told_and_the_file_itself_keeps_its_mode(run, tmp_path, command):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "model.yaml", tmp_path / "link.yaml"
    target.write_text(WRONG, "utf-8")
    target.chmod(0o604)
    link.symlink_to("real/model.yaml")
    answer = run(command, str(link), "--fix", "--device", "none", *COMMANDS[command])
    assert answer.code == 2
    assert f"cannot write {link}: {link} is a link; nothing was changed" in " ".join(answer.err.split())
    assert target.read_text("utf-8") == WRONG
    assert run(command, str(target), "--fix", "--device", "none", *COMMANDS[command]).code == 0
    assert os.readlink(link) == "real/model.yaml"
    assert target.read_text("utf-8") == FIXED
    assert stat.S_IMODE(target.stat().st_mode) == 0o604


def as_nobody(run, *arguments):
    """Run a command without root's leave to write anything: the exit code, and what it said on standard error."""
    if os.getuid() != 0:
        answer = run(*arguments)
        return answer.code, answer.err
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # the test's own process cannot give its rights back
        code = 99
        try:
            os.setgid(65534)
            os.setuid(65534)
            answer = run(*arguments)
            os.write(writing, answer.err.encode())
            code = answer.code
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as file:
        said = file.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


@POSIX
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o444, 0o777), (0o666, 0o555)], ids=["file", "folder"])
def test_what_is_read_only_is_told_and_left(run, tmp_path_factory, command, file_mode, folder_mode):
    folder = tmp_path_factory.mktemp("locked")
    # Whoever runs the command must be able to come to the file: pytest's own folders, one more of them under xdist.
    for above in (folder, *(parent for parent in folder.parents if parent.name.startswith(("pytest-", "popen-")))):
        above.chmod(0o755)
    path = folder / "model.yaml"
    path.write_text(WRONG, "utf-8")
    path.chmod(file_mode)
    folder.chmod(folder_mode)
    try:
        code, said = as_nobody(run, command, str(path), "--fix", "--device", "none", *COMMANDS[command])
    finally:
        folder.chmod(0o755)
    assert code == 2
    assert f"cannot write {path}: " in said
    assert "ermission" in said
    assert "nothing was changed" in said
    assert path.read_text("utf-8") == WRONG
    assert os.listdir(folder) == ["model.yaml"]


@POSIX
@pytest.mark.parametrize("step", ["write", "fsync", "fchmod", "replace"])
def test_a_killed_process_leaves_the_old_file_or_the_new_one(tmp_path, step):
    path = tmp_path / "model.yaml"
    path.write_text(WRONG, "utf-8")
    program = textwrap.dedent(f"""
        import io, os, signal
        from nnshape.cli import main
        def killed(*arguments, **keywords):
            os.kill(os.getpid(), signal.SIGKILL)
        if {step!r} == "write":
            os.fdopen = killed
        else:
            os.{step} = killed
        main(["inspect", {str(path)!r}, "--fix", "--device", "none"])
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert path.read_text("utf-8") == WRONG


def test_a_full_disk_ends_with_2_and_the_old_file(run, tmp_path, monkeypatch):
    path = tmp_path / "model.yaml"
    path.write_text(WRONG, "utf-8")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for command, options in COMMANDS.items():
        answer = run(command, str(path), "--fix", "--device", "none", *options)
        assert (answer.code, "No space left on device; nothing was changed" in answer.err) == (2, True)
    assert path.read_text("utf-8") == WRONG
    assert os.listdir(tmp_path) == ["model.yaml"]


@POSIX
def test_one_file_that_cannot_be_written_keeps_no_other_from_it(run, tmp_path):
    for name in ("real.txt", "b.yaml"):
        (tmp_path / name).write_text(WRONG, "utf-8")
    (tmp_path / "a.yaml").symlink_to("real.txt")
    names = [str(tmp_path / name) for name in ("a.yaml", "b.yaml")]
    answer = run("check", *names, "--fix", "--device", "none", "--no-cache")
    assert answer.code == 2
    assert (tmp_path / "real.txt").read_text("utf-8") == WRONG
    assert (tmp_path / "b.yaml").read_text("utf-8") == FIXED


def test_a_fault_in_an_included_file_is_said_to_lie_there(run, tmp_path):
    part, model = tmp_path / "part.yaml", tmp_path / "model.yaml"
    part.write_text("blocks:\n  B():\n    fc: Linear(7, 4)\n")
    model.write_text("input: 8\ninclude: {p: part.yaml}\nlayers:\n  a: p.B()\n")
    before = part.read_bytes(), model.read_bytes()
    answer = run("inspect", str(model), "--fix", "--device", "none")
    assert answer.code == 1
    assert f"nothing to fix here: {part} is included, and --fix writes only the file itself" in answer.err
    assert (part.read_bytes(), model.read_bytes()) == before


VARIANTS = """\
input: 8
hparams: {deep: 0}
variants: {shallow: {deep: 0}, deep: {deep: 1}, deeper: {deep: 2}}
blocks:
  B():
    fc: Linear(7, 8)
  C():
    fc: Linear(9, 6)
layers:
  a: B()
  b: Sequential(B() for i in range(deep))
  c: Sequential(C() for i in range(1 if deep > 1 else 0))
"""


def test_a_block_that_several_variants_use_is_fixed_once_and_one_of_a_single_variant_too(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.yaml"
    path.write_text(VARIANTS)
    answer = run("check", "model.yaml", "--diff", "--device", "none", "--no-cache")
    assert answer.out.count("--- model.yaml") == 1
    assert [line for line in answer.out.splitlines() if line.startswith(("+ ", "- "))] == [
        "-    fc: Linear(7, 8)", "+    fc: Linear(8, 8)", "-    fc: Linear(9, 6)", "+    fc: Linear(8, 6)"
    ]  # fmt: skip
    answer = run("check", "model.yaml", "--fix", "--device", "none", "--no-cache")
    assert answer.code == 0
    assert answer.err.count("fixed model.yaml") == 2
    assert path.read_text() == VARIANTS.replace("(7", "(8").replace("(9", "(8")


def test_a_variant_that_a_fix_would_break_keeps_the_file_as_it_is(run, tmp_path):
    path = tmp_path / "model.yaml"
    text = "input: 8\nhparams: {d: 8}\nvariants: {small: {d: 6}}\nlayers:\n  a: Linear(8, d)\n  b: Linear(6, 2)\n"
    path.write_text(text)
    assert run("check", str(path), "--fix", "--device", "none", "--no-cache").code == 1
    assert path.read_text() == text


@POSIX
@pytest.mark.parametrize("command", COMMANDS)
def test_a_named_pipe_is_read_once(tmp_path, command):
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    program = [sys.executable, "-m", "nnshape", command, str(pipe), "--diff", "--device", "none", *COMMANDS[command]]
    run = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    pipe.write_text(WRONG, "utf-8")
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "+  c: Linear(4, 2)" in out


def test_standard_input_is_shown_and_not_written(run):
    answer = run("check", "-", "--stdin-filename", "there/model.yaml", "--diff", "--device", "none", stdin=WRONG)
    assert answer.code == 1
    assert answer.out.startswith("--- there/model.yaml\n+++ there/model.yaml\n")
    answer = run("inspect", "-", "--diff", "--device", "none", stdin=WRONG)
    assert "+  a:   Linear( 8, 4 )   # seven?" in answer.out


def test_the_fixes_of_all_variants_share_one_budget(run, tmp_path, monkeypatch):
    searches = []

    class Counted(Search):
        def __init__(self):
            super().__init__()
            searches.append(self)

    monkeypatch.setattr("nnshape.fixes.Search", Counted)
    path = tmp_path / "model.yaml"
    path.write_text(VARIANTS)
    assert run("check", str(path), "--fix", "--device", "none", "--no-cache").code == 0
    assert [search.budget.spent > 0 for search in searches] == [True]

    path.write_text(VARIANTS)
    monkeypatch.setattr("nnshape.fixes.searching.FIXING", 0)
    monkeypatch.setattr("nnshape.fixes.searching.FIXING_A_CALL", 0)
    assert run("check", str(path), "--fix", "--device", "none", "--no-cache").code == 1
    assert path.read_text() == VARIANTS
    assert searches[1].ended is not None
