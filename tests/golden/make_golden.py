"""Makes layers_*.npy here, and prints the tables that stand in the tests.

    python3 tests/golden/make_golden.py                 (PyTorch 1.13, torchvision 0.14, NumPy 1.24; CPU)

Everything is computed in float64 from float32 parameters and inputs; files are rounded to float32 at the end.
"""
import os

from reference import *

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(1)


# ---- layers: output, then the gradient of <seed, output> with respect to the input; both in file order ----
def clip(name, shape):
    """sin(2 pi (x + 2t) / W) cos(2 pi y / H) k[c] + 0.5 (2u - 1), as float32; k = 1, 0.5, -0.75, 1, ..."""
    n, c, t, h, w = shape
    tt, yy, xx = np.meshgrid(np.arange(t), np.arange(h), np.arange(w), indexing="ij")
    wave = np.sin(2 * np.pi * (xx + 2 * tt) / w) * np.cos(2 * np.pi * yy / h)
    k = np.array([(1, 0.5, -0.75)[i % 3] for i in range(c)])[None, :, None, None, None]
    u = uniform("input:" + name, int(np.prod(shape))).reshape(shape)
    return torch.from_numpy((wave * k + 0.5 * (2 * u - 1)).astype(np.float32)).double()


def sequence(net):
    """Of a module that takes N,T,C: N,C,T,1,1 -> N,C',T,1,1."""
    def run(x):
        y = net(x.flatten(2).transpose(1, 2))
        return (y[0] if isinstance(y, tuple) else y).transpose(1, 2)[..., None, None]
    return run


def pool(k, s): return lambda x: same_pool(torch.relu(x), k, s)


def with_parameters(make, wrap=lambda net: net):
    """The module's parameters are called layer.…, save in a head, where the caller of the layer names them so."""
    return lambda: wrap(fill(make(), "layer.").eval())


def behind_relu(net): return lambda x: net(torch.relu(x))
def mean_head(net): return lambda x: net(x.mean((2, 3, 4)))
def frame_head(net): return lambda x: net(x.flatten(2).transpose(1, 2)).mean(1)
def last_head(net): return lambda x: net(x[:, :, -1].flatten(1))


LAYERS = {  # name: (input N,C,T,H,W, function of the input)
    "lstm_tanh": ((2, 5, 6, 1, 1), with_parameters(lambda: nn.LSTM(5, 7, batch_first=True), sequence)),
    "lstm_relu": ((2, 5, 6, 1, 1), with_parameters(lambda: ReluLSTMCell(5, 7), sequence)),
    "convlstm_k3_s1": ((2, 3, 4, 5, 6), with_parameters(lambda: ConvLSTMCell(3, 4, 3, 1))),
    "convlstm_k3_s2": ((1, 3, 4, 7, 8), with_parameters(lambda: ConvLSTMCell(3, 4, 3, 2))),
    "convlstm_k5_s1": ((1, 2, 3, 7, 5), with_parameters(lambda: ConvLSTMCell(2, 3, 5, 1))),
    "convlstm_k5_s2": ((2, 3, 3, 8, 9), with_parameters(lambda: ConvLSTMCell(3, 3, 5, 2))),
    "residual_2plus1d_s1": ((1, 5, 4, 5, 6), with_parameters(lambda: residual(Conv2Plus1D, 5, 5, 1))),
    "residual_2plus1d_s2": ((2, 4, 5, 6, 7), with_parameters(lambda: residual(Conv2Plus1D, 4, 6, 2))),
    "residual_3d_s1": ((1, 5, 4, 5, 6), with_parameters(lambda: residual(Conv3DSimple, 5, 5, 1))),
    "residual_3d_s2": ((2, 4, 5, 6, 7), with_parameters(lambda: residual(Conv3DSimple, 4, 6, 2))),
    "residual_2d_s1": ((1, 4, 3, 5, 6), with_parameters(lambda: residual(Conv3DNoTemporal, 4, 6, 1))),
    "residual_2d_s2": ((1, 6, 3, 5, 6), with_parameters(lambda: residual(Conv3DNoTemporal, 6, 6, 2))),
    "bottleneck_s1": ((1, 12, 3, 5, 4), with_parameters(lambda: bottleneck(12, 3, 1), PerFrame)),
    "bottleneck_shift_s1": ((2, 12, 4, 5, 4), with_parameters(lambda: bottleneck(12, 3, 1, 4, 2), PerFrame)),
    "bottleneck_shift_s2": ((1, 9, 4, 7, 6), with_parameters(lambda: bottleneck(9, 4, 2, 4, 1), PerFrame)),
    "unit3d_even": ((1, 3, 6, 8, 10), with_parameters(lambda: Unit3D(3, 5, 7, 2, 1e-3))),
    "unit3d_odd": ((2, 3, 5, 9, 7), with_parameters(lambda: Unit3D(3, 5, 3, 2, 1e-3))),
    "inception_even": ((1, 6, 4, 6, 4), with_parameters(lambda: Mixed(6, 2, 3, 4, 2, 3, 5, 1e-3), behind_relu)),
    "inception_odd": ((1, 6, 3, 5, 7), with_parameters(lambda: Mixed(6, 2, 3, 4, 2, 3, 5, 1e-3), behind_relu)),
    "same_pool_even": ((1, 3, 4, 8, 6), lambda: pool((3, 3, 3), (2, 2, 2))),
    "same_pool_odd": ((2, 3, 5, 7, 9), lambda: pool((3, 3, 3), (2, 2, 2))),
    "same_pool_flat": ((1, 3, 3, 8, 7), lambda: pool((1, 3, 3), (1, 2, 2))),
    "head_average": ((3, 5, 3, 4, 2), with_parameters(lambda: nn.Linear(5, 4), mean_head)),
    "head_per_frame": ((3, 5, 6, 1, 1), with_parameters(lambda: nn.Linear(5, 4), frame_head)),
    "head_last": ((3, 5, 3, 4, 2), with_parameters(lambda: nn.Linear(40, 4), last_head)),
}


