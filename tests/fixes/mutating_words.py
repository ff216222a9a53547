"""What mutations write: layers that people take for one another, arguments that they add, steps that they put in."""

from __future__ import annotations

DTYPES = ("float32", "float64", "int64", "int32", "bool", "float16")

#: Names of one family: one stands for another by mistake.
FAMILIES: tuple[tuple[str, ...], ...] = (
    ("Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Linear", "Conv2D"),
    ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm2d", "InstanceNorm1d", "LayerNorm",
     "RMSNorm", "GroupNorm"),
    ("MaxPool1d", "MaxPool2d", "MaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "MaxPool", "LPPool2d",
     "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool2d"),
    ("ReLU", "GELU", "Sigmoid", "Tanh", "SiLU", "Softmax", "LogSoftmax", "GLU", "PReLU", "Identity", "Flatten", "Relu",
     "ReLU6", "Dropout", "Dropout2d", "Softplus", "LeakyReLU", "Hardtanh", "Threshold"),
    ("LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell"),
    ("Linear", "Embedding", "EmbeddingBag", "Bilinear", "Identity"),
    ("Flatten", "Unflatten", "Identity", "Softmax"),
    ("relu", "gelu", "sigmoid", "tanh", "softmax", "log_softmax", "sqrt", "abs", "exp", "glu", "normalize", "argmax"),
    ("flatten", "squeeze", "unsqueeze", "reshape", "view", "mean", "sum", "unflatten"),
    ("cat", "stack", "hstack", "vstack", "concat"),
    ("transpose", "permute", "swapaxes", "reshape", "view", "movedim", "flip"),
    ("adaptive_avg_pool2d", "adaptive_max_pool2d", "adaptive_avg_pool1d", "avg_pool2d", "max_pool2d", "interpolate"),
    ("zeros", "ones", "arange", "full"),
    ("expand", "repeat", "reshape", "view", "tile"),
    ("triu", "tril", "diag", "cumsum"),
    ("bool", "long", "float", "int", "double"),
    ("shape", "dtype", "ndim", "T", "mT"),
    ("Transformer", "TransformerEncoder", "MultiheadAttention", "Identity"),
)  # fmt: skip

#: Arguments that a layer has, by a pattern of its name.
ARGUMENTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"Conv\dd", (
        "stride=2", "padding=1", "padding=2", "dilation=2", "groups=2", "groups=3", "kernel_size=2", "padding='same'",
        "padding='valid'", "padding_mode='reflect'", "padding_mode='zeros'", "bias=False", "dilation=3", "stride=0",
        "dtype=float64", "stride=(2, 1)", "padding=(0, 1)", "out_channels=3",
    )),
    (r"ConvTranspose\dd", ("output_padding=1", "stride=1", "padding=1", "dilation=2", "groups=2", "groups=4")),
    (r"(Max|Avg|LP)Pool\dd", (
        "stride=1", "padding=1", "padding=2", "ceil_mode=True", "dilation=2", "return_indices=True",
    )),
    (r"(Linear|Bilinear)", ("bias=False", "dtype=float64", "out_features=3", "in_features=4")),
    (r"(LSTM|GRU|RNN)", (
        "num_layers=2", "bidirectional=True", "batch_first=True", "proj_size=3", "proj_size=9", "dropout=0.5",
        "bias=False", "num_layers=0", "hidden_size=5",
    )),
    (r"MultiheadAttention", ("batch_first=False", "kdim=8", "vdim=8", "bias=False", "add_bias_kv=True", "dropout=2")),
    (r"Transformer\w*", (
        "norm_first=True", "batch_first=False", "dim_feedforward=8", "activation='relu'", "nhead=5", "num_layers=1",
        "num_encoder_layers=1", "num_decoder_layers=1",
    )),
    (r"(LayerNorm|RMSNorm)", ("elementwise_affine=False", "bias=False", "eps=1e-3", "normalized_shape=3")),
    (r"(Batch|Instance)Norm\dd", (
        "affine=False", "track_running_stats=False", "momentum=0.2", "affine=True", "num_features=3",
    )),
    (r"Embedding", ("padding_idx=3", "padding_idx=-1", "padding_idx=99999", "max_norm=1.0")),
    (r"(Softmax|softmax|log_softmax|LogSoftmax)", ("dim=1", "dim=-1", "dim=2", "dim=5")),
    (r"(Dropout\w*)", ("p=0.5", "p=1.5", "inplace=True")),
    (r"(ReLU6?|SiLU)", ("inplace=True", "dim=1", "3")),
    (r"(flatten|Flatten)", ("1", "0", "start_dim=2", "end_dim=1", "-1", "-2")),
    (r"(cat|stack)", ("dim=0", "dim=2", "dim=-1", "1")),
    (r"scaled_dot_product_attention", ("enable_gqa=True", "dropout_p=0.1", "scale=2.0", "attn_mask=qkv")),
    (r"(zeros|ones|arange)", ("dtype=int64", "dtype=bool", "2", "0")),
    (r"Sequential", ("ReLU()", "Flatten()", "Linear(8, 8)", "transpose(1, 2)")),
)  # fmt: skip

STEPS = (
    "Flatten()", "ReLU()", "Identity()", "transpose(1, 2)", "unsqueeze(1)", "squeeze(1)", "permute(0, 2, 1)", "mean(1)",
    "Linear(8, 8)", "Softmax(1)", "Dropout(0.5)", "flatten(2)", "view(-1, 4)", "view(N, -1)", "float()", "long()",
    "MaxPool2d(2)", "BatchNorm2d(16)", "LayerNorm(24)", "Linear(24, 24)", "Conv2d(64, 64, 1)", "unsqueeze(0)", "_[0]",
    "_[:, 0]", "_ + _", "_ @ _", "_ * 2", "cat([_, _], 1)", "stack([_, _])", "GroupNorm(4, 16)", "reshape(2, -1)",
    "_.chunk(2)", "_.chunk(2, 1)", "_.mT", "ZeroPad2d(1)", "Upsample(scale_factor=2)", "GLU()", "argmax(1)",
    "_[..., 1:]",
    "_[:, ::2]", "_.shape[1]", "LSTM(6, 6)", "interpolate(scale_factor=0.5)", "PixelShuffle(2)",
    "Unflatten(1, (2, -1))",
)  # fmt: skip
