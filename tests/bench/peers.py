"""The peer: the same networks in PyTorch, as fast as it goes: python3 peers.py NETWORK PASS REPEAT  ->  best seconds, peak MiB

PASS: forward, gradient (forward and back to the input), grad_cam, integrated_gradients (50 points), smoothgrad (25 copies), occlusion
(196 windows, timed over 14 of them), rise (500 masks, timed over 20), extremal (one iteration on a mask of 7 x 7 cells per frame), train (one clip:
forward, back to all parameters, SGD), first (from the start of the interpreter to the first scores, weights from a file).
Norms are folded into the convolutions before them, parameters carry no gradient, two threads; passes without a gradient run a
traced, frozen graph where that is faster. Values do not matter for the time: parameters are what PyTorch starts from.
"""
import os, resource, sys, time
import torch, torchvision
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

torch.set_num_threads(2)


def fold(net):
    """A batch norm that directly follows a convolution among the children of a module becomes part of it."""
    for module in net.modules():
        names = list(module._modules)
        for a, b in zip(names, names[1:]):
            conv, norm = module._modules[a], module._modules[b]
            if isinstance(conv, (nn.Conv2d, nn.Conv3d)) and isinstance(norm, (nn.BatchNorm2d, nn.BatchNorm3d)):
                module._modules[a], module._modules[b] = fuse_conv_bn_eval(conv, norm), nn.Identity()
    return net


class C3D(nn.Module):
    def __init__(self):
        super().__init__()
        layers, i = [], 3
        for widths, pool in (((64,), (1, 2, 2)), ((128,), 2), ((256, 256), 2), ((512, 512), 2), ((512, 512), None)):
            for o in widths:
                layers += [nn.Conv3d(i, o, 3, padding=1), nn.ReLU()]
                i = o
            layers.append(nn.MaxPool3d(pool, pool) if pool else nn.MaxPool3d(2, 2, padding=(0, 1, 1)))
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Linear(8192, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 487))

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


