"""The gallery against torchvision, transformers and diffusers, where they are installed.

Every variant has the names, order and shapes of the library's state dict. A middle-sized model also loads the library's
weights, gives its own back, and computes the same. The models of transformers do so at small sizes.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import nnshape

pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries warn of what is theirs
CONFIGS = Path(__file__).parent.parent.parent / "configs"
#: Larger models are compared by name only.
MOST_PARAMETERS = 100_000_000
#: Where a library computes the same in other operations, by rounding alone.
CLOSE = {"rtol": 1e-3, "atol": 1e-4}


@dataclass(frozen=True)
class Peer:
    """A library's model of a file: `make` takes a variant and the file's numbers, `run` applies the model.

    `small` are sizes to run at, and `device` is where the library can build its model for its names.
    """

    library: str
    make: Callable[[Any, str, Mapping[str, Any]], nn.Module]
    inputs: Callable[[Mapping[str, Any]], tuple[torch.Tensor, ...]]
    run: Callable[..., Any] = lambda model, *inputs: model(*inputs)
    ours: Callable[[Any], Any] = lambda output: output
    small: Mapping[str, Any] = field(default_factory=dict)
    exact: bool = True
    device: str = "meta"


def image(*shape: int) -> Callable[[Mapping[str, Any]], tuple[torch.Tensor, ...]]:
    return lambda sizes: (torch.rand(shape),)


def tokens(*lengths: int) -> Callable[[Mapping[str, Any]], tuple[torch.Tensor, ...]]:
    return lambda sizes: tuple(torch.randint(sizes["vocab"], (2, length)) for length in lengths)


# ---- torchvision ----


PHOTO = image(1, 3, 224, 224)


def vision(name: str, inputs: Any = PHOTO, module: str = "", **more: Any) -> Peer:
    """A constructor of torchvision; `{}` in its name stands for the variant."""
    arguments = more.pop("arguments", {})

    def make(library: Any, variant: str, sizes: Mapping[str, Any]) -> nn.Module:
        models = importlib.import_module(f"torchvision.models{module}")
        return getattr(models, name.format(variant))(weights=None, **arguments)

    return Peer("torchvision", make, inputs, **more)


def _head_of_a_detector(model: Any, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return tuple(model.head(list(model.backbone(x).values())).values())


SEGMENTATION: dict[str, Any] = {
    "inputs": image(1, 3, 96, 64),
    "module": ".segmentation",
    "arguments": {"weights_backbone": None, "aux_loss": True},
}
VISION = {
    "alexnet": vision("alexnet"),
    "convnext": vision("convnext_{}"),
    "deeplab_v3": vision("deeplabv3_{}", **SEGMENTATION),
    "densenet": vision("{}"),
    "efficientnet": vision("efficientnet_{}", image(1, 3, 64, 96)),
    "efficientnet_v2": vision("efficientnet_v2_{}", image(1, 3, 64, 96)),
    "fcn": vision("fcn_{}", **SEGMENTATION),
    "googlenet": vision("googlenet", arguments={"init_weights": False}, ours=lambda output: output["logits"]),
    "inception_v3": vision(
        "inception_v3",
        image(1, 3, 299, 299),
        arguments={"init_weights": False},
        ours=lambda output: output["logits"],
    ),
    "maxvit": vision("maxvit_t"),
    "mnasnet": vision("{}"),
    "mobilenet_v2": vision("mobilenet_v2"),
    "mobilenet_v3": vision("mobilenet_v3_{}"),
    "mvit": vision("mvit_v1_b", image(1, 3, 16, 224, 224), ".video"),
    "raft": vision("raft_small", lambda sizes: (torch.rand(1, 3, 128, 160), torch.rand(1, 3, 128, 160)),
                   ".optical_flow", exact=False),
    "regnet": vision("regnet_{}", device="cpu"),  # it reads its widths off a tensor
    "resnet": vision("{}"),
    "retinanet": vision("retinanet_resnet50_fpn", image(1, 3, 128, 160), ".detection",
                        arguments={"weights_backbone": None}, run=_head_of_a_detector),
    "s3d": vision("s3d", image(1, 3, 16, 224, 224), ".video"),
    "shufflenet_v2": vision("shufflenet_v2_{}"),
    "squeezenet": vision("squeezenet{}"),
    "swin": vision("{}"),
    "swin_v2": vision("{}", image(1, 3, 256, 256)),
    "vgg": vision("{}"),
    "video_resnet": vision("{}", image(1, 3, 16, 112, 112), ".video"),
    "vit": vision("vit_{}"),
}  # fmt: skip

# ---- transformers and diffusers ----


def hugging(model: str, config: str, names: Mapping[str, Any], **more: Any) -> Peer:
    """A model of transformers: `names` are the arguments of its config, each a number or one of the file's names."""

    def make(library: Any, variant: str, sizes: Mapping[str, Any]) -> nn.Module:
        values = {key: _value(value, sizes) for key, value in names.items()}
        return getattr(library, model)(getattr(library, config)(**values))

    return Peer("transformers", make, **more)


