"""Networks that the reference directory does not have, written a second time in PyTorch: python3 make_twins.py REFERENCE_DIR

REFERENCE_DIR holds nets.py (formula parameters). Inputs are 2u - 1 with u from the name "input:<label>" ("flow:<label>" for the second
input), at sizes that keep the tests short. Writes networks/<label>_twin.npy: the output, computed in float64 from float32 parameters.
"""
import os, re, sys
import numpy as np
import torch, torchvision
import torch.nn as nn
import torch.nn.functional as F

sys.path.insert(0, sys.argv[1])
from nets import LSTMHead, ReluLSTMCell, formula, uniform

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "networks")


def frames(x):
    """N,C,T,H,W -> N T,C,H,W"""
    return x.transpose(1, 2).flatten(0, 1)


class TSN(nn.Module):
    def __init__(self):
        super().__init__()
        self.base_model = torchvision.models.resnet50(weights=None)
        self.base_model.fc = nn.Identity()
        self.new_fc = nn.Linear(2048, 400)

    def forward(self, x):
        n, _, t = x.shape[:3]
        return self.new_fc(self.base_model(frames(x))).view(n, t, -1).mean(1)


class CNNLSTM(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.cnn = torchvision.models.resnet50(weights=None)
        self.cnn.fc = nn.Identity()
        self.lstm = nn.LSTM(2048, 512, layers, batch_first=True)
        self.fc = nn.Linear(512, 101)

    def forward(self, x):
        n, _, t = x.shape[:3]
        return self.fc(self.lstm(self.cnn(frames(x)).view(n, t, -1))[0][:, -1])


class VGG16LSTMSmall(LSTMHead):
    def __init__(self):
        super().__init__()
        i = 3
        for b, (n, o) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512)], 1):
            for j in range(1, n + 1):
                setattr(self, f"conv{b}_{j}", nn.Conv2d(i, o, 3, padding=1))
                i = o
        self.fc6, self.fc7 = nn.Linear(25088, 4096), nn.Linear(4096, 2048)
        self.lstm1, self.fc8_final = ReluLSTMCell(2048, 256), nn.Linear(256, 24)

    def forward(self, x):
        n, _, t = x.shape[:3]
        y = frames(x)
        for b, k in enumerate((2, 2, 3, 3), 1):
            for j in range(1, k + 1):
                y = F.relu(getattr(self, f"conv{b}_{j}")(y))
            y = F.max_pool2d(y, 2)
        return self.run(y.flatten(1).view(n, t, -1), True, "logits")


class CNNM(nn.Module):
    def __init__(self, channels, second_norm):
        super().__init__()
        self.second_norm, self.norm = second_norm, nn.LocalResponseNorm(5, 5e-4, 0.75, 2)
        self.conv1, self.conv2 = nn.Conv2d(channels, 96, 7, 2), nn.Conv2d(96, 256, 5, 2, 1)
        self.conv3, self.conv4, self.conv5 = nn.Conv2d(256, 512, 3, 1, 1), nn.Conv2d(512, 512, 3, 1, 1), nn.Conv2d(512, 512, 3, 1, 1)
        self.fc6, self.fc7, self.fc8 = nn.Linear(18432, 4096), nn.Linear(4096, 2048), nn.Linear(2048, 101)

    def forward(self, x):
        n, _, t = x.shape[:3]
        pool = lambda v: F.max_pool2d(v, 3, 2, ceil_mode=True)
        y = pool(self.norm(F.relu(self.conv1(frames(x)))))
        y = F.relu(self.conv2(y))
        y = pool(self.norm(y) if self.second_norm else y)
        y = pool(F.relu(self.conv5(F.relu(self.conv4(F.relu(self.conv3(y))))))).flatten(1)
        return self.fc8(F.relu(self.fc7(F.relu(self.fc6(y))))).softmax(1).view(n, t, -1).mean(1)


class TwoStream(nn.Module):
    def __init__(self):
        super().__init__()
        self.spatial, self.temporal = CNNM(3, True), CNNM(20, False)

    def forward(self, x, flow):
        return (self.spatial(x) + self.temporal(flow)) / 2


class FCSN(nn.Module):
    def __init__(self):
        super().__init__()
        i = 1024
        for b, (n, o) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)], 1):
            block = nn.Module()
            for j in range(1, n + 1):
                setattr(block, f"conv{j}", nn.Conv1d(i, o, 3, padding=1, bias=False))
                setattr(block, f"bn{j}", nn.BatchNorm1d(o))
                i = o
            setattr(self, f"block{b}", block)
        self.conv6, self.conv7, self.conv8 = nn.Conv1d(512, 4096, 1), nn.Conv1d(4096, 4096, 1), nn.Conv1d(4096, 2, 1)
        self.bn8, self.score_pool4, self.bn_pool4 = nn.BatchNorm1d(2), nn.Conv1d(512, 2, 1), nn.BatchNorm1d(2)
        self.deconv1, self.deconv2 = nn.ConvTranspose1d(2, 2, 4, 2, 1, bias=False), nn.ConvTranspose1d(2, 2, 32, 16, 8, bias=False)

    def forward(self, x):
        y = x[:, :, :, 0, 0]
        for b, n in enumerate((2, 2, 3, 3, 3), 1):
            block = getattr(self, f"block{b}")
            for j in range(1, n + 1):
                y = F.relu(getattr(block, f"bn{j}")(getattr(block, f"conv{j}")(y)))
            y = F.max_pool1d(y, 2)
            pool4 = y if b == 4 else pool4 if b > 4 else None
        y = self.deconv1(self.bn8(self.conv8(F.relu(self.conv7(F.relu(self.conv6(y)))))))
        return self.deconv2(y + self.bn_pool4(self.score_pool4(pool4))).softmax(1)[:, 1]


