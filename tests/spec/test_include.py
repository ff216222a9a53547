import os
import socket

import pytest

from nnshape.problems import SpecError
from nnshape.spec import files, limits, load, loads

MODEL = "input: 3\nlayers:\n  fc: Linear(3, 4)\n"


def write(folder, **texts):
    for name, text in texts.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".yaml").write_text(text)
    return folder


def only(path):
    (problem,) = load(path).problems
    return problem


def test_another_files_blocks_and_model(tmp_path):
    write(
        tmp_path,
        main="include: {rn: parts/resnet.yaml}\n" + MODEL,
        parts__resnet="include: {more: more.yaml}\nblocks: {B(c): {a: ReLU()}}\n" + MODEL,
        parts__more="blocks: {C: {a: ReLU()}}\n",
    )
    spec = load(tmp_path / "main.yaml")
    assert spec.problems == ()
    include = spec.includes["rn"]
    assert (include.path, include.span.text) == ("parts/resnet.yaml", "parts/resnet.yaml")
    assert list(include.spec.blocks) == ["B"]
    assert include.spec.source.name == str(tmp_path / "parts" / "resnet.yaml")
    assert list(include.spec.includes["more"].spec.blocks) == ["C"]


def test_a_text_may_include_from_a_folder_that_is_given(tmp_path):
    write(tmp_path, part=MODEL)
    text = "include: {p: part.yaml}\n" + MODEL
    assert loads(text, folder=tmp_path).includes["p"].spec.name == "part"
    assert loads(text).problems[0].kind == "include-refused"


@pytest.mark.parametrize("path", ["../secret.yaml", "a/../../secret.yaml", "link.yaml", "linked/secret.yaml"])
def test_nothing_outside_the_tree_is_read(tmp_path, path):
    write(tmp_path, secret=MODEL, tree__main=f"include: {{s: {path}}}\n" + MODEL)
    tree = tmp_path / "tree"
    (tree / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (tree / "linked").symlink_to(tmp_path)
    problem = only(tree / "main.yaml")
    assert (problem.kind, problem.span.text) == ("include-refused", path)
    assert "leads out of the folder tree" in problem.message
    # Whether the file is there must not be told.
    (tmp_path / "secret.yaml").unlink()
    assert only(tree / "main.yaml").message == problem.message


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/etc/passwd", "is relative"),
        ("a\\b.yaml", "is relative"),
        ("none.yaml", "no such file"),
        ("folder.yaml", "is not a regular file"),
        ("pipe.yaml", "is not a regular file"),
        ("socket.yaml", "is not a regular file"),
        (".", "ends in .yaml, .yml or .json"),
        ("notes.txt", "ends in .yaml, .yml or .json"),
        ("notes.yaml.txt", "ends in .yaml, .yml or .json"),
        ("link.yaml", "ends in .yaml, .yml or .json"),
        (".hidden.yaml", "hidden"),
        (".hidden/part.yaml", "hidden"),
        ("open/part.yaml", "hidden"),
        ("broken.yaml", "no such file"),
        ("nul\0.yaml", "not a path"),
        ("main.yaml", "goes in a circle: main.yaml -> main.yaml"),
        ("none/../main.yaml", "goes in a circle"),
    ],
)
def test_refused_paths(tmp_path, monkeypatch, path, message):
    escaped = path.replace("\\", "\\\\").replace("\0", "\\0")
    write(tmp_path, main=f'include: {{s: "{escaped}"}}\n' + MODEL, **{".hidden__part": MODEL, ".hidden": MODEL})
    (tmp_path / "notes.txt").write_text(MODEL)
    (tmp_path / "notes.yaml.txt").write_text(MODEL)
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "link.yaml").symlink_to("notes.txt")
    (tmp_path / "open").symlink_to(".hidden")
    (tmp_path / "broken.yaml").symlink_to("nowhere.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.yaml")
    problem = only(tmp_path / "main.yaml")
    assert problem.kind == "include-refused"
    assert message in problem.message


def test_a_circle_is_shown(tmp_path):
    write(
        tmp_path,
        a="include: {b: b.yaml}\n" + MODEL,
        b="include: {c: c.yaml}\n" + MODEL,
        c="include: {a: a.yaml}\n" + MODEL,
    )
    problem = only(tmp_path / "a.yaml")
    assert problem.message == "the include goes in a circle: a.yaml -> b.yaml -> c.yaml -> a.yaml"
    assert problem.span.source.name.endswith("c.yaml")
    assert [frame.span.text for frame in problem.frames] == ["b.yaml", "c.yaml"]


def test_a_fatal_fault_is_located_in_its_own_file(tmp_path):
    write(tmp_path, main="include: {p: part.yaml}\n" + MODEL, part="input: 3\nlayers: [\n")
    spec = load(tmp_path / "main.yaml")
    (problem,) = spec.problems
    assert problem.span.source.name == str(tmp_path / "part.yaml")
    assert problem.frames[0].span.text == "part.yaml"
    assert spec.includes["p"].spec is None


