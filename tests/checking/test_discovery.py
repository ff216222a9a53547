"""Which files are checked: what is below a folder, what is passed over, and what is never entered."""

import os
import sys

import pytest

from nnshape.checking.discovery import find_specs, is_spec, stdin_spec
from nnshape.checking.globs import Glob
from nnshape.problems import SpecError
from nnshape.spec import source_of_text

SPEC = "input: 8\nlayers:\n  a: ReLU()\n"


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def tree(*names: str, text: str = SPEC) -> None:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, "utf-8")

    return tree


def find(*paths, include=("*.yaml", "*.yml"), exclude=()):
    def globs(patterns):
        return [Glob(pattern, os.getcwd()) for pattern in patterns]

    return find_specs(paths or (".",), globs(include), globs(exclude), lambda: stdin_spec(None))


def names(found):
    return [candidate.name for candidate in found.candidates]


def test_folders_are_searched_in_the_order_of_names(tree):
    tree("b.yaml", "a/z.yml", "a/b/c.yaml", "c/a.yaml", "a.txt", "a/B.yaml")
    assert names(find()) == ["a/B.yaml", "a/b/c.yaml", "a/z.yml", "b.yaml", "c/a.yaml"]
    assert names(find("a", "./b.yaml", "a/z.yml")) == ["a/B.yaml", "a/b/c.yaml", "a/z.yml", "b.yaml"]


def test_yaml_without_layers_is_passed_over_and_counted(tree):
    tree("a.yaml")
    tree("values.yaml", text="name: x\nnested:\n  layers: 3\n")
    tree("k8s.yml", text="kind: Pod\n---\nkind: Pod\n")
    tree("helm.yaml", text="a: {{ .Values.layers }}\n")
    found = find()
    assert names(found) == ["a.yaml"]
    assert found.passed_over == 3


def test_hidden_and_installed_folders_are_not_entered(tree):
    for folder in (".git", ".venv", "venv", "node_modules/x", "__pycache__", ".x", "ok"):
        tree(f"{folder}/a.yaml")
    assert names(find()) == ["ok/a.yaml"]
    assert names(find(".x")) == [".x/a.yaml"], "a folder that is named is entered"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_links_make_no_loops(tree):
    tree("a/b/x.yaml")
    os.symlink(os.path.abspath("a"), "a/b/up")
    os.symlink("x.yaml", "a/b/y.yaml")
    os.symlink("nowhere.yaml", "a/b/gone.yaml")
    os.mkfifo("a/b/pipe.yaml")
    assert names(find()) == ["a/b/x.yaml", "a/b/y.yaml"]


def test_a_named_file_is_checked_whatever_it_holds(tree):
    tree("no.yaml", text="a: 1\n")
    tree("notes.txt")
    assert names(find("no.yaml", "notes.txt", exclude=("no.yaml",))) == ["no.yaml", "notes.txt"]


def test_a_path_that_is_not_there_is_refused(tree):
    tree("lenet.yaml")
    with pytest.raises(SpecError) as error:
        find("lenett.yaml")
    assert "there is no such file" in str(error.value)
    assert error.value.problems[0].help == ("did you mean lenet.yaml?",)


def test_what_cannot_be_read_is_told_only_where_it_looks_like_a_spec(tree, tmp_path):
    (tmp_path / "image.yaml").write_bytes(b"\x89PNG\xff\xfe\x00")
    (tmp_path / "latin.yaml").write_bytes(b"input: 8\nlayers:\n  a: ReLU() # \xe9\n")
    (tmp_path / "long.yaml").write_text("x: 1\n" * 300_000)
    (tmp_path / "long_spec.yaml").write_text("layers:\n" + "# x\n" * 300_000)
    found = find()
    assert names(found) == ["latin.yaml", "long_spec.yaml"]
    assert [candidate.problems[0].kind for candidate in found.candidates] == ["syntax", "too-large"]
    assert found.passed_over == 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_told(tree):
    tree("a/x.yaml")
    os.chmod("a", 0)
    try:
        (candidate,) = find().candidates
        assert candidate.problems[0].kind == "unreadable"
    finally:
        os.chmod("a", 0o755)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("layers:\n  a: b\n", True),
        ("input: 3\n'layers' :\n  - a\n", True),
        ('"layers":\n', True),
        ("{input: 3, layers: {a: ReLU()}}", True),
        ("  input: 3\n  layers:\n    a: ReLU()\n", True),
        ("layers:\n  - a: [\n", True),
        ("text: |\n  layers:\n", False),
        ("a: [layers]\n", False),
        ("# layers:\na: 1\n", False),
        ("layersx: 1\n", False),
        ("a: {layers: ", False),
        ("", False),
    ],
)
def test_what_a_spec_is(text, wanted):
    assert is_spec(source_of_text(text)) is wanted


@pytest.mark.parametrize(
    ("pattern", "path", "wanted"),
    [
        ("*.yaml", "a/b/c.yaml", True),
        ("old", "a/old/c.yaml", True),
        ("old", "a/older/c.yaml", False),
        ("a/old", "a/old/c.yaml", True),
        ("a/old/", "a/old", True),
        ("old/x.yaml", "a/old/x.yaml", False),
        ("**/old/x.yaml", "a/old/x.yaml", True),
        ("a/**/x.yaml", "a/x.yaml", True),
        ("a/*.yaml", "a/b/x.yaml", False),
        ("a/**", "a/b/x.yaml", True),
        ("/a", "a/x.yaml", True),
        ("/a", "b/a/x.yaml", False),
        ("./a/x.yaml", "a/x.yaml", True),
        ("x[0-9].yaml", "x7.yaml", True),
        ("x[!0-9].yaml", "x7.yaml", False),
        ("x?.yaml", "x/.yaml", False),
        ("x[.yaml", "x[.yaml", True),
        ("a+(b)|c", "a+(b)|c", True),
        ("[^a].yaml", "^.yaml", True),
        ("*", "any/thing", True),
    ],
)
def test_globs(pattern, path, wanted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Glob(pattern, str(tmp_path)).matches(path) is wanted


def test_globs_of_an_upper_folder(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert Glob("sub/x.yaml", str(tmp_path)).matches("x.yaml")
    assert not Glob("x/y.yaml", str(tmp_path)).matches("../../x/y.yaml")


def test_exclude_prunes_folders_and_files(tree):
    tree("a/x.yaml", "a/draft.yaml", "old/x.yaml", "b/old/x.yaml")
    assert names(find(exclude=("old", "draft.*"))) == ["a/x.yaml"]
    assert names(find(exclude=("old/",))) == ["a/draft.yaml", "a/x.yaml"]
    assert names(find(include=("a/*.yaml",))) == ["a/draft.yaml", "a/x.yaml"]
