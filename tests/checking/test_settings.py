"""`[tool.nnshape]` in pyproject.toml."""

import os
import re
import sys
from pathlib import Path

import pytest

import nnshape
from nnshape.checking import Settings, read_settings
from nnshape.checking.settings_reader import SettingsReader
from nnshape.problems import SpecError
from nnshape.rendering.formats import format_names
from nnshape.spec import source_of_text


def problems(project, text: str):
    project(pyproject_toml=text)
    with pytest.raises(SpecError) as error:
        read_settings(["."])
    return error.value.problems


def test_all_settings(project, checked):
    project(
        pyproject_toml="""
            [project]
            name = "nnshape-user"
            [tool.nnshape]
            include = ["models/*.yaml", "*.spec"]
            exclude = ["models/draft*"]
            device = "none"
            format = "concise"
        """,
        models__a_yaml="input: 8\nlayers:\n  a: ReLU()\n",
        models__draft_yaml="input: 8\nlayers:\n  a: ReLU()\n",
        other_yaml="input: 8\nlayers:\n  a: ReLU()\n",
    )
    settings = read_settings(["."])
    assert (settings.device, settings.format) == ("none", "concise")
    assert [outcome.name for outcome in checked().outcomes] == ["models/a.yaml"]


def test_the_topmost_file_with_settings_holds(project):
    project(
        pyproject_toml='[tool.nnshape]\ndevice = "cpu"\nignore = ["unproved"]\n',
        a__pyproject_toml='[tool.nnshape]\nformat = "json"\nstrict = true\n',
        b__pyproject_toml='[tool.other]\nx = "nnshape"\n',
        a__x_yaml="",
        b__c__x_yaml="",
    )
    for paths in (["a"], ["a/x.yaml"]):
        settings = read_settings(paths)
        assert (settings.device, settings.format, settings.strict) == ("cpu", "json", True)
        assert settings.ignore == {"unproved"}
        assert (settings.file, settings.elsewhere) == ("pyproject.toml", False)
    for paths in (["b/c"], ["a", "b"], ["-"], ["."]):
        settings = read_settings(paths)
        assert (settings.device, settings.format, settings.strict) == ("cpu", None, False)


@pytest.mark.parametrize(
    "line",
    [
        'exclude = ["*"]',
        "exclude = []",
        'include = ["nothing.yaml"]',
        'device = "none"',
        'ignore = ["size-mismatch"]',
        'per-file-ignores = {"*" = ["size-mismatch"]}',
        "strict = false",
    ],
)
def test_a_file_below_another_cannot_loosen_it(project, line):
    project(
        pyproject_toml="[tool.nnshape]\nstrict = true\n",
        a__pyproject_toml=f"[tool.nnshape]\n{line}\n",
        a__x_yaml="",
    )
    assert read_settings(["."]).strict
    for path in ("a", "a/x.yaml"):
        with pytest.raises(SpecError) as error:
            read_settings([path])
        (problem,) = error.value.problems
        assert (problem.span.source.name, problem.span.line) == ("a/pyproject.toml", 2)
        assert "the settings of this tree are in pyproject.toml" in problem.message


def test_a_folder_that_looks_like_a_repository_hides_no_settings_from_the_current_one(project, tmp_path, monkeypatch):
    project(
        pyproject_toml="[tool.nnshape]\nstrict = true\n",
        a__pyproject_toml='[tool.nnshape]\nexclude = ["*"]\n',
        a__x_yaml="",
    )
    (tmp_path / "a" / ".git").mkdir()
    with pytest.raises(SpecError):
        read_settings(["a"])
    monkeypatch.chdir("a")
    assert read_settings(["."]).exclude is not None, "from within, it is the root of the repository"