def _value(value: Any, sizes: Mapping[str, Any]) -> Any:
    if callable(value):
        return value(sizes)
    return sizes[value] if isinstance(value, str) and value in sizes else value


def _bert_inputs(sizes: Mapping[str, Any]) -> tuple[torch.Tensor, ...]:
    mask = torch.ones(2, 9, dtype=torch.bool)
    mask[1, 6:] = False
    return torch.randint(1, sizes["vocab"], (2, 9)), mask, torch.randint(2, (2, 9))


def _spoken(sizes: Mapping[str, Any]) -> tuple[torch.Tensor, ...]:
    return torch.rand(2, sizes["mels"], 3000), torch.randint(sizes["vocab"], (2, 7))


def _masked(sizes: Mapping[str, Any]) -> tuple[torch.Tensor, ...]:
    mask = torch.zeros(2, 49, dtype=torch.bool)
    mask[:, 10:20] = True
    return torch.randn(2, 16000), mask


LLAMA = {
    "vocab_size": "vocab",
    "hidden_size": "width",
    "intermediate_size": "hidden",
    "num_hidden_layers": "depth",
    "num_attention_heads": "heads",
    "num_key_value_heads": "kv_heads",
}
HUGGING = {
    "bert": hugging(
        "BertModel",
        "BertConfig",
        {
            "vocab_size": "vocab",
            "max_position_embeddings": "positions",
            "hidden_size": "width",
            "num_attention_heads": "heads",
            "num_hidden_layers": "depth",
            "intermediate_size": lambda sizes: 4 * sizes["width"],
        },
        small={"vocab": 100, "width": 32, "heads": 2, "depth": 2},
        inputs=_bert_inputs,
        run=lambda model, *inputs: tuple(model(*inputs, return_dict=True).values()),
        ours=lambda output: tuple(output.values()),
    ),
    "gpt2": hugging(
        "GPT2LMHeadModel",
        "GPT2Config",
        {"vocab_size": "vocab", "n_positions": "context", "n_embd": "width", "n_head": "heads", "n_layer": "depth"},
        small={"vocab": 100, "width": 32, "heads": 2, "depth": 2},
        inputs=tokens(9),
        run=lambda model, x: model(x, use_cache=False).logits,
        exact=False,
    ),
    "llama": hugging(
        "LlamaForCausalLM",
        "LlamaConfig",
        {**LLAMA, "rms_norm_eps": "eps", "rope_parameters": lambda sizes: {
            "rope_type": "default", "rope_theta": float(sizes["base"])}},
        small={"vocab": 100, "width": 32, "heads": 4, "kv_heads": 2, "depth": 2, "hidden": 48, "base": 500},
        inputs=tokens(9),
        run=lambda model, x: model(x, use_cache=False).logits,
        exact=False,
    ),
    "mamba": hugging(
        "MambaForCausalLM",
        "MambaConfig",
        {
            "vocab_size": "vocab",
            "hidden_size": "width",
            "num_hidden_layers": "depth",
            "state_size": "state",
            "conv_kernel": "kernel",
        },
        small={"vocab": 100, "width": 32, "depth": 2},
        inputs=tokens(9),
        run=lambda model, x: model(x, use_cache=False).logits,
        exact=False,
    ),
    "t5": hugging(
        "T5ForConditionalGeneration",
        "T5Config",
        {
            "vocab_size": "vocab",
            "d_model": "width",
            "d_kv": "head",
            "d_ff": "hidden",
            "num_layers": "depth",
            "num_heads": "heads",
            "relative_attention_num_buckets": "buckets",
            "relative_attention_max_distance": "farthest",
        },
        small={"vocab": 100, "width": 32, "head": 8, "heads": 4, "hidden": 48, "depth": 2, "farthest": 20},
        inputs=tokens(40, 35),
        run=lambda model, source, target: model(source, decoder_input_ids=target, use_cache=False).logits,
        exact=False,
    ),
    "wav2vec2": hugging(
        "Wav2Vec2Model",
        "Wav2Vec2Config",
        {
            "hidden_size": "width",
            "num_attention_heads": "heads",
            "num_hidden_layers": "depth",
            "conv_dim": lambda sizes: [sizes["channels"]] * 7,
            "intermediate_size": lambda sizes: 4 * sizes["width"],
            "attn_implementation": "sdpa",
        },
        small={"width": 64, "heads": 4, "depth": 2, "channels": 32},
        inputs=_masked,
        run=lambda model, wave, mask: model(wave, mask_time_indices=mask).last_hidden_state,
    ),
    "whisper": hugging(
        "WhisperForConditionalGeneration",
        "WhisperConfig",
        {
            "vocab_size": "vocab",
            "num_mel_bins": "mels",
            "d_model": "width",
            "encoder_layers": "depth",
            "decoder_layers": "depth",
            "encoder_attention_heads": "num_heads",
            "decoder_attention_heads": "num_heads",
            "encoder_ffn_dim": lambda sizes: 4 * sizes["width"],
            "decoder_ffn_dim": lambda sizes: 4 * sizes["width"],
            "max_source_positions": "frames",
            "max_target_positions": "positions",
            "pad_token_id": 50257,
            "attn_implementation": "sdpa",
        },
        small={"width": 32, "num_heads": 4, "depth": 2},
        inputs=_spoken,
        run=lambda model, speech, target: model(speech, decoder_input_ids=target, use_cache=False).logits,
    ),
}  # fmt: skip


