"""Exports networks to ONNX and writes what PyTorch says about them, for the tests of io/onnx/.

    python3 tests/make_onnx.py small tests/golden/onnx      the small files that are committed, with their numbers
    python3 tests/make_onnx.py big FOLDER [name ...]        r2plus1d_18, resnet50, c3d: hundreds of megabytes, not committed

Run with PyTorch 1.13.0 and torchvision 0.14.1 on a CPU; its exporter needs no other package. Parameters and inputs follow
the formula of tests/golden/reference.py: a function of name and index, so no file of weights is needed.

For NAME.onnx: NAME.output.npy the scores (before a softmax at the end; of several rows their mean), NAME.gradient.npy the
gradient of the largest of them with respect to the clip, N,C,T,H,W. Both are computed in float64 from float32 parameters and
rounded to float32. The clip is clip(NAME, shape).
"""
import math
import os
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden"))
from reference import uniform  # noqa: E402

torch.set_num_threads(2)


def fill(net, gamma):
    """The formula of the reference numbers; gamma scales the weights of norms."""
    state = net.state_dict()
    for name, old in state.items():
        if name.endswith("num_batches_tracked"): continue
        u, shape = uniform(name, old.numel()), tuple(old.shape)
        if len(shape) > 1: v = (2 * u - 1) * math.sqrt(6 / np.prod(shape[1:]))
        elif name.endswith("running_var"): v = 0.75 + 0.5 * u
        elif name.endswith("running_mean"): v = 0.1 * (2 * u - 1)
        elif name.endswith("weight"): v = gamma * (0.75 + 0.5 * u)
        else: v = 0.1 * (2 * u - 1)
        state[name] = torch.from_numpy(v.astype(np.float32).reshape(shape))
    net.load_state_dict(state)
    return net.eval()


def clip(name, shape):
    """A moving pattern and noise, as tests/formula.h makes it."""
    n, c, t, h, w = shape
    u = uniform("input:" + name, int(np.prod(shape))).reshape(shape)
    time, row, column = np.meshgrid(np.arange(t), np.arange(h), np.arange(w), indexing="ij")
    base = np.sin(2 * math.pi * (column + 2 * time) / w) * np.cos(2 * math.pi * row / h)
    k = np.array([1.0, 0.5, -0.75])[None, :, None, None, None]
    return torch.from_numpy((base[None, None] * k + 0.5 * (2 * u - 1)).astype(np.float32))


class Frames(nn.Module):
    """A small CNN for each frame [T,3,H,W]: per-frame probabilities."""
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 2, 1)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 12, 3, 1, 1, groups=4, bias=False)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.fc = nn.Linear(12 * 5 * 4, 6)

    def scores(self, x):
        x = F.leaky_relu(self.bn1(self.conv1(x)), 0.1)
        x = self.pool(F.hardswish(self.conv2(x)))
        return self.fc(x.flatten(1))

    def forward(self, x):
        return torch.softmax(self.scores(x), 1)


class Mixed(nn.Module):
    """Slice, split, pad, resize, clip, strided time, reductions, matrix products: [1,3,T,H,W]."""
    def __init__(self):
        super().__init__()
        self.a = nn.Conv3d(3, 8, (3, 3, 3), (1, 2, 2), (1, 1, 1))
        self.b = nn.Conv3d(4, 4, (1, 3, 3), bias=False)
        self.c = nn.Conv3d(6, 10, 1)
        self.fc = nn.Linear(10, 7)
        self.mix = nn.Parameter(torch.zeros(7, 5))

    def forward(self, x):
        x = F.relu6(self.a(x[:, :, ::2]))
        p, q = torch.split(x, [4, 4], 1)
        p = F.pad(self.b(p), (1, 1, 1, 1))
        q = F.elu(q[:, 1:3])
        x = torch.cat([p * torch.sigmoid(p), q], 1)
        n, c, t, h, w = x.shape
        y = F.interpolate(x.transpose(1, 2).reshape(n * t, c, h, w), scale_factor=2, mode="nearest")
        y = F.avg_pool2d(y, 2, 2).reshape(n, t, c, h, w).transpose(1, 2)
        x = self.c(x + 0.5 * y) / 1.5
        x = x - x.mean((3, 4), keepdim=True)
        x = F.layer_norm(x.abs().amax((3, 4)).transpose(1, 2), (10,))
        x = torch.tanh(self.fc(x)).mean(1)
        return torch.matmul(x, self.mix)


