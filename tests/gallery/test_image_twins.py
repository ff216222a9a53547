"""Networks of images and points, written by hand from their papers, against the gallery's."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F


class Double(nn.Module):
    def __init__(self, inp, out):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inp, out, 3, padding=1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, padding=1, bias=False), nn.BatchNorm2d(out)

    def forward(self, x):
        return self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()


class Up(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.up, self.conv = nn.ConvTranspose2d(2 * c, c, 2, 2), Double(2 * c, c)

    def forward(self, x, skip):
        return self.conv(torch.cat([skip, self.up(x)], 1))


class UNet(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        for level in range(1, 5):
            setattr(self, f"down{level}", Double(1 if level == 1 else width << level - 2, width << level - 1))
        self.middle = Double(8 * width, 16 * width)
        for level in range(4, 0, -1):
            setattr(self, f"up{level}", Up(width << level - 1))
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        skips = []
        for level in range(1, 5):
            skips.append(getattr(self, f"down{level}")(x))
            x = F.max_pool2d(skips[-1], 2)
        x = self.middle(x)
        for level in range(4, 0, -1):
            x = getattr(self, f"up{level}")(x, skips[level - 1])
        return self.head(x)


def test_unet(agree):
    agree("unet", UNet(4, 3), torch.rand(2, 1, 32, 48), width=4, classes=3)


class DenseLayer(nn.Module):
    def __init__(self, inp, growth):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(inp), nn.Conv2d(inp, 4 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x):
        new = self.conv2(self.norm2(self.conv1(self.norm1(x).relu())).relu())
        return torch.cat([x, new], 1)


class DenseNet(nn.Module):
    def __init__(self, growth, depths, stem, classes):
        super().__init__()
        f = self.features = nn.Sequential()
        f.conv0, f.norm0 = nn.Conv2d(3, stem, 7, 2, 3, bias=False), nn.BatchNorm2d(stem)
        f.relu0, f.pool0 = nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        width = stem
        for number, depth in enumerate(depths, 1):
            block = nn.Sequential()
            for i in range(1, depth + 1):
                block.add_module(f"denselayer{i}", DenseLayer(width, growth))
                width += growth
            f.add_module(f"denseblock{number}", block)
            if number < len(depths):
                halve = nn.Sequential()
                halve.norm, halve.relu = nn.BatchNorm2d(width), nn.ReLU()
                halve.conv, halve.pool = nn.Conv2d(width, width // 2, 1, bias=False), nn.AvgPool2d(2)
                f.add_module(f"transition{number}", halve)
                width //= 2
        f.norm5 = nn.BatchNorm2d(width)
        self.classifier = nn.Linear(width, classes)

    def forward(self, x):
        return self.classifier(self.features(x).relu().mean((2, 3)))


def test_densenet(agree):
    sizes = {"growth": 4, "depths": [2, 3, 1, 2], "stem": 6, "classes": 5}
    agree("densenet", DenseNet(**sizes), torch.rand(2, 3, 224, 224), **sizes)


def conv_norm(inp, out, kernel=3, stride=1, groups=1, act=nn.ReLU6):
    conv = nn.Conv2d(inp, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out), act())


class InvertedResidual(nn.Module):
    def __init__(self, inp, out, stride, expansion):
        super().__init__()
        hidden = inp * expansion
        layers = [conv_norm(inp, hidden, 1)] if expansion > 1 else []
        layers += [conv_norm(hidden, hidden, 3, stride, hidden)]
        self.conv = nn.Sequential(*layers, nn.Conv2d(hidden, out, 1, bias=False), nn.BatchNorm2d(out))
        self.same = stride == 1 and inp == out

    def forward(self, x):
        return x + self.conv(x) if self.same else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self, stages, classes):
        super().__init__()
        layers, width = [conv_norm(3, 32, 3, 2)], 32
        for expansion, channels, repeats, stride in stages:
            for i in range(repeats):
                layers.append(InvertedResidual(width, channels, stride if i == 0 else 1, expansion))
                width = channels
        self.features = nn.Sequential(*layers, conv_norm(width, 1280, 1))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def test_mobilenet_v2(agree):
    sizes = {"stages": [[1, 8, 1, 1], [6, 12, 3, 2], [6, 12, 1, 1]], "classes": 5}
    agree("mobilenet_v2", MobileNetV2(**sizes), torch.rand(2, 3, 224, 224), **sizes)


class EncoderBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, 1e-6)
        self.self_attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_2 = nn.LayerNorm(width, 1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Identity(), nn.Linear(4 * width, width))

    def forward(self, x):
        y = self.ln_1(x)
        x = x + self.self_attention(y, y, y)[0]
        return x + self.mlp(self.ln_2(x))


class VisionTransformer(nn.Module):
    def __init__(self, patch, width, num_heads, depth, side, classes):
        super().__init__()
        self.class_token = nn.Parameter(torch.empty(1, 1, width))
        self.conv_proj = nn.Conv2d(3, width, patch, patch)
        self.encoder = nn.Module()
        self.encoder.pos_embedding = nn.Parameter(torch.empty(1, (side // patch) ** 2 + 1, width))
        self.encoder.layers = nn.Sequential()
        for i in range(depth):
            self.encoder.layers.add_module(f"encoder_layer_{i}", EncoderBlock(width, num_heads))
        self.encoder.ln = nn.LayerNorm(width, 1e-6)
        self.heads = nn.Sequential()
        self.heads.head = nn.Linear(width, classes)

    def forward(self, x):
        patches = self.conv_proj(x).flatten(2).mT
        x = torch.cat([self.class_token.repeat(len(x), 1, 1), patches], 1) + self.encoder.pos_embedding
        return self.heads(self.encoder.ln(self.encoder.layers(x))[:, 0])


def test_vit(agree):
    sizes = {"patch": 4, "width": 8, "num_heads": 2, "depth": 2, "side": 16, "classes": 5}
    agree("vit", VisionTransformer(**sizes), torch.rand(2, 3, 16, 16), **sizes)


class Generator(nn.Module):
    def __init__(self, nz, ngf, nc):
        super().__init__()
        widths = [nz, 8 * ngf, 4 * ngf, 2 * ngf, ngf]
        layers = []
        for i, (inp, out) in enumerate(pairwise(widths)):
            stride, padding = (2, 1) if i else (1, 0)
            layers += [nn.ConvTranspose2d(inp, out, 4, stride, padding, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
        self.main = nn.Sequential(*layers, nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False), nn.Tanh())

    def forward(self, x):
        return self.main(x)


def test_dcgan(agree):
    agree("dcgan", Generator(100, 2, 3), torch.randn(2, 100, 1, 1), ngf=2)


class VAE(nn.Module):
    def __init__(self, hidden, latent):
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(784, hidden), nn.Linear(hidden, latent), nn.Linear(hidden, latent)
        self.fc3, self.fc4 = nn.Linear(latent, hidden), nn.Linear(hidden, 784)

    def forward(self, x):
        h = self.fc1(x.view(-1, 784)).relu()
        mu, logvar = self.fc21(h), self.fc22(h)
        z = mu + torch.randn_like(mu) * torch.exp(logvar / 2)
        return self.fc4(self.fc3(z).relu()).sigmoid(), mu, logvar


def test_vae(agree):
    agree("vae", VAE(12, 3), torch.rand(2, 1, 28, 28), hidden=12, latent=3)


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        e = self.encoder = nn.Module()
        e.conv1, e.conv2 = nn.Conv2d(1, 64, 10), nn.Conv2d(64, 128, 7)
        e.conv3, e.conv4 = nn.Conv2d(128, 128, 4), nn.Conv2d(128, 256, 4)
        e.fc = nn.Linear(9216, 4096)
        self.fc = nn.Linear(4096, 1)

    def encode(self, x):
        e = self.encoder
        for conv in (e.conv1, e.conv2, e.conv3):
            x = F.max_pool2d(conv(x).relu(), 2)
        return e.fc(e.conv4(x).relu().flatten(1)).sigmoid()

    def forward(self, left, right):
        return self.fc((self.encode(left) - self.encode(right)).abs()).sigmoid()


def test_siamese(agree):
    agree("siamese", Siamese(), torch.rand(1, 1, 105, 105), torch.rand(1, 1, 105, 105))


class PointNet(nn.Module):
    """The classifier, or with k the network that turns points of k features."""

    def __init__(self, classes, k=None):
        super().__init__()
        self.k = k
        if k is None:
            self.stn = PointNet(9, 3)
        self.conv1, self.bn1 = nn.Conv1d(k or 3, 64, 1), nn.BatchNorm1d(64)
        if k is None:
            self.fstn = PointNet(64 * 64, 64)
        self.conv2, self.bn2 = nn.Conv1d(64, 128, 1), nn.BatchNorm1d(128)
        self.conv3, self.bn3 = nn.Conv1d(128, 1024, 1), nn.BatchNorm1d(1024)
        self.fc1, self.bn4 = nn.Linear(1024, 512), nn.BatchNorm1d(512)
        self.fc2, self.bn5 = nn.Linear(512, 256), nn.BatchNorm1d(256)
        self.fc3 = nn.Linear(256, classes)
        self.dropout = nn.Dropout(0.0 if k else 0.3)

    def forward(self, x):
        if self.k is None:
            x = self.stn(x).mT @ x
        x = self.bn1(self.conv1(x)).relu()
        if self.k is None:
            turn = self.fstn(x)
            x = turn.mT @ x
        x = self.bn3(self.conv3(self.bn2(self.conv2(x)).relu()))
        x = x.relu().amax(2) if self.k else x.amax(2)
        x = self.bn4(self.fc1(x)).relu()
        x = self.fc3(self.bn5(self.dropout(self.fc2(x))).relu())
        return x.view(-1, self.k, self.k) + torch.eye(self.k) if self.k else (x, turn)


def test_pointnet(agree):
    agree("pointnet", PointNet(5), torch.randn(4, 3, 20), classes=5)


class NeRF(nn.Module):
    def __init__(self, width, point_bands, direction_bands):
        super().__init__()
        self.bands = point_bands, direction_bands
        p, d = (3 + 6 * bands for bands in self.bands)
        self.before = self.mlp(p, width, 5)
        self.after = self.mlp(p + width, width, 3)
        self.alpha, self.feature = nn.Linear(width, 1), nn.Linear(width, width)
        self.view, self.rgb = nn.Linear(width + d, width // 2), nn.Linear(width // 2, 3)

    @staticmethod
    def mlp(inp, width, depth):
        pairs = [(nn.Linear(width if i else inp, width), nn.ReLU()) for i in range(depth)]
        return nn.Sequential(*(layer for pair in pairs for layer in pair))

    @staticmethod
    def encode(p, bands):
        """Each coordinate's sines at all bands, then its cosines."""
        waves = torch.stack([p * 2.0**band for band in range(bands)], -1).flatten(-2)
        return torch.cat([p, waves.sin(), waves.cos()], -1)

    def forward(self, points, directions):
        p, d = self.encode(points, self.bands[0]), self.encode(directions, self.bands[1])
        h = self.after(torch.cat([p, self.before(p)], -1))
        view = self.view(torch.cat([self.feature(h), d], -1)).relu()
        return torch.cat([self.rgb(view), self.alpha(h)], -1)


def test_nerf(agree):
    sizes = {"width": 8, "point_bands": 3, "direction_bands": 2}
    agree("nerf", NeRF(**sizes), torch.rand(2, 5, 3), torch.rand(2, 5, 3), **sizes)
