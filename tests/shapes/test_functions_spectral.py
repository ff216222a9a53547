"""Fourier transforms against torch's own, on the CPU."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from conformance import tensor
from gate import held
from hypothesis import strategies as st
from operands import (
    any_dims,
    case,
    check_call,
    dims,
    dtypes,
    flags,
    mostly_float,
    positive,
    several_dims,
    shapes,
    tensors,
)

from nnshape.shapes.functions import find_function

T = tensors(0, 3, dtypes, positive)
points = st.one_of(st.none(), st.integers(-1, 5))
norms = st.sampled_from([None, None, "ortho", "forward", "backward", "most"])
counts = st.one_of(st.none(), st.lists(st.integers(-1, 4), max_size=3).map(tuple))
some_dims = st.one_of(st.none(), several_dims)
one = st.one_of(case(T), case(T, points, dims, norms), case(T, n=points, dim=dims, norm=norms))
several = st.one_of(case(T), case(T, counts, some_dims, norms), case(T, s=counts, dim=some_dims, norm=norms))


@st.composite
def signals(draw: Any) -> tuple[tuple, dict]:
    """A signal, the points of its transforms, and arguments that mostly go together."""
    dtype = draw(st.sampled_from(["float32", "float32", "float32", "float64", "complex64", "int64"]))
    x = tensor(*(draw(shapes(0, 1, positive))), draw(st.integers(4, 12)), dtype=dtype)
    if draw(st.integers(0, 9)) == 0:
        x = draw(tensors(0, 3, mostly_float, positive))
    n_fft, more = draw(st.integers(0, 8)), {"return_complex": True}
    if draw(st.booleans()):
        more["hop_length"] = draw(st.integers(0, 4))
    if draw(st.booleans()):
        more["win_length"] = draw(st.integers(0, 8))
    if draw(st.booleans()):
        more["window"] = tensor(more.get("win_length", n_fft) if draw(st.integers(0, 5)) else 3)
    for name in ("center", "normalized", "onesided", "return_complex"):
        if draw(st.booleans()):
            more[name] = draw(flags)
    if draw(st.booleans()):
        more["pad_mode"] = "constant"
    if draw(st.integers(0, 9)) == 0:
        del more["return_complex"]
    return (x, n_fft), more


TRANSFORMS = {
    **dict.fromkeys(("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"), one),
    **dict.fromkeys(("fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn"), several),
    **dict.fromkeys(("fftshift", "ifftshift"), st.one_of(case(T), case(T, any_dims))),
    "stft": signals().filter(lambda call: call[0][0].dtype not in ("float16", "bfloat16")),
}


@held(*TRANSFORMS)
def test_a_transform(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(TRANSFORMS[name]))


@st.composite
def spectra(draw: Any) -> tuple[tuple, dict]:
    """Frequencies and frames, and the arguments that mostly go with them."""
    n_fft, more = draw(st.sampled_from([4, 8, 5, 6, 0])), {}
    for name in ("center", "normalized", "onesided", "return_complex"):
        if draw(st.integers(0, 2)) == 0:
            more[name] = draw(flags)
    halves = more.get("onesided", not more.get("return_complex", False))
    if draw(st.integers(0, 5)) == 0:
        halves = draw(flags)
    frequencies = n_fft // 2 + 1 if halves else n_fft
    if draw(st.integers(0, 9)) == 0:
        frequencies = draw(positive)
    dtype = draw(st.sampled_from(["complex64"] * 4 + ["complex128", "float32"]))
    x = tensor(*draw(shapes(0, 1, positive)), frequencies, draw(st.integers(1, 5)), dtype=dtype)
    if draw(st.integers(0, 9)) == 0:
        x = draw(tensors(0, 4, st.just("complex64"), positive))
    if draw(st.booleans()):
        more["hop_length"] = draw(st.sampled_from([0, 1, 2, 3, 4, n_fft, n_fft + 1]))
    # Left out: a window shorter than the transform, with which the frames may not cover each sample.
    if draw(st.integers(0, 3)) == 0:
        more["win_length"] = draw(st.sampled_from([n_fft, n_fft, 0, n_fft + 1]))
    window = more.get("win_length", n_fft)
    if draw(st.booleans()):
        dtype = "float32" if draw(st.integers(0, 5)) else "complex64"
        more["window"] = tensor(window if draw(st.integers(0, 5)) else 3, dtype=dtype)
    if draw(st.integers(0, 3)) == 0:
        more["length"] = draw(st.integers(1, 12))
    return (x, n_fft), more


@held("istft", most=60)
def test_the_inverse_of_a_transform(name: str, data: st.DataObject) -> None:
    call = data.draw(spectra())
    check_call(name, call)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize(("n_fft", "hop", "length"), [(8, 2, None), (8, 4, 20), (7, 3, None), (16, None, None)])
def test_istft_gives_the_signal_back(n_fft: int, hop: int | None, length: int | None, center: bool) -> None:
    x = torch.randn(3, 40)
    spectrum = torch.stft(x, n_fft, hop, window=torch.ones(n_fft), center=center, return_complex=True)
    wanted = torch.istft(spectrum, n_fft, hop, window=torch.ones(n_fft), center=center, length=length)
    shape = find_function("stft").apply((tensor(3, 40), n_fft, hop), {"center": center, "return_complex": True})
    assert shape.shape == tuple(spectrum.shape)
    got = find_function("istft").apply((shape, n_fft, hop), {"center": center, "length": length})
    assert (got.shape, str(got.dtype)) == (tuple(wanted.shape), "float32")
