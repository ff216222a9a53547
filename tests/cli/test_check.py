"""`nnshape check`: exit codes, where the report goes, and what holds with the settings of a project."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import nnshape

ROOT = Path(nnshape.__file__).parents[1]
CLEAN = "input: 8\nlayers:\n  a: Linear(8, 4)\n"
WRONG = "input: 8\nlayers:\n  a: Linear(7, 4)\n"
WARNED = "input: 8\nlayers:\n  a: Linear(8, 4)  # nnshape: ignore[wrong-rank]\n"


@pytest.fixture
def check(run, tmp_path, monkeypatch, tmp_path_factory):
    """Run the command in a folder of its own, with a cache of its own, and without torch."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)

    def check(*arguments: str, device: str = "none", **options):
        device_option = ("--device", device) if device else ()
        return run("check", *arguments, *device_option, **options)

    return check


@pytest.fixture
def files(check):
    def files(**texts: str) -> None:
        for name, text in texts.items():
            path = Path(name.replace("__", "/") + ".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")

    return files


@pytest.mark.parametrize(
    ("text", "arguments", "code"),
    [
        (CLEAN, (), 0),
        (WRONG, (), 1),
        (WRONG, ("--exit-zero",), 0),
        (WARNED, (), 0),
        ("layers: [", (), 1),
        (CLEAN, ("nowhere",), 2),
        (CLEAN, ("--format", "xml"), 2),
        (CLEAN, ("--device", "1%"), 2),
        (CLEAN, ("--jobs", "0"), 2),
        (CLEAN, ("--stdin-filename", "x.yaml"), 2),
    ],
)
def test_exit_codes(check, files, text, arguments, code):
    files(m=text)
    assert check(*arguments, device="" if "--device" in arguments else "none").code == code


def test_the_sum_of_it(check, files):
    files(a=CLEAN, b__c=WRONG, b__d=WARNED, values="x: 1\n")
    answer = check()
    assert answer.out.endswith("3 specs checked; 1 problem and 1 warning in 2 files; 1 file is not a spec\n")
    assert answer.err == ""
    answer = check("--format", "concise", "a.yaml")
    assert answer.out == "1 spec checked; no problems\n"


EMPTY = "error: no spec found in .\nhelp: --verbose lists every file that is not checked; --allow-empty accepts this\n"


def test_a_folder_without_specs_is_an_error(check, files):
    none = "0 specs checked; no problems\n"
    assert check() == type(check())(2, none, EMPTY)
    assert check("--exit-zero").code == 2
    assert check("--allow-empty") == type(check())(0, none, "")
    answer = check("--format", "json")
    assert (answer.code, json.loads(answer.out)["files"], answer.err) == (2, [], none + EMPTY)
    assert check("--diff").code == 2
    assert check("--diff", "--allow-empty").code == 0
    files(a=CLEAN)
    assert check().code == 0
    Path("pyproject.toml").write_text('[tool.nnshape]\nexclude = ["*"]\n')
    answer = check()
    assert (answer.code, answer.out) == (2, "0 specs checked; no problems; 1 file excluded by pyproject.toml\n")


def test_the_gallery_is_clean(check, lenet):
    answer = check(str(Path(lenet).parent), "--format", "concise")
    *needs, last = answer.out.splitlines()
    assert answer.code == 0
    assert last.replace(f"{Path(lenet).parent}/", "") == (
        "55 specs, 117 variants checked; no problems; 4 problems ignored by pointnet.yaml, 1 by deeplab_v3.yaml, "
        "1 by inception_v3.yaml"
    )
    assert all(": note: needs " in line for line in needs), answer.out


def test_standard_output_holds_the_report_alone(check, files):
    files(a=WRONG)
    answer = check("--format", "json")
    assert json.loads(answer.out)["totals"]["errors"] == 1
    assert answer.err == "1 spec checked; 1 problem in 1 file\n"
    assert check("--format", "github").out.count("\n") == 1


