"""Parametrizations of torch: `weight_norm`, `spectral_norm` and `orthogonal`, with the tensors that each one stores.

Those of `torch.nn.utils.parametrizations` move a tensor of a layer to `parametrizations.weight`; the older ones of
`torch.nn.utils` replace it by tensors of other names, such as `weight_g` and `weight_v`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from nnshape.records import dataclass
from nnshape.shapes.arguments import REQUIRED, Parameter, Signature
from nnshape.shapes.dims import Dim
from nnshape.shapes.dtypes import is_complex
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, product

_MAPS = ("matrix_exp", "cayley", "householder")
_TRANSPOSED = ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
_NAME = Parameter("name", ("str",), "weight")
_POWER = (
    Parameter("n_power_iterations", ("Whole",), 1),
    Parameter("eps", ("float",), 1e-12),
    Parameter("dim", ("Whole", "None"), None),
)
_LAYER = Parameter("module", ("Any",), REQUIRED)
SIGNATURES: Mapping[str, Signature] = {
    "weight_norm": Signature("weight_norm", [_LAYER, _NAME, Parameter("dim", ("Whole", "None"), 0)]),
    "spectral_norm": Signature("spectral_norm", [_LAYER, _NAME, *_POWER]),
    "orthogonal": Signature(
        "orthogonal",
        [
            _LAYER,
            _NAME,
            Parameter("orthogonal_map", ("str", "None"), None),
            Parameter("use_trivialization", ("bool",), True, keyword_only=True),
        ],
    ),
}


@dataclass(frozen=True, slots=True)
class Parametrization:
    """A call of `weight_norm`, `spectral_norm` or `orthogonal`; `older` for those of `torch.nn.utils`."""

    function: str
    older: bool
    arguments: Mapping[str, Any]


@dataclass(slots=True)
class ParametrizedTensor:
    """A tensor of a layer, its originals, and the class and buffers of each of its parametrizations."""

    tensor: Tensor
    is_buffer: bool
    originals: dict[str, Tensor] = field(default_factory=dict)
    parametrizations: list[tuple[str, dict[str, Tensor]]] = field(default_factory=list)


@dataclass(slots=True)
class StoredTensors:
    """The parameters and buffers of a layer, and those that are parametrized, in the order of the state dict."""

    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]
    parametrized: dict[str, ParametrizedTensor] = field(default_factory=dict)

    def apply(self, layer: str, parametrization: Parametrization) -> None:
        """Apply a parametrization, as torch does to a layer of this type. Raises Refusal."""
        arguments = parametrization.arguments
        name = arguments["name"]
        if parametrization.older:
            self._replace(layer, parametrization.function, name, arguments)
            return
        found = self.parametrized.get(name)
        held = found or self._taken(name)
        made: tuple[str, dict[str, Tensor]]
        needs_first = parametrization.function == "weight_norm" or arguments.get("use_trivialization", False)
        if found is not None and needs_first:
            # torch registers it, and then fails to compute the tensor.
            message = f"{parametrization.function} must be the first parametrization of {name}"
            raise Refusal("invalid-argument", message, "module")
        if parametrization.function == "weight_norm":
            made = "_WeightNorm", {}
            norm = Tensor(_norm_shape(held.tensor, arguments["dim"]), held.tensor.dtype)
            originals = {"original0": norm, "original1": held.tensor}
        elif parametrization.function == "spectral_norm":
            vectors = zip(("_u", "_v"), _vectors(layer, held.tensor, arguments), strict=True)
            made = "_SpectralNorm", dict(vectors) if len(held.tensor.shape) > 1 else {}
            originals = {"original": held.tensor}
        else:
            made = "_Orthogonal", _base(held.tensor, arguments)
            originals = {"original": held.tensor}
        if found is None:
            held.originals = originals
            (self.buffers if held.is_buffer else self.parameters).pop(name)
            self.parametrized[name] = held
        held.parametrizations.append(made)

    def _taken(self, name: str) -> ParametrizedTensor:
        is_buffer = name not in self.parameters
        tensor = (self.buffers if is_buffer else self.parameters).get(name)
        if tensor is None or "." in name:
            raise self._has_none(name, "parameter or buffer")
        return ParametrizedTensor(tensor, is_buffer)

    def _has_none(self, name: str, what: str) -> Refusal:
        names = ", ".join(own for own in (*self.parameters, *self.buffers) if "." not in own) or "none"
        message = f"{{layer}} has no {what} {name}: it has {names}"
        return Refusal("invalid-argument", message, "name")

    def _replace(self, layer: str, function: str, name: str, arguments: Mapping[str, Any]) -> None:
        """Apply a function of `torch.nn.utils`: it removes the tensor, and adds others at the end."""
        tensor = self.parameters.get(name)
        if tensor is None or "." in name:
            raise self._has_none(name, "parameter")
        if function == "weight_norm":
            norm = Tensor(_norm_shape(tensor, arguments["dim"]), tensor.dtype)
            added, vectors = {f"{name}_g": norm, f"{name}_v": tensor}, {}
        else:
            dim = arguments["dim"]
            if dim is not None and dim < 0:
                raise Refusal("invalid-argument", f"{{layer}} needs a dim of 0 or more here, not {dim}", "dim")
            u, v = _vectors(layer, tensor, arguments)
            added, vectors = {f"{name}_orig": tensor}, {f"{name}_u": u, f"{name}_v": v}
        taken = next((one for one in (*added, *vectors) if one in self.parameters or one in self.buffers), None)
        if taken is not None:
            raise Refusal("invalid-argument", f"{{layer}} has {taken} already", "name")
        del self.parameters[name]
        self.parameters = _with(self.parameters, added)
        self.buffers = _with(self.buffers, vectors)


def _with(tensors: dict[str, Tensor], added: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a layer with others after its own, and before those of the modules inside it."""
    own = {name: tensor for name, tensor in tensors.items() if "." not in name}
    return {**own, **added, **tensors}


