"""Which files are checked: what is below a folder, what is passed over, and what is never entered."""

import os
import socket
import sys

import pytest

from nnshape.checking import Settings, discovery, find_specs, stdin_spec
from nnshape.checking.path_patterns import Patterns
from nnshape.problems import SpecError
from nnshape.spec import limits

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
SPEC = "input: 8\nlayers:\n  a: ReLU()\n"


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def tree(*names: str, text: str = SPEC) -> None:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, "utf-8")

    return tree


def find(*paths, include=(), exclude=()):
    settings = Settings(
        include=Patterns(tuple(include), os.getcwd()) if include else None,
        exclude=Patterns(tuple(exclude), os.getcwd()) if exclude else None,
        file="pyproject.toml",
        folder=os.getcwd(),
    )
    return find_specs(paths or (".",), settings, lambda: stdin_spec(None))


def names(found):
    return [candidate.name for candidate in found.candidates]


def skipped(found):
    return {item.path: item.why for item in found.skipped}


def test_folders_are_searched_in_the_order_of_names(tree):
    tree("b.yaml", "a/z.yml", "a/b/c.yaml", "c/a.yaml", "a.txt", "a/B.yaml")
    assert names(find()) == ["a/B.yaml", "a/b/c.yaml", "a/z.yml", "b.yaml", "c/a.yaml"]
    assert names(find("a", "./b.yaml", "a/z.yml")) == ["a/B.yaml", "a/b/c.yaml", "a/z.yml", "b.yaml"]


def test_each_file_that_is_not_a_spec_is_named_with_the_reason(tree):
    tree("a.yaml")
    tree("values.yaml", text="name: x\nnested:\n  layers: 3\n")
    tree("k8s.yml", text="kind: Pod\n---\nspec: {layers: 1}\n")
    tree("helm.yaml", text="a: {{ .Values.layers }}\n")
    tree("training.json", text='{"input": "data.csv", "layers": [64, 32]}')
    tree("blocks.yaml", text="blocks:\n  B: {a: ReLU()}\n")
    found = find()
    assert names(found) == ["a.yaml"]
    assert {item.path: item.reason for item in found.skipped} == {
        "blocks.yaml": "it has blocks, but no layers",
        "helm.yaml": "it has no layers",
        "k8s.yml": "it holds several YAML documents, and no layers",
        "training.json": "its input is not a shape, and its layers are not steps",
        "values.yaml": "it has no layers",
    }


@pytest.mark.parametrize("name", ["m.yaml", "m.yml", "m.json", "M.YAML", "m.Yml", "m.JSON"])
def test_the_endings_of_a_spec(tree, name):
    tree(name)
    assert names(find()) == [name]


@pytest.mark.parametrize("name", ["m.yml.txt", "m.yaml~", "m", "m.toml", "yaml", "m.yaml.bak"])
def test_a_file_with_another_ending_is_checked_only_when_it_is_named(tree, name):
    tree("other.yaml", name)
    assert names(find(include=("*",))) == ["other.yaml"]
    assert names(find(name)) == [name]


def test_hidden_and_installed_folders_are_not_entered(tree):
    for folder in (".git", ".venv", "venv", "node_modules/x", "__pycache__", ".x", "ok"):
        tree(f"{folder}/a.yaml")
    tree("ok/.a.yaml")
    found = find()
    assert names(found) == ["ok/a.yaml"]
    assert skipped(found) == dict.fromkeys(
        (".git", ".venv", "venv", "node_modules", "__pycache__", ".x", "ok/.a.yaml"), "hidden"
    )
    assert names(find(".x", "ok/.a.yaml")) == [".x/a.yaml", "ok/.a.yaml"], "what is named is checked"


@POSIX
def test_links_make_no_loops_and_no_file_is_found_twice(tree):
    tree("a/b/x.yaml")
    os.symlink(os.path.abspath("a"), "a/b/up")
    os.symlink("x.yaml", "a/b/y.yaml")
    os.symlink("b/x.yaml", "a/0.yaml")
    os.symlink("nowhere.yaml", "a/b/gone.yaml")
    found = find()
    assert names(found) == ["a/b/x.yaml"]
    assert skipped(found) == {"a/b/up": "link", "a/b/gone.yaml": "link"}
    assert names(find("a/b/y.yaml", ".", "a/b/x.yaml")) == ["a/b/y.yaml"]


@POSIX
def test_a_link_to_what_is_not_found_itself_is_checked(tree):
    tree("models/x.yaml", "configs/b.yaml")
    os.symlink("../models/x.yaml", "configs/a.yaml")
    assert names(find(include=("configs/*",))) == ["configs/b.yaml", "configs/a.yaml"]
    # Alone, without settings above, the folder is the root.
    found = find_specs(["configs"], Settings(), lambda: stdin_spec(None))
    assert (names(found), skipped(found)) == (["configs/b.yaml"], {"configs/a.yaml": "link"})


