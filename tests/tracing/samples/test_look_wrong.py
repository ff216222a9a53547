"""Models that look as if they mixed samples, or ran at one batch only, and are right: nothing is reported of them."""

from __future__ import annotations

from textwrap import dedent

import pytest
from at_batches import FEW, runs_at

import nnshape

MODELS = {
    # ---- losses over the batch ----
    "vicreg": """
        input: 16
        layers:
          z: Linear(16, 8)
          c: z - z.mean(0)
          cov: c.t() @ c / (N + 1)
          spread: relu(1 - (c.var(0, correction=0) + 0.0001).sqrt()).mean()
          loss: spread + (cov - diag(cov.diagonal())).pow(2).sum() / 8
        """,
    "supervised_contrast": """
        input: {x: 16, y: 'int64[N]'}
        layers:
          z: normalize(Linear(16, 8)(x), dim=1)
          sim: log_softmax(z @ z.t() / 0.1, 1)
          same: (y[:, None] == y[None, :]).float()
          loss: -(sim * same).sum(1) / same.sum(1)
        """,
    "n_pairs_with_a_margin": """
        input: {a: 16, b: 16}
        layers:
          sim: a @ b.t()
          own: sim.diagonal()
          loss: relu(0.2 + sim - own[:, None]).mean() + relu(0.2 + sim - own[None]).mean()
        """,
    "proxy_anchor": """
        input: {x: 16, y: 'int64[N]'}
        layers:
          p: Parameter(10, 8)
          sim: normalize(Linear(16, 8)(x)) @ normalize(p).t()
          far: logsumexp(sim, 0)
          loss: far.mean() - sim.gather(1, y[:, None]).mean()
        """,
    "center_loss": """
        input: {x: 16, y: 'int64[N]'}
        layers:
          centers: Parameter(10, 16)
          loss: (x - centers[y]).pow(2).sum(1).mean()
        """,
    "queue_of_negatives": """
        input: {q: 8, k: 8}
        layers:
          queue: Buffer(zeros(64, 8))
          one: (q * k).sum(1, keepdim=True)
          logits: cat([one, q @ queue.t()], 1)
          loss: cross_entropy(logits, zeros(N).long())
        """,
    "sinkhorn": """
        input: 16
        layers:
          s: exp(Linear(16, 6)(x) / 0.05).t()
          rows: s / s.sum(1, keepdim=True)
          columns: rows / rows.sum(0, keepdim=True)
          codes: columns.t()
        """,
    "kernel_distance_of_two_samples": """
        input: {x: 8, y: 8}
        layers:
          xx: exp(-cdist(x, x)).mean()
          yy: exp(-cdist(y, y)).mean()
          loss: xx + yy - 2 * exp(-cdist(x, y)).mean()
        """,
    "ranking_of_pairs": """
        input: {x: 16, y: '[N]'}
        layers:
          s: Linear(16, 1)(x).squeeze(-1)
          gap: s[:, None] - s[None, :]
          sign: (y.unsqueeze(1) - y.unsqueeze(0)).sign()
          loss: softplus(-gap * sign).mean()
        """,
    "retrieval_with_hard_negatives": """
        input: {q: 16, d: 5x16}
        layers:
          all: d.flatten(0, 1)
          scores: q @ all.t()
          loss: cross_entropy(scores, arange(N) * 5)
        """,
    "clip": """
        input: {image: 3x8x8, text: 'int64[N, 7]'}
        layers:
          i: normalize(Conv2d(3, 8, 8)(image).flatten(1), dim=-1)
          t: normalize(Embedding(50, 8)(text).mean(1), dim=-1)
          scale: Parameter(1)
          logits: scale.exp() * i @ t.T
          label: arange(logits.shape[0])
          loss: cross_entropy(logits, label) + cross_entropy(logits.T, label)
        """,
    "pairs_of_a_batch_by_indices": """
        input: 16
        layers:
          i: triu_indices(8, 8, 1)
          h: Linear(16, 8)(x)
          outer: einsum('ni,nj->nij', h, h)
          upper: outer[:, i[0], i[1]]
        """,
    # ---- weights of each sample ----
    "conditional_convolution": """
        input: {x: 4x8x8, route: 3}
        layers:
          experts: Parameter(3, 6 * 4 * 9)
          w: (softmax(route, 1) @ experts).view(N * 6, 4, 3, 3)
          maps: conv2d(x.reshape(1, N * 4, 8, 8), w, padding=1, groups=N)
          y: maps.view(N, 6, 8, 8)
        """,
    "modulated_upsampling": """
        input: {x: 4x8x8, s: 4}
        layers:
          weight: Parameter(4, 6, 2, 2)
          w: weight[None] * s[:, :, None, None, None]
          scale: rsqrt(w.pow(2).sum((1, 3, 4), keepdim=True) + 0.00000001)
          up: conv_transpose2d(x.reshape(1, -1, 8, 8), (w * scale).flatten(0, 1), stride=2, groups=x.shape[0])
          y: up.reshape(-1, 6, 16, 16)
        """,
    "hypernetwork": """
        input: {x: 16, z: 4}
        layers:
          w: Linear(4, 16 * 10)(z).view(-1, 16, 10)
          y: bmm(x.unsqueeze(1), w).squeeze(1)
        """,
    "expert_of_each_sample": """
        input: 16
        layers:
          gate: softmax(Linear(16, 4)(x), -1)
          best: gate.argmax(-1)
          w: Parameter(4, 16, 10)
          y: einsum('ni,nio->no', x, w[best]) * gate.gather(1, best[:, None])
        """,
    "experts_by_capacity": """
        input: 6x16
        layers:
          tokens: x.reshape(-1, 16)
          gate: softmax(Linear(16, 4)(tokens), -1)
          inbox: einsum('te,td->etd', gate, tokens)
          w: Parameter(4, 16, 16)
          done: einsum('etd,edf->etf', inbox, w).sum(0)
          y: done.view_as(x)
        """,
    "film": """
        input: {x: 8x6x6, c: 4}
        layers:
          p: Linear(4, 16)(c)
          pair: p.chunk(2, 1)
          y: x * (1 + pair[0][:, :, None, None]) + pair[1][..., None, None]
        """,
    "squeeze_and_excite_by_views": """
        input: 8x6x6
        layers:
          s: x.mean((2, 3)).view(x.size(0), x.size(1))
          g: sigmoid(Linear(8, 8)(s)).view(x.size(0), -1, 1, 1)
          y: x * g.expand_as(x)
        """,
    "spatial_transformer": """
        input: 3x8x8
        layers:
          theta: Linear(192, 6)(x.flatten(1)).view(-1, 2, 3)
          grid: affine_grid(theta, (N, 3, 8, 8), align_corners=False)
          y: grid_sample(x, grid, align_corners=False)
        """,
    "point_transform": """
        input: 3x20
        layers:
          t: Linear(60, 9)(x.flatten(1)).view(-1, 3, 3) + eye(3)
          y: bmm(t, x)
        """,
    # ---- tokens, queries, windows ----
    "latents_repeated": """
        input: 20x16
        layers:
          latent: Parameter(5, 16)
          q: latent.unsqueeze(0).repeat(N, 1, 1)
          a: MultiheadAttention(16, 4, batch_first=True)(q, x, x)
          y: a[0]
        """,
    "queries_in_the_decoder": """
        input: 20x16
        layers:
          q: Parameter(1, 5, 16)
          d: TransformerDecoderLayer(16, 2, 32, batch_first=True)(q.expand(x.shape[0], -1, -1), x)
        """,
    "turned_for_the_transformer_and_back": """
        input: 20x16
        layers:
          s: x.permute(1, 0, 2)
          e: TransformerEncoder(TransformerEncoderLayer(16, 2, 32), 2)(s)
          y: e.permute(1, 0, 2)
        """,
    "frames_in_the_batch": """
        input: '[N, 8, 3, 8, 8]'
        layers:
          f: x.flatten(0, 1)
          c: Conv2d(3, 4, 3)
          v: c.unflatten(0, (x.shape[0], 8))
          y: v.mean(1)
        """,
    "axial_attention": """
        input: 16x6x5
        layers:
          rows: x.permute(0, 2, 3, 1).reshape(N * 6, 5, 16)
          a: MultiheadAttention(16, 2, batch_first=True)(rows, rows, rows)
          back: a[0].view(N, 6, 5, 16)
          columns: back.permute(0, 2, 1, 3).flatten(0, 1)
          b: MultiheadAttention(16, 2, batch_first=True)(columns, columns, columns)
          y: b[0].view(N, 5, 6, 16).permute(0, 3, 2, 1)
        """,
    "shifted_windows": """
        input: 8x8x16
        layers:
          s: roll(x, (-2, -2), (1, 2))
          w: s.view(-1, 2, 4, 2, 4, 16).transpose(2, 3).reshape(-1, 16, 16)
          bias: Parameter(16, 16)
          a: softmax(w @ w.transpose(1, 2) + bias, -1) @ w
          back: a.view(-1, 2, 2, 4, 4, 16).transpose(2, 3).reshape(-1, 8, 8, 16)
          y: roll(back, (2, 2), (1, 2))
        """,
    "patches": """
        input: 3x8x8
        layers:
          p: x.reshape(-1, 3, 2, 4, 2, 4).permute(0, 2, 4, 3, 5, 1).reshape(-1, 4, 48)
          y: Linear(48, 16)
        """,
    "pixel_shuffle_by_hand": """
        input: 12x5x5
        layers:
          v: x.view(N, 3, 2, 2, 5, 5)
          y: v.permute(0, 1, 4, 2, 5, 3).reshape(N, 3, 10, 10)
        """,
    "channel_shuffle_by_hand": """
        input: 12x5x5
        layers:
          y: x.view(-1, 3, 4, 5, 5).transpose(1, 2).reshape(-1, 12, 5, 5)
        """,
    "random_masking": """
        input: 16x8
        layers:
          order: argsort(rand(N, 16), 1)
          kept: x.gather(1, order[:, :4, None].expand(-1, -1, 8))
          token: Parameter(1, 1, 8)
          all: cat([kept, token.expand(N, 12, -1)], 1)
          back: argsort(order, 1)
          y: all.gather(1, back.unsqueeze(-1).expand(-1, -1, 8))
        """,
    "vector_quantization": """
        input: 8x4x4
        layers:
          rows: x.permute(0, 2, 3, 1).reshape(-1, 8)
          book: Parameter(20, 8)
          nearest: cdist(rows, book).argmin(1)
          q: book[nearest].view(N, 4, 4, 8).permute(0, 3, 1, 2)
          loss: mse_loss(q, x)
          y: x + (q - x).detach() + loss
        """,
    "slots": """
        input: 20x16
        layers:
          mu: Parameter(1, 4, 16)
          s: mu + randn(N, 4, 16)
          a: softmax(x @ s.transpose(1, 2), -1)
          w: a / a.sum(1, keepdim=True)
          u: w.transpose(1, 2) @ x
          g: GRUCell(16, 16)(u.reshape(-1, 16), s.reshape(-1, 16))
          y: g.view(N, 4, 16)
        """,
    "beams_of_all_words": """
        input: {scores: '[N, 4]', logits: '[N, 4, 50]'}
        layers:
          total: scores[..., None] + log_softmax(logits, -1)
          best: total.view(N, -1).topk(4, 1)
          beam: best[1] // 50
          word: best[1] % 50
          y: logits.gather(1, beam[..., None].expand(-1, -1, 50)) + word[..., None]
        """,
    "shifted_language_model": """
        input: 'int64[N, 20]'
        layers:
          h: Embedding(100, 16)
          logits: Linear(16, 100)
          loss: cross_entropy(logits[:, :-1].reshape(-1, 100), x[:, 1:].reshape(-1))
        """,
    # ---- recurrent layers ----
    "both_directions": """
        input: 20x8
        layers:
          l: LSTM(8, 6, 2, batch_first=True, bidirectional=True)
          h: l[1][0].view(2, 2, N, 6)
          y: cat([h[-1, 0], h[-1, 1]], 1)
        """,
    "states_in_front_of_the_batch": """
        input: 20x8
        layers:
          h0: zeros(2, N, 6)
          g: GRU(8, 6, 2)(x.transpose(0, 1), h0)
          y: g[1].transpose(0, 1).reshape(N, -1)
        """,
    "cells_by_hand": """
        input: 3x8
        layers:
          cell: LSTMCell(8, 6)(x[:, 0], (zeros(x.size(0), 6), zeros(x.size(0), 6)))
          s2: cell(x[:, 1], cell)
          y: s2[0]
        """,
    "attention_over_steps": """
        input: '[T, N, 8]'
        layers:
          g: GRU(8, 6)(x)
          w: softmax(Linear(6, 1)(g[0]), 0)
          y: (w * g[0]).sum(0)
        """,
    "connectionist_loss": """
        input: {x: 12x8, y: 'int64[N, 4]'}
        layers:
          p: log_softmax(Linear(8, 10)(x), -1).transpose(0, 1)
          loss: ctc_loss(p, y, full((N,), 12), full((N,), 4))
        """,
    # ---- diffusion, rays ----
    "noise_of_each_sample": """
        input: {x: 3x8x8, t: 'int64[N]'}
        layers:
          alpha: Buffer(linspace(0.9, 0.1, 100))
          a: alpha[t].view(-1, 1, 1, 1)
          y: a.sqrt() * x + (1 - a).sqrt() * randn_like(x)
        """,
    "sinusoids_of_a_step": """
        input: {t: '[N]'}
        layers:
          f: exp(arange(8) * -0.5)
          a: t[:, None] * f[None]
          y: cat([a.sin(), a.cos()], -1)
        """,
    "rays": """
        input: {o: 3, d: 3}
        layers:
          z: linspace(2, 6, 16)
          p: o[:, None] + d[:, None] * z[None, :, None]
          h: Linear(3, 4)(p.flatten(0, 1)).view(N, 16, 4)
          alpha: 1 - exp(-relu(h[..., 3]))
          clear: cumprod(cat([ones(N, 1), 1 - alpha], 1), 1)[:, :-1]
          y: ((alpha * clear)[..., None] * h[..., :3]).sum(1)
        """,
    # ---- statistics and mixing that are written out ----
    "cutmix": """
        input: 3x8x8
        layers:
          other: x[randperm(N)]
          y: cat([x[:, :, :4], other[:, :, 4:]], 2)
        """,
    "bilinear_pooling": """
        input: 8x5x5
        layers:
          g: einsum('nchw,ndhw->ncd', x, x).flatten(1)
          y: normalize(g.sign() * g.abs().sqrt())
        """,
    "norm_of_tokens": """
        input: 20x8
        layers:
          b: BatchNorm1d(8)(x.view(-1, 8))
          y: b.view(N, 20, 8)
        """,
    "stochastic_depth": """
        input: 8x5x5
        layers:
          b: Conv2d(8, 8, 3, padding=1)
          y: x + b * Dropout(0.2)(ones(x.shape[0], 1, 1, 1))
        """,
    # ---- graphs: N is the number of nodes ----
    "pooling_of_nodes_by_attention": """
        input: {x: '[N, 8]', edge_index: 'int64[2, E]'}
        layers:
          m: x[edge_index[0]]
          h: zeros(N, 8).index_add(0, edge_index[1], m)
          w: softmax(Linear(8, 1)(h), 0)
          y: (w * h).sum(0)
        """,
    "edges_with_features": """
        input: {nodes: '[N, 8]', edges: '[E, 3]', index: 'int64[2, E]'}
        layers:
          m: cat([nodes[index[0]], nodes[index[1]], edges], 1)
          e: Linear(19, 8)
          h: zeros_like(nodes).scatter_add(0, index[1][:, None].expand(-1, 8), e)
          t: TransformerEncoderLayer(8, 2, 16)(h)
          y: t + nodes
        """,
    "degrees": """
        input: {x: '[N, 8]', src: 'int64[E]', dst: 'int64[E]'}
        layers:
          d: zeros(N).index_add(0, dst, ones_like(dst).float())
          n: (d + 1).rsqrt()
          m: n[src][:, None] * x[src]
          h: zeros(N, 8).index_add(0, dst, m) * n[:, None]
          order: sort(h, 0)
          y: order[0]
        """,
    "graphs_in_a_batch": """
        input: {x: 20x8, a: 20x20}
        layers:
          d: a.sum(-1, keepdim=True) + 1
          y: relu(Linear(8, 8)((a @ x) / d))
        """,
}


@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_reported(of, name):
    assert of(MODELS[name]).problems == []


@pytest.mark.parametrize("name", MODELS)
def test_torch_runs_it_at_every_batch(name):
    text = dedent(MODELS[name])
    assert [batch for batch in FEW if runs_at(text, batch)] == list(FEW)
    assert nnshape.verify(nnshape.trace(text), "cpu").agree
