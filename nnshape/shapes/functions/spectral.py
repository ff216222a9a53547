"""Fourier transforms: https://pytorch.org/docs/stable/fft.html, torch.stft.html and torch.istft.html."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.shapes.arguments import described
from nnshape.shapes.axes import axes, axis
from nnshape.shapes.constraints import assume_at_least, assume_equal
from nnshape.shapes.dims import Dim, Size
from nnshape.shapes.dtype_names import scalar_name
from nnshape.shapes.dtypes import COMPLEX_OF, DTYPES, REAL_OF, DType, category, default_dtype, is_complex
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Tensor

if TYPE_CHECKING:
    from nnshape.problems.kinds import KindName
    from nnshape.shapes.arguments import Flag, Whole, Wholes
    from nnshape.shapes.layer_base import Device

_NORMS = (None, "forward", "backward", "ortho")


def _transformed_dtype(input: Tensor, name: str, real_only: bool = False) -> DType:
    """The complex dtype to compute in. Raises Refusal (wrong-dtype) if torch cannot transform the input's."""
    dtype = default_dtype() if category(input.dtype) < 2 else input.dtype
    if dtype in ("float16", "bfloat16", "complex32"):
        raise Refusal(
            "wrong-dtype",
            f"{name} does not accept {dtype} on every device",
            "input",
            note=f"Unsupported dtype {scalar_name(dtype)}",
        )
    if real_only and is_complex(dtype):
        note = f"{name} expects a real input tensor, but got {scalar_name(dtype)}"
        raise Refusal("wrong-dtype", f"{name} takes real numbers, but {dtype} arrives", "input", note=note)
    return DTYPES[COMPLEX_OF.get(dtype, dtype)]


def _require_points(size: Size, name: str = "n") -> Size:
    if not assume_at_least(size, 1):
        note = f"Invalid number of data points ({size}) specified"
        raise Refusal("invalid-argument", f"a transform wants 1 point or more, not {size}", name, note=note)
    return size


def _require_norm(norm: str | None) -> None:
    if norm not in _NORMS:
        raise Refusal(
            "invalid-argument",
            f"there is no norm {norm!r}: forward, backward or ortho",
            "norm",
            note=f'Invalid normalization mode: "{norm}"',
        )


def _one_dimension(name: str, doc: str) -> None:
    def rule(input: Tensor, n: Whole | None = None, dim: Whole = -1, norm: str | None = None) -> Tensor:
        dtype = _transformed_dtype(input, name, real_only=name in ("rfft", "ihfft"))
        with in_other_words(not input.shape):
            place = axis(dim, input.shape)
        if not input.shape:
            raise Refusal("wrong-rank", f"{name} transforms a dimension, but a single number arrives", "input")
        shape = list(input.shape)
        shape[place], dtype = _length(name, shape[place], n, dtype)
        _require_norm(norm)
        return Tensor(tuple(shape), dtype)

    rule.__doc__ = doc
    function(name=name, example=(f"{name}()", "6x16"))(rule)


