"""Operations whose result is contiguous for every input."""

from __future__ import annotations

from nnshape.shapes.layouts.applied import CONTIGUOUS, Applied, UnknownLayout, lays_out
from nnshape.shapes.layouts.layout import Layout, contiguous_layout, contiguous_strides, is_plain, new_layout
from nnshape.shapes.tensor import Tensor

_NAMES = """
    AdaptiveLogSoftmaxWithLoss CrossMapLRN2d GRUCell LSTMCell RNNCell adaptive_avg_pool3d adaptive_max_pool3d
    addbmm addmm addmv affine_grid all amax amin aminmax any arange argmax argmin avg_pool3d baddbmm
    bartlett_window bilinear blackman_window block_diag bmm bucketize cdist cosine_embedding_loss
    cosine_similarity count_nonzero cross cross_entropy ctc_loss cummax cummin cumprod cumsum det diag
    diag_embed dist dot eigvalsh embedding embedding_bag empty eye fftfreq fftshift fold fractional_max_pool2d
    fractional_max_pool3d full gather ger grid_sample gumbel_softmax hamming_window hann_window histc ifftshift
    index_add index_select kthvalue layer_norm linear linear_cross_entropy linspace log_softmax logcumsumexp logdet
    logsigmoid logspace logsumexp masked_fill masked_scatter matmul matrix_exp matrix_power max_unpool1d
    max_unpool3d mean median mm mode multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss mv
    nanmean nanmedian nansum new_empty new_full new_ones new_zeros nll_loss norm one_hot ones outer
    pairwise_distance pinverse prod rand randint randn randperm repeat repeat_interleave rfftfreq
    scatter scatter_add scatter_reduce searchsorted slogdet softmax softmin std std_mean sum svdvals take tensor
    tensordot tile topk trace tril tril_indices triplet_margin_loss triplet_margin_with_distance_loss triu
    triu_indices unfold var var_mean vdot vecdot vector_norm zeros
"""


@lays_out(_NAMES, regardless=True)
def contiguous(applied: Applied) -> list[Layout]:
    """Each tensor of the result is new and contiguous."""
    return [contiguous_layout(output) for output in applied.outputs]


CONTIGUOUS.update(_NAMES.split())


@lays_out("nanquantile quantile", regardless=True)
def quantile(applied: Applied) -> Layout:
    """Contiguous; several quantiles are the last dimension in memory, and the first of the result."""
    q, output = applied["q"], applied.outputs[0]
    if not isinstance(q, Tensor) or not q.ndim:
        return contiguous_layout(output)
    count, *rest = output.shape
    *strides, last = contiguous_strides((*rest, count))
    return new_layout(output.shape, output.dtype, (last, *strides))


#: The kernels of these are chosen by the layout of what arrives, in ways that no rule here follows.
_IF_CONTIGUOUS = """
    binary_cross_entropy binary_cross_entropy_with_logits gaussian_nll_loss
    hinge_embedding_loss huber_loss instance_norm kl_div l1_loss lp_pool1d lp_pool2d
    lp_pool3d margin_ranking_loss mse_loss poisson_nll_loss smooth_l1_loss
    LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d rms_norm rrelu isfinite isin isinf roll
    pack_padded_sequence
    take_along_dim adaptive_avg_pool1d adaptive_max_pool1d avg_pool1d max_pool1d LazyLinear glu
    CircularPad1d CircularPad2d CircularPad3d ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d
    ReplicationPad2d ReplicationPad3d
"""


@lays_out(_IF_CONTIGUOUS)
def contiguous_from_contiguous(applied: Applied) -> list[Layout]:
    """Contiguous if every argument is; else unknown."""
    for tensor in applied.operands:
        if not is_plain(tensor.shape, applied.layout(tensor).strides):
            raise UnknownLayout
    return [contiguous_layout(output) for output in applied.outputs]
