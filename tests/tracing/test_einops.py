"""Patterns of einops are written with torch's methods, and give the shape that einops gives."""

import pytest

import nnshape

PATTERNS = {
    "rearrange(x, 'b c h w -> b h w c')": ("3x4x6", "x.permute(0, 2, 3, 1)", "4x6x3"),
    "rearrange(x, 'b c h w -> b (c h w)')": ("3x4x6", "x.flatten(1, 3)", "72"),
    "rearrange(x, 'b c h w -> b (h w) c')": ("3x4x6", "x.permute(0, 2, 3, 1).flatten(1, 2)", "24x3"),
    "rearrange(x, 'b n (h d) -> b h n d', h=4)": ("5x64", "x.unflatten(2, (4, -1)).transpose(1, 2)", "4x5x16"),
    "rearrange(x, 'b h n d -> b n (h d)')": ("4x5x16", "x.transpose(1, 2).flatten(2, 3)", "5x64"),
    "rearrange('b t c -> b c t')": ("5x8", "_.transpose(1, 2)", "8x5"),
    "einops.rearrange(x, 'b t c -> b c t')": ("5x8", "x.transpose(1, 2)", "8x5"),
    "Rearrange('b c h w -> b (c h w)')": ("3x4x6", "_.flatten(1, 3)", "72"),
    "rearrange(x, 'b c (h p1) (w p2) -> b (h w) (p1 p2 c)', p1=2, p2=3)": (
        "3x4x6",
        "x.unflatten(3, (-1, 3)).unflatten(2, (-1, 2)).permute(0, 2, 4, 3, 5, 1).flatten(3, 5).flatten(1, 2)",
        "4x18",
    ),
    "reduce(x, 'b c h w -> b c', 'mean')": ("3x4x6", "x.mean((2, 3))", "3"),
    "reduce(x, 'b t c -> b c', 'max')": ("5x8", "x.amax(1)", "8"),
}


@pytest.mark.parametrize("step", PATTERNS)
def test_a_pattern_has_a_fix(step):
    shape, meant, output = PATTERNS[step]
    text = f'input: {shape}\nlayers:\n  a: "{step}"\n'
    trace = nnshape.trace(nnshape.loads(text))
    assert [problem.kind for problem in trace.problems] == ["unknown-name"]
    (fix,) = nnshape.find_fixes(trace)
    (edit,) = fix.edits
    assert edit.replacement == meant
    after = nnshape.trace(nnshape.loads(text[: edit.span.start] + meant + text[edit.span.end :]))
    assert str(after.output) == output


@pytest.mark.parametrize(
    "step",
    [
        "rearrange(x, 'b c -> c')",
        "rearrange(x, 'b ... -> ... b')",
        "rearrange(x, 'b c -> b c 1')",
        "rearrange(x, 'b c -> b c')",
        "rearrange(x, 'b b -> b b')",
        "rearrange(x, pattern)",
        "rearrange(x)",
        "rearrange()",
        "rearrange(x, '((((')",
        "reduce(x, 'b c -> b', 'logsumexp')",
        "reduce(x, 'b c -> b')",
        "pack(x, 'b *')",
        "rearrange(x, 'b c -> c b', **{})",
    ],
)
def test_another_pattern_is_only_told(step):
    trace = nnshape.trace(nnshape.loads(f'input: 8\nlayers:\n  a: "{step}"\n'))
    assert trace.problems
    assert not [fix for fix in nnshape.find_fixes(trace) if fix.description == "write it so"]
