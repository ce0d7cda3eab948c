"""How fast, beside PyTorch where it is installed, in one run: python3 tests/bench/run.py build/footlight [--quick]

Writes tests/bench/results.json and results.md. Every figure is the best of several, ours and the peer's in turn; speeds of convolutions
are shares of the machine's own peak, measured again before each layer, because clocks and neighbours change. The peer
(peers.py) runs with the kernels of the best instruction set that its BLAS has.
"""
import datetime, json, os, platform, subprocess, sys

here = os.path.dirname(os.path.abspath(__file__))
program, quick = os.path.abspath(sys.argv[1]), "--quick" in sys.argv
ROUNDS, REPEAT = (1, 3) if quick else (3, 5)
LAYERS = ["3>64 3x7x7 s1,2 @16x112x112", "64>64 3x3x3 s1 @16x56x56", "64>128 3x3x3 s2 @16x56x56", "128>128 3x3x3 s1 @8x28x28",
          "256>256 3x3x3 s1 @4x14x14", "512>512 3x3x3 s1 @2x7x7", "3>45 1x7x7 s1,2 @16x112x112", "45>64 3x1x1 s1 @16x56x56",
          "64>144 1x3x3 s1 @16x56x56", "144>64 3x1x1 s1 @16x56x56", "64>230 1x3x3 s1,2 @16x56x56", "128>288 1x3x3 s1 @8x28x28",
          "288>128 3x1x1 s1 @8x28x28", "256>576 1x3x3 s1 @4x14x14", "3>64 7x7x7 s2 @16x224x224", "64>192 3x3x3 s1 @8x56x56",
          "96>128 3x3x3 s1 @8x28x28", "192>96 1x1x1 s1 @8x28x28", "528>256 1x1x1 s1 @4x14x14", "3>64 3x3x3 s1 @16x112x112",
          "64>128 3x3x3 s1 @16x56x56", "256>256 3x3x3 s1 @8x28x28", "512>512 3x3x3 s1 @4x14x14"]
NETWORKS = ["r3d_18", "mc3_18", "r2plus1d_18", "c3d", "i3d_rgb", "resnet50_lstm", "tsm_resnet50", "vgg16_lstm"]
METHODS = ["gradient", "grad_cam", "integrated_gradients", "smoothgrad"]


def ours(*args):
    out = subprocess.run([program, "bench", "--json", *args], capture_output=True, text=True, check=True,
                         env={**os.environ, "OMP_WAIT_POLICY": "passive"})
    return json.loads(out.stdout)


def has_peer():
    return subprocess.run([sys.executable, "-c", "import torch, torchvision"], capture_output=True).returncode == 0


def peer(name, what, repeat):
    core = {"x86_64": "SKYLAKEX"}.get(platform.machine(), "")
    env = {**os.environ, "OPENBLAS_CORETYPE": core, "OMP_NUM_THREADS": "2", "MALLOC_TOP_PAD_": "536870912", "MALLOC_MMAP_THRESHOLD_": "4294967296",
           "MALLOC_TRIM_THRESHOLD_": "4294967296"}
    out = subprocess.run([sys.executable, os.path.join(here, "peers.py"), name, what, str(repeat)], capture_output=True, text=True, env=env)
    if out.returncode:
        return None
    seconds, mib = out.stdout.split()
    return float(seconds), float(mib)


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def layers():
    rows = []
    for layer in LAYERS:
        row = {"layer": layer}
        for wanted in ("forward", "input", "weights"):
            shares = []
            for _ in range(ROUNDS):
                peak = ours("--peak")["gflops"]
                shares.append(ours("--layer", layer, "--pass", wanted, "--repeat", str(REPEAT))["gflops"] / peak)
            row[wanted] = max(shares)
        say(layer, {k: round(v, 2) for k, v in row.items() if k != "layer"})
        rows.append(row)
    return rows


def compare(name, what, args, with_peer, repeat):
    mine, other = [], []
    for _ in range(ROUNDS):
        result = ours("--model", name, *args, "--repeat", str(repeat))
        mine.append((result["best_s"], result["peak_bytes"] / 2 ** 20))
        if with_peer:
            found = peer(name, what, repeat)
            other += [found] if found else []
    row = {"network": name, "what": what, "seconds": min(m[0] for m in mine), "mib": min(m[1] for m in mine)}
    if other:
        row.update(peer_seconds=min(o[0] for o in other), peer_mib=min(o[1] for o in other))
        row["ratio"] = row["peer_seconds"] / row["seconds"]
    say(row)
    return row


with_peer = has_peer()
date = datetime.date.today().isoformat()
cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
data = {"date": date, "cpu": cpu, "threads": os.cpu_count(), "peak": ours("--peak"), "layers": layers()}
data["networks"] = [compare(n, p, ["--pass", p], with_peer, REPEAT) for n in NETWORKS for p in ("forward", "gradient")]
data["explanations"] = [compare("r2plus1d_18", m, ["--method", m], with_peer, 1 if m in METHODS[2:] else REPEAT) for m in METHODS]
json.dump(data, open(os.path.join(here, "results.json"), "w"), indent=1)

lines = ["# How fast", "", f"{cpu}, {data['threads']} threads, {date}. Made by `make bench`; the best of several.", "",
         "## Convolutions: share of the machine's multiply-add peak",
         "", "(of the direct algorithm's work: more than 100 % is a fast algorithm)", "",
         "| layer | forward | to the input | to the weights |", "|---|---|---|---|"]
lines += ["| {layer} | {forward:.0%} | {input:.0%} | {weights:.0%} |".format(**row) for row in data["layers"]]
for title, key in (("Networks, one clip", "networks"), ("Whole explanations, r2plus1d_18", "explanations")):
    lines += ["", f"## {title}", "", "| network | what | seconds | MiB | PyTorch: seconds | MiB | ratio |", "|---|---|---|---|---|---|---|"]
    for row in data[key]:
        theirs = "{peer_seconds:.3f} | {peer_mib:.0f} | {ratio:.2f}".format(**row) if "ratio" in row else "- | - | -"
        lines.append("| {network} | {what} | {seconds:.3f} | {mib:.0f} | ".format(**row) + theirs + " |")
open(os.path.join(here, "results.md"), "w").write("\n".join(lines) + "\n")
print(open(os.path.join(here, "results.md")).read())
