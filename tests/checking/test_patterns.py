"""Patterns of paths: what each selects, what is none, and that no pattern takes long."""

import os

import pytest

from nnshape.checking.path_patterns import MAX_CHARACTERS, MAX_PATTERNS, BadPattern, Patterns


@pytest.mark.parametrize(
    ("pattern", "path", "wanted"),
    [
        ("*.yaml", "a/b/c.yaml", True),
        ("old", "a/old/c.yaml", True),
        ("old", "a/older/c.yaml", False),
        ("a/old", "a/old/c.yaml", True),
        ("old/x.yaml", "a/old/x.yaml", False),
        ("**/old/x.yaml", "a/old/x.yaml", True),
        ("a/**/x.yaml", "a/x.yaml", True),
        ("a/**/x.yaml", "a/b/c/x.yaml", True),
        ("a/*.yaml", "a/b/x.yaml", False),
        ("a/**", "a/b/x.yaml", True),
        ("/a", "a/x.yaml", True),
        ("/a", "b/a/x.yaml", False),
        ("./a/x.yaml", "a/x.yaml", True),
        ("x[0-9].yaml", "x7.yaml", True),
        ("x[!0-9].yaml", "x7.yaml", False),
        ("x?.yaml", "x/.yaml", False),
        ("a+(b)|c", "a+(b)|c", True),
        ("[^a].yaml", "^.yaml", True),
        ("*", "any/thing", True),
        ("\\!x", "!x", True),
        ("a*b*c", "aXbYbZc", True),
        ("a*b*c", "aXbYbZ", False),
        ("*a*b", "ba/ab", True),
        ("*a*a*", "aba", True),
        ("*a*a*", "ab", False),
        ("gr*\u00df*.yaml", "gr\u00f6\u00dfe.yaml", True),
        ("*x", "\udcffx", True),
    ],
)
def test_what_a_pattern_selects(pattern, path, wanted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Patterns((pattern,), str(tmp_path)).match(path) is wanted


def test_a_pattern_of_a_folder_and_one_taken_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    patterns = Patterns(("old/", "*.draft.yaml", "!kept.draft.yaml"), str(tmp_path))
    assert patterns.match("a/old", folder=True)
    assert not patterns.match("a/old"), "a file of that name"
    assert patterns.match("a.draft.yaml")
    assert not patterns.match("kept.draft.yaml")
    assert not Patterns((), str(tmp_path)).match("x")


def test_patterns_of_an_upper_folder(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert Patterns(("sub/x.yaml",), str(tmp_path)).match("x.yaml")
    assert not Patterns(("x/y.yaml",), str(tmp_path)).match("../../x/y.yaml")


@pytest.mark.parametrize(
    "pattern",
    ["", " ", "#a", "/", "!", "\\", "[", "[]", "[z-a]", "a[b", "a\nb", "a" * (MAX_CHARACTERS + 1), "**/a/**/b/**/c"],
)
def test_what_is_not_a_pattern(pattern):
    with pytest.raises(BadPattern) as error:
        Patterns(("*.yaml", pattern), "/")
    assert error.value.pattern == pattern


def test_the_limits_themselves_are_kept():
    Patterns(("a" * MAX_CHARACTERS, "**/a/**/b"), "/")
    Patterns(("a",) * MAX_PATTERNS, "/")
    with pytest.raises(BadPattern):
        Patterns(("a",) * (MAX_PATTERNS + 1), "/")


@pytest.mark.parametrize(
    "pattern",
    [
        "*a" * 99 + "*b",
        "*a*" * 60 + "b",
        "a*" * 90 + "/b",
        "**/*a*a*a*/**/*a*a*a*b",
        "?*" * 90 + "b",
        "*[a]" * 45 + "b",
    ],
)
def test_no_pattern_tries_every_way_to_match(pattern):
    # Each of these would take longer than anyone waits if its stars were tried in every way.
    patterns = Patterns((pattern,), "/")
    assert not patterns.match("/" + "a" * 255)
    assert not patterns.match("/" + "/".join(["a" * 62] * 64))


def test_stars_mean_the_same_as_to_pathspec_itself():
    import random

    from pathspec import GitIgnoreSpec

    chance = random.Random(1)
    for _ in range(3_000):
        pattern = "".join(chance.choice("ab*/?") for _ in range(chance.randint(1, 9))).removeprefix("./")
        path = "/".join(
            "".join(chance.choice("ab") for _ in range(chance.randint(1, 5))) for _ in range(chance.randint(1, 4))
        )
        try:
            mine = Patterns((pattern,), os.sep)
        except BadPattern:
            continue
        assert mine.match(os.sep + path) == GitIgnoreSpec.from_lines([pattern]).match_file(path), (pattern, path)