def _length(name: str, size: Size, n: Size | None, dtype: DType) -> tuple[Size, DType]:
    """The size of the transformed dimension, and the dtype of the result."""
    kind = name.rstrip("2n")
    if kind in ("irfft", "hfft"):
        return _require_points(2 * (size - 1) if n is None else n), DTYPES[REAL_OF[dtype]]
    points = _require_points(size if n is None else n)
    return (points // 2 + 1 if kind in ("rfft", "ihfft") else points), dtype


_one_dimension("fft", """Computes the discrete Fourier transform along a dimension.

    n: the length of the signal; the input is zero-padded or trimmed to it.
    dim: the dimension to transform.
    """)  # fmt: skip
_one_dimension("ifft", "Computes the inverse discrete Fourier transform along a dimension.")
_one_dimension("rfft", "Computes the Fourier transform of a real signal: the n // 2 + 1 nonnegative frequencies.")
_one_dimension("irfft", "Computes the inverse of rfft: a real signal of n values, 2 * (size - 1) by default.")
_one_dimension("hfft", "Computes the Fourier transform of a Hermitian signal, given as its first half: real values.")
_one_dimension("ihfft", "Computes the inverse of hfft.")


def _several_dimensions(name: str, doc: str, pair: bool) -> None:
    def rule(
        input: Tensor, s: Wholes | None = None, dim: Wholes | None = (-2, -1) if pair else None, norm: str | None = None
    ) -> Tensor:
        if pair and dim is None:
            raise Refusal("wrong-type", f"{name} takes two dimensions as dim, not None", "dim")
        with in_other_words():  # torch asks in another order
            _require_norm(norm)
            dtype = _transformed_dtype(input, name, real_only=name.startswith("rfft"))
        sizes = (s,) if s is not None and not isinstance(s, (tuple, list)) else s
        if sizes is not None and len(sizes) > len(input.shape):
            message = f"s (={described(tuple(sizes))}) has more sizes than {input} has dimensions"
            raise Refusal("invalid-argument", message, "s")
        if dim is None and sizes is not None:
            dim = tuple(range(-len(sizes), 0))
        with in_other_words():
            places = axes(dim, input.shape, every=False)
        if sizes is not None and len(sizes) != len(places):
            message = f"s (={described(tuple(sizes))}) and dim (={described(dim)}) must have one length"
            note = "When given, dim and shape arguments must have the same length" if input.shape else ""
            raise Refusal("invalid-argument", message, "s", note=note)
        kind = name.rstrip("2n")
        if not places:
            if kind in ("rfft", "irfft"):
                raise Refusal(
                    "wrong-rank",
                    f"{name} must transform at least one axis",
                    "dim",
                    note=f"{kind}n must transform at least one axis",
                )
            return Tensor(input.shape, dtype)
        if not input.shape:
            raise Refusal("wrong-rank", f"{name} transforms a dimension, but a single number arrives", "input")
        shape = list(input.shape)
        for number, place in enumerate(places):
            n = None if sizes is None or sizes[number] == -1 else sizes[number]
            if number == len(places) - 1:
                shape[place], dtype = _length(name, shape[place], n, dtype)
            else:
                shape[place] = _require_points(shape[place] if n is None else n, "s")
        return Tensor(tuple(shape), dtype)

    rule.__doc__ = doc
    function(name=name, example=(f"{name}()", "6x16x16" if pair else "[6, 16, 16]"))(rule)


for _kind, _doc in {
    "fft": "Computes the discrete Fourier transform over {}.",
    "ifft": "Computes the inverse discrete Fourier transform over {}.",
    "rfft": "Computes the Fourier transform of a real signal over {}: size // 2 + 1 values in the last.",
    "irfft": "Computes the inverse of rfft over {}: a real signal.",
}.items():
    _several_dimensions(f"{_kind}2", _doc.format("two dimensions"), pair=True)
    _several_dimensions(f"{_kind}n", _doc.format("several dimensions"), pair=False)


def _shifted(name: str, doc: str) -> None:
    def rule(input: Tensor, dim: Wholes | None = None) -> Tensor:
        if not input.shape:
            raise Refusal("wrong-rank", "{layer} shifts a dimension, but a single number arrives", "input")
        places = range(len(input.shape)) if dim is None else dim if isinstance(dim, (tuple, list)) else (dim,)
        if not places:
            raise Refusal(
                "invalid-argument", "{layer} wants one dimension or more to shift", "dim", note="`shifts` required"
            )
        for place in places:
            axis(place, input.shape)
        return input.like()

    rule.__doc__ = doc
    function(name=name, example=(f"{name}()", "6x16"))(rule)


_shifted("fftshift", "Moves the zero frequency to the center.")
_shifted("ifftshift", "Moves the zero frequency back to the start, the inverse of fftshift.")


def _frequencies(name: str, doc: str) -> None:
    def rule(
        n: Whole,
        d: float = 1.0,
        *,
        dtype: DType | None = None,
        device: Device | None = None,
        requires_grad: Flag = False,
    ) -> Tensor:
        size = n // 2 + 1 if name == "rfftfreq" else n
        if not assume_at_least(n, 0):
            raise Refusal("invalid-argument", f"n must be 0 or more, not {n}", "n")
        if dtype is not None and category(dtype) < 2:
            note = f"{name} requires a floating point or complex dtype"
            raise Refusal("wrong-dtype", f"{{layer}} computes floats, not {dtype}", "dtype", note=note)
        if dtype is not None and is_complex(dtype):
            raise Refusal("wrong-dtype", f"{{layer}} computes floats, not {dtype}", "dtype")
        return Tensor((size,), DTYPES[dtype or default_dtype()])

    rule.__doc__ = doc
    function(name=name, factory=True, example=(f"{name}(16)",))(rule)


_frequencies("fftfreq", "Returns the sample frequencies of fft for a signal of n values.")
_frequencies("rfftfreq", "Returns the sample frequencies of rfft for a signal of n values.")


def _require_window(window: Tensor | None, length: Size) -> None:
    if window is not None and (len(window.shape) != 1 or not assume_equal(window.shape[0], length)):
        raise Refusal("size-mismatch", f"{{layer}} wants a window of {length}, but {window} arrives", "window")


def _steps(n_fft: Size, hop_length: Size | None, win_length: Size | None) -> tuple[Size, Size]:
    """The hop length and the window length; by default, n_fft // 4 and n_fft."""
    hop = n_fft // 4 if hop_length is None else hop_length
    window = n_fft if win_length is None else win_length
    if not assume_at_least(hop, 1):
        raise Refusal("invalid-argument", f"hop_length must be 1 or more, not {hop}", "hop_length")
    if not (assume_at_least(window, 1) and assume_at_least(n_fft, window)):
        message = f"win_length (={window}) must be from 1 to n_fft (={n_fft})"
        raise Refusal("invalid-argument", message, "win_length")
    return hop, window


@function(method=True, example=("stft(400, return_complex=True)", "[N, 16000]"))
def stft(
    input: Tensor, n_fft: Whole, hop_length: Whole | None = None, win_length: Whole | None = None,
    window: Tensor | None = None,
    center: Flag = True, pad_mode: str = "reflect", normalized: Flag = False, onesided: Flag | None = None,
    return_complex: Flag | None = None, align_to_window: Flag | None = None,
) -> Tensor:  # fmt: skip
    """Computes the short-time Fourier transform of a signal [N, L] or [L]: [N, frequencies, frames].

    n_fft: the size of each Fourier transform.
    hop_length: the distance between frames; n_fft // 4 if None.
    win_length: the size of the window and of each frame; n_fft if None.
    window: the window function, a vector of win_length values; ones if None.
    center: whether to pad both ends with n_fft // 2 values, so that frames are centered on their time step.
    onesided: whether to return only the n_fft // 2 + 1 nonnegative frequencies; True for real signals if None.
    return_complex: whether to return a complex tensor instead of a last dimension of size 2.
    normalized: whether to divide the result by the square root of the frame length.
    pad_mode: the padding mode with center=True: a mode of `pad`.
    align_to_window: whether to align frames to the window instead of to n_fft, with center=False.
    """
    if len(input.shape) not in (1, 2) or category(input.dtype) < 2:
        problem: KindName = "wrong-dtype" if category(input.dtype) < 2 else "wrong-rank"
        raise Refusal(problem, f"{{layer}} takes a signal [L] or [N, L] of floats, but {input} arrives", "input")
    complex_input = is_complex(input.dtype) or (window is not None and is_complex(window.dtype))
    if return_complex is None and not complex_input:
        note = (
            "stft requires the return_complex parameter be given for real inputs, and will further require that "
            "return_complex=True in a future PyTorch release."
        )
        raise Refusal(
            "missing-argument", "stft wants return_complex=True, or False for pairs", "return_complex", note=note
        )
    if align_to_window is not None and center:
        raise Refusal("invalid-argument", "stft takes align_to_window only without center", "align_to_window")
    length = input.shape[-1]
    if center:
        half = n_fft // 2
        if pad_mode == "reflect" and not assume_at_least(length, half + 1):
            message = f"a signal of {length} cannot be reflected by {half} points at its ends: n_fft is {n_fft}"
            raise Refusal("empty-output", message, "n_fft")
        length = length + 2 * half
    if not (assume_at_least(n_fft, 1) and assume_at_least(length, n_fft)):
        message = f"n_fft (={n_fft}) must be from 1 to {length}, the signal's length"
        raise Refusal("invalid-argument", message, "n_fft")
    hop, span = _steps(n_fft, hop_length, win_length)
    _require_window(window, span)
    if complex_input and onesided:
        raise Refusal("invalid-argument", "complex signals have two sides: onesided=False", "onesided")
    half_only = not complex_input if onesided is None else onesided
    dtype = _transformed_dtype(input, "stft")
    shape = (*input.shape[:-1], n_fft // 2 + 1 if half_only else n_fft, (length - n_fft) // hop + 1)
    if return_complex or (return_complex is None and complex_input):
        return Tensor(shape, dtype)
    return Tensor((*shape, 2), DTYPES[REAL_OF[dtype]])


@function(method=True, example=("istft(400)", "complex64[N, 201, 161]"))
def istft(
    input: Tensor, n_fft: Whole, hop_length: Whole | None = None, win_length: Whole | None = None,
    window: Tensor | None = None,
    center: Flag = True, normalized: Flag = False, onesided: Flag | None = None, length: Whole | None = None,
    return_complex: Flag = False,
) -> Tensor:  # fmt: skip
    """Computes the inverse short-time Fourier transform: the signal, by least squares.

    n_fft, hop_length, win_length, window, center: as passed to stft.
    length: the length of the signal; determined by the frames if None.
    normalized: whether stft normalized the input.
    onesided: whether the input holds only the nonnegative frequencies.
    return_complex: whether the signal is complex.
    """
    if not is_complex(input.dtype):
        note = "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        raise Refusal("wrong-dtype", f"{{layer}} takes complex numbers, but {input.dtype} arrives", "input", note=note)
    if len(input.shape) not in (2, 3):
        message = f"{{layer}} takes [frequencies, frames] or a batch of them, but {input} arrives"
        raise Refusal("wrong-rank", message, "input")
    hop, span = _steps(n_fft, hop_length, win_length)
    if not assume_at_least(span, hop):
        message = f"hop_length (={hop}) must be from 1 to win_length (={span})"
        raise Refusal("invalid-argument", message, "hop_length" if hop_length is not None else "win_length")
    bins, frames = input.shape[-2:]
    half_only = onesided
    if half_only is None:
        half_only = not return_complex if isinstance(bins, Dim) else bins != n_fft
    wanted = n_fft // 2 + 1 if half_only else n_fft
    if not assume_equal(bins, wanted):
        message = f"{{layer}} wants {wanted} frequencies for n_fft (={n_fft}), but {bins} arrive"
        raise Refusal("size-mismatch", message, "n_fft")
    if not assume_at_least(frames, 1):
        raise Refusal("empty-output", f"{{layer}} wants one frame or more, but {input} arrives", "input")
    _require_window(window, span)
    if window is not None and is_complex(window.dtype) and not return_complex:
        note = "Complex windows are incompatible with return_complex=False"
        raise Refusal("wrong-dtype", "{layer} takes a complex window with return_complex=True", "window", note=note)
    if half_only and return_complex:
        note = "Cannot have onesided output if window or input is complex"
        message = f"a complex signal has all {n_fft} frequencies, and {{layer}} reads the nonnegative ones: onesided"
        raise Refusal("invalid-argument", message, "return_complex", note=note)
    covered = n_fft + hop * (frames - 1)
    cut = n_fft // 2 if center else 0
    if not assume_at_least(covered - (2 if length is None else 1) * cut, 1):
        message = f"{{layer}} cuts {cut} off each end, and the frames cover {covered}"
        raise Refusal("empty-output", message, "center")
    if length is None:
        length = covered - 2 * cut
    dtype = input.dtype if return_complex else DTYPES[REAL_OF[input.dtype]]
    return Tensor((*input.shape[:-2], length), dtype)
