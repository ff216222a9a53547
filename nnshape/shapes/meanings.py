"""What arguments mean: read from docstrings, and said once for the names that many functions share."""

from __future__ import annotations

#: The arguments that mean the same wherever torch has them; a docstring of a rule's own comes first.
SHARED: dict[str, str] = {
    "A": "a matrix, or a batch of them.",
    "UPLO": "which half of the matrix is read: 'L' or 'U'.",
    "align_corners": "whether the corners of both maps fall on one another.",
    "antialias": "whether a map that shrinks is smoothed first.",
    "as_tuple": "whether there is one tensor a dimension.",
    "attn_mask": "which places may not be attended to (bool), or what is added to the scores (float).",
    "average_attn_weights": "whether the weights that are returned are those of all heads together.",
    "batch1": "the matrices on the left.",
    "batch2": "the matrices on the right.",
    "beta": "what input is multiplied by before it is added.",
    "bias": "what is added to each channel or feature, a vector; nothing if it is not given.",
    "correction": "what is taken off the number of values that is divided by.",
    "descending": "whether the largest comes first.",
    "device": "where the tensor is; a spec's tensors are on the device of the command.",
    "dim": "the dimension that this works along.",
    "dims": "the dimensions that this works along.",
    "dtype": "the dtype of the result; torch's own choice if it is not given.",
    "eps": "a small number that keeps a division from one by zero.",
    "generator": "the source of random numbers.",
    "groups": "the number of groups of channels that do not see one another.",
    "hx": "the state to begin with; zeros if it is not given.",
    "index": "the places to take.",
    "indices": "the places of the values.",
    "indices_or_sections": "how many pieces, or the places to cut at.",
    "inplace": "whether the input is overwritten.",
    "input": "the tensor that this works on.",
    "input1": "the first of the two inputs.",
    "input2": "the second of the two inputs.",
    "interpolation": "how a value between two others is found: 'linear', 'lower', 'higher', 'nearest' or 'midpoint'.",
    "is_causal": "whether each place attends only to itself and those before it.",
    "keepdim": "whether the dimension stays, with size 1.",
    "key": "what the queries are held against.",
    "key_padding_mask": "the keys that are only padding: bool, one for each key of each sample.",
    "layout": "how the elements are stored; strided is the only one here.",
    "mask": "the places that are meant, as bool.",
    "mat2": "the matrix on the right.",
    "memory": "what the encoder gave out.",
    "memory_format": "the order in which the elements are stored.",
    "memory_is_causal": "a hint that memory_mask is causal.",
    "memory_key_padding_mask": "the places of memory that are only padding.",
    "memory_mask": "the places of memory that a place of tgt may not attend to.",
    "momentum": "how much the running statistics take of each new batch.",
    "need_weights": "whether the weights are returned too.",
    "non_blocking": "whether the copy may go on while the program does.",
    "norm": "how the result is scaled: 'backward', 'forward' or 'ortho'.",
    "other": "the tensor or number on the right.",
    "out_int32": "whether the places are int32, not int64.",
    "output_size": "the size of the output's map, where several are possible.",
    "padding_mode": "what stands beyond the edge: 'zeros', 'border' or 'reflection'.",
    "periodic": "whether the window is that of a periodic signal.",
    "pin_memory": "whether the memory is page-locked.",
    "query": "what looks things up.",
    "real": "the real part.",
    "imag": "the imaginary part.",
    "requires_grad": "whether gradients are kept for it.",
    "right": "whether a value equal to a boundary goes to its right.",
    "running_mean": "the means of the batches so far, one a channel.",
    "running_var": "the variances of the batches so far, one a channel.",
    "s": "the length of the signal along each of the dimensions; it is cut or padded to that.",
    "size": "the sizes of the tensor.",
    "source": "the values to put there.",
    "sparse_grad": "whether the gradient is a sparse tensor.",
    "src": "the values to put there; of a transformer, the sequence that is encoded.",
    "src_is_causal": "a hint that src_mask is causal.",
    "src_key_padding_mask": "the places of src that are only padding.",
    "src_mask": "the places of src that a place of src may not attend to.",
    "stable": "whether equal values keep their order.",
    "start": "the first value.",
    "end": "where the values end.",
    "steps": "how many values.",
    "target": "what the input should be.",
    "tensor": "the tensor that this works on.",
    "tensor1": "the first factor, or what is divided.",
    "tensor2": "the second factor, or the divisor.",
    "tensors": "the tensors, in order.",
    "tgt": "the sequence that is decoded.",
    "tgt_is_causal": "a hint that tgt_mask is causal.",
    "tgt_key_padding_mask": "the places of tgt that are only padding.",
    "tgt_mask": "the places of tgt that a place of tgt may not attend to.",
    "training": "whether it does what it does in training.",
    "unbiased": "whether one less than the number of values is divided by.",
    "value": "what is mixed, or the number that is put in.",
    "vec2": "the vector on the right.",
    "weight": "the learnable weight, as the layer of that name has it.",
    "window_length": "how many values.",
    "x": "the tensor that this works on.",
    "x1": "the first of the two inputs.",
    "x2": "the second of the two inputs.",
}


def explained(doc: str | None) -> tuple[str, dict[str, str]]:
    """A docstring's first sentence, and the meanings in its lines `name, name: meaning`."""
    sentence, _, rest = (doc or "").strip().partition("\n")
    meanings: dict[str, str] = {}
    names: list[str] = []
    for line in filter(None, map(str.strip, rest.splitlines())):
        head, colon, meaning = line.partition(": ")
        if colon and all(name.strip().isidentifier() for name in head.split(",")):
            names = [name.strip() for name in head.split(",")]
            meanings.update(dict.fromkeys(names, meaning))
        else:
            meanings.update({name: f"{meanings[name]} {line}" for name in names})
    return sentence, meanings
