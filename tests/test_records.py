"""nnshape's `dataclass` against the standard library's: the same class made by both behaves the same."""

from __future__ import annotations

import ast
import copy
import dataclasses
import inspect
import pickle
from dataclasses import FrozenInstanceError, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

import nnshape
from nnshape import records


def classes(decorator: Any) -> dict[str, type]:
    """One class of every kind that the package declares."""

    @decorator(frozen=True, slots=True)
    class Frozen:
        """A value."""

        a: int
        b: str = "b"
        c: list[int] = field(default_factory=list, compare=False)

    @decorator(frozen=True, slots=True, eq=False)
    class Identity:
        """Compared by identity."""

        a: int

    @decorator(slots=True)
    class Mutable:
        """May change."""

        a: int
        b: Any = field(default=None, repr=False)

    @decorator(frozen=True)
    class Derived:
        """Computes a field."""

        kind: ClassVar[str] = "derived"
        a: int
        twice: int = field(init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "twice", 2 * self.a)

    @decorator(frozen=True, slots=True)
    class Child(Frozen):
        """Adds a field."""

        d: int = 0

    @decorator(frozen=True, slots=True, repr=False)
    class Own:
        """Has methods of its own."""

        a: int

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own)

        def __hash__(self) -> int:
            return 7

        def __repr__(self) -> str:
            return "own"

    found = locals()
    return {name: found[name] for name in ("Frozen", "Identity", "Mutable", "Derived", "Child", "Own")}


OURS, THEIRS = classes(records.dataclass), classes(dataclasses.dataclass)


def outcome(work: Any) -> Any:
    """What work gives or raises, without what tells the two classes apart."""
    try:
        value = work()
    except (TypeError, AttributeError) as error:
        return type(error)
    return value if isinstance(value, (int, bool, str, list, tuple, type(None))) else repr(value)


QUESTIONS = {
    "one argument": lambda cls: cls(1),
    "none": lambda cls: cls(),
    "too many": lambda cls: cls(1, 2, 3, 4, 5),
    "a keyword": lambda cls: cls(a=1),
    "an unknown keyword": lambda cls: cls(1, z=1),
    "equal": lambda cls: cls(1) == cls(1),
    "different": lambda cls: cls(1) == cls(2),
    "another class": lambda cls: cls(1) == (1,),
    "hash": lambda cls: hash(cls(1)) == hash(cls(1)),
    "hash of a difference": lambda cls: hash(cls(1)) == hash(cls(2)),
    "set": lambda cls: setattr(cls(1), "a", 2),
    "delete": lambda cls: delattr(cls(1), "a"),
    "replace": lambda cls: dataclasses.replace(cls(1), a=3),
    "fields": lambda cls: [(f.name, f.type, f.init, f.repr, f.compare) for f in dataclasses.fields(cls)],
    "match": lambda cls: cls.__match_args__,
    "slots": lambda cls: cls.__dict__.get("__slots__", None),
    "dict": lambda cls: hasattr(cls(1), "__dict__"),
    "asdict": lambda cls: list(dataclasses.asdict(cls(1)).items()),
    "copy": lambda cls: copy.copy(cls(1)),
    "parameters": lambda cls: list(inspect.signature(cls).parameters),
    "names": lambda cls: (cls.__name__, cls.__qualname__, cls.__module__, cls.__doc__),
}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("name", OURS)
def test_both_answer_alike(name, question):
    ask = QUESTIONS[question]
    assert outcome(lambda: ask(OURS[name])) == outcome(lambda: ask(THEIRS[name]))


def test_the_answers_differ_between_kinds_of_class():
    answers = {
        name: [outcome(lambda ask=ask, cls=cls: ask(cls)) for ask in QUESTIONS.values()] for name, cls in OURS.items()
    }
    assert len({str(answer) for answer in answers.values()}) == len(answers)


@records.dataclass(frozen=True, slots=True)
class Point:
    """A value that pickle can find."""

    x: int
    y: int = 0


def test_frozen_values_are_pickled():
    assert pickle.loads(pickle.dumps(Point(1, 2))) == Point(1, 2)


def test_a_frozen_value_says_so():
    with pytest.raises(FrozenInstanceError):
        Point(1).x = 2


def test_a_default_that_can_change_is_refused():
    with pytest.raises(ValueError, match="default_factory"):

        @records.dataclass
        class Shared:
            """Shares a list."""

            items: list[int] = []


def test_a_method_is_compiled_when_it_is_needed():
    @records.dataclass(frozen=True, slots=True)
    class Fresh:
        """Nothing has asked for its methods."""

        a: int

    compiled = lambda: {name for name in ("__init__", "__eq__", "__hash__") if inspect.isfunction(vars(Fresh)[name])}  # noqa: E731
    assert compiled() == set()
    first = Fresh(1)
    assert compiled() == {"__init__"}
    assert first == Fresh(1)
    assert compiled() == {"__init__", "__eq__"}


def test_the_package_declares_its_classes_with_it():
    package = Path(nnshape.__file__).parent
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "dataclasses" and path.name != "records.py":
                assert "dataclass" not in {alias.name for alias in node.names}, path