def _diffuser(library: Any, variant: str, sizes: Mapping[str, Any]) -> nn.Module:
    widths = tuple(sizes["widths"])
    model: nn.Module = library.UNet2DConditionModel(cross_attention_dim=768, sample_size=64, block_out_channels=widths)
    return model


PEERS = {
    **VISION,
    **HUGGING,
    "stable_diffusion_unet": Peer(
        "diffusers",
        _diffuser,
        lambda sizes: (torch.randn(2, 4, 16, 24), torch.tensor([3.0, 500.0]), torch.randn(2, 7, 768)),
        run=lambda model, *inputs: model(*inputs).sample,
    ),
}


def variants(name: str) -> list[str]:
    return list(nnshape.load(CONFIGS / f"{name}.yaml").variants) or [""]


def peer_name(name: str, variant: str) -> str:
    return {"v1_0": "1_0", "v1_1": "1_1"}.get(variant, variant) if name == "squeezenet" else variant


def numbers(name: str, variant: str) -> dict[str, Any]:
    """The file's hparams as the variant sets them."""
    spec = nnshape.load(CONFIGS / f"{name}.yaml")
    values = {key: value.value for key, value in spec.hparams.items()}
    if variant:
        values.update({key: value.value for key, value in spec.variants[variant].values.items()})
    return values


def layout(model: nn.Module) -> list[tuple[str, torch.Size]]:
    return [(name, tensor.shape) for name, tensor in model.state_dict().items()]