def same(x, k, s):
    pad = []
    for d in (2, 1, 0):
        n = x.shape[2 + d]
        p = max(k[d] - (s[d] if n % s[d] == 0 else n % s[d]), 0)
        pad += [p // 2, p - p // 2]
    return F.pad(x, pad)


class Unit(nn.Module):
    def __init__(self, i, o, k=1, s=1):
        super().__init__()
        self.k, self.s = (k,) * 3, (s,) * 3
        self.conv, self.norm = nn.Conv3d(i, o, k, s, bias=False), nn.BatchNorm3d(o)

    def forward(self, x):
        return F.relu(self.norm(self.conv(same(x, self.k, self.s))))


def pool(x, k, s):
    return F.max_pool3d(same(x, k, s), k, s)


class Mixed(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.a = Unit(i, o[0])
        self.b = nn.Sequential(Unit(i, o[1]), Unit(o[1], o[2], 3))
        self.c = nn.Sequential(Unit(i, o[3]), Unit(o[3], o[4], 3))
        self.d = Unit(i, o[5])

    def forward(self, x):
        return torch.cat([self.a(x), self.b(x), self.c(x), self.d(pool(x, (3, 3, 3), (1, 1, 1)))], 1)


class I3D(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.b, self.c = Unit(3, 64, 7, 2), Unit(64, 64), Unit(64, 192, 3)
        self.m3 = nn.Sequential(Mixed(192, (64, 96, 128, 16, 32, 32)), Mixed(256, (128, 128, 192, 32, 96, 64)))
        self.m4 = nn.Sequential(Mixed(480, (192, 96, 208, 16, 48, 64)), Mixed(512, (160, 112, 224, 24, 64, 64)),
                                Mixed(512, (128, 128, 256, 24, 64, 64)), Mixed(512, (112, 144, 288, 32, 64, 64)),
                                Mixed(528, (256, 160, 320, 32, 128, 128)))
        self.m5 = nn.Sequential(Mixed(832, (256, 160, 320, 32, 128, 128)), Mixed(832, (384, 192, 384, 48, 128, 128)))
        self.head = nn.Conv3d(1024, 400, 1)

    def forward(self, x):
        x = self.c(self.b(pool(self.stem(x), (1, 3, 3), (1, 2, 2))))
        x = self.m3(pool(x, (1, 3, 3), (1, 2, 2)))
        x = self.m5(pool(self.m4(pool(x, (3, 3, 3), (2, 2, 2))), (2, 2, 2), (2, 2, 2)))
        return self.head(F.avg_pool3d(x, (2, 7, 7), 1)).flatten(2).mean(2)


class CNNLSTM(nn.Module):
    """The study's ReLU-LSTM on per-frame features."""

    def __init__(self, features, sizes):
        super().__init__()
        self.features = features
        self.fc6, self.fc7 = nn.Linear(sizes[0], sizes[1]), nn.Linear(sizes[1], sizes[2])
        self.x, self.h, self.head = nn.Linear(sizes[2], 1024), nn.Linear(256, 1024, bias=False), nn.Linear(256, 24)

    def forward(self, x):
        n, _, t = x.shape[:3]
        y = self.features(x.transpose(1, 2).flatten(0, 1)).flatten(1)
        z = self.x(F.relu(self.fc7(F.relu(self.fc6(y))))).view(n, t, -1)
        h, c, out = y.new_zeros(n, 256), y.new_zeros(n, 256), []
        for k in range(t):
            i, f, o, g = (z[:, k] + self.h(h)).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * F.relu(g)
            h = o.sigmoid() * F.relu(c)
            out.append(self.head(h))
        return torch.stack(out, 1).mean(1)


class TSM(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = fold(torchvision.models.resnet50(weights=None).eval())
        for stage in (self.net.layer1, self.net.layer2, self.net.layer3, self.net.layer4):
            for block in stage:
                block.conv1 = nn.Sequential(Shift(), block.conv1)
        self.net.fc = nn.Linear(2048, 400)

    def forward(self, x):
        return self.net(x.transpose(1, 2).flatten(0, 1)).view(x.shape[0], x.shape[2], -1).mean(1)


class Shift(nn.Module):
    def forward(self, x):
        f, o = x.shape[1] // 8, torch.zeros_like(x)
        o[:-1, :f], o[1:, f:2 * f], o[:, 2 * f:] = x[1:, :f], x[:-1, f:2 * f], x[:, 2 * f:]
        return o


def make(name):
    video = torchvision.models.video
    vgg = lambda: CNNLSTM(nn.Sequential(torchvision.models.vgg16(weights=None).features), (25088, 4096, 4096))
    resnet = lambda: CNNLSTM(nn.Sequential(*list(fold(torchvision.models.resnet50(weights=None).eval()).children())[:-1]), (2048, 1024, 512))
    return {"r3d_18": (video.r3d_18, (1, 3, 16, 112, 112)), "mc3_18": (video.mc3_18, (1, 3, 16, 112, 112)),
            "r2plus1d_18": (video.r2plus1d_18, (1, 3, 16, 112, 112)), "c3d": (C3D, (1, 3, 16, 112, 112)),
            "i3d_rgb": (I3D, (1, 3, 16, 224, 224)), "resnet50_lstm": (resnet, (1, 3, 16, 112, 112)),
            "vgg16_lstm": (vgg, (1, 3, 16, 224, 224)), "tsm_resnet50": (TSM, (1, 3, 8, 224, 224))}[name]


def gradient(net, x):
    x = x.detach().requires_grad_(True)
    y = net(x)
    return torch.autograd.grad(y[:, 0].sum(), x)[0]


def grad_cam(net, x):
    kept = []
    hook = net.layer4.register_forward_hook(lambda m, i, o: kept.append(o.requires_grad_(True)))
    y = net(x)
    hook.remove()
    g, = torch.autograd.grad(y[0, 0], kept[0])
    return F.relu((g.mean((2, 3, 4), keepdim=True) * kept[0]).sum(1))


def integrated(net, x, steps=50):
    return sum(gradient(net, x * ((k + 0.5) / steps)) for k in range(steps)) * x / steps


def smooth(net, x, samples=25):
    return sum(gradient(net, x + 0.15 * torch.randn_like(x)) for _ in range(samples)) / samples


def occlusion(net, x, windows=14):
    """Every window is a full pass; the time grows with their number, so a few of the 196 stand for all."""
    t, side = x.shape[2] // 4, x.shape[3] // 7
    for k in range(windows):
        y = x.clone()
        y[:, :, (k // 49 * t) % x.shape[2]:][:, :, :t, k // 7 % 7 * side:, k % 7 * side:][:, :, :, :side, :side] = 0
        net(y)


def rise(net, x, masks=20):
    for _ in range(masks):
        grid = (torch.rand(1, 1, 4, 8, 8) < 0.5).float()
        net(x * F.interpolate(grid, x.shape[2:], mode="trilinear", align_corners=False))


def extremal(net, x):
    """A mask up, the clip faded by it, forward, back to the mask's parameters."""
    mask = torch.full((1, 1, x.shape[2], 7, 7), 0.5, requires_grad=True)
    m = F.interpolate(mask, x.shape[2:], mode="trilinear", align_corners=False)
    score = net(x * m)[0, 0] - (m.flatten().sort()[0] - 1).square().mean()
    return torch.autograd.grad(score, mask)[0]


class Training:
    def __init__(self, net):
        self.net, self.step = net.train(), torch.optim.SGD(net.parameters(), 1e-3, momentum=0.9)

    def __call__(self, net, x):
        self.step.zero_grad()
        F.cross_entropy(self.net(x), torch.zeros(len(x), dtype=torch.long)).backward()
        self.step.step()


def first(name, path):
    """What a user waits for: the interpreter, the import, the weights, one pass."""
    import subprocess
    code = ("import torch, torchvision\nnet = torchvision.models.video.%s(weights=None).eval()\nnet.load_state_dict(torch.load(%r))\n"
            "with torch.no_grad(): print(net(torch.randn(1, 3, 16, 112, 112)).softmax(1).topk(5))" % (name, path))
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


NO_GRADIENT = {"forward": (lambda net, x: net(x), 1), "occlusion": (occlusion, 196 / 14), "rise": (rise, 500 / 20)}
WITH_GRADIENT = {"gradient": gradient, "grad_cam": grad_cam, "integrated_gradients": integrated, "smoothgrad": smooth, "extremal": extremal}


def best_of(run, choices, x, repeat):
    best = float("inf")
    for net in choices:
        for k in range(repeat + 1):
            start = time.perf_counter()
            run(net, x)
            if k or repeat == 1:
                best = min(best, time.perf_counter() - start)
    return best


def measure(name, wanted, repeat):
    build, shape = make(name)
    x = torch.randn(shape)
    if wanted == "train":
        net = build()
        return best_of(Training(net), [net], x, repeat)
    net = fold(build().eval())
    for p in net.parameters():
        p.requires_grad_(False)
    if wanted in WITH_GRADIENT:
        return best_of(WITH_GRADIENT[wanted], [net], x, repeat)
    run, factor = NO_GRADIENT[wanted]
    with torch.no_grad():
        return factor * best_of(run, [net, torch.jit.freeze(torch.jit.trace(net, x))], x, repeat)


name, wanted, repeat = sys.argv[1], sys.argv[2], int(sys.argv[3])
seconds = min(first(name, os.environ["WEIGHTS"]) for _ in range(repeat)) if wanted == "first" else measure(name, wanted, repeat)
usage = resource.getrusage(resource.RUSAGE_CHILDREN if wanted == "first" else resource.RUSAGE_SELF)
print(seconds, usage.ru_maxrss / 1024)
