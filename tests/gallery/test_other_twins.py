"""Networks of sound, graphs and tables, written by hand from their papers, against the gallery's."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F


class ConformerLayer(nn.Module):
    def __init__(self, width, heads, kernel, drop):
        super().__init__()
        self.ffn1 = self.feed_forward(width, drop)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.self_attn, self.dropout = nn.MultiheadAttention(width, heads, drop), nn.Dropout(drop)
        self.conv_module = nn.Module()
        self.conv_module.layer_norm = nn.LayerNorm(width)
        self.conv_module.sequential = nn.Sequential(
            nn.Conv1d(width, 2 * width, 1),
            nn.GLU(1),
            nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width),
            nn.BatchNorm1d(width),
            nn.SiLU(),
            nn.Conv1d(width, width, 1),
            nn.Dropout(drop),
        )
        self.ffn2 = self.feed_forward(width, drop)
        self.final_layer_norm = nn.LayerNorm(width)

    @staticmethod
    def feed_forward(width, drop):
        half = nn.Module()
        wide, narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        half.sequential = nn.Sequential(
            nn.LayerNorm(width), wide, nn.SiLU(), nn.Dropout(drop), narrow, nn.Dropout(drop)
        )
        return half

    def forward(self, x, padding):
        x = x + self.ffn1.sequential(x) / 2
        y = self.self_attn_layer_norm(x)
        x = x + self.dropout(self.self_attn(y, y, y, padding, need_weights=False)[0])
        y = self.conv_module.layer_norm(x).permute(1, 2, 0)
        x = x + self.conv_module.sequential(y).permute(2, 0, 1)
        return self.final_layer_norm(x + self.ffn2.sequential(x) / 2)


def test_a_layer_of_the_conformer(agree):
    padding = torch.arange(7) >= torch.tensor([[7], [5]])
    inputs = torch.randn(7, 2, 8), padding
    sizes = {"width": 8, "heads": 2, "kernel": 3, "depth": 2, "drop": 0.1}
    agree("conformer", ConformerLayer(8, 2, 3, 0.1), *inputs, part="conformer_layers.1", **sizes)


class Listener(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.rnn = self.lstm(40, hidden)
        for level in (1, 2, 3):
            pyramid = nn.Module()
            pyramid.rnn = self.lstm(4 * hidden, hidden)
            setattr(self, f"h{level}", pyramid)

    @staticmethod
    def lstm(inp, hidden):
        return nn.LSTM(inp, hidden, batch_first=True, bidirectional=True)

    def forward(self, x):
        x, _ = self.rnn(x)
        for pyramid in (self.h1, self.h2, self.h3):
            even, odd = x[:, ::2], x[:, 1::2]
            x, _ = pyramid.rnn(torch.cat([even[:, : odd.shape[1]], odd], 2))
        return x


def test_listener(agree):
    agree("listener", Listener(5), torch.randn(2, 21, 40), hidden=5)


class WaveNet(nn.Module):
    def __init__(self, levels, width, skip, depth, stacks):
        super().__init__()
        self.embed, self.layers = nn.Embedding(levels, width), nn.ModuleList()
        for dilation in [2**i for i in range(depth)] * stacks:
            layer = nn.Module()
            layer.conv = nn.Conv1d(width, 2 * width, 2, dilation=dilation)
            layer.to_skip, layer.to_next = nn.Conv1d(width, skip, 1), nn.Conv1d(width, width, 1)
            self.layers.append(layer)
        self.head1, self.head2 = nn.Conv1d(skip, levels, 1), nn.Conv1d(levels, levels, 1)

    def forward(self, samples):
        x, skips = self.embed(samples).mT, []
        for layer in self.layers:
            filtered, gate = layer.conv(F.pad(x, (layer.conv.dilation[0], 0))).chunk(2, 1)
            y = filtered.tanh() * gate.sigmoid()
            skips.append(layer.to_skip(y))
            x = x + layer.to_next(y)
        return self.head2(self.head1(sum(skips).relu()).relu())


def test_wavenet(agree):
    sizes = {"levels": 11, "width": 4, "skip": 6, "depth": 3, "stacks": 2}
    agree("wavenet", WaveNet(**sizes), torch.randint(11, (2, 20)), **sizes)


class GATConv(nn.Module):
    """Attention over all pairs of nodes, masked to the edges."""

    def __init__(self, inp, c, heads):
        super().__init__()
        self.att_src, self.att_dst = (nn.Parameter(torch.empty(1, heads, c)) for _ in range(2))
        self.bias = nn.Parameter(torch.empty(heads * c))
        self.lin = nn.Linear(inp, heads * c, bias=False)

    def forward(self, x, edges):
        h = self.lin(x).view(len(x), *self.att_src.shape[1:])
        source, target = ((h * each).sum(-1) for each in (self.att_src, self.att_dst))
        joined = torch.zeros(len(x), len(x), dtype=torch.bool)
        joined[edges[1], edges[0]] = True
        scores = F.leaky_relu(target[:, None] + source[None], 0.2).masked_fill(~joined[..., None], -math.inf)
        return torch.einsum("tsh,shc->thc", scores.softmax(1), h).flatten(1) + self.bias


class GAT(nn.Module):
    def __init__(self, words, hidden, heads, classes):
        super().__init__()
        self.conv1, self.conv2 = GATConv(words, hidden, heads), GATConv(heads * hidden, classes, 1)

    def forward(self, x, edges):
        return self.conv2(F.elu(self.conv1(x, edges)), edges)


def test_gat(agree):
    edges = torch.tensor([[0, 1, 2, 3, 4, 0, 1, 1, 3], [0, 1, 2, 3, 4, 1, 2, 0, 0]])
    sizes = {"words": 6, "hidden": 3, "heads": 2, "classes": 4}
    agree("gat", GAT(**sizes), torch.randn(5, 6), edges, drop=0.0, **sizes)


class GCN(nn.Module):
    def __init__(self, words, hidden, classes):
        super().__init__()
        self.gc1, self.gc2 = nn.Module(), nn.Module()
        for layer, inp, out in ((self.gc1, words, hidden), (self.gc2, hidden, classes)):
            layer.weight, layer.bias = nn.Parameter(torch.empty(inp, out)), nn.Parameter(torch.empty(out))
        self.dropout = nn.Dropout(0.5)

    def forward(self, x, adj):
        h = (adj @ x @ self.gc1.weight + self.gc1.bias).relu()
        return (adj @ self.dropout(h) @ self.gc2.weight + self.gc2.bias).log_softmax(1)


def test_gcn(agree):
    agree("gcn", GCN(1433, 4, 3), torch.rand(5, 1433), torch.rand(5, 5), hidden=4, classes=3)


class DLRM(nn.Module):
    def __init__(self, rows, width):
        super().__init__()
        self.emb_l = nn.ModuleList(nn.EmbeddingBag(count, width, mode="sum") for count in rows)
        self.bot_l = self.mlp(13, 512, 256, 64, width)
        self.top_l = self.mlp(width + 351, 512, 256, 1)
        self.top_l[-1] = nn.Sigmoid()

    @staticmethod
    def mlp(*widths):
        pairs = [(nn.Linear(inp, out), nn.ReLU()) for inp, out in pairwise(widths)]
        return nn.Sequential(*(layer for pair in pairs for layer in pair))

    def forward(self, dense, sparse):
        vectors = [self.bot_l(dense)] + [bag.weight[sparse[:, i]] for i, bag in enumerate(self.emb_l)]
        products = [(vectors[i] * vectors[j]).sum(1) for i in range(27) for j in range(i)]
        return self.top_l(torch.cat([vectors[0], torch.stack(products, 1)], 1))


def test_dlrm(agree):
    sizes = {"rows": [5] * 26, "width": 4}
    agree("dlrm", DLRM(**sizes), torch.rand(3, 13), torch.randint(5, (3, 26)), **sizes)
