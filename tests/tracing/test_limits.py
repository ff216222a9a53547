"""Models that nobody vouches for: what they compute is bounded, whatever they are made of."""

import contextlib
import json

import pytest

from nnshape import SpecError, loads, trace
from nnshape.shapes.functions import find_function
from nnshape.spec.limits import PROBLEMS, VARIANTS
from nnshape.tracing import tracer
from nnshape.work import SUGGESTIONS

DOUBLED = "\n".join(f"t{i}: (t{i - 1}, t{i - 1})" for i in range(1, 60))
LOOPS = " ".join(f"for i{k} in range(100)" for k in range(9))
#: Each with the text at which reading ends, and the step that it stands in.
HOSTILE = {
    "nested tuples": (f"t0: (1, 1)\n{DOUBLED}", "t16", "(t15, t15)"),
    "nested tuples of tensors": (f"t0: (x, x)\n{DOUBLED}", "t15", "t14"),
    "a tuple of tuples": ("a: ((0,) * 9999,) * 9999", "a", "((0,) * 9999,) * 9999"),
    "a text of tuples": ("a: f'{((0,) * 9999,) * 9999}'", "a", "((0,) * 9999,) * 9999"),
    "a loop in a loop": ("a: len([0 for i in range(5000) for j in range(5000) if 0])", "a", "range(5000)"),
    "nine loops": (f"a: sum([1 {LOOPS}])", "a", None),
    "loops one after the other": ("\n".join(f"a{i}: len([{i} for i in range(9999)])" for i in range(300)), None, None),
    "lists in a sum": ("a: sum([[0] * 10000 for i in range(10000)])", "a", "[0] * 10000"),
    "compared tuples": ("a: ((0,) * 499,) * 499\n" + "\n".join(f"b{i}: a == a" for i in range(9)), None, "a"),
    "unpacked tuples": ("a: (0,) * 9999\n" + "\n".join(f"b{i}: ({'*a, ' * 200})" for i in range(9)), None, None),
    "texts": ("a: [f'{(0,) * 2000}' for i in range(10000)]", "a", None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_model_computes_is_bounded(name):
    text, step, place = HOSTILE[name]
    lines = [f'  {line.partition(": ")[0]}: "{line.partition(": ")[2]}"' for line in text.split("\n")]
    (problem,) = trace(loads("\n".join(["input: 4", "layers:", *lines]))).problems
    assert problem.kind == "too-large"
    assert problem.span is not None
    assert step is None or lines[problem.span.line - 3].startswith(f"  {step}:")
    assert place is None or problem.span.text == place


def test_a_model_of_many_calls_is_no_hostile_one(of):
    t = of("input: 4\nlayers:\n" + "".join(f"  s{i}: Sequential(Linear(4, 4) for i in range(999))\n" for i in range(9)))
    assert not t.problems


def test_problems_are_read_to_a_limit(of):
    t = of("input: 4\nlayers:\n" + "".join(f"  s{i}: Linear(5, 3)(x)\n" for i in range(PROBLEMS + 50)))
    assert len(t.problems) == PROBLEMS + 2
    assert t.problems[-1][0] == "too-large"


@pytest.mark.parametrize(
    ("step", "name"),
    [
        ("LSTM(4, 4, 2**62)", "num_layers"),
        ("Transformer(4, 2, 10**9, 1)", "num_encoder_layers"),
        ("TransformerEncoder(TransformerEncoderLayer(4, 2), 10**12)", "num_layers"),
        ("chain_matmul(*[x @ x.T] * 5000)", None),
        ("x.unbind(1)", None),
    ],
)
def test_an_argument_asks_for_no_more_than_there_can_be(steps, step, name):
    t = steps(f'a: "{step}"', input="[4, 20000]")
    assert [kind for kind, _, _ in t.problems] == ["too-large"]
    assert name is None or t.trace.problems[0].message.startswith(name)


def test_a_text_has_a_limit(steps):
    t = steps("a: \"[f'{i}' + f'{i}' for i in range(3)]\"\nb: \"(0,) * 9999\"\nc: \"f'{b}'\"")
    assert t.problems == [("too-large", 5, "f'{b}'")]


@pytest.mark.parametrize(
    ("step", "kind", "words"),
    [
        ("Parameter(4, dtype=int64)", "wrong-dtype", "int64 tensors have no gradient"),
        ("Parameter(4, dtype=bool)", "wrong-dtype", "bool tensors have no gradient"),
        ("Parameter(arange(4))", "wrong-dtype", "int64 tensors have no gradient"),
        ("Parameter(4, dtype='a')", "wrong-type", "dtype must be a dtype of torch"),
        ("Parameter(4, dtype=7)", "wrong-type", "dtype must be a dtype of torch"),
        ("Parameter(4, requires_grad=1)", "wrong-type", "requires_grad must be True or False"),
        ("Parameter(-1)", "wrong-type", "takes sizes"),
        ("Parameter(True)", "wrong-type", "takes sizes"),
        ("Buffer(4, requires_grad=True)", "unknown-argument", "requires_grad"),
        ("Buffer(4, persistent='no')", "wrong-type", "persistent must be True or False"),
    ],
)
def test_a_tensor_that_cannot_be_a_parameter(steps, step, kind, words):
    t = steps(f'a: "{step}"\nb: relu(x)')
    (problem,) = t.trace.problems
    assert problem.kind == kind
    assert words in problem.message
    assert problem.span.text == ("requires_grad=True" if kind == "unknown-argument" else step)


def test_a_parameter_that_asks_for_no_gradient_is_frozen(steps):
    t = steps(
        "a: Parameter(4, dtype=int64, requires_grad=False)\nb: Parameter(3, requires_grad=False)\nc: Parameter(2)"
    )
    assert [row.trainable for row in t.trace.parameters] == [False, False, True]
    assert (t.trace.totals.parameters, t.trace.totals.trainable) == (9, 2)


# ---- budgets: each from both sides ----


def spec_of(steps, input="4", head="", tail=""):
    lines = [f"  s{index}: {json.dumps(step)}\n" for index, step in enumerate(steps)]
    return loads(f"input: {input}\n{head}layers:\n{''.join(lines)}{tail}")


SYMBOLS = "[N, A, B, C, D]"
SUM = "A + B + C + D + N"
#: What takes work: steps, and the input they need.
WORKING = {
    "expressions": (["[i * i for i in range(100)]"], "4"),
    "tuples": (["len((0,) * 5000)"], "4"),
    "texts": (["len(f'{(0,) * 1000}')"], "4"),
    "products of symbols": ([f"({SUM}) * ({SUM} + 1) * ({SUM} + 2)"], SYMBOLS),
    "powers of symbols": (["(A + B + C)**8"], SYMBOLS),
    "quotients of symbols": ([f"(({SUM}) * (A + 7 * B) + 3) // (A + B)"], SYMBOLS),
    "minima of symbols": (["min(A, B + 1, C * 2, D - 1, max(A - 7, B // 3))"], SYMBOLS),
    "comparisons of symbols": (["(A * B + 1) // 6 + A // 7 + B // 5 >= -9"], SYMBOLS),
    "conditions on symbols": (["x.reshape(N, 7, -1)"], "[N, A * B + C]"),
    "rules": (["relu(relu(relu(x)))"], "4"),
    "parameters": (["LSTM(4, 4, 50)(x)"], "[5, N, 4]"),
    "broadcasts": (["len(broadcast_tensors(*((x,) * 50)))"], "4"),
    "einsums": (["einsum('" + "a," * 30 + "a->a', " + ", ".join(["x"] * 31) + ")"], "[4]"),
    "globs": (["Linear(4, 4)"], "4"),
    "shapes of an output": (["relu(x)"], "[N, A, B]"),
}
TAILS = {
    "globs": "freeze: ['*w*e*i*t', 's*']\n",
    "shapes of an output": "expect: {output: '[N, 2 * A - A, 3 * B - 2 * B]'}\n",
}


@pytest.mark.parametrize("name", WORKING)
def test_work_is_counted_up_to_the_limit_and_not_beyond(name, monkeypatch):
    steps, input = WORKING[name]
    spec = spec_of(steps, input, tail=TAILS.get(name, ""))
    monkeypatch.setattr(tracer, "WORK_A_CALL", tracer.CALL)
    whole = trace(spec)
    assert not whole.errors
    spent = whole.work - tracer.CALL * len(whole.calls)
    assert spent > 0
    monkeypatch.setattr(tracer, "WORK", spent)
    assert trace(spec).problems == whole.problems
    assert trace(spec).work == whole.work  # an answer that is kept costs the same
    # A quarter of the limit is granted for what is said at the end.
    monkeypatch.setattr(tracer, "WORK", spent // 3 if name in TAILS else spent // 2)
    (problem,) = [problem for problem in trace(spec).problems if problem.kind == "too-large"]
    assert "too much work" in problem.message
    assert problem.span is not None


def test_each_call_adds_to_the_work_that_a_model_may_take(monkeypatch):
    monkeypatch.setattr(tracer, "WORK", 100)
    assert not trace(spec_of(["Linear(4, 4)"] * 300)).problems
    assert trace(spec_of(["Linear(4, 4)"] * 300)).work > 300 * 50


@pytest.mark.parametrize(("length", "kinds"), [(20, []), (190, ["too-large"])])
def test_long_paths_are_work(length, kinds):
    nested = "".join("  " * (level + 1) + "n" * length + f"{level}:\n" for level in range(50))
    text = "input: 4\nlayers:\n" + nested + "  " * 51 + "a: Sequential(Linear(4, 4) for i in range(2000))\n"
    assert [problem.kind for problem in trace(loads(text)).problems] == kinds


def test_what_a_layer_answered_before_costs_the_same_again():
    steps = ["Conv2d(3, 7, 3, 1, 1)", "BatchNorm2d(7)", "relu(_)", "MaxPool2d(2)"]
    first = trace(spec_of(steps, "[N, 3, H, W]"))
    assert trace(spec_of(steps, "[N, 3, H, W]")).work == first.work
    first = trace(spec_of(steps, "3x34x34"))
    assert trace(spec_of(steps, "3x34x34")).work == first.work


def test_explaining_ends_and_the_problems_stay(monkeypatch):
    spec = spec_of([f"Linear({i + 5}, 3)(s0)" if i else "relu(x)" for i in range(20)])
    full = trace(spec).problems
    monkeypatch.setattr(tracer, "EXPLAINING", 1000)
    few = trace(spec).problems
    assert [p.message for p in few] == [p.message for p in full]
    assert [p.span.line for p in few] == [p.span.line for p in full]
    assert few[0] == full[0]
    assert any(p.label for p in full[-3:])
    assert not any(p.label for p in few[-3:])


@pytest.mark.parametrize(
    ("steps", "input"),
    [
        (["x.reshape(N, " + "1, " * 61 + "2, 2)"], "4"),
        (["relu(x)"], "[N, 4" + ", 1" * 62 + "]"),
        (["Parameter(" + ", ".join(["1"] * 64) + ")"], "4"),
        (["zeros((1,) * 64)"], "4"),
    ],
)
def test_a_tensor_has_64_dimensions_and_no_more(steps, input):
    assert not trace(spec_of(steps, input)).errors
    more = [step.replace("1, ", "1, 1, ", 1).replace("* 64", "* 65") for step in steps]
    problems = ()
    try:
        problems = trace(spec_of(more, input.replace(", 1", ", 1, 1", 1))).problems
    except SpecError as error:
        problems = error.problems
    assert problems[0].kind == "too-large"
    assert "dimensions" in problems[0].message


def test_a_file_has_64_variants_and_no_more():
    def variants(count):
        lines = "".join(f"  v{i}: {{h: {i}}}\n" for i in range(count))
        return spec_of(["relu(x)"], head="hparams: {h: 1}\n", tail=f"variants:\n{lines}")

    assert not variants(VARIANTS).problems
    (problem,) = variants(VARIANTS + 1).problems
    assert (problem.kind, problem.span.text) == ("too-large", f"v{VARIANTS}")


def test_blocks_in_a_circle_end_at_the_first_way_that_is_too_deep(of):
    t = of("""
        input: 4
        blocks:
          A: {a: B(), b: B()}
          B: {a: A(), b: A()}
        layers:
          a: A()
        """)
    assert [kind for kind, _, _ in t.problems] == ["too-large"]
    assert len(t.trace.calls) < 200


@pytest.mark.parametrize("count", [99, 9000])
def test_the_names_of_items_are_compared_once(count):
    text = "Sequential((f'l{{i % {}}}', ReLU()) for i in range({}))"
    assert not trace(spec_of([text.format(count, count)])).problems
    (problem,) = trace(spec_of([text.format(count - 1, count)])).problems
    assert (problem.kind, "l0" in problem.message) == ("duplicate-key", True)


def test_names_in_the_thousands_get_no_suggestion():
    names = {f"hparam_{i}": i for i in range(30)}
    head = f"hparams: {json.dumps(names)}\n"
    near = trace(spec_of(["hparm_1 + 1"] * 3, head=head)).problems
    assert all("hparam_1" in problem.help[0] for problem in near)
    names = {f"hparam_{i}": i for i in range(SUGGESTIONS // 2 + 1)}
    head = f"hparams: {json.dumps(names)}\n"
    first, _, third = trace(spec_of([f"hparm_{i} + 1" for i in range(3)], head=head)).problems
    assert first.help
    assert not third.help


#: Texts that a careless pattern, or a careless loop, would take hours for.
SLOW = {
    "blanks in a count": "input: 4\nlayers: {a: ReLU()}\nexpect: {parameters: '" + " " * 400_000 + "x'}\n",
    "blanks before a colon": "input: 4\nlayers:\n" + " " * 400_000 + "a:b\n  c: d\n",
    "quotes": "input: 4\nlayers:\n"
    + "".join(f'  a{i}: "{chr(39)}{chr(92) * 2}{(chr(39) + chr(92) * 2) * 600}#"\n' for i in range(150)),
    "numbers": "input: 4\nlayers:\n" + "".join(f"  a{i}: {'1.' * 990}\n" for i in range(300)),
    "sizes": "input: " + "x".join(["1"] * 300_000) + "\nlayers: {a: ReLU()}\n",
    "escapes": 'input: 4\nlayers:\n  a: "' + "\\x20" * 1500 + 'Sequential(ReLU() for i in range(5000))"\n',
    "a glob": "input: 4\nlayers: {" + "a" * 190 + ': "Linear(4, 4)"}\nfreeze: [\'' + "*a" * 90 + "*b']\n",
}


@pytest.mark.parametrize("name", SLOW)
def test_no_text_is_slow_to_read(name):
    with contextlib.suppress(SpecError):
        trace(loads(SLOW[name]))


# ---- what a rule does wrong ----


def test_a_mistake_of_a_rule_is_a_problem_at_its_step(monkeypatch):
    def broken(input):
        return {}["x"]

    monkeypatch.setattr(find_function("relu"), "rule", broken)
    monkeypatch.setattr(find_function("relu"), "_signature", None)
    problem, other = trace(spec_of(["relu(x)", "Linear(5, 3)(x)"])).problems
    assert (problem.kind, problem.span.text) == ("internal-error", '"relu(x)"')
    assert "KeyError: 'x'" in problem.message
    assert other.kind == "size-mismatch"
    monkeypatch.setenv("NNSHAPE_TRACEBACK", "1")
    with pytest.raises(KeyError):
        trace(spec_of(["relu(x)"]))


@pytest.mark.parametrize(
    ("text", "kind", "place"),
    [
        ("input: min\nlayers:\n  a: ReLU()\n", "wrong-type", "min"),
        ("input: [N, max]\nlayers:\n  a: ReLU()\n", "wrong-type", "max"),
        ("input: 4\nlayers:\n  a: \"min(None, 'a', N)\"\n", "wrong-type", "min(None, 'a', N)"),
        ('input: 4\nlayers:\n  a: "max(())"\n', "wrong-type", "max(())"),
        ('input: 4\nlayers:\n  a: "x.reshape(-1, 0)"\n', "size-mismatch", None),
        ("input: uint16[N, 4]\nlayers:\n  a: Linear(4, 2)\n", "wrong-dtype", None),
        ("input: quint8[N, 4]\nlayers:\n  a: relu(x)\n", "wrong-dtype", None),
        ("input: float9[N, 4]\nlayers:\n  a: relu(x)\n", "wrong-dtype", "float9"),
    ],
)
def test_what_used_to_crash_is_a_problem_at_its_place(text, kind, place):
    problems = trace(loads(text)).problems
    assert [problem.kind for problem in problems] == [kind]
    assert place is None or problems[0].span.text == place


def test_sums_of_too_many_symbols_are_partial_and_no_crash():
    steps = [f"Parameter(A{i}, B{i}, C{i})" for i in range(18)] + ["Parameter(2**62, A0 * B0)"]
    sizes = ", ".join(f"{name}{i}" for i in range(18) for name in "ABC")
    whole = trace(spec_of(steps, f"[{sizes}]"))
    assert whole.totals.partial_parameters


@pytest.mark.parametrize(("unknown", "is_cut"), [(990, False), (1_100, True)])
def test_unknown_dims_end_at_the_limit_of_problems(unknown, is_cut):
    dims = ", ".join(f"d{number}: 1" for number in range(unknown))
    problems = trace(loads(f"input: [N, 8]\ndims: {{{dims}}}\nlayers:\n  a: ReLU()\n")).problems
    assert len(problems) <= PROBLEMS + 2
    assert (problems[-1].kind == "too-large") is is_cut


@pytest.mark.parametrize("chain", ["x.T" + ".T" * 60, "h" + ".steps[0]" * 40, "h" + "[0]" * 60, "h" + ".a" * 60])
def test_the_work_for_a_chain_of_attributes_grows_with_its_length(chain):
    answer = trace(loads(f"input: [4, 4]\nlayers:\n  h: Sequential(Linear(4, 4), ReLU())\n  o: {chain}\n"))
    assert answer.work < 20_000
    assert not answer.errors or answer.errors[0].kind in ("unknown-name", "index-error")
