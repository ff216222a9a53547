"""`[tool.nnshape]` in pyproject.toml."""

import pytest

from nnshape.checking import read_settings
from nnshape.problems import SpecError


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


def test_the_nearest_file_with_settings_counts(project):
    project(
        pyproject_toml='[tool.nnshape]\ndevice = "cpu"\n',
        a__pyproject_toml='[tool.nnshape]\ndevice = "none"\n',
        b__pyproject_toml='[tool.other]\nx = "nnshape"\n',
        a__x_yaml="",
        b__c__x_yaml="",
    )
    assert read_settings(["a"]).device == "none"
    assert read_settings(["a/x.yaml"]).device == "none"
    assert read_settings(["b/c"]).device == "cpu"
    assert read_settings(["a", "b"]).device == "cpu"
    assert read_settings(["-"]).device == "cpu"


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
        ('per-file-ignores = ["a"]', "wrong-type", "per-file-ignores", "per-file-ignores = {"),
        ('per-file-ignores = {"a.yaml" = ["nix"]}', "unknown-name", "a.yaml", "known are ambiguous-name, "),
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
