"""What a row says of a step that is no single layer: its type, its text, and what it needs of the sizes."""

import nnshape
from nnshape.rendering.rows import rows_of, tied_by_path, tied_in
from nnshape.rendering.summary import needs


def types(text):
    return {row.call.path: row.type for row in rows_of(nnshape.trace(text))}


def test_what_joins_several_modules_names_the_step():
    text = """
        input: 8
        layers:
          heads: ModuleList(Linear(8, 2) for i in range(3))
          one: heads[0](x)
          all: cat([head(x) for head in heads], 1)
    """
    assert types(text) == {"heads": "ModuleList", "one": "Linear", "all": "cat"}


def test_a_tuple_of_values_is_a_tuple_and_what_a_function_returns_is_named_by_it():
    text = """
        input: 8
        layers:
          both: (x + 1, x * 2)
          parts: chunk(x, 2, 1)
    """
    assert types(text) == {"both": "tuple", "parts": "chunk"}


def test_a_value_from_elsewhere_has_no_type_and_a_faulty_step_an_unknown_one():
    text = """
        input: 8
        layers:
          pair: (x, x)
          first: pair[0]
          wrong: Relu()
    """
    assert types(text) == {"pair": "tuple", "first": "-", "wrong": "?"}


def test_a_text_of_several_lines_is_shown_without_the_blanks_that_folding_leaves():
    text = """
        input: 8
        layers:
          body: Sequential(
                  Linear(8, 4),
                  *( [ReLU()]
                     for i in range(1) )
                )
    """
    (row, *_) = rows_of(nnshape.trace(text))
    assert row.call.text == "Sequential(Linear(8, 4), *([ReLU()] for i in range(1)))"


def test_an_implied_requirement_is_left_out():
    text = """
        input: "[N, 4, T]"
        layers:
          both: cat([x.unfold(2, k, 1).flatten(1) for k in (3, 5)], 1)
          conv: Conv1d(4, 4, 7)(x)
    """
    assert needs(nnshape.trace(text)) == ["T >= 7 for conv"]


class Looked(dict):
    """A mapping in which names are looked up; going through all of it would be quadratic in the rows."""

    def __iter__(self):
        raise AssertionError

    items = keys = values = __iter__


def test_a_row_looks_up_what_is_tied_at_its_path_and_below():
    text = """
        input: 8
        layers:
          a: Linear(8, 8)
          b:
            c: Linear(8, 8)
            d: Linear(8, 8)
        tie: {b.c.weight: a.weight, b.d.weight: a.weight, b.d.bias: a.bias}
    """
    trace = nnshape.trace(text)
    tied = Looked(tied_by_path(trace))
    assert {call.path: tied_in(call, tied) for call in trace.calls} == {"a": 0, "b": 136, "b.c": 64, "b.d": 72}
    assert {row.call.path: row.parameters for row in rows_of(trace)} == {"a": 72, "b": 8, "b.c": 8, "b.d": 0}
