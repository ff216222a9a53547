"""Networks of language, written by hand from their papers, against the gallery's."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F


def split(x, heads):
    """[N, T, heads * d] as [N, heads, T, d]."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def attention(q, k, v, masked=None):
    """Softmax attention of [N, heads, T, d], joined to [N, T, heads * d]."""
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if masked is not None:
        scores = scores.masked_fill(masked, -math.inf)
    return (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)


def future(length):
    return torch.ones(length, length, dtype=torch.bool).triu(1)


class Conv1D(nn.Module):
    def __init__(self, inp, out):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(inp, out)), nn.Parameter(torch.empty(out))

    def forward(self, x):
        return x @ self.weight + self.bias


class GPT2Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln_1, self.attn = nn.LayerNorm(width), nn.Module()
        self.attn.c_attn, self.attn.c_proj = Conv1D(width, 3 * width), Conv1D(width, width)
        self.ln_2, self.mlp = nn.LayerNorm(width), nn.Module()
        self.mlp.c_fc, self.mlp.c_proj = Conv1D(width, 4 * width), Conv1D(4 * width, width)

    def forward(self, x):
        q, k, v = (split(part, self.heads) for part in self.attn.c_attn(self.ln_1(x)).chunk(3, -1))
        x = x + self.attn.c_proj(attention(q, k, v, future(x.shape[1])))
        return x + self.mlp.c_proj(F.gelu(self.mlp.c_fc(self.ln_2(x)), approximate="tanh"))


class GPT2(nn.Module):
    def __init__(self, vocab, context, width, heads, depth):
        super().__init__()
        t = self.transformer = nn.Module()
        t.wte, t.wpe, t.drop = nn.Embedding(vocab, width), nn.Embedding(context, width), nn.Dropout(0.1)
        t.h = nn.ModuleList(GPT2Block(width, heads) for _ in range(depth))
        t.ln_f = nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, vocab, bias=False)
        self.lm_head.weight = t.wte.weight

    def forward(self, tokens):
        t = self.transformer
        x = t.drop(t.wte(tokens) + t.wpe.weight[: tokens.shape[1]])
        for block in t.h:
            x = block(x)
        return self.lm_head(t.ln_f(x))


def test_gpt2(agree):
    sizes = {"vocab": 11, "context": 9, "width": 8, "heads": 2, "depth": 2}
    agree("gpt2", GPT2(**sizes), torch.randint(11, (2, 7)), **sizes)


class BERTLayer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.attention, self.intermediate = nn.Module(), nn.Module()
        own = self.attention.self = nn.Module()
        own.query, own.key, own.value = (nn.Linear(width, width) for _ in range(3))
        self.attention.output = self.out(width, width)
        self.intermediate.dense = nn.Linear(width, 4 * width)
        self.output = self.out(4 * width, width)

    @staticmethod
    def out(inp, width):
        out = nn.Module()
        out.dense, out.dropout, out.LayerNorm = nn.Linear(inp, width), nn.Dropout(0.1), nn.LayerNorm(width, 1e-12)
        return out

    def forward(self, x, mask):
        own, out = self.attention.self, self.attention.output
        q, k, v = (split(layer(x), self.heads) for layer in (own.query, own.key, own.value))
        x = out.LayerNorm(x + out.dropout(out.dense(attention(q, k, v, ~mask[:, None, None]))))
        y = F.gelu(self.intermediate.dense(x))
        return self.output.LayerNorm(x + self.output.dropout(self.output.dense(y)))


def test_a_layer_of_bert(agree):
    mask = torch.arange(7) < torch.tensor([[7], [4]])
    inputs = torch.randn(2, 7, 8), mask
    agree("bert", BERTLayer(8, 2), *inputs, part="encoder.layer.1", vocab=11, width=8, heads=2, depth=2)