@POSIX
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("../secret.yaml", "it is a link to a file outside the folder"),
        ("/etc/hostname", "it is a link to a file outside the folder"),
        ("/dev/zero", "it is a link to a file outside the folder"),
        ("/no/such/file", "it is a link to a file outside the folder"),
        (".hidden/a.yaml", "it is a link to a hidden file"),
        ("notes.txt", "it is a link to a file with another extension"),
        ("pipe", "it is a link to a folder or device"),
        ("link.yaml", "it is a broken link"),
        ("nowhere", "it is a broken link"),
    ],
)
def test_where_a_link_may_not_lead(tree, target, reason):
    tree("secret.yaml", "tree/.hidden/a.yaml", "tree/notes.txt")
    os.mkfifo("tree/pipe")
    os.symlink(target, "tree/link.yaml")
    found = find_specs(["tree"], Settings(), lambda: stdin_spec(None))
    assert names(found) == []
    assert {item.path: item.reason for item in found.skipped if item.why == "link"} == {"tree/link.yaml": reason}


@POSIX
def test_only_regular_files_are_opened(tree):
    tree("x.yaml")
    os.mkfifo("pipe.yaml")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.yaml")
    os.mkdir("folder.yaml")
    found = find()
    assert names(found) == ["x.yaml"]
    assert {item.path: item.reason for item in found.skipped} == dict.fromkeys(
        ("pipe.yaml", "socket.yaml"), "it is not a regular file"
    )


@POSIX
def test_a_file_that_becomes_something_else_before_it_is_opened_is_told(tree, monkeypatch):
    tree("a.yaml", "b.yaml", "c/x.yaml", "d.yaml")
    open_regular = discovery.open_regular
    become = {
        "a.yaml": lambda: os.symlink("/etc/hostname", "a.yaml"),
        "b.yaml": lambda: os.mkfifo("b.yaml"),
        "x.yaml": lambda: os.symlink("/etc", "c"),
    }

    def swapped(root, path):
        if change := become.get(os.path.basename(path)):
            os.rename("c" if path.endswith("x.yaml") else path, "old")
            change()
        return open_regular(root, path)

    monkeypatch.setattr(discovery, "open_regular", swapped)
    found = find()
    told = {candidate.name: [problem.kind for problem in candidate.problems] for candidate in found.candidates}
    assert told == {"a.yaml": ["unreadable"], "b.yaml": ["unreadable"], "c/x.yaml": ["unreadable"], "d.yaml": []}


def test_a_named_file_is_checked_whatever_it_is_called(tree):
    tree("no.yaml", text="a: hunter2\n")
    tree("notes.txt")
    found = find("no.yaml", "notes.txt", exclude=("no.yaml",))
    assert names(found) == ["no.yaml", "notes.txt"]
    wrong, right = found.candidates
    assert (wrong.source, right.problems) == (None, ())
    assert wrong.problems[0].message == "no.yaml is not a spec: it has no layers"
    assert "hunter2" not in repr(wrong)


@pytest.mark.parametrize("data", [b"hunter2\xff\n", b"pass: hunter2\0", b"hunter2", b"a: [hunter2", b"\x89hunter2"])
def test_nothing_is_shown_of_a_named_file_that_is_not_a_spec(tree, tmp_path, data):
    (tmp_path / "x.yaml").write_bytes(data)
    (candidate,) = find("x.yaml").candidates
    assert candidate.problems
    assert "hunter2" not in repr(candidate)
    assert all(problem.span is None for problem in candidate.problems)


def test_a_named_spec_with_a_fault_in_its_text_is_shown(tree, tmp_path):
    (tmp_path / "x.txt").write_bytes(SPEC.encode() + b"# caf\xe9\n")
    (candidate,) = find("x.txt").candidates
    assert candidate.problems[0].span.line == 4


def test_a_path_that_is_not_there_is_refused(tree):
    tree("lenet.yaml")
    with pytest.raises(SpecError) as error:
        find("lenett.yaml")
    assert "there is no such file" in str(error.value)
    assert error.value.problems[0].help == ("did you mean lenet.yaml?",)


