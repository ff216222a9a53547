"""Models that relate the samples of a batch on purpose, or fold the batch and unfold it: none is told anything."""

from __future__ import annotations

import pytest

import nnshape

MODELS = {
    # SimCLR: the views of all samples against one another.
    "simclr": """
        input: {a: 3x32x32, b: 3x32x32}
        layers:
          images: cat((a, b))
          conv: Conv2d(3, 16, 3)
          h: adaptive_avg_pool2d(conv, 1).flatten(1)
          z: normalize(Linear(16, 8)(h), dim=1)
          sim: z @ z.t() / 0.5
          own: eye(sim.shape[0]).bool()
          logits: sim.masked_fill(own, -1e9)
          positive: cat((arange(N) + N, arange(N)))
          loss: cross_entropy(logits, positive)
        """,
    "infonce": """
        input: {q: 16, k: 16}
        layers:
          query: normalize(Linear(16, 8)(q))
          key: normalize(Linear(16, 8)(k))
          logits: query @ key.t() / 0.07
          labels: arange(q.shape[0])
          one: cross_entropy(logits, labels)
          two: cross_entropy(logits.t(), labels)
          loss: (one + two) / 2
        """,
    "batch_hard_triplets": """
        input: {x: 16, y: 'int64[N]'}
        layers:
          e: Linear(16, 8)(x)
          d: cdist(e, e)
          same: y[:, None] == y[None]
          far: d.masked_fill(~same, 0.0).amax(1)
          near: d.masked_fill(same, 1e9).amin(1)
          loss: relu(far - near + 0.3).mean()
        """,
    "batch_hard_triplets_by_products": """
        input: {x: 16, y: 'int64[N]'}
        layers:
          e: Linear(16, 8)(x)
          dot: e @ e.t()
          square: dot.diagonal()
          d: square[None] - 2.0 * dot + square[:, None]
          norms: (e ** 2).sum(1, keepdim=True)
          other: norms + norms.t() - 2 * dot
          same: y.view(-1, 1) == y.view(1, -1)
          loss: ((d + other) * same).mean()
        """,
    "minibatch_discrimination": """
        input: 64
        layers:
          m: Linear(64, 80)
          kernels: m.view(-1, 16, 5)
          d: kernels[:, None] - kernels[None]
          near: exp(-d.abs().sum(3)).sum(1)
          both: cat((x, near), 1)
          fc: Linear(80, 1)
        """,
    # StyleGAN: a convolution of its own for each sample, in groups.
    "modulated_convolution": """
        input: {x: 16x8x8, w: 32}
        layers:
          style: Linear(32, 16)(w)
          weight: Parameter(24, 16, 3, 3)
          own: weight[None] * style[:, None, :, None, None]
          demodulated: own * rsqrt(own.square().sum((2, 3, 4), keepdim=True) + 1e-8)
          maps: x.reshape(1, -1, 8, 8)
          kernels: demodulated.reshape(-1, 16, 3, 3)
          y: conv2d(maps, kernels, padding=1, groups=x.shape[0])
          out: y.reshape(-1, 24, 8, 8)
        """,
    # DETR: queries of a table for each sample, sequence first.
    "detr_queries": """
        input: 32x7x7
        layers:
          queries: Parameter(100, 32)
          target: queries.unsqueeze(1).repeat(1, x.shape[0], 1)
          tokens: x.flatten(2).permute(2, 0, 1)
          hs: Transformer(32, 4, 1, 1, 64)(tokens, target)
          classes: Linear(32, 92)(hs.transpose(0, 1))
        """,
    "sequence_first": """
        input: {words: 'int64[T, N]', next: 'int64[T, N]'}
        layers:
          e: Embedding(100, 32)(words)
          h: LSTM(32, 64, 2)(e)
          a: MultiheadAttention(64, 4)(h[0], h[0], h[0])
          logits: Linear(64, 100)(a[0])
          loss: cross_entropy(logits.view(-1, 100), next.view(-1))
        """,
    "sequence_first_decoder": """
        input: {src: '[T, N, 32]', tgt: '[20, N, 32]'}
        layers:
          pe: Parameter(500, 1, 32)
          placed: src + pe[:src.size(0)]
          t: Transformer(32, 4, 1, 1, 64)(placed, tgt)
          last: t[-1]
          flat: t.reshape(-1, 32)
          fc: Linear(32, 5)
          back: fc.view(20, -1, 5)
        output: [last, back]
        """,
    "batch_norm_of_steps": """
        input: 12x16
        layers:
          flat: flatten(0, 1)
          bn: BatchNorm1d(16)
          back: unflatten(0, (-1, 12))
          fc: Linear(16, 4)
        """,
    "mixup": """
        input: {x: 3x8x8, y: 'int64[N]', order: 'int64[N]', share: '[N]'}
        layers:
          by: share[:, None, None, None]
          mixed: x * by + x[order] * (1 - by)
          logits: Linear(192, 10)(mixed.flatten(1))
          one: cross_entropy(logits, y, reduction='none')
          two: cross_entropy(logits, y[order], reduction='none')
          loss: (share * one + (1 - share) * two).mean()
        """,
    "mixup_by_turning_over": """
        input: 3x8x8
        layers:
          mixed: 0.7 * x + 0.3 * x.flip(0)
          rolled: mixed + x.roll(1, 0)
          fc: Linear(192, 10)(rolled.flatten(1))
        """,
    "mixture_of_experts": """
        input: 20x32
        layers:
          tokens: x.view(-1, 32)
          gate: softmax(Linear(32, 4)(tokens), -1)
          chosen: topk(gate, 2)
          mask: one_hot(chosen.indices[:, 0], 4)
          place: cumsum(mask, 0) * mask
          a: Linear(32, 32)(tokens)
          b: Linear(32, 32)(tokens)
          mixed: a * chosen.values[:, :1] + b * chosen.values[:, 1:]
          out: mixed.view(x.shape)
        output: [out, place]
        """,
    # TSM: channels are shifted along the frames, which are folded into the batch.
    "temporal_shift": """
        input: 8x16x10x10
        layers:
          frames: x.view(-1, 16, 10, 10)
          conv: Conv2d(16, 16, 3, padding=1)
          clips: conv.view(-1, 8, 16, 10, 10)
          left: cat((clips[:, 1:, :2], zeros_like(clips[:, :1, :2])), 1)
          right: cat((zeros_like(clips[:, :1, 2:4]), clips[:, :-1, 2:4]), 1)
          shifted: cat((left, right, clips[:, :, 4:]), 2)
          folded: shifted.view(-1, 16, 10, 10)
          pooled: adaptive_avg_pool2d(folded, 1).flatten(1)
          logits: Linear(16, 5)(pooled)
          mean: logits.view(-1, 8, 5).mean(1)
        """,
    "swin_windows": """
        input: 56x56x24
        layers:
          shifted: roll(x, (-3, -3), (1, 2))
          tiles: shifted.view(N, 8, 7, 8, 7, 24).permute(0, 1, 3, 2, 4, 5)
          windows: tiles.reshape(-1, 49, 24)
          qkv: Linear(24, 72)(windows).reshape(-1, 49, 3, 3, 8).permute(2, 0, 3, 1, 4)
          scores: qkv[0] @ qkv[1].transpose(-2, -1)
          mask: zeros(64, 49, 49)
          masked: scores.view(N, 64, 3, 49, 49) + mask[None, :, None]
          weights: softmax(masked.view(-1, 3, 49, 49), -1)
          mixed: (weights @ qkv[2]).transpose(1, 2).reshape(-1, 49, 24)
          back: mixed.view(N, 8, 8, 7, 7, 24).permute(0, 1, 3, 2, 4, 5).reshape(N, 56, 56, 24)
        """,
    "beams": """
        input: {memory: 10x32, words: 'int64[N, 6]'}
        layers:
          wide: memory.repeat_interleave(4, 0)
          beams: words.repeat_interleave(4, 0)
          e: Embedding(50, 32)(beams)
          h: TransformerDecoderLayer(32, 4, 64, batch_first=True)(e, wide)
          scores: log_softmax(Linear(32, 50)(h[:, -1]), -1)
          of_sample: scores.view(N, -1)
          best: topk(of_sample, 4)
          word: best.indices % 50
          beam: best.indices // 50 + 4 * arange(N)[:, None]
          next: cat((beams[beam.view(-1)], word.view(-1, 1)), 1)
        """,
    "barlow_twins": """
        input: {a: 16, b: 16}
        layers:
          project: Linear(16, 32)(a)
          one: (project - project.mean(0)) / project.std(0)
          other: project(b)
          two: (other - other.mean(0)) / other.std(0)
          c: one.t() @ two / a.shape[0]
          on: (c.diagonal() - 1).square().sum()
          loss: on + 0.005 * (c - diag(c.diagonal())).square().sum()
        """,
    "gram": """
        input: 16x8x8
        layers:
          f: x.view(N, 16, 64)
          gram: bmm(f, f.transpose(1, 2)) / 1024
          flat: x.view(-1, 64)
          of_all: flat @ flat.t()
          loss: gram.square().mean() + of_all.mean()
        """,
    "whitening": """
        input: 16
        layers:
          centered: x - x.mean(0, keepdim=True)
          cov: centered.t() @ centered / (x.shape[0] - 1) + 0.001 * eye(16)
          white: centered @ inverse(cholesky(cov)).t()
        """,
    "batch_attention_written_out": """
        input: 16
        layers:
          h: Linear(16, 8)
          out: softmax(h @ h.t(), 1) @ h
        """,
    "nodes_with_a_matrix": """
        input: {x: '[N, 16]', adjacency: '[N, N]'}
        layers:
          h: Linear(16, 8)(x)
          left: Linear(8, 1)(h)
          right: Linear(8, 1)(h)
          scores: left + right.t()
          attention: softmax(scores.masked_fill(adjacency == 0, -1e9), 1)
          mixed: attention @ h
          pooled: softmax(mixed, 0).sum(0)
          first: mixed[0]
          s: squeeze(mixed)
        output: [pooled, first, s]
        """,
    "nodes_with_edges": """
        input: {x: '[N, 16]', edges: 'int64[2, E]'}
        layers:
          h: Linear(16, 8)(x)
          sent: h[edges[0]]
          ends: edges[1][:, None].expand(-1, 8)
          received: zeros_like(h).scatter_add(0, ends, sent)
          pooled: received.mean(0)
        """,
    "memory_bank": """
        input: {q: 16, k: 16}
        layers:
          bank: Buffer(zeros(100, 16))
          keys: cat((k, bank))
          logits: q @ keys.t()
          own: (q * k).sum(1, keepdim=True)
          moco: cat((own, q @ bank.t()), 1) / 0.07
          loss: cross_entropy(logits, arange(N)) + cross_entropy(moco, zeros(N).long())
        """,
    # The standard loss of a language model.
    "language_model": """
        input: 'int64[N, T]'
        layers:
          e: Embedding(100, 32)
          h: TransformerEncoderLayer(32, 4, 64, batch_first=True)
          logits: Linear(32, 100)
          loss: cross_entropy(logits[:, :-1].reshape(-1, 100), x[:, 1:].reshape(-1))
        """,
    # Tokens are folded into the batch, and unfolded again.
    "folded_tokens": """
        input: 'int64[N, 20]'
        layers:
          e: Embedding(100, 32)
          rows: e.view(-1, 32)
          gate: Linear(32, 4)
          back: gate.view(N, 20, 4)
          target: x.view(-1)
          h: Linear(4, 100)(back)
          loss: cross_entropy(h.view(-1, 100), target)
        """,
    "heads_by_hand": """
        input: 50x64
        layers:
          q: Linear(64, 64)(x).view(N, -1, 8, 8).transpose(1, 2)
          k: Linear(64, 64)(x).view(N, -1, 8, 8).transpose(1, 2)
          v: Linear(64, 64)(x).view(N, -1, 8, 8).transpose(1, 2)
          a: softmax(q @ k.transpose(-2, -1) / 8 ** 0.5, -1) @ v
          out: a.transpose(1, 2).reshape(N, -1, 64)
        """,
    "folded_heads": """
        input: 50x64
        layers:
          q: Linear(64, 64)(x).reshape(-1, 50, 8, 8).transpose(1, 2).reshape(-1, 50, 8)
          a: softmax(bmm(q, q.transpose(1, 2)), 2)
          mixed: bmm(a, q).view(-1, 8, 50, 8).transpose(1, 2).reshape(-1, 50, 64)
        """,
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_is_right(of, name):
    assert of(MODELS[name]).problems == []


@pytest.mark.parametrize("name", MODELS)
def test_it_runs(of, name):
    verification = nnshape.verify(of(MODELS[name]).trace, "cpu")
    assert verification.agree, (verification.sentence, verification.disagreements)