def make_layers():
    for name, (shape, make) in LAYERS.items():
        x = clip(name, shape).requires_grad_()
        y = make()(x)
        silent = (y == 0).transpose(0, 1).flatten(1).all(1).nonzero().flatten().tolist()
        if silent: print(f"/* {name}: channels {silent} are silent: what leads to them alone is not tested */")
        seed = torch.from_numpy(2 * uniform("seed:" + name, y.numel()) - 1).view(y.shape)
        (seed * y).sum().backward()
        values = torch.cat([y.detach().flatten(), x.grad.flatten()]).numpy()
        np.save(os.path.join(HERE, f"layers_{name}.npy"), values.astype(np.float32))


# ---- training: the losses of four steps, and what the network then says about an unseen clip ----
def batch(first, n, frames, size, classes):
    clips = [np.floor(256 * uniform(f"train:{first + i}", frames * size * size * 3)) for i in range(n)]
    x = torch.from_numpy(np.stack(clips)).view(n, frames, size, size, 3).permute(0, 4, 1, 2, 3)
    return (x / 255 - 0.5) / 0.25, torch.tensor([(first + i) % classes for i in range(n)])


def train(name, optimiser, frames=8, size=32, n=3, steps=4, warm_up=2, rate=0.01, decay=0.01):
    net = fill(NETWORKS[name](size)).train()
    classes = 5 if name == "tiny" else 8
    weights, vectors = [p for p in net.parameters() if p.dim() > 1], [p for p in net.parameters() if p.dim() == 1]
    groups = [{"params": weights, "weight_decay": decay}, {"params": vectors, "weight_decay": 0}]
    opt = torch.optim.Adam(groups, rate) if optimiser == "FL_ADAM" else torch.optim.SGD(groups, rate, momentum=0.9)
    losses = []
    for step in range(steps):
        cosine = 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))
        for g in opt.param_groups: g["lr"] = rate * ((step + 1) / warm_up if step < warm_up else cosine)
        x, label = batch(n * step, n, frames, size, classes)
        loss = F.cross_entropy(net(x), label)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    net.eval()
    return losses, net(batch(1000, 1, frames, size, classes)[0])[0].tolist()


def print_training():
    for name in NETWORKS:
        for optimiser in ("FL_SGD", "FL_ADAM"):
            numbers = [", ".join(f"{v:.12g}" for v in part) for part in train(name, optimiser)]
            print(f'    {{"{name}", {optimiser}, {{{numbers[0]}}},\n     {{{numbers[1]}}}}},')


def print_parameters():
    for name in NETWORKS:
        net = NETWORKS[name](24 if name == "tiny" else 64)
        print(f'    {{"{name}", {sum(p.numel() for p in net.parameters())}}},')


# ---- optimisers: a vector after each of five steps ----
def print_optimisers():
    for label, make in {"sgd": lambda p: torch.optim.SGD(p, 0.125),
                        "momentum": lambda p: torch.optim.SGD(p, 0.125, momentum=0.9),
                        "dampening": lambda p: torch.optim.SGD(p, 0.125, 0.9, dampening=0.25, weight_decay=0.0625),
                        "adam": lambda p: torch.optim.Adam(p, 0.125),
                        "adam, decay": lambda p: torch.optim.Adam(p, 0.125, weight_decay=0.0625)}.items():
        p = torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0], dtype=torch.float64, requires_grad=True)
        opt = make([p])
        print(f"    /* {label} */")
        for step in range(5):
            p.grad = torch.tensor([((7 * step + 3 * i) % 11 - 5) / 4 for i in range(5)], dtype=torch.float64)
            opt.step()
            print("    {" + ", ".join(f"{v:.15g}" for v in p.tolist()) + "},")


if __name__ == "__main__":
    make_layers()
    print_parameters()
    print_optimisers()
    print_training()