class LlamaAttention(nn.Module):
    """Rotary positions as products of complex numbers, and keys that several queries share."""

    def __init__(self, width, heads, kv_heads):
        super().__init__()
        self.heads, self.kv_heads, d = heads, kv_heads, width // heads
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj, self.v_proj = (nn.Linear(width, kv_heads * d, bias=False) for _ in range(2))
        self.o_proj = nn.Linear(width, width, bias=False)

    def forward(self, x, cos, sin):
        turn = torch.complex(cos, sin)[:, : cos.shape[1] // 2]

        def turned(y):
            real, imaginary = y.chunk(2, -1)
            y = torch.complex(real, imaginary) * turn
            return torch.cat([y.real, y.imag], -1)

        q = turned(split(self.q_proj(x), self.heads))
        k, v = turned(split(self.k_proj(x), self.kv_heads)), split(self.v_proj(x), self.kv_heads)
        k, v = (y.repeat_interleave(self.heads // self.kv_heads, 1) for y in (k, v))
        return self.o_proj(attention(q, k, v, future(x.shape[1])))


def test_the_attention_of_llama(agree):
    angles = torch.outer(torch.arange(7.0), torch.tensor([1.0, 0.1])).repeat(1, 2)
    inputs = torch.randn(2, 7, 16), angles.cos(), angles.sin()
    sizes = {"vocab": 11, "width": 16, "heads": 4, "kv_heads": 2, "depth": 2, "hidden": 12}
    agree("llama", LlamaAttention(16, 4, 2), *inputs, part="model.layers.1.self_attn", **sizes)


class SparseMoE(nn.Module):
    """Each token alone is sent to its chosen experts."""

    def __init__(self, width, hidden, count, chosen):
        super().__init__()
        self.chosen = chosen
        self.gate, self.experts = nn.Linear(width, count, bias=False), nn.ModuleList()
        for _ in range(count):
            expert = nn.Module()
            expert.w1, expert.w2 = nn.Linear(width, hidden, bias=False), nn.Linear(hidden, width, bias=False)
            expert.w3 = nn.Linear(width, hidden, bias=False)
            self.experts.append(expert)

    def forward(self, x):
        answers = []
        for token in x.flatten(0, 1):
            scores, best = self.gate(token).topk(self.chosen)
            chosen = [self.experts[i] for i in best]
            outs = [expert.w2(F.silu(expert.w1(token)) * expert.w3(token)) for expert in chosen]
            answers.append(scores.softmax(0) @ torch.stack(outs))
        return torch.stack(answers).view_as(x)


def test_the_experts_of_mixtral(agree):
    sizes = {"vocab": 11, "width": 8, "heads": 2, "kv_heads": 1, "depth": 2, "hidden": 12, "count": 4, "chosen": 2}
    part = "model.layers.1.block_sparse_moe"
    agree("mixtral", SparseMoE(8, 12, 4, 2), torch.randn(2, 7, 8), part=part, **sizes)


class MambaMixer(nn.Module):
    """The selective scan, step by step."""

    def __init__(self, width, state, kernel):
        super().__init__()
        inner, self.rank, self.state = 2 * width, width // 16, state
        self.A_log, self.D = nn.Parameter(torch.empty(inner, state)), nn.Parameter(torch.empty(inner))
        self.conv1d = nn.Conv1d(inner, inner, kernel, padding=kernel - 1, groups=inner)
        self.in_proj = nn.Linear(width, 2 * inner, bias=False)
        self.x_proj = nn.Linear(inner, self.rank + 2 * state, bias=False)
        self.dt_proj = nn.Linear(self.rank, inner)
        self.out_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x):
        u, gate = self.in_proj(x).chunk(2, -1)
        u = F.silu(self.conv1d(u.mT)[..., : x.shape[1]]).mT
        dt, b, c = self.x_proj(u).split([self.rank, self.state, self.state], -1)
        dt = F.softplus(self.dt_proj(dt))
        h, outs = torch.zeros(len(x), *self.A_log.shape), []
        for t in range(x.shape[1]):
            fade = torch.exp(dt[:, t, :, None] * -self.A_log.exp())
            h = fade * h + dt[:, t, :, None] * b[:, t, None] * u[:, t, :, None]
            outs.append((h * c[:, t, None]).sum(-1) + self.D * u[:, t])
        return self.out_proj(torch.stack(outs, 1) * F.silu(gate))


def test_the_mixer_of_mamba(agree):
    sizes = {"vocab": 11, "width": 32, "depth": 2, "state": 3, "kernel": 4}
    agree("mamba", MambaMixer(32, 3, 4), torch.randn(2, 9, 32), part="backbone.layers.1.mixer", **sizes)


class Transformer(nn.Module):
    def __init__(self, vocab, context, width):
        super().__init__()
        self.embed, self.places = nn.Embedding(vocab, width), nn.Embedding(context, width)
        self.transformer = nn.Transformer(width, 8, batch_first=True)
        self.head = nn.Linear(width, vocab, bias=False)
        self.head.weight = self.embed.weight

    def placed(self, tokens):
        return self.embed(tokens) * self.embed.embedding_dim**0.5 + self.places.weight[: tokens.shape[1]]

    def forward(self, source, target):
        mask = future(target.shape[1])
        return self.head(self.transformer(self.placed(source), self.placed(target), tgt_mask=mask))


def test_transformer(agree):
    sizes = {"vocab": 11, "context": 9, "width": 16}
    agree("transformer", Transformer(**sizes), torch.randint(11, (2, 7)), torch.randint(11, (2, 5)), **sizes)


class Seq2Seq(nn.Module):
    def __init__(self, vocab, width, depth):
        super().__init__()
        self.embed_source = nn.Embedding(vocab, width)
        self.encoder = nn.LSTM(width, width, depth, batch_first=True, dropout=0.2)
        self.embed_target = nn.Embedding(vocab, width)
        self.decoder = nn.LSTM(width, width, depth, batch_first=True, dropout=0.2)
        self.general = nn.Linear(width, width, bias=False)
        self.attend = nn.Linear(2 * width, width, bias=False)
        self.head = nn.Linear(width, vocab)

    def forward(self, source, target):
        memory, state = self.encoder(self.embed_source(source))
        h, _ = self.decoder(self.embed_target(target), state)
        weights = torch.einsum("ntd,nsd->nts", h, self.general(memory)).softmax(2)
        context = torch.einsum("nts,nsd->ntd", weights, memory)
        return self.head(self.attend(torch.cat([context, h], 2)).tanh())


def test_seq2seq(agree):
    sizes = {"vocab": 11, "width": 6, "depth": 2}
    agree("seq2seq", Seq2Seq(**sizes), torch.randint(11, (2, 7)), torch.randint(11, (2, 5)), **sizes)


class TextCNN(nn.Module):
    def __init__(self, vocab, width, filters, sizes, classes):
        super().__init__()
        self.embed = nn.Embedding(vocab, width)
        self.convs = nn.ModuleList(nn.Conv1d(width, filters, size) for size in sizes)
        self.dropout, self.fc = nn.Dropout(0.5), nn.Linear(filters * len(sizes), classes)

    def forward(self, tokens):
        x = self.embed(tokens).mT
        x = torch.cat([conv(x).relu().max(2).values for conv in self.convs], 1)
        return self.fc(self.dropout(x))


def test_textcnn(agree):
    sizes = {"vocab": 11, "width": 6, "filters": 4, "sizes": [2, 3], "classes": 3}
    agree("textcnn", TextCNN(**sizes), torch.randint(11, (2, 7)), **sizes)
