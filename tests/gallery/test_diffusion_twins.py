"""Parts of Stable Diffusion's U-Net, written by hand, against the gallery's."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class ResnetBlock(nn.Module):
    def __init__(self, inp, out):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(32, inp), nn.Conv2d(inp, out, 3, padding=1)
        self.time_emb_proj = nn.Linear(1280, out)
        self.norm2, self.conv2 = nn.GroupNorm(32, out), nn.Conv2d(out, out, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inp, out, 1)

    def forward(self, x, time):
        h = self.conv1(F.silu(self.norm1(x))) + self.time_emb_proj(F.silu(time)).view(len(x), -1, 1, 1)
        return self.conv_shortcut(x) + self.conv2(F.silu(self.norm2(h)))


class CrossAttention(nn.Module):
    def __init__(self, c, source, heads):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(c, c, bias=False)
        self.to_k, self.to_v = nn.Linear(source, c, bias=False), nn.Linear(source, c, bias=False)
        self.to_out = nn.Sequential(nn.Linear(c, c))

    def forward(self, x, source):
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.to_q(x), self.to_k(source), self.to_v(source))
        )
        weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
        return self.to_out((weights @ v).transpose(1, 2).flatten(2))


class GEGLU(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.proj = nn.Linear(c, 8 * c)

    def forward(self, x):
        x, gate = self.proj(x).chunk(2, -1)
        return x * F.gelu(gate)


class TransformerBlock(nn.Module):
    def __init__(self, c, heads):
        super().__init__()
        self.norm1, self.attn1 = nn.LayerNorm(c), CrossAttention(c, c, heads)
        self.norm2, self.attn2 = nn.LayerNorm(c), CrossAttention(c, 768, heads)
        self.norm3, self.ff = nn.LayerNorm(c), nn.Module()
        self.ff.net = nn.Sequential(GEGLU(c), nn.Identity(), nn.Linear(4 * c, c))

    def forward(self, x, context):
        y = self.norm1(x)
        x = x + self.attn1(y, y)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff.net(self.norm3(x))


class SpatialTransformer(nn.Module):
    def __init__(self, c, heads):
        super().__init__()
        self.norm, self.proj_in = nn.GroupNorm(32, c, 1e-6), nn.Conv2d(c, c, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(c, heads)])
        self.proj_out = nn.Conv2d(c, c, 1)

    def forward(self, x, context):
        tokens = self.proj_in(self.norm(x)).flatten(2).mT
        tokens = self.transformer_blocks[0](tokens, context)
        return self.proj_out(tokens.mT.unflatten(2, x.shape[2:])) + x


DIFFUSION = {"widths": [320, 64, 64, 64], "heads": 4}


def test_stable_diffusions_residual_block(agree):
    inputs = torch.randn(2, 320, 6, 4), torch.randn(2, 1280)
    agree("stable_diffusion_unet", ResnetBlock(320, 64), *inputs, part="down_blocks.1.resnets.0", **DIFFUSION)


def test_stable_diffusions_attention(agree):
    inputs = torch.randn(2, 64, 6, 4), torch.randn(2, 5, 768)
    agree("stable_diffusion_unet", SpatialTransformer(64, 4), *inputs, part="down_blocks.1.attentions.0", **DIFFUSION)
