import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnshape.problems import Problem, SpecError
from nnshape.spec import Source, Span, limits, read_source, source_of_text


def problem_of(path) -> Problem:
    with pytest.raises(SpecError) as caught:
        read_source(path)
    (problem,) = caught.value.problems
    assert problem.span is not None or problem.place
    return problem


@given(st.text(alphabet="ab\n\r\t😀é", max_size=40))
def test_positions_count_lines_and_characters(text):
    source = Source("s", text)
    line = column = 1
    for offset, character in enumerate(text):
        assert source.position(offset) == (line, column)
        if character == "\n" or (character == "\r" and text[offset + 1 : offset + 2] != "\n"):
            line, column = line + 1, 1
        else:
            column += 1
    assert source.position(len(text)) == (line, column)


def test_a_line_is_without_its_end():
    source = Source("s", "a\r\nb\rc\n")
    assert [source.line(number) for number in range(6)] == ["", "a", "b", "c", "", ""]


def test_a_span_knows_both_its_ends():
    span = Span(Source("s", "ab\ncd\n"), 1, 5)
    assert (span.line, span.column, span.end_line, span.end_column, span.text) == (1, 2, 2, 3, "b\ncd")


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfinput: 3")
    source = read_source(path)
    assert (source.text, source.name) == ("input: 3", str(path))


def test_a_missing_file_offers_the_nearest_one(tmp_path):
    (tmp_path / "lenet.yaml").write_text("a")
    problem = problem_of(tmp_path / "lenot.yaml")
    assert (problem.kind, problem.place) == ("unreadable", str(tmp_path / "lenot.yaml"))
    assert problem.help == (f"did you mean {tmp_path / 'lenet.yaml'}?",)


def test_a_folder_is_no_file(tmp_path):
    assert problem_of(tmp_path).message.endswith("it is a folder, not a file")


def test_a_path_that_no_system_allows_is_unreadable():
    assert problem_of("a\0b").kind == "unreadable"


def test_an_endless_file_is_left_after_the_limit():
    assert problem_of("/dev/zero").kind == "too-large"


def test_a_file_beyond_the_limit_is_too_large(tmp_path):
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * (limits.TEXT_BYTES + 1))
    assert problem_of(path).kind == "too-large"
    path.write_bytes(b"#" * limits.TEXT_BYTES)
    assert len(read_source(path).text) == limits.TEXT_BYTES


def test_a_text_is_measured_in_bytes():
    with pytest.raises(SpecError):
        source_of_text("é" * (limits.TEXT_BYTES // 2 + 1))
    assert source_of_text("é" * (limits.TEXT_BYTES // 2))


@pytest.mark.parametrize(
    ("data", "word", "place"),
    [
        (b"input: 3\nlayers: \xff", "byte 17 (0xff)", (2, 9)),
        ("é\n".encode() + b"\xe9x", "byte 3 (0xe9)", (2, 1)),
        (b"\xef\xbb\xbfa\xff", "byte 4", (1, 2)),
        (b"a: \0b", "NUL", (1, 4)),
        (b"a: \x07b", "U+0007", (1, 4)),
        ("a: \ufeffb".encode(), "U+FEFF", (1, 4)),
        ("a: b".encode("utf-16-le"), "NUL", (1, 2)),
    ],
)
def test_what_is_no_text_is_pointed_at(tmp_path, data, word, place):
    path = tmp_path / "bad.yaml"
    path.write_bytes(data)
    problem = problem_of(path)
    assert problem.kind == "syntax"
    assert word in problem.message
    assert (problem.span.line, problem.span.column) == place


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_utf_16_is_named(tmp_path, mark):
    path = tmp_path / "wide.yaml"
    path.write_bytes(mark + b"a\0")
    assert "UTF-16" in problem_of(path).message


def test_a_lone_surrogate_is_no_text():
    with pytest.raises(SpecError, match=r"U\+D800"):
        source_of_text("a: \ud800")


def test_a_dash_reads_standard_input(monkeypatch):
    class Stdin:
        buffer = io.BytesIO(b"input: 3")

    monkeypatch.setattr(sys, "stdin", Stdin)
    assert read_source("-") == Source("<stdin>", "input: 3")