def test_standard_input(check, files):
    files(lib="blocks:\n  B():\n    fc: Linear(7, 3)\n")
    assert check("-", stdin=CLEAN).code == 0
    answer = check("-", "--format", "concise", stdin=WRONG)
    assert answer.out.startswith("<stdin>:3:13: error[size-mismatch]")
    includer = "input: 8\ninclude: {l: lib.yaml}\nlayers:\n  a: l.B()\n"
    answer = check("-", "--format", "concise", "--stdin-filename", "sub/../x.yaml", stdin=includer)
    assert "lib.yaml:3:16: error[size-mismatch]" in answer.out
    assert "include-refused" in check("-", stdin=includer).out
    assert check("-", stdin=b"\xff\xfe\x00").code == 1
    assert check("-", stdin="a: 1\n").code == 1, "what is named is to be a spec"


def test_exclude_replaces_that_of_the_settings(check, files):
    Path("pyproject.toml").write_text('[tool.nnshape]\nexclude = ["old"]\ndevice = "none"\nformat = "json"\n')
    files(a=CLEAN, old__b=WRONG, new__c=WRONG)
    answer = check(device="")
    assert [file["file"] for file in json.loads(answer.out)["files"]] == ["a.yaml", "new/c.yaml"]
    answer = check("--exclude", "new", "--exclude", "a.*", "--format", "concise", device="")
    assert answer.out.startswith("old/b.yaml:3:13")


def test_a_wrong_setting_ends_it(check, files):
    files(a=CLEAN)
    Path("pyproject.toml").write_text('[tool.nnshape]\nformt = "json"\n')
    answer = check()
    assert (answer.code, answer.out) == (2, "")
    assert "pyproject.toml:2:1" in answer.err
    assert "did you mean format?" in answer.err


def test_a_class_is_imported_only_when_allowed(check, files):
    files(a='input: 8\nimport: {A: "torch.nn:Identity"}\nlayers:\n  a: A()\n')
    assert "import-refused" in check().out
    assert check("--allow-import", "torch.nn:Identity").code == 0


# ---- the file that the report goes to ----


def test_the_report_goes_to_a_file(check, files):
    files(a=WRONG)
    answer = check("--format", "sarif", "--output-file", "out.sarif")
    assert (answer.code, answer.out, answer.err) == (1, "", "1 spec checked; 1 problem in 1 file\n")
    assert json.loads(Path("out.sarif").read_text("utf-8"))["version"] == "2.1.0"
    check("--output-file", "out.txt")
    assert Path("out.txt").read_text("utf-8").startswith("error[size-mismatch]")
    assert sorted(os.listdir()) == ["a.yaml", "out.sarif", "out.txt"]


def test_a_file_keeps_its_mode_and_a_link_is_not_followed(check, files):
    files(a=CLEAN)
    Path("real.txt").write_text("old")
    os.chmod("real.txt", 0o640)
    for link, target in {"link.txt": "real.txt", "dangling.txt": "new.txt"}.items():
        os.symlink(target, link)
        answer = check("--output-file", link)
        assert answer.code == 2
        assert f"cannot write {link}: it is a link; name the file itself, {os.path.realpath(target)}" in answer.err
        assert os.readlink(link) == target
    assert Path("real.txt").read_text() == "old"
    assert not Path("new.txt").exists()
    check("--output-file", "real.txt")
    assert Path("real.txt").read_text() == "1 spec checked; no problems\n"
    assert stat.S_IMODE(os.stat("real.txt").st_mode) == 0o640


def test_a_report_goes_to_a_device_but_not_through_a_link_to_one(check, files):
    files(a=CLEAN)
    assert check("--output-file", "/dev/null").code == 0
    os.symlink("/dev/null", "link.txt")
    assert check("--output-file", "link.txt").code == 2


@pytest.mark.parametrize("target", ["/dev/stdout", "/dev/fd/1"])
@pytest.mark.parametrize("is_a_file", [True, False], ids=["file", "pipe"])
def test_a_report_goes_to_a_stream_of_the_process(files, tmp_path, target, is_a_file):
    files(a=CLEAN)
    command = [sys.executable, "-m", "nnshape", "check", ".", "--device", "none", "--no-cache", "--output-file", target]
    out = tmp_path.with_name(f"{tmp_path.name}-out")
    if is_a_file:
        with out.open("wb") as file:
            subprocess.run(command, stdout=file, check=True)
        text = out.read_text()
    else:
        text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert text == "1 spec checked; no problems\n"


