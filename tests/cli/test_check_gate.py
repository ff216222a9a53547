"""`nnshape check` as a gate: nothing in the tree makes it quiet, and nothing of other files is shown."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CLEAN = "input: 8\nlayers:\n  a: Linear(8, 4)\n"
WRONG = "input: 8\nlayers:\n  a: Linear(7, 4)\n"
IGNORED = WRONG.replace(", 4)", ", 4)  # nnshape: ignore")
WARNED = "input: 8\nlayers:\n  a: Linear(8, 4)  # nnshape: ignore[wrong-rank]\n"
FORMATS = ("full", "concise", "json", "github", "gitlab", "junit", "sarif", "rdjson")
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and devices of POSIX")


@pytest.fixture
def check(run, tmp_path, monkeypatch):
    """Run the command in an empty folder, without a cache and without torch."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    return lambda *arguments, **options: run("check", *arguments, "--device", "none", "--no-cache", **options)


def write(**texts: str) -> None:
    for name, text in texts.items():
        stem, _, ending = name.replace("__", "/").rpartition("_")
        path = Path(f"{stem}.{ending}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def last_line(answer) -> str:
    return answer.out.splitlines()[-1]


# ---- what is left out is counted, by the file that asked for it ----


def test_the_last_line_counts_what_is_left_out(check):
    write(
        pyproject_toml='[tool.nnshape]\nexclude = ["old/", "*.draft.yaml"]\nignore = ["unknown-layer"]\n',
        a_yaml=CLEAN,
        old__x_yaml=WRONG,
        x_draft_yaml=WRONG,
        b_yaml=IGNORED,
        c__d_yaml="input: 8\nlayers:\n  a: Nix(7)\n",
        values_yaml="x: 1\n",
    )
    os.rename("x_draft.yaml", "x.draft.yaml")
    answer = check()
    assert answer.code == 0
    assert last_line(answer) == (
        "3 specs checked; no problems; 1 file is not a spec; 1 file and 1 folder excluded by pyproject.toml; "
        "1 problem ignored by b.yaml, 1 by pyproject.toml"
    )
    report = json.loads(check("--format", "json").out)
    assert report["left_out"]["ignored"] == [{"by": "b.yaml", "problems": 1}, {"by": "pyproject.toml", "problems": 1}]
    assert {item["path"]: (item["why"], item["by"], item["folder"]) for item in report["left_out"]["skipped"]} == {
        "old": ("excluded", "pyproject.toml", True),
        "values.yaml": ("not-a-spec", None, False),
        "x.draft.yaml": ("excluded", "pyproject.toml", False),
    }
    assert (report["totals"]["passed_over"], report["totals"]["ignored"]) == (1, 2)


def test_many_files_with_comments_are_counted_together(check):
    write(**{f"m{index}_yaml": IGNORED for index in range(6)})
    assert last_line(check()).endswith("1 problem ignored by m0.yaml, 1 by m1.yaml, 1 by m2.yaml, 3 by 3 other files")


def test_an_include_setting_and_an_option_leave_out_too(check):
    write(pyproject_toml='[tool.nnshape]\ninclude = ["a.yaml", "b.yaml"]\n', a_yaml=CLEAN, b_yaml=CLEAN, c_yaml=WRONG)
    assert last_line(check()) == "2 specs checked; no problems; 1 file excluded by pyproject.toml"
    assert last_line(check("--exclude", "b.*")) == (
        "1 spec checked; no problems; 1 file excluded by --exclude; 1 file excluded by pyproject.toml"
    )
    answer = check("--exclude", "[z-a]")
    assert (answer.code, "--exclude [z-a]: bad character range" in answer.err) == (2, True)


def test_verbose_names_everything_that_is_not_checked(check):
    write(
        pyproject_toml='[tool.nnshape]\nexclude = ["old"]\n',
        a_yaml=CLEAN,
        old__x_yaml=WRONG,
        node_modules__x_yaml=WRONG,
        docker_compose_yaml="services: {layers: {image: x}}\n",
    )
    write(**{".hidden__x_yaml": WRONG})
    answer = check("--verbose", "--format", "github")
    assert answer.out == ""
    assert answer.err.splitlines()[1:] == [
        "settings: pyproject.toml",
        "skipped .hidden/: it is hidden",
        "skipped docker_compose.yaml: it has no layers",
        "skipped node_modules/: it holds installed packages or a cache",
        "skipped old/: excluded by pyproject.toml",
    ]
    assert "settings: none" in check("--verbose", "--no-config").err


# ---- settings and comments of the tree ----


def test_no_config_disregards_settings_and_comments(check):
    write(
        pyproject_toml='[tool.nnshape]\nexclude = ["*"]\nignore = ["size-mismatch"]\nformat = "json"\n',
        a_yaml=IGNORED,
        b_yaml=WRONG,
        c_yaml=WARNED,
    )
    assert check().code == 2
    answer = check("--no-config")
    assert answer.code == 1
    assert last_line(answer) == "3 specs checked; 2 problems in 2 files", "an unused comment is no warning either"
    Path("pyproject.toml").write_text("[tool.nnshape\n")
    assert check().code == 2
    assert check("--no-config").code == 1


def test_settings_below_the_current_folder_are_named(check):
    write(configs__pyproject_toml='[tool.nnshape]\nignore = ["size-mismatch"]\n', configs__a_yaml=WRONG)
    answer = check("configs")
    assert answer.code == 0
    ignored = "1 problem ignored by configs/pyproject.toml"
    assert last_line(answer) == f"1 spec checked; no problems; {ignored}; settings from configs/pyproject.toml"
    assert json.loads(check("configs", "--format", "json").out)["settings"] == "configs/pyproject.toml"
    assert check().code == 1, "a file below the folder that is named does not count"
    write(pyproject_toml="[tool.nnshape]\n")
    answer = check("configs")
    assert answer.code == 2
    assert "configs/pyproject.toml:2:1" in answer.err
    assert "ignore cannot be set here: the settings of this tree are in pyproject.toml" in answer.err


@pytest.mark.parametrize("setting", ["", "[tool.nnshape]\nstrict = false\n", "[tool.nnshape]\nstrict = true\n"])
def test_strict_makes_warnings_fail(check, setting):
    write(pyproject_toml=setting, a_yaml=WARNED)
    strict = "true" in setting
    assert check().code == strict
    answer = check("--strict")
    assert (answer.code, last_line(answer)) == (1, "1 spec checked; 1 warning in 1 file, and warnings count as errors")
    assert check("--strict", "--exit-zero").code == 0
    write(a_yaml=CLEAN)
    assert check("--strict").code == 0


# ---- nearly a spec, and something else ----

NEARLY = {
    "layer": ("input: 8\nlayer:\n  a: ReLU()\n", "did you mean layers?"),
    "inputs": ("inputs: 8\nlayers:\n  a: ReLU()\n", "did you mean input?"),
    "both": ("inputs: 1x8x8\nlayer:\n  a: ReLU()\n", "did you mean layers?"),
    "capitals": ("Input: 8\nLAYERS:\n  a: ReLU()\n", "did you mean layers?"),
    "no input": ("layers:\n  a: ReLU()\n", "the file has no input"),
    "another key": ("input: 1x8x8\nstack:\n  a: ReLU()\n", "the file has no layers"),
    "not YAML": ("input: 8\nlayers:\n\ta: ReLU()\n", "a tab indents this line"),
    "two documents": ("input: 8\nlayers: {a: ReLU()}\n---\na: 1\n", "a second document is not allowed in a spec"),
    "an anchor": ("input: &n 8\nlayers: {a: ReLU()}\n", "an anchor is not allowed in a spec"),
}
ELSE = {
    "layers of a number": "layers: 12\n",
    "mkdocs": "site_name: x\nlayers: [a, b]\nmarkdown_extensions:\n  - emoji: !!python/name:materialx.emoji.twemoji\n",
    "training": "input: data/train.csv\nlayers: [64, 32]\noptimizer: {lr: 1e-3}\n",
    "perceptron": "input: 784\nlayers: [128, 64, 10]\n",
    "compose": "x-base: &base {image: x}\nservices:\n  layers: *base\n",
    "workflow": "on: {workflow_call: {inputs: {x: {type: string}}}}\njobs: {a: {steps: [{run: 'f(x)'}]}}\n",
    "kubernetes": "apiVersion: v1\nkind: Pod\n---\napiVersion: v1\nkind: Layer\nspec: {input: 3}\n",
    "hydra": "defaults: [model: resnet, _self_]\nmodel: {layers: 18, input: 224}\n",
    "openapi": "openapi: 3.1.0\npaths: {/layers: {get: {parameters: [{name: input}]}}}\n",
    "helm": "layers: {{ .Values.layers }}\n{{- range .Values.input }}\n  - {{ . }}\n{{- end }}\n",
    "ansible": "- hosts: all\n  tasks: [{name: layers, command: f(x)}]\n",
}


@pytest.mark.parametrize(("text", "said"), NEARLY.values(), ids=NEARLY)
def test_what_is_nearly_a_spec_is_an_error(check, text, said):
    write(ok_yaml=CLEAN, m_yaml=text)
    for paths in ((), ("m.yaml",)):
        answer = check(*paths)
        assert (answer.code, said in answer.out) == (1, True)


@pytest.mark.parametrize("text", ELSE.values(), ids=ELSE)
def test_what_is_something_else_is_passed_over_in_folders_and_an_error_when_it_is_named(check, text):
    write(ok_yaml=CLEAN, m_yaml=text)
    answer = check("--verbose")
    assert (answer.code, last_line(answer)) == (0, "1 spec checked; no problems; 1 file is not a spec")
    assert "skipped m.yaml: " in answer.err
    answer = check("m.yaml")
    assert (answer.code, "m.yaml is not a spec: " in answer.out) == (1, True)
    assert not any(f"| {line}" in answer.out for line in text.splitlines()), "no line of it is shown"


# ---- nothing of other files ----

SECRET = "hunter2"
FOREIGN = {
    "JSON": f'{{"type": "service_account", "private_key": "{SECRET}"}}',
    "YAML": f"password: {SECRET}\n",
    "broken": f"password: [{SECRET}\n",
    "tab": f"a:\n\tpassword: {SECRET}\n",
    "scalar": f"{SECRET}\n",
    "duplicate": f"{SECRET}: 1\n{SECRET}: 2\n",
    "control": f"{SECRET}\0",
    "Latin-1": f"{SECRET}\udcff",
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
def test_no_format_shows_a_word_of_another_file(check, tmp_path, text, form):
    (tmp_path / "creds.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    write(m_yaml="input: 8\ninclude: {c: creds.json}\nlayers:\n  a: c()\n  b: c.hunter()  -> 4\n")
    for arguments in ((), ("creds.json",), ("m.yaml", "--verbose")):
        answer = check(*arguments, "--format", form)
        assert answer.code == 1
        assert SECRET not in answer.out + answer.err
    answer = check("m.yaml", "--diff")
    assert SECRET not in answer.out + answer.err


@POSIX
@pytest.mark.parametrize("target", ["../secret.yaml", "/etc/passwd", "/dev/zero", ".env.yaml", "notes.txt"])
def test_a_link_in_a_folder_shows_nothing_and_is_counted(check, target):
    write(secret_yaml=WRONG, tree__ok_yaml=CLEAN, tree__notes_txt=WRONG)
    Path("tree/.env.yaml").write_text(WRONG)
    os.symlink(target, "tree/m.yaml")
    answer = check("tree")
    assert (answer.code, answer.out) == (0, "1 spec checked; no problems; 1 link not followed\n")


@POSIX
def test_includes_reach_all_of_the_folder_that_is_searched_and_nothing_else(check):
    write(
        tree__configs__m_yaml="input: 8\ninclude: {l: ../lib/l.yaml}\nlayers:\n  a: l.B()\n",
        tree__lib__l_yaml="blocks:\n  B:\n    fc: Linear(8, 3)\n",
    )
    assert check("tree").code == 0
    answer = check("tree/configs")
    assert (answer.code, "leads out of the folder tree" in answer.out) == (1, True)
    assert check("tree/configs/m.yaml").code == 1, "a file alone stays in its own folder"
    write(tree__pyproject_toml="[tool.nnshape]\n")
    assert check("tree/configs").code == 0, "the folder of the settings is above"
    assert check("tree/configs", "--no-config").code == 1


# ---- whole processes ----


def process(folder: Path, *arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nnshape", "check", "--device", "none", "--no-cache", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, timeout=60, **options,
    )  # fmt: skip


@POSIX
def test_pipes_and_devices_in_a_folder_keep_nobody_waiting(tmp_path):
    (tmp_path / "ok.yaml").write_text(CLEAN)
    (tmp_path / "lib.yaml").symlink_to("/dev/zero")
    (tmp_path / "m.yaml").write_text("input: 8\ninclude: {p: pipe.yaml, z: lib.yaml}\nlayers:\n  a: p()\n")
    os.mkfifo(tmp_path / "pipe.yaml")
    os.mkfifo(tmp_path / "pyproject.toml")
    answer = process(tmp_path, "--format", "concise")
    assert answer.returncode == 1
    assert answer.stdout.count("error[include-refused]") == 2
    assert answer.stdout.endswith("2 specs checked; 2 problems in 1 file; 1 file is not a spec; 1 link not followed\n")


@POSIX
@pytest.mark.parametrize(("text", "code"), [(CLEAN, 0), (WRONG, 1), ("a: hunter2\n", 1)])
def test_a_pipe_and_standard_input_are_checked_when_they_are_named(tmp_path, text, code):
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    named = process(tmp_path, f"/dev/fd/{reading}", pass_fds=[reading])
    os.close(reading)
    given = process(tmp_path, "-", input=text)
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    with subprocess.Popen(["sh", "-c", f'printf "%s" "$0" > "{fifo}"', text]) as writer:
        waited = process(tmp_path, "pipe")
    assert writer.returncode == 0
    for answer in (named, given, waited):
        assert (answer.returncode, "internal error" in answer.stderr) == (code, False), answer
        assert "hunter2" not in answer.stdout + answer.stderr


@POSIX
def test_what_cannot_be_read_is_an_error_and_not_silence(check, tmp_path):
    for above in (tmp_path, *(parent for parent in tmp_path.parents if parent.name.startswith(("pytest-", "popen-")))):
        above.chmod(0o755)
    write(ok_yaml=CLEAN, m_yaml=CLEAN, sub__x_yaml=CLEAN)
    Path("m.yaml").chmod(0)
    Path("sub").chmod(0)
    assert check("ok.yaml").code == 0  # everything is imported before root's rights are given up
    child = os.fork()
    if child == 0:
        code = 99
        try:
            if os.getuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            answer = check("--format", "concise")
            told = "m.yaml: error[unreadable]: cannot read m.yaml: Permission denied" in answer.out
            searched = "sub: error[unreadable]: cannot search sub: Permission denied" in answer.out
            code = answer.code + 10 * told + 20 * searched
        finally:
            os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    Path("sub").chmod(0o755)
    assert status == 31
