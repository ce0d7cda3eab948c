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
    "r2plus1d_18": (r2plus1d, (1, 3, 16, 112, 112), "NCTHW", 0.7, {}, 13),
    "resnet50": (resnet50, (1, 3, 4, 224, 224), "TCHW", 0.5, {0: "frames"}, 13),
    "c3d": (C3D, (1, 3, 16, 112, 112), "NCTHW", 1.0, {}, 12),
}
ORDER = {"NCTHW": lambda x: x, "NTCHW": lambda x: x.transpose(1, 2), "TCHW": lambda x: x[0].transpose(0, 1)}


def make(folder, name):
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
    names = {"small": ["frames", "mixed", "lstm", "gru"], "big": ["r2plus1d_18", "resnet50", "c3d"]}[sys.argv[1]]
    os.makedirs(sys.argv[2], exist_ok=True)
    for name in sys.argv[3:] or names:
        make(sys.argv[2], name)
