"""`--cache-dir` and `--clear-cache`, and that no answer comes from where it should not."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import nnshape

ROOT = Path(nnshape.__file__).parents[1]
#: The names that Python and Debian give to a folder of installed packages.
PACKAGES = ("site-packages", "dist-packages")
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="links and permissions of POSIX")
WRONG = "input: 8\nlayers:\n  a: Linear(7, 4)\n"


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A project with a wrong spec, as the current folder, and a user's cache folder outside it."""
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "a.yaml").write_text(WRONG)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def forge_clean(folder: str) -> None:
    """Make the one answer of a cache a clean one, as whoever may write to its folder could."""
    (path,) = [path for path in Path(folder).iterdir() if len(path.name) == 64]
    text = (
        b'{"includes":[],"outcome":{"variants":[],"traced":true,"proved":true,"findings":[],"needs":[],"sources":[]}}'
    )
    digest = hashlib.sha256(b"64:" + path.name.encode() + b"%d:" % len(text) + text).hexdigest()
    path.write_bytes(digest.encode() + b"\n" + text)


def check(run, *arguments: str):
    return run("check", ".", "--device", "none", *arguments)


def test_a_cache_in_the_tree_is_read_only_if_it_is_named(run, tree, monkeypatch):
    folder = str(tree / ".cache" / "nnshape")
    assert check(run, "--cache-dir", folder).code == 1
    forge_clean(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tree / ".cache"))
    assert check(run).code == 1
    assert check(run, "--cache-dir", folder).code == 0, "the forgery would be believed"
    assert check(run, "--cache-dir", ".cache/nnshape").code == 0
    assert check(run, "--no-cache", "--cache-dir", folder).code == 1


@POSIX
@pytest.mark.parametrize("fault", ["link", "mode", "file", "other files", "no place"])
def test_a_named_folder_that_cannot_be_used_is_told(run, tree, tmp_path, fault):
    folder = tmp_path / "named"
    if fault == "link":
        (tmp_path / "real").mkdir(mode=0o700)
        folder.symlink_to("real")
        wanted = "it is a link"
    elif fault == "mode":
        folder.mkdir()
        folder.chmod(0o777)
        wanted = "other users may write to it"
    elif fault == "file":
        folder.write_text("mine")
        wanted = "it is not a folder"
    elif fault == "other files":
        folder.mkdir()
        (folder / "a.txt").write_text("mine")
        wanted = "it holds files that nnshape did not make"
    else:
        folder = Path("/dev/null/cache")
        wanted = "it is not a folder"
    answer = check(run, "--cache-dir", str(folder))
    assert (answer.code, answer.out) == (2, "")
    assert f"cannot keep answers in {folder}: {wanted}" in " ".join(answer.err.split())
    if fault != "no place":
        answer = check(run, "--cache-dir", str(folder), "--clear-cache")
        assert f"cannot clear the cache in {folder}: {wanted}" in " ".join(answer.err.split())
        assert answer.code == 2


@POSIX
def test_the_users_own_folder_is_passed_over_in_silence(run, tree, tmp_path):
    good = check(run)
    folder = tmp_path / "cache" / "nnshape"
    forge_clean(str(folder))
    assert check(run).code == 0, "the forgery would be believed"
    folder.chmod(0o777)
    assert check(run) == good
    folder.chmod(0o700)
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    assert check(run) == good
    answer = run("check", "--clear-cache")
    assert answer.code == 2
    assert "cannot clear the cache in" in answer.err
    assert len(os.listdir(tmp_path / "moved")) > 1


def test_clearing_empties_the_named_folder_alone(run, tree, tmp_path):
    named, own = tmp_path / "named", tmp_path / "cache" / "nnshape"
    check(run)
    check(run, "--cache-dir", str(named))
    assert run("check", "--clear-cache", "--cache-dir", str(named)).code == 0
    assert os.listdir(named) == ["CACHEDIR.TAG"]
    assert len(os.listdir(own)) > 1
    answer = run("check", "--clear-cache")
    assert (answer.code, answer.err) == (0, "the cache is empty\n")
    assert os.listdir(own) == ["CACHEDIR.TAG"]
    assert run("check", "--clear-cache", "--cache-dir", str(tmp_path / "missing")).code == 0
    assert not (tmp_path / "missing").exists()


def test_a_machine_without_torch_is_not_served_the_answer_of_one_with_it(tree, tmp_path):
    # torch.special.entr has no rule: with torch it is measured, without it that is an error.
    (tree / "a.yaml").write_text("input: 8\nlayers:\n  a: torch.special.entr(x)\n")
    packages = tmp_path / "packages"
    packages.mkdir()
    # A .pth file may add the packages of another environment; of two with one name the first is imported.
    for folder in reversed([Path(entry) for entry in sys.path if Path(entry).name in PACKAGES]):
        for entry in folder.iterdir():
            if not entry.name.startswith(("torch", "functorch", "nnshape")) and entry.suffix != ".pth":
                (packages / entry.name).unlink(missing_ok=True)
                (packages / entry.name).symlink_to(entry)
    program = "import sys; sys.path[:0] = sys.argv.pop(1).split(); from nnshape.cli import main; sys.exit(main())"

    def checked(path: str, *options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *options, "-c", program, path, "check", ".", "--device", "none"]
        return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)

    for _ in range(2):
        assert checked(str(ROOT)).returncode == 0
        without = checked(f"{ROOT} {packages}", "-S")
        assert without.returncode == 1, without.stderr
