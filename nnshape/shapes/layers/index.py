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

_FUNCTIONAL = """
celu=CELU elu=ELU gelu=GELU hardshrink=Hardshrink hardsigmoid=Hardsigmoid hardswish=Hardswish hardtanh=Hardtanh
leaky_relu=LeakyReLU logsigmoid=LogSigmoid mish=Mish prelu=PReLU rrelu=RReLU relu=ReLU relu6=ReLU6 selu=SELU silu=SiLU
sigmoid=Sigmoid softplus=Softplus softshrink=Softshrink softsign=Softsign tanh=Tanh tanhshrink=Tanhshrink
threshold=Threshold glu=GLU log_softmax=LogSoftmax softmax=Softmax softmin=Softmin bilinear=Bilinear linear=Linear
conv1d=Conv1d conv2d=Conv2d conv3d=Conv3d avg_pool1d=AvgPool1d avg_pool2d=AvgPool2d avg_pool3d=AvgPool3d
max_pool1d=MaxPool1d max_pool2d=MaxPool2d max_pool3d=MaxPool3d batch_norm=BatchNorm1d group_norm=GroupNorm
layer_norm=LayerNorm rms_norm=RMSNorm alpha_dropout=AlphaDropout dropout=Dropout dropout1d=Dropout1d
dropout2d=Dropout2d dropout3d=Dropout3d feature_alpha_dropout=FeatureAlphaDropout flatten=Flatten unflatten=Unflatten
adaptive_avg_pool1d=AdaptiveAvgPool1d adaptive_avg_pool2d=AdaptiveAvgPool2d adaptive_avg_pool3d=AdaptiveAvgPool3d
adaptive_max_pool1d=AdaptiveMaxPool1d adaptive_max_pool2d=AdaptiveMaxPool2d adaptive_max_pool3d=AdaptiveMaxPool3d
conv_transpose1d=ConvTranspose1d conv_transpose2d=ConvTranspose2d conv_transpose3d=ConvTranspose3d
instance_norm=InstanceNorm1d local_response_norm=LocalResponseNorm channel_shuffle=ChannelShuffle fold=Fold
pixel_shuffle=PixelShuffle pixel_unshuffle=PixelUnshuffle unfold=Unfold interpolate=Upsample
upsample_bilinear=UpsamplingBilinear2d upsample_nearest=UpsamplingNearest2d pad=CircularPad1d embedding=Embedding
embedding_bag=EmbeddingBag fractional_max_pool2d=FractionalMaxPool2d fractional_max_pool3d=FractionalMaxPool3d
lp_pool1d=LPPool1d lp_pool2d=LPPool2d lp_pool3d=LPPool3d max_unpool1d=MaxUnpool1d max_unpool2d=MaxUnpool2d
max_unpool3d=MaxUnpool3d binary_cross_entropy=BCELoss binary_cross_entropy_with_logits=BCEWithLogitsLoss
gaussian_nll_loss=GaussianNLLLoss huber_loss=HuberLoss kl_div=KLDivLoss l1_loss=L1Loss mse_loss=MSELoss
poisson_nll_loss=PoissonNLLLoss smooth_l1_loss=SmoothL1Loss soft_margin_loss=SoftMarginLoss
cross_entropy=CrossEntropyLoss linear_cross_entropy=LinearCrossEntropyLoss multilabel_margin_loss=MultiLabelMarginLoss
multilabel_soft_margin_loss=MultiLabelSoftMarginLoss multi_margin_loss=MultiMarginLoss nll_loss=NLLLoss
ctc_loss=CTCLoss cosine_embedding_loss=CosineEmbeddingLoss hinge_embedding_loss=HingeEmbeddingLoss
margin_ranking_loss=MarginRankingLoss triplet_margin_loss=TripletMarginLoss
triplet_margin_with_distance_loss=TripletMarginWithDistanceLoss cosine_similarity=CosineSimilarity
pairwise_distance=PairwiseDistance
"""

#: The layer that declares each function as its functional form; the first if there are several.
LAYER_OF = dict(pair.split("=") for pair in _FUNCTIONAL.split())