def test_settings_above_the_repository_do_not_hold(project, tmp_path, monkeypatch):
    project(pyproject_toml="[tool.nnshape]\nstrict = true\n", a__b__x_yaml="")
    monkeypatch.chdir("a")
    assert read_settings(["."]).strict
    assert read_settings(["b"]).elsewhere
    (tmp_path / "a" / ".git").mkdir()
    assert not read_settings(["."]).strict
    assert not read_settings(["b"]).strict


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
@pytest.mark.parametrize("data", [b"nnshape hunter2 = [", b"[tool.nnshape]\nhunter2 = 1\n", b"nnshape hunter2\xff"])
def test_settings_behind_a_link_are_refused_and_not_shown(project, tmp_path, tmp_path_factory, data):
    secret = tmp_path_factory.mktemp("out") / "secret"
    secret.write_bytes(data)
    (tmp_path / "pyproject.toml").symlink_to(secret)
    with pytest.raises(SpecError) as error:
        read_settings(["."])
    assert "is a link" in str(error.value)
    assert "hunter2" not in repr(error.value.problems)
    secret.write_bytes(b"[project]\nname = 'other'\n")
    assert read_settings(["."]) == Settings()


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_settings_that_are_not_a_file_are_none(project, tmp_path, make):
    make(tmp_path / "pyproject.toml")
    assert read_settings(["."]) == Settings()


def test_a_pyproject_of_others_may_be_anything(project):
    project(pyproject_toml="this is [not toml")
    assert read_settings(["."]).device is None


@pytest.mark.parametrize(
    ("line", "kind", "text", "help"),
    [
        ('excludes = ["a"]', "unknown-key", "excludes", "did you mean exclude?"),
        ('per_file_ignores = {}', "unknown-key", "per_file_ignores", "did you mean per-file-ignores?"),
        ('exclude = "a"', "wrong-type", "exclude", 'exclude = ["…"]'),
        ("include = [1]", "wrong-type", "include", 'include = ["…"]'),
        ("device = 3", "wrong-type", "device", ""),
        ('format = "sarff"', "invalid-argument", "format", "did you mean sarif?"),
        ('ignore = ["size-mismach"]', "unknown-name", "ignore", "did you mean size-mismatch?"),
        ('strict = "yes"', "wrong-type", "strict", "strict = true"),
        ('exclude = ["[z-a]"]', "invalid-argument", "[z-a]", ""),
        ('include = ["*.yaml", "!"]', "invalid-argument", "!", ""),
        ('per-file-ignores = {"a[" = []}', "invalid-argument", "a[", ""),
        ('per-file-ignores = ["a"]', "wrong-type", "per-file-ignores", "per-file-ignores = {"),
        ('per-file-ignores = {"a.yaml" = ["nix"]}', "unknown-name", "a.yaml", "choose from ambiguous-name, "),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_told_at_its_line(project, line, kind, text, help):
    (problem,) = problems(project, f"# exclude\n[tool.nnshape]\n{line}\n")
    assert (problem.kind, problem.span.line, problem.span.text) == (kind, 3, text)
    assert help in "".join(problem.help)


def test_every_wrong_setting_is_told(project):
    assert len(problems(project, "[tool.nnshape]\na = 1\nb = 2\n")) == 2


def test_what_is_not_toml_is_told_at_its_place(project):
    (problem,) = problems(project, '[tool.nnshape]\ndevice = "none\n')
    assert (problem.kind, problem.span.line) == ("syntax", 2)


def test_a_table_is_wanted(project):
    (problem,) = problems(project, "[tool]\nnnshape = 3\n")
    assert problem.kind == "wrong-type"


def test_a_table_of_many_wrong_keys_is_told_in_part(project):
    lines = "".join(f"k{index} = 1\n" for index in range(50_000))
    assert len(problems(project, "[tool.nnshape]\n" + lines)) == 100


def test_every_setting_and_format_is_documented(tmp_path):
    guide = (Path(nnshape.__file__).parent / "guide" / "checks.md").read_text("utf-8")
    names = SettingsReader(source_of_text(""), str(tmp_path)).names
    assert len(names) == 7
    for name in names:
        assert f"\n- `{name}`, " in guide
    for form in format_names("check"):
        assert f"`{form}`" in guide
    (settings,) = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(settings)
    assert read_settings([str(tmp_path)]).strict
