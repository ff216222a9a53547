"""The rows of modules that a step applies from a container: each is named after the container that holds it."""

import nnshape
from nnshape.rendering.rows import rows_of


def test_rows_inside_members_are_named_after_the_container():
    trace = nnshape.trace(
        nnshape.loads("""
            input: 16
            layers:
              heads: ModuleDict(('cls', Linear(16, 4)), ('box', Sequential(Linear(16, 4), ReLU())))
              turns: ModuleList(Sequential(Linear(4, 4)) for i in range(2))
              body: Sequential(Linear(16, 4))
              each: "[head(x) for head in heads.values()]"
              all: "[turn(body) for turn in turns]"
              out: sum([*each, *all])
            """)
    )
    assert [row.names[0] for row in rows_of(trace)] == [
        "heads", "turns", "body", "body.0", "each", "box.0", "box.1", "all", "turns.0.0", "turns.1.0", "out",
    ]  # fmt: skip
