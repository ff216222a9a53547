"""Layers and functions of other libraries are told as such, with torch's form of them."""

import pytest

import nnshape

LAYERS = {
    "Dense(10)": ("48", "Linear(auto, 10)"),
    "Dense(units=10, use_bias=False)": ("48", "Linear(auto, 10, bias=False)"),
    "Dense(10, activation='relu', input_shape=(48,))": ("48", "Sequential(Linear(auto, 10), ReLU())"),
    "Dense(10, activation='linear')": ("48", "Linear(auto, 10)"),
    "nn.Dense(features=10)": ("48", "Linear(auto, 10)"),
    "tf.keras.layers.Dense(10)": ("48", "Linear(auto, 10)"),
    "layers.Dense(10)": ("48", "Linear(auto, 10)"),
    "Conv1D(4, 3)": ("3x8", "Conv1d(auto, 4, 3)"),
    "Conv2D(4, 3)": ("3x8x8", "Conv2d(auto, 4, 3)"),
    "Conv2D(4, (3, 3), padding='same', activation='relu')": (
        "3x8x8", "Sequential(Conv2d(auto, 4, (3, 3), padding='same'), ReLU())",
    ),
    "Conv2D(filters=4, kernel_size=3, strides=2)": ("3x8x8", "Conv2d(auto, 4, 3, stride=2)"),
    "Conv3D(4, 3)": ("3x8x8x8", "Conv3d(auto, 4, 3)"),
    "Conv2DTranspose(4, 3, 2)": ("3x8x8", "ConvTranspose2d(auto, 4, 3, stride=2)"),
    "nn.Conv(4, (3, 3))": ("3x8x8", "nn.Conv2d(auto, 4, (3, 3))"),
    "MaxPooling2D()": ("3x8x8", "MaxPool2d(2)"),
    "MaxPooling2d(2)": ("3x8x8", "MaxPool2d(2)"),
    "MaxPooling1D(2)": ("3x8", "MaxPool1d(2)"),
    "AveragePooling2D((2, 2), strides=1)": ("3x8x8", "AvgPool2d((2, 2), stride=1)"),
    "GlobalAveragePooling2D()": ("3x8x8", "Sequential(AdaptiveAvgPool2d(1), Flatten())"),
    "GlobalMaxPooling1D()": ("3x8", "Sequential(AdaptiveMaxPool1d(1), Flatten())"),
    "BatchNormalization()": ("3x8x8", "BatchNorm2d(auto)"),
    "LayerNormalization()": ("48", "LayerNorm(auto)"),
    "GroupNormalization(4)": ("8x8x8", "GroupNorm(4, auto)"),
    "UpSampling2D()": ("3x8x8", "Upsample(scale_factor=2)"),
    "ZeroPadding2D(1)": ("3x8x8", "ZeroPad2d(1)"),
    "SpatialDropout2D(0.2)": ("3x8x8", "Dropout2d(0.2)"),
    "Reshape((2, 24))": ("48", "view(N, 2, 24)"),
    "Activation('relu')": ("48", "ReLU()"),
    "Add()([x, x])": ("48", "x + x"),
    "Concatenate(axis=-1)([x, x])": ("48", "cat([x, x], 1)"),
}  # fmt: skip


@pytest.mark.parametrize("step", LAYERS, ids=lambda step: step)
def test_a_layer_of_another_library_has_a_fix(of, step):
    shape, meant = LAYERS[step]
    t = of(f"input: {shape}\nlayers:\n  a: {step}\n")
    (problem,) = t.trace.problems
    assert problem.kind == "unknown-layer"
    assert problem.message.split(" is a layer of ")[1] in ("Keras, not of torch", "Flax, not of torch")
    assert problem.span.line == 3
    fixes = [fix.shown for fix in nnshape.find_fixes(t.trace)]
    assert fixes == [f"a: {meant.removeprefix('nn.')}"]


@pytest.mark.parametrize(
    ("shape", "meant"),
    [("3x8", "BatchNorm1d"), ("3x8x8", "BatchNorm2d"), ("3x8x8x8", "BatchNorm3d"), ("48", "BatchNorm1d")],
)
def test_the_form_is_of_the_rank_that_arrives(of, shape, meant):
    t = of(f"input: {shape}\nlayers:\n  a: BatchNormalization()\n")
    assert [fix.shown for fix in nnshape.find_fixes(t.trace)] == [f"a: {meant}(auto)"]


@pytest.mark.parametrize(
    "step",
    [
        "Dense(10, 20, 30, 40)",
        "Dense(*[10])",
        "Dense(10, axis=1)",
        "Dense()",
        "Dense(10, activation='mystery')",
        "Dense",
    ],
)
def test_a_call_that_cannot_be_told_has_no_fix(of, step):
    t = of(f"input: 48\nlayers:\n  a: {step}\n")
    assert t.trace.problems[0].message == "Dense is a layer of Keras, not of torch"
    assert t.trace.problems[0].help == ("write Linear(auto, units)",)
    assert nnshape.find_fixes(t.trace) == ()


def test_a_convolution_with_the_arguments_of_torch_is_a_misspelling(of):
    t = of("input: 3x8x8\nlayers:\n  a: Conv2D(3, 4, 3)\n")
    assert t.trace.problems[0].message == "there is no layer or block called Conv2D"
    assert [fix.shown for fix in nnshape.find_fixes(t.trace)] == ["a: Conv2d(3, 4, 3)"]


WORDS = ["Bidirectional", "DepthwiseConv2D", "Input", "Lambda", "Permute", "SeparableConv2D", "TimeDistributed"]


@pytest.mark.parametrize("name", WORDS)
def test_a_layer_that_no_call_replaces_is_told_in_words(of, name):
    (problem,) = of(f"input: 48\nlayers:\n  a: {name}(x)\n").trace.problems
    assert problem.message == f"{name} is a layer of Keras, not of torch"
    assert problem.help[0].startswith("write ")


@pytest.mark.parametrize(
    "name", ["einops.rearrange(x, 'n c -> c n')", "rearrange(x, 'n c -> c n')", "Rearrange('n c -> c n')"]
)
def test_einops(of, name):
    (problem,) = of(f"input: 48\nlayers:\n  a: {name}\n").trace.problems
    assert problem.kind == "unknown-name"
    assert "is a function of einops, not of torch" in problem.message


def test_a_step_may_bear_the_name_of_another_library(of):
    assert (
        of("input: 8\nlayers:\n  np: Linear(8, 4)\n  tf: np + 1\n  embed: relu(np)\noutput: [tf, embed]\n").problems
        == []
    )
    assert of("input: 8\nlayers:\n  a: embed(x)\n").trace.problems[0].message.startswith("there is no step")
