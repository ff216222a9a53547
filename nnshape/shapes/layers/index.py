"""The file of this folder that declares each name. Written by `python tests/index.py`."""

_NAMES = """
activation: CELU ELU GELU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid Mish PReLU RReLU ReLU ReLU6
SELU SiLU Sigmoid Softplus Softshrink Softsign Tanh Tanhshrink Threshold

softmax: GLU LogSoftmax Softmax Softmax2d Softmin

linear: Bilinear Identity Linear

convolution: Conv1d Conv2d Conv3d

pooling: AvgPool1d AvgPool2d AvgPool3d MaxPool1d MaxPool2d MaxPool3d

normalization: BatchNorm1d BatchNorm2d BatchNorm3d GroupNorm LayerNorm RMSNorm SyncBatchNorm

dropout: AlphaDropout Dropout Dropout1d Dropout2d Dropout3d FeatureAlphaDropout

shape: Flatten Unflatten

adaptive: AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d

transposed: ConvTranspose1d ConvTranspose2d ConvTranspose3d

instance: CrossMapLRN2d InstanceNorm1d InstanceNorm2d InstanceNorm3d LocalResponseNorm

vision: ChannelShuffle Fold PixelShuffle PixelUnshuffle Unfold Upsample UpsamplingBilinear2d UpsamplingNearest2d

padding: CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d ReflectionPad1d
ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d ZeroPad1d ZeroPad2d ZeroPad3d

sparse: Embedding EmbeddingBag

recurrent: GRU LSTM RNN

attention: MultiheadAttention

transformer_layer: TransformerDecoderLayer TransformerEncoderLayer

transformer: Transformer TransformerDecoder TransformerEncoder

unpooling: FractionalMaxPool2d FractionalMaxPool3d LPPool1d LPPool2d LPPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d

loss: BCELoss BCEWithLogitsLoss GaussianNLLLoss HuberLoss KLDivLoss L1Loss MSELoss PoissonNLLLoss SmoothL1Loss
SoftMarginLoss

class_loss: CrossEntropyLoss LinearCrossEntropyLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss MultiMarginLoss
NLLLoss NLLLoss2d

pair_loss: CTCLoss CosineEmbeddingLoss HingeEmbeddingLoss MarginRankingLoss TripletMarginLoss
TripletMarginWithDistanceLoss

distance: CosineSimilarity PairwiseDistance

lazy: LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d LazyConv1d LazyConv2d LazyConv3d LazyConvTranspose1d
LazyConvTranspose2d LazyConvTranspose3d LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d LazyLinear

cell: GRUCell LSTMCell RNNCell

adaptive_softmax: AdaptiveLogSoftmaxWithLoss
"""

FAMILY_OF = {
    name: family
    for family, _, names in (entry.strip().partition(": ") for entry in _NAMES.split("\n\n"))
    for name in names.split()
}