#: A comment of 2 MiB before the spec.
LATER = b"#" * (2 * limits.TEXT_BYTES) + b"\n" + SPEC.encode()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\xef\xbb\xbf" + SPEC.encode(), None),
        (SPEC.encode() + b"# \xe9\n", "syntax"),
        (SPEC.encode("utf-16"), "syntax"),
        (SPEC.encode("utf-16-le"), "syntax"),
        (SPEC.encode("utf-16-be"), "syntax"),
        (SPEC.encode("utf-32"), "syntax"),
        (b"\x01" + SPEC.encode(), "syntax"),
        (SPEC.replace("\n", "\r").encode(), None),
        (LATER, "too-large"),
    ],
    ids=["BOM", "Latin-1", "UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "control", "CR", "too long"],
)
def test_no_spec_hides_in_its_encoding_or_length(tree, tmp_path, data, kind):
    (tmp_path / "m.yaml").write_bytes(data)
    (candidate,) = find().candidates
    assert [problem.kind for problem in candidate.problems] == ([kind] if kind else [])


def test_what_cannot_be_read_and_is_not_a_spec_is_passed_over(tree, tmp_path):
    (tmp_path / "image.yaml").write_bytes(b"\x89PNG\xff\xfe\x00")
    (tmp_path / "long.yaml").write_text("x: 1\n" * 300_000)
    (tmp_path / "utf16.yaml").write_text("x: 1\n", "utf-16")
    found = find()
    assert names(found) == []
    assert set(skipped(found).values()) == {"not-a-spec"}
    assert len(found.skipped) == 3


def test_a_folder_that_cannot_be_searched_is_told(tree, monkeypatch):
    tree("a/x.yaml", "b/x.yaml")
    scandir = os.scandir

    def refused(folder):
        if str(folder) == "a":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refused)
    refused_folder, other = find().candidates
    assert (refused_folder.name, refused_folder.problems[0].kind) == ("a", "unreadable")
    assert other.name == "b/x.yaml"


@pytest.mark.parametrize(("levels", "told"), [(limits.DEPTH, False), (limits.DEPTH + 1, True), (1_100, True)])
def test_folders_nest_so_deep_and_no_deeper(tree, levels, told):
    tree("z.yaml")
    top = os.getcwd()
    for _ in range(levels):
        os.mkdir("d")
        os.chdir("d")
    with open("x.yaml", "w") as file:
        file.write(SPEC)
    os.chdir(top)
    deep, last = find().candidates
    assert last.name == "z.yaml"
    assert deep.name == "/".join(["d"] * (limits.DEPTH + 1) if told else [*["d"] * levels, "x.yaml"])
    assert [problem.kind for problem in deep.problems] == (["unreadable"] if told else [])
    # Nested so deep, pytest could not take them away itself.
    for _ in range(levels):
        os.chdir("d")
    os.unlink("x.yaml")
    for _ in range(levels):
        os.chdir("..")
        os.rmdir("d")


def test_exclude_prunes_folders_and_files(tree):
    tree("a/x.yaml", "a/draft.yaml", "old/x.yaml", "b/old/x.yaml", "old/.hidden", "old/notes.txt")
    found = find(exclude=("old", "draft.*"))
    assert names(found) == ["a/x.yaml"]
    assert [(item.path, item.folder, item.by) for item in found.skipped] == [
        ("a/draft.yaml", False, "pyproject.toml"), ("b/old", True, "pyproject.toml"), ("old", True, "pyproject.toml")
    ]  # fmt: skip
    assert names(find(exclude=("old/",))) == ["a/draft.yaml", "a/x.yaml"]
    assert names(find(exclude=("a/*", "!a/x.yaml"))) == ["a/x.yaml", "b/old/x.yaml", "old/x.yaml"]
    assert names(find(include=("a/*.yaml",))) == ["a/draft.yaml", "a/x.yaml"]


def test_paths_that_overlap_find_and_count_everything_once(tree):
    tree("a/x.yaml", "a/old/x.yaml", "a/.h/x.yaml", "a/.x.yaml")
    tree("a/values.yaml", text="x: 1\n")
    found = find(".", "a", "./a", exclude=("old",))
    assert names(found) == ["a/x.yaml"]
    assert [item.path for item in found.skipped] == ["a/.h", "a/.x.yaml", "a/old", "a/values.yaml"]


def test_the_gitignore_of_the_tree_decides_nothing(tree):
    tree("a.yaml")
    tree(".gitignore", ".ignore", ".nnshapeignore", text="*\n")
    assert names(find()) == ["a.yaml"]


def test_includes_stay_below_the_folder_or_that_of_the_settings(tree):
    tree("configs/a/x.yaml", ".h/x.yaml")
    os.chdir("configs")
    settings = Settings(file="../pyproject.toml", folder=os.path.dirname(os.getcwd()))

    def root(path, settings):
        (candidate,) = find_specs([path], settings, lambda: stdin_spec(None)).candidates
        return candidate.root

    assert root("a", Settings()) == "a"
    assert root("a", settings) == ".."
    assert root("a/x.yaml", settings) == "a", "a file that is named stays in its own folder"
    assert root("../.h", settings) == "../.h"