def tensors(output: Any) -> list[torch.Tensor]:
    if isinstance(output, torch.Tensor):
        return [output]
    values = output.values() if isinstance(output, Mapping) else output
    return [tensor for value in values for tensor in tensors(value)]


EACH = [(name, variant) for name in PEERS for variant in variants(name)]


@pytest.fixture
def library(name: str) -> Any:
    return pytest.importorskip(PEERS[name].library, exc_type=ImportError)


@pytest.mark.parametrize(("name", "variant"), EACH)
def test_names_order_and_shapes_are_the_librarys(library: Any, name: str, variant: str) -> None:
    trace = nnshape.trace(CONFIGS / f"{name}.yaml", variant=variant or None)
    with torch.device(PEERS[name].device):
        theirs = PEERS[name].make(library, peer_name(name, variant), numbers(name, variant))
    ours = nnshape.build(trace, device="meta")
    assert layout(ours) == layout(theirs)
    assert trace.totals.parameters == sum(parameter.numel() for parameter in theirs.parameters())


def exchanged(name: str, library: Any, variant: str, sizes: dict[str, Any], trace: nnshape.Trace) -> None:
    """Load the library's weights into our model, give ours back, and compare what both compute."""
    peer = PEERS[name]
    torch.manual_seed(0)
    theirs = peer.make(library, peer_name(name, variant), sizes).eval()
    for parameter in theirs.parameters():
        if not parameter.any():  # a head of zeros, such as ViT's, hides all before it
            nn.init.normal_(parameter, std=0.02)
    ours = nnshape.build(trace).eval()
    state = theirs.state_dict()
    ours.load_state_dict(state)
    given = ours.state_dict()
    given._metadata = state._metadata  # torchvision's MNASNet reads its version there
    theirs.load_state_dict(given)
    inputs = peer.inputs(sizes)
    with torch.no_grad():
        answers, wanted = tensors(peer.ours(ours(*inputs))), tensors(peer.run(theirs, *inputs))
    assert len(answers) == len(wanted)
    for answer, want in zip(answers, wanted, strict=True):
        assert want.std() > 0
        torch.testing.assert_close(answer, want, **({"rtol": 0, "atol": 0} if peer.exact else CLOSE))


@pytest.mark.parametrize(("name", "variant"), [row for row in EACH if row[0] not in HUGGING])
def test_it_computes_what_the_librarys_model_computes(library: Any, name: str, variant: str) -> None:
    path = CONFIGS / f"{name}.yaml"
    trace = nnshape.trace(path, variant=variant or None, symbolic=True)
    parameters = nnshape.trace(path, variant=variant or None).totals.parameters
    if isinstance(parameters, int) and parameters > MOST_PARAMETERS and name != "stable_diffusion_unet":
        pytest.skip("too large: its names are compared above")
    exchanged(name, library, variant, numbers(name, variant), trace)


@pytest.mark.parametrize("name", HUGGING)
def test_at_small_sizes_it_computes_what_the_librarys_model_computes(library: Any, name: str) -> None:
    small = PEERS[name].small
    spec = replace(nnshape.load(CONFIGS / f"{name}.yaml"), expect=())  # the file expects its own sizes
    trace = nnshape.trace(spec, overrides=small, symbolic=True)
    exchanged(name, library, "", {**numbers(name, ""), **small}, trace)


@pytest.mark.parametrize("variant", ["8x7b", "8x22b"])
def test_mixtral_has_the_librarys_count(variant: str) -> None:
    """transformers holds the experts of a layer in one tensor, so that its names differ."""
    library = pytest.importorskip("transformers", exc_type=ImportError)
    sizes = numbers("mixtral", variant)
    values = {key: sizes[value] for key, value in LLAMA.items()}
    config = library.MixtralConfig(**values, num_local_experts=sizes["count"], num_experts_per_tok=sizes["chosen"])
    with torch.device("meta"):
        theirs = library.MixtralForCausalLM(config)
    trace = nnshape.trace(CONFIGS / "mixtral.yaml", variant=variant)
    assert trace.totals.parameters == sum(math.prod(parameter.shape) for parameter in theirs.parameters())