def test_the_faults_of_an_include_come_once(tmp_path):
    write(
        tmp_path,
        main="include: {p: part.yaml, q: part.yaml, r: other.yaml}\n" + MODEL,
        other="include: {p: part.yaml}\n" + MODEL,
        part="input: 3\nlayers: {a: f(}\n",
    )
    spec = load(tmp_path / "main.yaml")
    assert len(spec.problems) == 1
    assert spec.includes["p"].spec is spec.includes["q"].spec is spec.includes["r"].spec.includes["p"].spec


def test_many_files_and_much_text_are_too_large(tmp_path):
    count = limits.FILES + 5
    names = {f"f{index}": "blocks: {B: {a: b}}\n" for index in range(count)}
    write(tmp_path, **names, main=f"include: {{{', '.join(f'{n}: {n}.yaml' for n in names)}}}\n" + MODEL)
    assert {problem.kind for problem in load(tmp_path / "main.yaml").problems} == {"too-large"}
    pad = "#" * (limits.TEXT_BYTES // 3) + "\n"
    write(tmp_path, **{f"p{index}": pad + MODEL for index in range(4)})
    write(tmp_path, big=f"include: {{{', '.join(f'p{n}: p{n}.yaml' for n in range(4))}}}\n" + MODEL)
    spec = load(tmp_path / "big.yaml")
    assert {problem.kind for problem in spec.problems} == {"too-large"}
    assert "more than 1 MiB" in spec.problems[0].message
    assert spec.includes["p1"].spec is not None


def test_a_long_chain_is_too_large(tmp_path):
    for index in range(limits.DEPTH + 3):
        write(tmp_path, **{f"c{index}": f"include: {{n: c{index + 1}.yaml}}\n" + MODEL})
    assert only(tmp_path / "c0.yaml").kind == "too-large"


def test_an_included_file_that_is_too_large_says_so(tmp_path):
    write(tmp_path, main="include: {p: part.yaml}\n" + MODEL, part="#" * (limits.TEXT_BYTES + 1))
    problem = only(tmp_path / "main.yaml")
    assert (problem.kind, problem.span.text) == ("include-refused", "part.yaml")
    assert "longer than 1 MiB" in problem.message


def test_a_missing_file_is_a_spec_error(tmp_path):
    with pytest.raises(SpecError):
        load(tmp_path / "none.yaml")


@pytest.mark.parametrize("name", ["part.yml", "part.json", "PART.YAML", "sub/part.yaml", "a.b.yaml", "in_link.yaml"])
def test_what_may_be_included(tmp_path, name):
    (tmp_path / "sub").mkdir()
    (tmp_path / name).write_text(MODEL)
    (tmp_path / "link.yaml").symlink_to(name)
    (tmp_path / "main.yaml").write_text(f"include: {{s: {name}, t: link.yaml}}\n" + MODEL)
    spec = load(tmp_path / "main.yaml")
    assert spec.problems == ()
    assert spec.includes["s"].spec is spec.includes["t"].spec is not None


def test_a_hidden_folder_of_the_spec_itself_is_no_hindrance(tmp_path):
    write(tmp_path, **{".x__main": "include: {p: part.yaml}\n" + MODEL, ".x__part": MODEL})
    assert load(tmp_path / ".x" / "main.yaml").problems == ()


SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        '{{"type": "service_account", "private_key": "{}"}}',
        "password: {}\n",
        "password: {}\n\tbroken\n",
        "'{}\n",
        "{}: [\n",
        "- {}\n",
        "{}\n",
        "layers: {}\n",
        "layers: [{}]\n",
        "a: 1\n---\nb: {}\n",
        "a: &x {}\nb: *x\n",
        "{}: 1\n{}: 2\n",
        "blocks: {}\npassword: x\n",
        "input: {}.csv\nlayers: [64, 32]\n",
        "a: {}\n\0",
        "a: {}\n\udcff",
    ],
)
def test_no_word_of_a_file_that_is_no_spec_is_shown(tmp_path, text):
    data = text.replace("{{", "{").replace("}}", "}").replace("{}", SECRET).encode("utf-8", "surrogateescape")
    (tmp_path / "creds.json").write_bytes(data)
    write(tmp_path, main="include: {s: creds.json}\ninput: 3\nlayers:\n  a: s()\n  b: s.password() -> 3\n")
    spec = load(tmp_path / "main.yaml")
    assert [problem.kind for problem in spec.problems] == ["include-refused"]
    assert SECRET not in repr(spec)
    assert not any(SECRET in span.source.text for problem in spec.problems for span in spans(problem))


def spans(problem):
    return [problem.span, *(label.span for label in (*problem.related, *problem.frames))]


def test_a_folder_that_becomes_a_link_while_it_is_read_leads_nowhere(tmp_path, monkeypatch):
    write(tmp_path, tree__main="include: {p: sub/part.yaml}\n" + MODEL, tree__sub__part=MODEL, secret__part=MODEL)
    open_regular = files.open_regular

    def swapped(root, path):
        os.rename(tmp_path / "tree" / "sub", tmp_path / "tree" / "old")
        os.symlink(tmp_path / "secret", tmp_path / "tree" / "sub")
        return open_regular(root, path)

    monkeypatch.setattr(files, "open_regular", swapped)
    problem = only(tmp_path / "tree" / "main.yaml")
    assert (problem.kind, "cannot be read" in problem.message) == ("include-refused", True)