def _norm_shape(tensor: Tensor, dim: int | None) -> tuple[int | Dim, ...]:
    """The shape of the norms of a tensor over all dimensions but one, or over all for -1, as torch reads it."""
    if dim is None or dim == -1:
        return ()
    at = _dimension(tensor, dim, ", but got ")
    return tuple(size if index == at else 1 for index, size in enumerate(tensor.shape))


def _vectors(layer: str, tensor: Tensor, arguments: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """The singular vectors that the power method keeps."""
    dim = arguments["dim"]
    if dim is None:
        dim = 1 if layer in _TRANSPOSED else 0
    at = _dimension(tensor, dim, " but got ")
    count = arguments["n_power_iterations"]
    if count <= 0:
        note = f"Expected n_power_iterations to be positive, but got n_power_iterations={count}"
        message = f"n_power_iterations must be 1 or more, not {count}"
        raise Refusal("invalid-argument", message, "n_power_iterations", note=note)
    rest = product(size for index, size in enumerate(tensor.shape) if index != at)
    return Tensor((tensor.shape[at],), tensor.dtype), Tensor((rest,), tensor.dtype)


def _dimension(tensor: Tensor, dim: int, got: str) -> int:
    ndim = len(tensor.shape)
    if not -ndim <= dim < ndim:
        note = f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}]{got}{dim})"
        message = f"dim must be from -{ndim} to {ndim - 1} for this tensor of {ndim} dimensions, not {dim}"
        raise Refusal("invalid-argument", message, "dim", note=note)
    return dim % ndim


def _base(tensor: Tensor, arguments: Mapping[str, Any]) -> dict[str, Tensor]:
    """The buffers of an orthogonal parametrization."""
    ndim = len(tensor.shape)
    if ndim < 2:
        note = f"Expected a matrix or batch of matrices. Got a tensor of {ndim} dimensions."
        raise Refusal("invalid-argument", f"only a matrix can be orthogonal, not {tensor}", "name", note=note)
    rows, columns = tensor.shape[-2:]
    chosen = arguments["orthogonal_map"]
    if chosen is None:
        chosen = "matrix_exp" if rows == columns or is_complex(tensor.dtype) else "householder"
    if chosen not in _MAPS:
        note = f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {chosen}'
        message = f"orthogonal_map must be {', '.join(_MAPS[:-1])} or {_MAPS[-1]}, not {chosen!r}"
        raise Refusal("invalid-argument", message, "orthogonal_map", note=note)
    if chosen == "householder" and is_complex(tensor.dtype):
        note = "The householder parametrization does not support complex tensors."
        raise Refusal("wrong-dtype", "householder works on real numbers only", "orthogonal_map", note=note)
    if not arguments["use_trivialization"]:
        return {}
    side = rows if rows >= columns else columns
    return {"base": Tensor((*tensor.shape[:-2], side, side), tensor.dtype)}
