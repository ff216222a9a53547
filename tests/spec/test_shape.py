import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnshape.problems import SpecError
from nnshape.spec import ShapePattern, loads, parse_shape, parse_value


def dims(pattern: ShapePattern) -> list[str]:
    return [pattern.span_of(index).text for index in range(len(pattern.dims))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1x32x32", ["1", "32", "32"]),
        ("100", ["100"]),
        ("H", ["H"]),
        ("1xHxW", ["1", "H", "W"]),
        ("1 x H x maxlen", ["1", "H", "maxlen"]),
        ("16 x (H//2 - 2) x W", ["16", "H//2 - 2", "W"]),
        ("16x(H//2 - 2)xW", ["16", "H//2 - 2", "W"]),
        (" 3 x 4 ", ["3", "4"]),
        ("(max(H, W))", ["max(H, W)"]),
        ("_x3", ["_", "3"]),
    ],
)
def test_the_x_form_is_per_sample(text, expected):
    pattern = parse_shape(text)
    assert (dims(pattern), pattern.per_sample, pattern.dtype) == (expected, True, None)
    assert pattern.span.text == text.strip()


@pytest.mark.parametrize(
    ("text", "expected", "dtype"),
    [
        ("[N, 1, H, W]", ["N", "1", "H", "W"], None),
        ("[T]", ["T"], None),
        ("[]", [], None),
        ("int64[N, T]", ["N", "T"], "int64"),
        ("int64[]", [], "int64"),
        ("torch.long [N]", ["N"], "int64"),
        ("half[N, max(H, 2)]", ["N", "max(H, 2)"], "float16"),
        ("[..., _, H//2 - 2]", ["...", "_", "H//2 - 2"], None),
        ("bool[N,\n T]", ["N", "T"], "bool"),
    ],
)
def test_brackets_are_taken_as_written(text, expected, dtype):
    pattern = parse_shape(text)
    assert (dims(pattern), pattern.per_sample, pattern.dtype) == (expected, False, dtype)


@pytest.mark.parametrize(
    ("text", "message", "pointed"),
    [
        ("", "a shape is expected here", ""),
        ("6xx5", "x is not allowed here", "x"),
        ("x5", "x is not allowed here", "x"),
        ("5x", "the shape ends too early", ""),
        ("6X14", "X does not separate sizes", "X"),
        ("6×14", "× does not separate sizes", "×"),
        ("6, 14", ", does not separate sizes", ","),
        ("H//2 x 3", "/ is not allowed in a shape without brackets", "/"),
        ("(H//2 x 3", "( is never closed", "("),
        ("[N, 3", "[ is never closed", "["),
        ("Nx3", "of one sample, without N", "N"),
        ("3 x N", "of one sample, without N", "N"),
        ("[-1, 3]", "a size is never negative", "-1"),
        ("['a']", "a size is an integer", "'a'"),
        ("[1.5]", "a size is an integer", "1.5"),
        ("[True]", "a size is an integer", "True"),
        ("(1, 2)x3", "a size is an integer", "(1, 2)"),
        ("[[1], 2]", "a size is an integer", "[1]"),
        ("[1][2]", "not a shape", "[1][2]"),
        ("int64 128x128", "a dtype is not allowed before this form", "int64 128x128"),
        ("float(1x2)", "a dtype is not allowed before this form", "float(1x2)"),
        ("int65[N]", "int65 is not a dtype", "int65"),
    ],
)
def test_what_is_no_shape(text, message, pointed):
    with pytest.raises(SpecError) as caught:
        parse_shape(text, "--input")
    (problem,) = caught.value.problems
    assert message in problem.message
    assert problem.span.text == pointed
    assert problem.span.source.name == "--input"


def test_an_unknown_dtype_offers_the_nearest():
    with pytest.raises(SpecError) as caught:
        parse_shape("flaot32[N]")
    assert caught.value.problems[0].help == ("did you mean float32?",)


@given(st.lists(st.sampled_from(["3", "H", "(H//2)", "12"]), min_size=1, max_size=6), st.sampled_from(["x", " x "]))
def test_the_x_form_and_brackets_say_the_same(sizes, separator):
    spaced = parse_shape(separator.join(sizes))
    bracketed = parse_shape(f"[{', '.join(sizes)}]")
    assert len(spaced.dims) == len(bracketed.dims) == len(sizes)
    assert [dim.strip("()") for dim in dims(spaced)] == [dim.strip("()") for dim in dims(bracketed)]


@pytest.mark.parametrize(
    ("yaml", "expected", "per_sample"),
    [
        ("100", ["100"], True),
        ("[N, 1, 32, H//2 - 2]", ["N", "1", "32", "H//2 - 2"], False),
        ("[N, max(a, b)]", ["N", "max(a, b)"], False),
        ("\n  - N\n  - 'H//2'", ["N", "H//2"], False),
        ("'int64[N, T]'", ["N", "T"], False),
        ("[]", [], False),
    ],
)
def test_shapes_as_yaml(yaml, expected, per_sample):
    spec = loads(f"input: {yaml}\nlayers: {{a: b}}\n")
    assert spec.problems == ()
    pattern = spec.inputs[0].pattern
    assert (pattern.per_sample, len(pattern.dims)) == (per_sample, len(expected))
    for index, text in enumerate(expected):
        assert "".join(pattern.span_of(index).text.split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("yaml", "message"),
    [("[1, [1]]", "a size is expected here"), ("[1, '']", "a size is missing"), ("{c: {shape: 1}}", "not a mapping")],
)
def test_yaml_that_is_no_shape(yaml, message):
    (problem,) = loads(f"input: {yaml}\nlayers: {{a: b}}\n").problems
    assert message in problem.message


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("[3, 4, [6, 3]]", [3, 4, [6, 3]]), ("relu", "relu"), ("'3'", "3"), ("", None), ("1e-5", 1e-5)],
)
def test_an_options_value_is_yaml(text, value):
    assert parse_value(text, "--set").value == value


@pytest.mark.parametrize("text", ["{a: b}", "[", "&a b", "[1]]", "9" * 30])
def test_an_options_value_that_is_none(text):
    with pytest.raises(SpecError) as caught:
        parse_value(text, "--set")
    assert caught.value.problems[0].span.source.name == "--set"