class Recurrent(nn.Module):
    """A CNN per frame, then an LSTM or GRU: [1,T,3,H,W], as the networks of the study."""
    def __init__(self, kind, bidirectional=False):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, 2, 1)
        self.rnn = kind(6 * 4, 9, 1, bidirectional=bidirectional, batch_first=True)
        self.fc = nn.Linear(18 if bidirectional else 9, 5)

    def forward(self, x):
        n, t, c, h, w = x.shape
        y = torch.relu(self.conv(x.view(n * t, c, h, w)))
        y = F.adaptive_avg_pool2d(y, (2, 2)).view(n, t, -1)
        y, _ = self.rnn(y)
        return self.fc(y)


class Rows(nn.Module):
    """A recurrent cell with first states of its own, on rows of pixels: time is the clip's width."""
    def __init__(self, cell, states):
        super().__init__()
        self.rnn = cell
        self.h, self.c = (nn.Parameter(torch.zeros(states, 1, cell.hidden_size)) for _ in range(2))

    def forward(self, x):
        rows = x[0, :, 0, 1].t().unsqueeze(1)                    # W,1,3
        state = (self.h, self.c) if isinstance(self.rnn, nn.LSTM) else self.h
        y, last = self.rnn(rows, state)
        return torch.cat([y.flatten(), (last[1] if isinstance(last, tuple) else last).flatten()])


