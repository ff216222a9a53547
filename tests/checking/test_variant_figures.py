"""`nnshape check` holds each variant against its own figures."""

TEXT = """
input: 4
hparams: {w: 8}
expect: {parameters: 40}
variants:
  small: {w: 5, expect: {parameters: 25}}
  like: {from: small, expect: {parameters: %d}}
layers:
  a: Linear(4, w)
"""


def test_each_variant_has_its_own_figures(project, checked):
    project(m_yaml=TEXT % 25)
    assert list(checked().findings) == []
    project(m_yaml=TEXT % 26)
    ((_, finding),) = checked().findings
    assert (finding.problem.kind, finding.problem.span.line, finding.note) == (
        "over-budget", 6, "only in the variant like",
    )  # fmt: skip