@pytest.mark.parametrize("target", ["no/such/folder.txt", "folder"])
def test_a_file_that_cannot_be_written_is_told_first(check, files, target, monkeypatch):
    files(a=CLEAN, folder__b=CLEAN)
    monkeypatch.setattr("nnshape.checking.check", None)
    answer = check("--output-file", target)
    assert answer.code == 2
    assert f"cannot write {target}" in answer.err


def test_a_read_only_file_is_not_replaced(check, files, monkeypatch):
    files(a=CLEAN)
    Path("out.txt").write_text("old")
    # Root may write everything: what the system would say is put in its place.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert check("--output-file", "out.txt").code == 2
    assert Path("out.txt").read_text() == "old"


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (OSError(28, "No space left"), 2)])
def test_an_interrupted_write_leaves_the_old_file(check, files, monkeypatch, error, code):
    files(a=CLEAN)
    Path("out.txt").write_text("old")

    def interrupted(source, target, **folders):
        raise error

    monkeypatch.setattr(os, "replace", interrupted)
    assert check("--output-file", "out.txt", "--no-cache").code == code
    assert Path("out.txt").read_text() == "old"
    assert sorted(os.listdir()) == ["a.yaml", "out.txt"]


# ---- the cache ----


def test_the_cache_can_be_turned_off_and_cleared(check, files):
    files(a=WRONG)
    cache = Path(os.environ["XDG_CACHE_HOME"], "nnshape")
    check("--no-cache")
    assert not cache.exists()
    first = check()
    assert cache.exists()
    assert check() == first
    answer = check("--clear-cache")
    assert (answer.code, answer.out, answer.err) == (0, "", "the cache is empty\n")
    assert os.listdir(cache) == ["CACHEDIR.TAG"]
    assert check("--clear-cache", ".") == first
    assert len(os.listdir(cache)) > 1


# ---- a whole process ----


def process(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nnshape", "check", *arguments],
        cwd=folder,
        env={
            **os.environ,
            "XDG_CACHE_HOME": str(folder.with_name(f"{folder.name}-cache")),
            "PYTHONPATH": str(ROOT),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_many_files_in_several_processes(tmp_path):
    for index in range(70):
        (tmp_path / f"m{index:03}.yaml").write_text(CLEAN if index % 7 else WRONG)
    several = process(tmp_path, "--device", "none", "--jobs", "2", "--format", "json", "--no-cache")
    one = process(tmp_path, "--device", "none", "--jobs", "1", "--format", "json")
    assert several.returncode == one.returncode == 1
    assert several.stdout == one.stdout
    assert several.stderr == "70 specs checked; 10 problems in 10 files\n"


def test_an_accent_on_a_plain_terminal(tmp_path):
    (tmp_path / "caf\u00e9.yaml").write_text(WRONG.replace("a:", "\u00e9:"), "utf-8")
    answer = process(tmp_path, "--device", "none", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert answer.returncode == 1
    assert "internal error" not in answer.stderr


def test_the_hooks_are_what_pre_commit_reads():
    import yaml

    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert [(hook["id"], hook["language"]) for hook in hooks] == [("nnshape", "python"), ("nnshape-system", "system")]
    assert all(hook["entry"] == "nnshape check" and hook["pass_filenames"] is False for hook in hooks)


def test_a_fault_of_nnshape_itself_is_told_once(check, files, monkeypatch):
    monkeypatch.delenv("NNSHAPE_TRACEBACK", raising=False)

    def crash(spec, **options):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("nnshape.trace", crash)
    files(a=CLEAN, b=CLEAN, c=CLEAN)
    answer = check("--exit-zero")
    assert answer.code == 2
    assert answer.err.splitlines()[0] == "nnshape: internal error in a.yaml and 2 more: ZeroDivisionError: by zero"
    assert answer.out == "0 specs checked; 3 files could not be checked\n"