class Of(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def resized(size, mode, align):
    return lambda x: F.interpolate(x, size=size, mode=mode, align_corners=align)


def windows():
    return {
        "conv1d": nn.Sequential(Of(lambda x: x[:, :, 1, 2]), nn.Conv1d(3, 4, 3, 2, 1)),
        "conv1d_batch": nn.Sequential(Of(lambda x: x[0].permute(1, 0, 3, 2).flatten(0, 0)[:, :, :, 1]), nn.Conv1d(3, 4, 3, 1, 1)),
        "conv_dilated": nn.Conv3d(3, 4, (2, 3, 3), (1, 1, 2), (1, 2, 0), (2, 2, 1), bias=False),
        "conv_grouped": nn.Conv3d(3, 6, (1, 3, 1), groups=3),
        "deconv": nn.ConvTranspose3d(3, 4, (1, 3, 2), (1, 2, 2), (0, 1, 0)),
        "deconv_grouped": nn.ConvTranspose3d(3, 6, 2, groups=3, bias=False),
        "pool_ceil": nn.MaxPool3d((2, 3, 3), 2, (0, 1, 1), ceil_mode=True),
        "pool_average": nn.AvgPool3d((1, 3, 3), 2, (0, 1, 1), count_include_pad=False),
        "pool_average_padded": nn.AvgPool3d((1, 3, 3), 2, (0, 1, 1)),
        "pool_global_max": nn.AdaptiveMaxPool3d(1),
        "norm": nn.BatchNorm3d(3),
        "norm_2d": nn.Sequential(Of(lambda x: x[:, :, 0].mean((2, 3))), nn.BatchNorm1d(3)),
        "nearest": Of(resized((3, 7, 11), "nearest", None)),
        "linear": Of(resized((6, 7, 9), "trilinear", False)),
        "aligned": Of(lambda x: resized((7, 9), "bilinear", True)(x[:, :, 2])),
    }


def maps():
    return {
        "clamp": Of(lambda x: x.clamp(-0.4, 0.3) + x.clamp(min=0.1)),
        "elu": nn.ELU(0.7),
        "gelu": nn.GELU(),
        "silu": nn.SiLU(),
        "hardsigmoid": nn.Hardsigmoid(),
        "prelu": nn.PReLU(3),
        "abs": Of(torch.abs),
        "neg": Of(lambda x: 2 - x),
        "sqrt": Of(lambda x: torch.sqrt(x * x + 1)),
        "power": Of(lambda x: x ** 3 + (x * x + 0.5) ** -0.7),
        "exp_log": Of(lambda x: torch.log(torch.exp(x) + 1)),
        "divide": Of(lambda x: x / (x.mean((3, 4), keepdim=True) + 3)),
        "divide_by": Of(lambda x: x / torch.tensor([2.0, 3.0, 5.0]).to(x).view(3, 1, 1, 1)),
        "inverse": Of(lambda x: 1 / (x + 4)),
        "extremes": Of(lambda x: torch.maximum(x, x.flip(2)) * torch.minimum(x, 0.5 * x.flip(4))),
        "sum": Of(lambda x: x + x[:, :1] + x[:, :, :1] - x[..., :1]),
        "erf": Of(torch.erf),
    }


def moves():
    return {
        "flip": Of(lambda x: x.flip(2) * x),
        "stride": Of(lambda x: x[:, :, ::2, 1::3] * 2),
        "roll": Of(lambda x: torch.roll(x, 2, 4) * x),
        "pick": Of(lambda x: x[:, :, [3, 0, 0, 2]] * x[:, [2, 0, 1]][:, :, -1:]),
        "pick_pixel": Of(lambda x: x[:, :, 1, 2]),
        "reflect": Of(lambda x: F.pad(x[:, :, 0], (2, 1, 3, 0), "reflect")),
        "edge": Of(lambda x: F.pad(x, (1, 2, 0, 3, 1, 0), "replicate")),
        "pad_value": Of(lambda x: F.pad(x, (1, 0, 2, 1, 0, 1, 1, 0), value=0.7)),
        "pad_negative": Of(lambda x: F.pad(x, (-1, 2, 1, -2))),
        "expand": Of(lambda x: x.mean((2, 3), keepdim=True).expand(-1, -1, 5, 4, -1) * 1.5),
        "chunks": Of(lambda x: torch.cat([p * (i + 1) for i, p in enumerate(torch.split(x, [3, 1, 4], 4))], 4)),
        "stack": Of(lambda x: torch.stack([x[:, 0], x[:, 1] * 2, x[:, 2]], 2)),
        "matrix": Of(lambda x: x.reshape(1, 12, -1).transpose(1, 2)),
        "shuffle": Of(lambda x: x.reshape(1, 3, 2, 2, 6, 8).transpose(2, 3).reshape(1, 3, 4, 6, 8) * x),
        "windows": Of(lambda x: x[:, :, :, :, :6].reshape(12, 3, 2, 6).mean((1, 3))),
        "with_constant": Of(lambda x: torch.cat([x[:, :, 0, 0, 0], torch.ones(1, 2)], 1)),
    }


def reductions():
    return {
        "mean": Of(lambda x: x.mean((0, 2, 4))),
        "sum_all": Of(lambda x: x.sum((1, 2, 3, 4)) / 500),
        "max": Of(lambda x: x.amax((2, 4))),
        "min": Of(lambda x: x.amin((1, 3), keepdim=True)),
        "length": Of(lambda x: x.norm(2, 1)),
        "softmax": Of(lambda x: torch.softmax(x * 3, 3) * x),
        "logsoftmax": Of(lambda x: F.log_softmax(x, -1)),
        "layer_norm": nn.LayerNorm((6, 8)),
        "variance": Of(lambda x: x.var((3, 4), unbiased=False)),
        "linear_rows": nn.Linear(8, 5),
        "linear_left": Of(lambda x: torch.matmul(torch.arange(12.0).view(2, 6).to(x) / 9, x)),
        "attention": Of(lambda x: torch.softmax(torch.matmul(x[0, :, 0], x[0, :, 1].transpose(1, 2)), -1) @ x[0, :, 2]),
        "gemm": nn.Sequential(Of(lambda x: x[0, :, 0, 0]), nn.Linear(8, 3, bias=False)),
        "addmm": Of(lambda x: torch.addmm(torch.arange(4.0).to(x), x[0, :, 0, 0], torch.ones(8, 4).to(x) / 7, beta=0.5, alpha=2)),
    }


def cells():
    return {
        "lstm": Rows(nn.LSTM(3, 4), 1),
        "lstm_two": Rows(nn.LSTM(3, 4, 2, bidirectional=True), 4),
        "gru": Rows(nn.GRU(3, 4), 1),
        "rnn": Rows(nn.RNN(3, 4, bidirectional=True), 2),
    }


PARTS = {"windows": windows, "maps": maps, "moves": moves, "reductions": reductions, "cells": cells}


class Zoo(nn.Module):
    """One number for every operator of a group, and a mix of them as scores."""
    def __init__(self, group, only=None):
        super().__init__()
        parts = PARTS[group]()
        self.parts = nn.ModuleDict({"p_" + k: v for k, v in parts.items() if only in (None, k)})
        self.mix = nn.Linear(len(self.parts), 5)

    def forward(self, x):
        values = []
        for part in self.parts.values():
            y = part(x)
            weight = torch.from_numpy(uniform("seed:zoo", y.numel()).astype(np.float32).reshape(y.shape)).to(y) * 2 - 1
            values.append(torch.tanh((y * weight).mean().view(1, 1) * 3))
        return self.mix(torch.cat(values, 1))


def r2plus1d():
    import torchvision.models.video as v
    return v.r2plus1d_18(num_classes=400)


def resnet50():
    import torchvision.models as m
    return m.resnet50(num_classes=400)


class C3D(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [3, 64, 128, 256, 256, 512, 512, 512, 512]
        self.convs = nn.ModuleList(nn.Conv3d(i, o, 3, padding=1) for i, o in zip(widths, widths[1:]))
        self.fc6, self.fc8 = nn.Linear(8192, 1024), nn.Linear(1024, 101)

    def forward(self, x):
        for i, conv in enumerate(self.convs):
            x = F.relu(conv(x))
            if i == 0:
                x = F.max_pool3d(x, (1, 2, 2), (1, 2, 2))
            elif i in (1, 3, 5):
                x = F.max_pool3d(x, 2, 2)
        x = F.max_pool3d(x, 2, 2, (0, 1, 1))
        return self.fc8(F.dropout(F.relu(self.fc6(x.flatten(1))), training=self.training))


# name: network, shape of the clip N,C,T,H,W, how the file takes it, gamma, which axes are open, opset
NETS = {
    "frames": (Frames, (1, 3, 4, 20, 16), "TCHW", 1.0, {0: "frames"}, 13),
    "mixed": (Mixed, (1, 3, 8, 12, 16), "NCTHW", 1.0, {}, 11),
    "lstm": (lambda: Recurrent(nn.LSTM), (1, 3, 5, 8, 8), "NTCHW", 1.0, {}, 14),
    "gru": (lambda: Recurrent(nn.GRU, True), (1, 3, 5, 8, 8), "NTCHW", 1.0, {}, 9),
    **{"zoo_" + group: (lambda group=group: Zoo(group), (1, 3, 4, 6, 8), "NCTHW", 1.0, {}, opset)
       for group, opset in zip(PARTS, (11, 13, 12, 13, 11))},
    "r2plus1d_18": (r2plus1d, (1, 3, 16, 112, 112), "NCTHW", 0.7, {}, 13),
    "resnet50": (resnet50, (1, 3, 4, 224, 224), "TCHW", 0.5, {0: "frames"}, 13),
    "c3d": (C3D, (1, 3, 16, 112, 112), "NCTHW", 1.0, {}, 12),
}
ORDER = {"NCTHW": lambda x: x, "NTCHW": lambda x: x.transpose(1, 2), "TCHW": lambda x: x[0].transpose(0, 1)}


def make(folder, name):
    if ":" in name:                                           # zoo_maps:elu: one operator alone
        group, only = name.split(":")
        build, shape, axes, gamma, open_axes, opset = (lambda: Zoo(group[4:], only), *NETS[group][1:])
    else:
        build, shape, axes, gamma, open_axes, opset = NETS[name]
    net = fill(build(), gamma)
    x = clip(name, shape)
    # PRESERVE: norms stay nodes of their own. Folded into convolutions, weights are rounded once more, and in deep networks
    # a few ReLUs fall on the other side: 2e-4 of the gradient.
    torch.onnx.export(net, ORDER[axes](x).contiguous(), f"{folder}/{name}.onnx", opset_version=opset,
                      training=torch.onnx.TrainingMode.PRESERVE, input_names=["clip"], output_names=["scores"],
                      dynamic_axes={"clip": open_axes} if open_axes else None)
    net, x = net.double(), x.double().requires_grad_(True)
    scores = getattr(net, "scores", net)(ORDER[axes](x))
    rows = scores.reshape(-1, scores.shape[-1]).mean(0)
    best = int(rows.argmax())
    gradient, = torch.autograd.grad(rows[best], x)
    np.save(f"{folder}/{name}.output.npy", rows.detach().numpy().astype(np.float32))
    np.save(f"{folder}/{name}.gradient.npy", gradient.numpy().astype(np.float32))
    print(f"{name}: {len(rows)} scores, the largest {rows[best]:.4f} of class {best}, |gradient| {gradient.norm():.4e}")


if __name__ == "__main__":
    parts = [f"zoo_{group}:{part}" for group in PARTS for part in PARTS[group]()]
    names = {"parts": parts, "small": ["frames", "mixed", "lstm", "gru"] + ["zoo_" + group for group in PARTS], "big": ["r2plus1d_18", "resnet50", "c3d"]}[sys.argv[1]]
    os.makedirs(sys.argv[2], exist_ok=True)
    for name in sys.argv[3:] or names:
        make(sys.argv[2], name)