def shortcut(i, o, stride):
    return nn.Sequential(nn.Conv3d(i, o, 1, stride, bias=False), nn.BatchNorm3d(o)) if stride != 1 or i != o else None


class Basic(nn.Module):
    widen = 1

    def __init__(self, i, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv3d(i, width, 3, stride, 1, bias=False), nn.BatchNorm3d(width)
        self.conv2, self.bn2 = nn.Conv3d(width, width, 3, 1, 1, bias=False), nn.BatchNorm3d(width)
        self.downsample = shortcut(i, width, stride)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (self.downsample(x) if self.downsample else x))


class Bottleneck(nn.Module):
    widen = 4

    def __init__(self, i, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv3d(i, width, 1, bias=False), nn.BatchNorm3d(width)
        self.conv2, self.bn2 = nn.Conv3d(width, width, 3, stride, 1, bias=False), nn.BatchNorm3d(width)
        self.conv3, self.bn3 = nn.Conv3d(width, 4 * width, 1, bias=False), nn.BatchNorm3d(4 * width)
        self.downsample = shortcut(i, 4 * width, stride)

    def forward(self, x):
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(y)) + (self.downsample(x) if self.downsample else x))


class ResNet3d(nn.Module):
    def __init__(self, block, blocks):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv3d(3, 64, 7, (1, 2, 2), 3, bias=False), nn.BatchNorm3d(64)
        i = 64
        for stage, (width, count) in enumerate(zip((64, 128, 256, 512), blocks), 1):
            layer = []
            for b in range(count):
                layer.append(block(i, width, 2 if stage > 1 and b == 0 else 1))
                i = width * block.widen
            setattr(self, f"layer{stage}", nn.Sequential(*layer))
        self.fc = nn.Linear(i, 400)

    def forward(self, x):
        x = F.max_pool3d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for stage in (1, 2, 3, 4):
            x = getattr(self, f"layer{stage}")(x)
        return self.fc(x.mean((2, 3, 4)))


def fill(net, gamma):
    """The formula by the names that the network has here: lstm.weight_ih_l0 is lstm.0.weight_ih."""
    state = net.state_dict()
    for key, value in state.items():
        if not key.endswith("num_batches_tracked"):
            name = re.sub(r"lstm\.(.*)_l(\d)", r"lstm.\2.\1", key) if isinstance(net, CNNLSTM) else key
            state[key] = torch.from_numpy(formula(name, tuple(value.shape), gamma))
    net.load_state_dict(state)
    return net.eval().double()


def values(name, shape):
    return torch.from_numpy((2 * uniform(name, int(np.prod(shape))).reshape(shape) - 1).astype(np.float32)).double()


TWINS = {  # label: (network, input shape, gamma)
    "tsn_resnet50": (lambda: TSN(), (1, 3, 2, 96, 96), 0.5),
    "cnn_lstm": (lambda: CNNLSTM(1), (1, 3, 3, 64, 64), 0.5),
    "cnn_lstm_3": (lambda: CNNLSTM(3), (1, 3, 3, 64, 64), 0.5),
    "fcsn": (lambda: FCSN(), (1, 1024, 64, 1, 1), 1.0),
    "vgg16_lstm_small": (lambda: VGG16LSTMSmall(), (1, 3, 2, 112, 112), 1.0),
    "two_stream": (lambda: TwoStream(), (1, 3, 2, 224, 224), 1.0),
    "resnet3d_18": (lambda: ResNet3d(Basic, (2, 2, 2, 2)), (1, 3, 8, 56, 56), 0.7),
    "resnet3d_34": (lambda: ResNet3d(Basic, (3, 4, 6, 3)), (1, 3, 8, 56, 56), 0.7),
    "resnet3d_50": (lambda: ResNet3d(Bottleneck, (3, 4, 6, 3)), (1, 3, 8, 56, 56), 0.7),
}
for label, (make, shape, gamma) in TWINS.items():
    net = fill(make(), gamma)
    inputs = [values("input:" + label, shape)]
    if label == "two_stream":
        inputs.append(values("flow:" + label, (1, 20) + shape[2:]))
    with torch.no_grad():
        y = net(*inputs).numpy().reshape(-1)
    np.save(f"{here}/{label}_twin.npy", y)
    print(label, sum(p.numel() for p in net.parameters()), y[:3])
