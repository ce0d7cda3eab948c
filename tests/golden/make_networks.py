"""The golden numbers of the big networks: python3 make_networks.py REFERENCE_DIR [name ...]

REFERENCE_DIR holds nets.py (the networks in PyTorch, formula parameters and clip) and networks/<name>.json and .npz (its run in
float32: statistics of the layers, the class explained, the gradient at 2048 evenly spaced places, index floor(i len / 2048)).
A gradient jumps where a ReLU or a maximum changes sides, and rounding in float32 moves a few of them: so output and gradient are
computed once more in float64 from the same float32 parameters and clip, and what float32 costs PyTorch is kept beside:
"float32_error": |float32 - float64| / |float64| of its gradient.

Writes networks/<name>.json (on one line), <name>_output.npy, <name>_gradient.npy, and for the study's recurrent networks
<name>_gradient_none.npy (states detached at every step).
"""
import json, os, sys
import numpy as np
import torch

reference = sys.argv[1]
sys.path.insert(0, reference)
from nets import NETS, clip, fill

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "networks")
torch.set_num_threads(2)


def sample(gradient):
    flat = gradient.flatten().numpy()
    return flat[np.arange(2048) * flat.size // 2048]


def error(a, b):
    return float("%.3g" % (np.linalg.norm(a.astype(np.float64) - b) / np.linalg.norm(b)))


for name in sys.argv[2:] or [n for n in NETS if n != "tiny"]:
    make, shape, gamma = NETS[name]
    info = json.load(open(f"{reference}/networks/{name}.json"))
    single = np.load(f"{reference}/networks/{name}.npz")
    net = fill(make(), gamma).double()
    for p in net.parameters():
        p.requires_grad_(False)
    x = clip(name, shape).double().requires_grad_(True)
    y = net(x)
    g, = torch.autograd.grad(y[0, info["class"]], x)
    info["layers"] = {k: {s: v[s] if s == "shape" else float("%.9g" % v[s]) for s in v} for k, v in info["layers"].items() if v}
    info["float32_error"] = error(single["gradient_value"], sample(g))
    np.save(f"{here}/{name}_output.npy", y.detach().numpy().reshape(-1))
    np.save(f"{here}/{name}_gradient.npy", sample(g))
    if name.endswith("_lstm"):
        y = net(x, bptt=False)
        g, = torch.autograd.grad(y[0, info["class"]], x)
        info["float32_error_none"] = error(single["gradient_bptt_none_value"], sample(g))
        np.save(f"{here}/{name}_gradient_none.npy", sample(g))
    json.dump(info, open(f"{here}/{name}.json", "w"), separators=(",", ":"))
    print(name, info["float32_error"], info.get("float32_error_none", ""), flush=True)
