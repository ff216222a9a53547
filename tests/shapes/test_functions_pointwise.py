"""Operators and elementwise functions against torch's own, on the CPU."""

from __future__ import annotations

from gate import held
from hypothesis import strategies as st
from operands import alike, call_of, case, check_call, dtypes, floats, numbers, tensors

from nnshape.shapes.functions.elementary import FAMILIES as ELEMENTARY

#: Half precision makes a rare complex dtype with a complex number, which the CPU computes little with.
plain = dtypes.filter("float16".__ne__)
pair = st.one_of(alike(2, dtype=plain), alike(2, dtype=dtypes.filter("complex64".__ne__)))
#: The real inputs are zeros, and whole numbers are not divided by those.
divisible = st.sampled_from(["float32", "float64", "bfloat16", "complex64"])
number_right = call_of(st.tuples(tensors(0, 3, plain), numbers))
number_left = call_of(st.tuples(numbers, tensors(0, 3, plain)))

OPERATORS = {
    "add": pair,
    "sub": pair,
    "mul": pair,
    "div": pair,
    "true_divide": pair,
    "pow": pair,
    "floor_divide": alike(2, dtype=divisible),
    "remainder": alike(2, dtype=divisible),
    "eq": pair,
    "ne": pair,
    "lt": pair,
    "le": pair,
    "gt": pair,
    "ge": pair,
    "bitwise_and": pair,
    "bitwise_or": pair,
    "bitwise_xor": pair,
}
BOTH_SIDES = [name for name in OPERATORS if name not in ("eq", "ne", "lt", "le", "gt", "ge")]
TWO_TENSORS = [
    "subtract", "multiply", "divide", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and",
    "logical_or", "logical_xor", "maximum", "minimum", "fmax", "fmin", "gcd", "lcm", "hypot", "nextafter",
    "logaddexp", "logaddexp2", "atan2", "arctan2", "copysign", "xlogy", "bitwise_left_shift", "bitwise_right_shift",
    "heaviside", "float_power", "isclose", "polar", "complex",
]  # fmt: skip
UNARY = [name for _, _, functions in ELEMENTARY for names in functions for name in names.split()]
bounds = st.one_of(st.none(), st.sampled_from([0, 1.5, -1, True]))

MORE = {
    "add": call_of(pair, alpha=numbers),
    "sub": call_of(pair, alpha=numbers),
    "fmod": call_of(alike(2, dtype=divisible)),
    "ldexp": call_of(alike(2, dtype=st.sampled_from(["float32", "float64", "int64"]))),
    "div": call_of(alike(2, dtype=divisible), rounding_mode=st.sampled_from([None, "floor", "trunc", "up"])),
    "round": case(tensors(0, 2, dtypes), decimals=st.integers(-1, 2)),
    "nan_to_num": st.one_of(case(tensors(0, 2, dtypes)), case(tensors(0, 2, dtypes), st.sampled_from([0.0, 1, None]))),
    "logit": st.one_of(case(tensors(0, 2, dtypes)), case(tensors(0, 2, dtypes), st.sampled_from([0.0, 1, None]))),
    "clamp": st.one_of(
        case(tensors(0, 2, dtypes), bounds, bounds),
        call_of(alike(3)),
        call_of(alike(3, dtype=dtypes)),
        case(tensors(), min=bounds, max=bounds),
    ),
    "clip": st.one_of(case(tensors(0, 2, dtypes), bounds, bounds), call_of(alike(3, dtype=dtypes))),
    "clamp_min": st.one_of(case(tensors(0, 2, dtypes), st.sampled_from([0, 1.5, -1, True])), call_of(pair)),
    "clamp_max": st.one_of(case(tensors(0, 2, dtypes), st.sampled_from([0, 1.5, -1, True])), call_of(pair)),
    "lerp": st.one_of(
        call_of(alike(3)), case(tensors(0, 2, floats), tensors(0, 2, floats), st.sampled_from([0, 0.5, True]))
    ),
    "mvlgamma": case(tensors(0, 2, dtypes), st.integers(-1, 5)),
    "addcmul": call_of(alike(3, dtype=dtypes), value=numbers),
    "addcdiv": call_of(alike(3, dtype=dtypes), value=numbers),
}


@held(*OPERATORS, most=90, written=True)
def test_an_operator_on_tensors_and_numbers(name: str, data: st.DataObject) -> None:
    calls = [call_of(OPERATORS[name]), number_right]
    if name in BOTH_SIDES:
        whole = name in ("floor_divide", "remainder")
        calls.append(call_of(st.tuples(numbers, tensors(0, 3, divisible))) if whole else number_left)
    check_call(name, data.draw(st.one_of(calls)))


@held(*TWO_TENSORS, written=True)
def test_a_function_of_two_tensors(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(call_of(pair)))


@held(*UNARY, most=30, written=True)
def test_a_function_of_one_number(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(case(tensors(0, 2, dtypes))))


@held(*MORE, written=True)
def test_a_function_with_arguments_of_its_own(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(MORE[name]))
