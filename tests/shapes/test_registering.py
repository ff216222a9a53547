"""A name of torch has one rule, and an index tells each layer's functional form without importing the layer."""

from __future__ import annotations

import pytest
from functional import check_functional_form

from nnshape.shapes.function import REGISTRY as FUNCTIONS
from nnshape.shapes.function import function
from nnshape.shapes.functions import all_functions, find_function
from nnshape.shapes.layer_base import REGISTRY as LAYERS
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.layers import all_layers, find_layer
from nnshape.shapes.layers.index import LAYER_OF
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.twins import layer_of


def test_a_layer_that_is_declared_twice_is_an_error() -> None:
    declared = find_layer("Conv2d")
    with pytest.raises(TypeError, match=r"Conv2d is declared twice: in nnshape\.shapes\.layers\.convolution too"):
        type("Conv2d", (Layer,), {"__annotations__": {}})
    assert LAYERS["Conv2d"] is declared


@pytest.mark.parametrize(("name", "options"), [("relu", {}), ("flatten", {"method": True}), ("view", {})])
def test_a_function_that_is_declared_twice_is_an_error(name: str, options: dict[str, bool]) -> None:
    declared = find_function(name)
    with pytest.raises(TypeError, match=f"{name} is declared twice"):
        function(name=name, example=(f"{name}()",), **options)(lambda input: input)
    assert FUNCTIONS[name] is declared


def test_a_method_of_another_order_is_declared_under_its_own_name() -> None:
    assert all_functions()["unfold"] is not all_functions()["Tensor.unfold"]
    with pytest.raises(TypeError, match=r"Tensor\.unfold is declared twice"):
        function(name="unfold", only_method=True, example=("unfold(1, 2, 3)",))(lambda input: input)


def test_the_index_of_functional_forms_is_what_the_layers_declare() -> None:
    declared = {layer.functional.name for layer in all_layers().values() if layer.functional is not None}
    assert declared == LAYER_OF.keys()
    for function_name, layer_name in LAYER_OF.items():
        assert LAYERS[layer_name].functional is FUNCTIONS[function_name]


def test_a_functional_form_is_found_by_its_declaration_alone() -> None:
    assert layer_of("binary_cross_entropy") is find_layer("BCELoss")
    assert layer_of("relu_") is layer_of("relu") is find_layer("ReLU")
    assert layer_of("batch_norm") is find_layer("BatchNorm1d")
    assert layer_of("identity") is layer_of("r_e_l_u") is None


def test_a_tensor_has_torchs_methods() -> None:
    assert Tensor((2, 3)).transpose(0, 1).shape == (3, 2)
    with pytest.raises(AttributeError, match="a tensor has no method 'conv2d'"):
        _ = Tensor((2, 3)).conv2d


#: The layers of torch.nn that have no function of their own, by what they begin with or contain.
WITHOUT_FUNCTION = (
    "Lazy", "RNN", "LSTM", "GRU", "Transformer", "Identity", "CrossMapLRN2d", "MultiheadAttention",
    "AdaptiveLogSoftmaxWithLoss",
)  # fmt: skip


def test_every_layer_declares_its_functional_form() -> None:
    silent = [name for name, layer in all_layers().items() if layer.functional is None]
    assert not [name for name in silent if not any(word in name for word in WITHOUT_FUNCTION)]


def test_a_layer_that_parts_from_its_functional_form_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    linear, x = find_layer("Linear")(3, 4), Tensor((2, 3))
    check_functional_form(linear, (x,), {})
    monkeypatch.setattr(type(linear), "macs", lambda *_: 1)
    with pytest.raises(AssertionError, match="multiply-accumulates"):
        check_functional_form(linear, (x,), {})
    monkeypatch.setattr(type(linear), "forward", lambda self, input: Tensor((2, 5)))
    with pytest.raises(AssertionError, match=r"Linear\(3, 4\) and linear"):
        check_functional_form(linear, (x,), {})
