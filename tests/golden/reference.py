"""The layers and networks of this repository once more, in PyTorch: what the golden numbers are made with.

Parameter names are those of the graph, so that parameters can come from a formula of name and index (formula), or
from the shipped weights. Nothing here is needed to build, run or test footlight.
"""
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torchvision.models.resnet import Bottleneck as ImageBottleneck
from torchvision.models.video.resnet import BasicBlock, Conv2Plus1D, Conv3DNoTemporal, Conv3DSimple


# ---- formulas ----
def uniform(name, count):
    """splitmix64 started at the FNV-1a hash of the name: the top 24 bits as numbers in [0, 1)."""
    mask = (1 << 64) - 1
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = (h ^ byte) * 0x100000001B3 & mask
    with np.errstate(over="ignore"):
        z = np.uint64(h) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        z = z ^ z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) / 2 ** 24


def formula(name, shape):
    """A parameter, rounded to float32."""
    u = uniform(name, int(np.prod(shape)))
    if len(shape) > 1: v = (2 * u - 1) * math.sqrt(6 / np.prod(shape[1:]))
    elif name.endswith("running_var"): v = 0.75 + 0.5 * u
    elif name.endswith("weight"): v = 0.75 + 0.5 * u
    else: v = 0.1 * (2 * u - 1)
    return v.astype(np.float32).reshape(shape)


def fill(module, scope=""):
    """Formula values for everything, in a module of float64. nn.LSTM's suffix _l0 is not part of a name."""
    state = module.state_dict()
    for key, old in state.items():
        if key.endswith("num_batches_tracked"): continue
        state[key] = torch.from_numpy(formula(scope + key.removesuffix("_l0"), tuple(old.shape)))
    module.load_state_dict(state)
    return module.double()


