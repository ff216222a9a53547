"""The file of this folder that declares each name. Written by `python tests/index.py`."""

_NAMES = """
pointwise: add arctan2 atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor complex
copysign div divide eq float_power floor_divide fmax fmin fmod gcd ge greater greater_equal gt heaviside hypot isclose
lcm ldexp le less less_equal logaddexp logaddexp2 logical_and logical_or logical_xor lt maximum minimum mul multiply
ne nextafter not_equal polar pow remainder sub subtract true_divide xlogy

shape: flatten moveaxis movedim permute ravel reshape reshape_as squeeze swapaxes swapdims t transpose unflatten
unsqueeze view view_as

conversion: H T bfloat16 bool byte cdouble cfloat chalf char clone contiguous cpu cuda detach dim double element_size
float half imag int is_complex is_floating_point long mH mT ndimension nelement numel real requires_grad_ resolve_conj
resolve_neg short size to type type_as view_as_complex view_as_real

joining: cat column_stack concat concatenate dstack hstack row_stack stack vstack

splitting: chunk dsplit hsplit split split_copy split_with_sizes split_with_sizes_copy tensor_split unbind unbind_copy
unsafe_chunk unsafe_split unsafe_split_with_sizes vsplit

striding: as_strided

activation: celu celu_ elu elu_ gelu hardshrink hardsigmoid hardswish hardtanh hardtanh_ leaky_relu leaky_relu_
logsigmoid mish prelu relu relu6 relu_ rrelu rrelu_ selu selu_ sigmoid sigmoid_ silu softplus softshrink softsign tanh
tanh_ tanhshrink threshold threshold_

softmax: glu gumbel_softmax log_softmax softmax softmin

matrix: bmm dot ger inner kron matmul mm mv outer tensordot vdot

reduction: all amax amin any count_nonzero cumprod cumsum dist logcumsumexp logsumexp mean nanmean nansum norm prod
std std_mean sum trace var var_mean

creation: arange empty eye full ones rand randn zeros

indexing: Tensor.where getitem masked_fill where

elementary: abs absolute acos acosh addcdiv addcmul angle arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan
atanh bitwise_not ceil clamp clamp_max clamp_min clip conj conj_physical cos cosh deg2rad digamma erf erfc erfinv exp
exp2 expm1 fix floor frac i0 isfinite isinf isnan isneginf isposinf isreal lerp lgamma log log10 log1p log2
logical_not logit mvlgamma nan_to_num neg negative positive rad2deg reciprocal round rsqrt sgn sign signbit sin sinc
sinh sqrt square tan trunc

repeating: broadcast_tensors broadcast_to expand expand_as repeat repeat_interleave tile

diagonals: diag diag_embed diagonal tril triu

rearrange: Tensor.unfold atleast_1d atleast_2d atleast_3d block_diag cartesian_prod flip fliplr flipud meshgrid roll
rot90

einsum: einsum

ranking: aminmax argmax argmin argsort cummax cummin kthvalue max median min mode msort nanmedian sort topk

counting: bucketize histc isin nanquantile quantile searchsorted unique unique_consecutive

gathering: argwhere gather index_select masked_select narrow nonzero select take take_along_dim

scattering: index_add masked_scatter scatter scatter_add scatter_reduce

putting: index_put

packing: pack_padded_sequence pad_packed_sequence

samples: bartlett_window blackman_window empty_like full_like hamming_window hann_window linspace logspace new_empty
new_full new_ones new_zeros ones_like rand_like randint randn_like randperm tensor tril_indices triu_indices
zeros_like

products: addbmm addmm addmv addr baddbmm cdist chain_matmul cross

linalg: cholesky det eigh eigvalsh inv inverse logdet matrix_exp matrix_power multi_dot pinverse slogdet svdvals
vecdot vector_norm

spectral: fft fft2 fftfreq fftn fftshift hfft ifft ifft2 ifftn ifftshift ihfft irfft irfft2 irfftn istft rfft rfft2
rfftfreq rfftn stft

network: bilinear embedding embedding_bag linear one_hot

attention: scaled_dot_product_attention

dropout: alpha_dropout dropout dropout1d dropout2d dropout3d feature_alpha_dropout

padding: pad

normalization: batch_norm group_norm instance_norm layer_norm local_response_norm rms_norm

pooling: avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d

adaptive: adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d
adaptive_max_pool3d

convolution: conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d

vision: affine_grid channel_shuffle grid_sample interpolate pixel_shuffle pixel_unshuffle upsample upsample_bilinear
upsample_nearest

folding: fold unfold

distance: cosine_similarity normalize pairwise_distance

unpooling: fractional_max_pool2d fractional_max_pool3d lp_pool1d lp_pool2d lp_pool3d max_unpool1d max_unpool2d
max_unpool3d

losses: binary_cross_entropy binary_cross_entropy_with_logits huber_loss l1_loss mse_loss smooth_l1_loss
soft_margin_loss

likelihood_losses: gaussian_nll_loss kl_div poisson_nll_loss

class_losses: cross_entropy linear_cross_entropy multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss
nll_loss

pair_losses: cosine_embedding_loss ctc_loss hinge_embedding_loss margin_ranking_loss triplet_margin_loss
triplet_margin_with_distance_loss

inplace: abs_ absolute_ acos_ acosh_ add_ addcdiv_ addcmul_ addmm_ addmv_ addr_ arccos_ arccosh_ arcsin_ arcsinh_
arctan2_ arctan_ arctanh_ asin_ asinh_ atan2_ atan_ atanh_ baddbmm_ bitwise_and_ bitwise_left_shift_ bitwise_not_
bitwise_or_ bitwise_right_shift_ bitwise_xor_ ceil_ clamp_ clamp_max_ clamp_min_ clip_ conj_physical_ copy_ copysign_
cos_ cosh_ deg2rad_ digamma_ div_ divide_ eq_ erf_ erfc_ erfinv_ exp2_ exp_ expm1_ fill_ fix_ floor_ floor_divide_
fmod_ frac_ gcd_ ge_ greater_ greater_equal_ gt_ heaviside_ hypot_ i0_ index_add_ index_put_ lcm_ ldexp_ le_ lerp_
less_ less_equal_ lgamma_ log10_ log1p_ log2_ log_ logical_and_ logical_not_ logical_or_ logical_xor_ logit_ lt_
masked_fill_ masked_scatter_ mul_ multiply_ mvlgamma_ nan_to_num_ ne_ neg_ negative_ nextafter_ not_equal_ pow_
rad2deg_ reciprocal_ remainder_ round_ rsqrt_ scatter_ scatter_add_ scatter_reduce_ sgn_ sign_ sin_ sinc_ sinh_ sqrt_
square_ sub_ subtract_ tan_ tril_ triu_ true_divide_ trunc_ xlogy_ zero_
"""

FAMILY_OF = {
    name: family
    for family, _, names in (entry.strip().partition(": ") for entry in _NAMES.split("\n\n"))
    for name in names.split()
}