# ---- layers ----
class ReluLSTMCell(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.fc_x, self.fc_h = nn.Linear(inputs, 4 * hidden), nn.Linear(hidden, 4 * hidden, bias=False)

    def forward(self, x):                                    # N,T,C -> N,T,hidden
        h = c = x.new_zeros(x.shape[0], self.fc_h.in_features)
        states = []
        for t in range(x.shape[1]):
            i, f, o, g = (self.fc_x(x[:, t]) + self.fc_h(h)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.relu(g)
            h = torch.sigmoid(o) * torch.relu(c)
            states.append(h)
        return torch.stack(states, 1)


class ConvLSTMCell(nn.Module):
    def __init__(self, inputs, hidden, k, stride):
        super().__init__()
        for gate in "ifco":
            self.add_module("Wx" + gate, nn.Conv2d(inputs, hidden, k, stride, k // 2))
            self.add_module("Wh" + gate, nn.Conv2d(hidden, hidden, k, 1, k // 2, bias=False))

    def forward(self, x):                                    # N,C,T,H,W -> N,hidden,T,H',W'
        wx, wh = lambda g: getattr(self, "Wx" + g), lambda g: getattr(self, "Wh" + g)
        h = c = torch.zeros_like(wx("i")(x[:, :, 0]))
        states = []
        for t in range(x.shape[2]):
            i, f, a, o = (wx(g)(x[:, :, t]) + wh(g)(h) for g in "ifco")
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(a)
            h = torch.sigmoid(o) * torch.tanh(c)
            states.append(h)
        return torch.stack(states, 2)


class Shift(nn.Module):
    """TSM: before `net`, the first fold of channels comes from the next frame, the second from the one before."""
    def __init__(self, net, frames, fold):
        super().__init__()
        self.net, self.frames, self.fold = net, frames, fold

    def forward(self, x):
        f = self.fold
        x = x.unflatten(0, (-1, self.frames))
        ahead, behind = torch.zeros_like(x[:, :1, :f]), torch.zeros_like(x[:, :1, f:2 * f])
        first = torch.cat([x[:, 1:, :f], ahead], 1)
        second = torch.cat([behind, x[:, :-1, f:2 * f]], 1)
        return self.net(torch.cat([first, second, x[:, :, 2 * f:]], 2).flatten(0, 1))


class PerFrame(nn.Module):
    """A network of pictures, on the frames of a clip: N,C,T,H,W -> N,C',T,H',W'."""
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x.transpose(1, 2).flatten(0, 1)).unflatten(0, (x.shape[0], -1)).transpose(1, 2)


def bottleneck(inputs, width, stride, frames=0, fold=0):
    down = None
    if stride > 1 or inputs != 4 * width:
        down = nn.Sequential(nn.Conv2d(inputs, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))
    block = ImageBottleneck(inputs, width, stride, down)
    if fold: block.conv1 = Shift(block.conv1, frames, fold)
    return block


def residual(kind, inputs, out, stride):
    down = None
    if stride > 1 or inputs != out:
        conv = nn.Conv3d(inputs, out, 1, kind.get_downsample_stride(stride), bias=False)
        down = nn.Sequential(conv, nn.BatchNorm3d(out))
    return BasicBlock(inputs, out, kind, stride, down)


def same_pad(x, k, s):
    """TensorFlow's SAME: in total k - s, or k - n mod s where s does not divide n; the smaller half first."""
    for axis in range(3):
        one = x.movedim(2 + axis, -1)
        total = max(k[axis] - (one.shape[-1] % s[axis] or s[axis]), 0)
        x = F.pad(one, (total // 2, total - total // 2)).movedim(-1, 2 + axis)
    return x


def same_pool(x, k, s):
    return F.max_pool3d(same_pad(x, k, s), k, s)                        # pads with zeros: x must not be negative


class Unit3D(nn.Module):
    def __init__(self, inputs, out, k=1, stride=1, eps=1e-5):
        super().__init__()
        self.k, self.stride = (k,) * 3, (stride,) * 3
        self.conv3d, self.bn = nn.Conv3d(inputs, out, k, stride, bias=False), nn.BatchNorm3d(out, eps)

    def forward(self, x):
        return torch.relu(self.bn(self.conv3d(same_pad(x, self.k, self.stride))))


class Mixed(nn.Module):
    def __init__(self, inputs, b0, b1a, b1b, b2a, b2b, b3b, eps=1e-5):
        super().__init__()
        self.b0, self.b3b = Unit3D(inputs, b0, eps=eps), Unit3D(inputs, b3b, eps=eps)
        self.b1a, self.b1b = Unit3D(inputs, b1a, eps=eps), Unit3D(b1a, b1b, 3, eps=eps)
        self.b2a, self.b2b = Unit3D(inputs, b2a, eps=eps), Unit3D(b2a, b2b, 3, eps=eps)

    def forward(self, x):
        pooled = same_pool(x, (3, 3, 3), (1, 1, 1))
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(pooled)], 1)


# ---- networks; size: of a frame ----
def conv_bn(parts, names, *conv, **options):
    parts.add_module(names[0], nn.Conv3d(*conv, bias=False, **options))
    parts.add_module(names[1], nn.BatchNorm3d(conv[1]))
    parts.add_module(names[2], nn.ReLU())
    return parts


class Tiny(nn.Module):
    def __init__(self, size):
        super().__init__()
        conv_bn(self, ("stem", "stem_bn", "relu"), 3, 8, 3, (1, 2, 2), 1)
        conv_bn(self, ("space", "space_bn", "relu"), 8, 12, (1, 3, 3), 1, (0, 1, 1))
        conv_bn(self, ("time", "time_bn", "relu"), 12, 8, (3, 1, 1), 1, (1, 0, 0))
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = F.max_pool3d(torch.relu(self.stem_bn(self.stem(x))), (1, 2, 2))
        y = self.time_bn(self.time(torch.relu(self.space_bn(self.space(x)))))
        return self.fc(torch.relu(x + y).mean((2, 3, 4)))


class C3DSmall(nn.Sequential):
    def __init__(self, size):
        super().__init__()
        stages = [(3, 16, 3, (1, 2, 2), 1), (16, 32, 3, 2, 1), (32, 48, 3, 2, 1), (48, 64, 3, 1, 1)]
        for k, conv in enumerate(stages, 1):
            self.add_module(f"conv{k}", conv_bn(nn.Sequential(), ("conv", "bn", "relu"), *conv))
        self.pool, self.flat, self.fc = nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(64, 8)


class R2Plus1DSmall(nn.Sequential):
    def __init__(self, size):
        super().__init__()
        self.stem = conv_bn(nn.Sequential(), "012", 3, 12, (1, 3, 3), (1, 2, 2), (0, 1, 1))
        conv_bn(self.stem, "345", 12, 16, (3, 1, 1), 1, (1, 0, 0))
        self.layer1, self.layer2 = residual(Conv2Plus1D, 16, 24, 2), residual(Conv2Plus1D, 24, 32, 2)
        self.layer3 = residual(Conv2Plus1D, 32, 48, 1)
        self.pool, self.flat, self.fc = nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(48, 8)


class I3DSmall(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.Conv3d_1a = Unit3D(3, 16, 5, 2)
        self.Mixed_3b = Mixed(16, 12, 12, 20, 4, 8, 8)
        self.Mixed_4b, self.Mixed_4c = Mixed(48, 16, 20, 28, 6, 10, 10), Mixed(64, 20, 24, 36, 8, 12, 12)
        self.logits = nn.Linear(80, 8)

    def forward(self, x):
        x = same_pool(self.Conv3d_1a(x), (1, 3, 3), (1, 2, 2))
        x = same_pool(self.Mixed_3b(x), (3, 3, 3), (2, 2, 2))
        return self.logits(self.Mixed_4c(self.Mixed_4b(x)).mean((2, 3, 4)))


class TSMSmall(nn.Module):
    def __init__(self, size, frames=8):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 5, 2, 2, bias=False), nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(bottleneck(16, 12, 1, frames, 2))
        self.layer2 = nn.Sequential(bottleneck(48, 24, 2, frames, 6), bottleneck(96, 24, 1, frames, 12))
        self.new_fc = nn.Linear(96, 8)

    def forward(self, x):
        y = F.max_pool2d(torch.relu(self.bn1(self.conv1(x.transpose(1, 2).flatten(0, 1)))), 3, 2, 1)
        y = self.new_fc(self.layer2(self.layer1(y)).mean((2, 3)))
        return y.unflatten(0, (x.shape[0], -1)).mean(1)


class CNNLSTMSmall(nn.Module):
    def __init__(self, size):
        super().__init__()
        for k, (i, o) in enumerate([(3, 16), (16, 24), (24, 32)], 1):
            conv = i, o, (1, 3, 3), (1, 2, 2), (0, 1, 1)
            self.add_module(f"conv{k}", conv_bn(nn.Sequential(), ("conv", "bn", "relu"), *conv))
        conv_bn(self, ("fc6", "fc6_bn", "relu"), 32, 96, (1, size // 8, size // 8))
        self.lstm1, self.fc8_final = nn.LSTM(96, 64, batch_first=True), nn.Linear(64, 8)

    def forward(self, x):
        y = self.relu(self.fc6_bn(self.fc6(self.conv3(self.conv2(self.conv1(x))))))
        return self.fc8_final(self.lstm1(y.flatten(2).transpose(1, 2))[0]).mean(1)


class ConvLSTMSmall(nn.Module):
    def __init__(self, size):
        super().__init__()
        conv_bn(self, ("conv1", "bn1", "relu"), 3, 12, (1, 3, 3), (1, 2, 2), (0, 1, 1))
        for k, cell in enumerate([ConvLSTMCell(12, 16, 3, 2), ConvLSTMCell(16, 24, 3, 1)]):
            layer = nn.Sequential()
            layer.add_module("cell", cell)
            layer.add_module("pool", nn.MaxPool3d((1, 2, 2)))
            layer.add_module("bn", nn.BatchNorm3d(cell.Whi.out_channels))
            self.add_module(f"clstm{k}", layer)
        self.endFC = nn.Linear(24 * (size // 16) ** 2, 8)

    def forward(self, x):
        y = self.clstm1(self.clstm0(self.relu(self.bn1(self.conv1(x)))))
        return self.endFC(y[:, :, -1].flatten(1))


NETWORKS = {"tiny": Tiny, "c3d_small": C3DSmall, "r2plus1d_small": R2Plus1DSmall, "i3d_small": I3DSmall,
            "tsm_small": TSMSmall, "cnn_lstm_small": CNNLSTMSmall, "convlstm_small": ConvLSTMSmall}
