"""How fast, beside PyTorch where it is installed, in one run: python3 tests/bench/run.py build/footlight [--quick] [PART ...]

Parts: layers, networks, explanations, training, first, threads; without any, all. Writes tests/bench/results_ISA.json and .md, where ISA is
the machine's best instruction set; parts that are not run keep what they said there. Every figure is the best of several, ours and the peer's
in turn; speeds of convolutions are shares of the machine's own peak, measured again around each, because clocks and neighbours change: the
best speed of all rounds over the best peak of the run. The peer (peers.py) runs with the kernels of the best instruction set that its BLAS has.
MiB: the largest resident size of the process.
"""
import datetime, json, os, platform, subprocess, sys, tempfile, time

if len(sys.argv) < 2 or sys.argv[1][0] == "-":
    sys.exit(__doc__)
here = os.path.dirname(os.path.abspath(__file__))
program, words = os.path.abspath(sys.argv[1]), sys.argv[2:]
quick, parts = "--quick" in words, [w for w in words if w[0] != "-"]
ROUNDS, REPEAT = (1, 3) if quick else (3, 5)
LAYERS = ["3>64 3x7x7 s1,2 @16x112x112", "64>64 3x3x3 s1 @16x56x56", "64>128 3x3x3 s2 @16x56x56", "128>128 3x3x3 s1 @8x28x28",
          "256>256 3x3x3 s1 @4x14x14", "512>512 3x3x3 s1 @2x7x7", "3>45 1x7x7 s1,2 @16x112x112", "45>64 3x1x1 s1 @16x56x56",
          "64>144 1x3x3 s1 @16x56x56", "144>64 3x1x1 s1 @16x56x56", "64>230 1x3x3 s1,2 @16x56x56", "128>288 1x3x3 s1 @8x28x28",
          "288>128 3x1x1 s1 @8x28x28", "256>576 1x3x3 s1 @4x14x14", "3>64 7x7x7 s2 @16x224x224", "64>192 3x3x3 s1 @8x56x56",
          "96>128 3x3x3 s1 @8x28x28", "192>96 1x1x1 s1 @8x28x28", "528>256 1x1x1 s1 @4x14x14", "3>64 3x3x3 s1 @16x112x112",
          "64>128 3x3x3 s1 @16x56x56", "256>256 3x3x3 s1 @8x28x28", "512>512 3x3x3 s1 @4x14x14", "64>256 1x1x1 s1 @16x56x56",
          "512>128 1x1x1 s1 @16x28x28", "256>1024 1x1x1 s1 @16x14x14", "256>256 1x3x3 s1 @16x56x56",
          # of ResNet-50 and VGG-16, 8 frames and 4
          "64>64 1x1x1 s1 @8x56x56", "256>512 1x1x1 s1,2 @8x56x56", "1024>256 1x1x1 s1 @8x14x14", "2048>512 1x1x1 s1 @8x7x7",
          "128>128 1x3x3 s1,2 @8x56x56", "256>256 1x3x3 s1,2 @8x28x28", "64>64 1x3x3 s1 @8x56x56", "128>128 1x3x3 s1 @8x28x28",
          "256>256 1x3x3 s1 @8x14x14", "512>512 1x3x3 s1 @8x7x7", "3>64 1x3x3 s1 @4x224x224", "64>64 1x3x3 s1 @4x224x224",
          "512>512 1x3x3 s1 @4x28x28", "512>512 1x3x3 s1 @4x14x14"]
NETWORKS = ["r3d_18", "mc3_18", "r2plus1d_18", "c3d", "i3d_rgb", "resnet50_lstm", "tsm_resnet50", "vgg16_lstm"]
# network, our method, what the peer calls it, our options, runs under the clock
EXPLANATIONS = [("r2plus1d_18", "gradient", "gradient", [], 5), ("r2plus1d_18", "grad_cam", "grad_cam", [], 5),
                ("r2plus1d_18", "integrated_gradients", "integrated_gradients", [], 1), ("r2plus1d_18", "smoothgrad", "smoothgrad", [], 1),
                ("r2plus1d_18", "occlusion", "occlusion", ["--window", "4,16,16", "--window-stride", "4,16,16"], 1),
                ("r2plus1d_18", "rise", "rise", ["--samples", "500"], 1),
                ("r2plus1d_18", "extremal_perturbation", "extremal", ["--iterations"], 2),      # one iteration: six take so much longer than one
                ("vgg16_lstm", "occlusion", "occlusion", ["--window", "4,32,32", "--window-stride", "4,32,32"], 1)]
TRAINING = ["r3d_18", "r2plus1d_18"]


def say(*words):
    print(*words, file=sys.stderr, flush=True)


# ---- ours ----

def run_ours(*args):
    """What the program printed, and its largest resident size in MiB: an own process asks for it."""
    code = ("import resource, subprocess, sys; r = subprocess.run(sys.argv[1:]); "
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(r.returncode)")
    out = subprocess.run([sys.executable, "-c", code, program, *args], capture_output=True, text=True, check=True)
    text, kib = out.stdout.rstrip().rsplit("\n", 1)
    return text, float(kib) / 1024


def ours(*args):
    return json.loads(run_ours("bench", "--json", *args)[0])


def timed(*args):
    text, mib = run_ours("bench", "--json", *args)
    return json.loads(text)["best_s"], mib


# ---- the peer ----

def has_peer():
    return subprocess.run([sys.executable, "-c", "import torch, torchvision"], capture_output=True).returncode == 0


def best_core():
    """What OpenBLAS does not find by itself on newer processors; it would not run where there is no AVX-512."""
    with open("/proc/cpuinfo") as f:
        return {"OPENBLAS_CORETYPE": "SKYLAKEX"} if " avx512f " in f.read() else {}


def peer(name, what, repeat, weights=""):
    env = {**os.environ, **best_core(), "OMP_NUM_THREADS": "2", "MALLOC_TOP_PAD_": "536870912", "MALLOC_MMAP_THRESHOLD_": "4294967296",
           "MALLOC_TRIM_THRESHOLD_": "4294967296", "WEIGHTS": weights}
    out = subprocess.run([sys.executable, os.path.join(here, "peers.py"), name, what, str(repeat)], capture_output=True, text=True, env=env)
    if out.returncode:
        say(out.stderr.strip().split("\n")[-1])
        return None
    seconds, mib = out.stdout.split()
    return float(seconds), float(mib)


def compare(row, mine, theirs):
    """Both in turn, ROUNDS times; the best of each."""
    a, b = [], []
    for _ in range(ROUNDS):
        a.append(mine())
        found = theirs() if with_peer else None
        b += [found] if found else []
    row.update(seconds=min(x[0] for x in a), mib=min(x[1] for x in a))
    if b:
        row.update(peer_seconds=min(x[0] for x in b), peer_mib=min(x[1] for x in b))
        row["ratio"] = row["peer_seconds"] / row["seconds"]
    say(row)
    return row


# ---- the parts ----

def layers():
    """The whole list again in every round: a neighbour that wakes stays for minutes, and takes one round's figure, not the best of them."""
    columns = [(p, (p, [])) for p in ("forward", "input", "weights")] + ([("avx2", ("forward", ["--isa", "avx2"]))] if best_isa == "avx512" else [])
    speeds, peaks = {}, {}
    for turn in range(ROUNDS):
        for layer in LAYERS:
            for column, (what, isa) in columns:
                before = ours("--peak", *isa)["gflops"]
                speed = ours("--layer", layer, "--pass", what, "--repeat", str(REPEAT), *isa)["gflops"]
                peaks.setdefault(tuple(isa), []).extend([before, ours("--peak", *isa)["gflops"]])
                speeds.setdefault((layer, column), []).append(speed)
        say(f"layers: round {turn + 1} of {ROUNDS}; peak between {min(peaks[()]):.0f} and {max(peaks[()]):.0f} GFLOP/s")
    return [{"layer": layer, **{column: max(speeds[layer, column]) / max(peaks[tuple(isa)]) for column, (_, isa) in columns}} for layer in LAYERS]


def networks():
    return [compare({"network": n, "what": p}, lambda: timed("--model", n, "--pass", p, "--repeat", str(REPEAT)), lambda: peer(n, p, REPEAT))
            for n in NETWORKS for p in ("forward", "gradient")]


def explained(network, method, options, repeat):
    args = ["--model", network, "--method", method, *options]
    if options[-1:] != ["--iterations"]:
        return timed(*args, "--repeat", str(repeat))
    one, six = timed(*args, "1", "--repeat", str(repeat)), timed(*args, "6", "--repeat", str(repeat))
    return (six[0] - one[0]) / 5, six[1]


def explanations():
    known = subprocess.run([program, "list", "methods"], capture_output=True, text=True).stdout.split()
    return [compare({"network": n, "what": m}, lambda: explained(n, m, o, k), lambda: peer(n, theirs, k))
            for n, m, theirs, o, k in EXPLANATIONS if m in known]


def training():
    return [compare({"network": n, "what": "train"}, lambda: timed("--model", n, "--pass", "train", "--repeat", "2"), lambda: peer(n, "train", 2))
            for n in TRAINING]


def first():
    """From nothing to the first five classes: program, weights from a PyTorch file, one pass."""
    if not with_peer:
        return []
    with tempfile.TemporaryDirectory() as folder:
        weights = os.path.join(folder, "weights.pth")
        make = "import torch, torchvision, sys; torch.save(torchvision.models.video.r2plus1d_18(weights=None).state_dict(), sys.argv[1])"
        subprocess.run([sys.executable, "-c", make, weights], check=True)
        subprocess.run([program, "synth", "-o", folder, "--count", "1", "--quiet"], check=True, stdout=subprocess.DEVNULL)
        clip = os.path.join(folder, "clip_000000.ppm")

        def mine():
            start = time.perf_counter()
            _, mib = run_ours("predict", clip, "--model", "r2plus1d_18", "--weights", weights, "--quiet")
            return time.perf_counter() - start, mib
        return [compare({"network": "r2plus1d_18", "what": "first result"}, mine, lambda: peer("r2plus1d_18", "first", 1, weights))]


def threads():
    rows = []
    for n in NETWORKS + ["r2plus1d_small", "cnn_lstm_small", "tiny"]:
        one = min(timed("--model", n, "--pass", "gradient", "--repeat", str(REPEAT), "--threads", "1")[0] for _ in range(ROUNDS))
        two = min(timed("--model", n, "--pass", "gradient", "--repeat", str(REPEAT), "--threads", "2")[0] for _ in range(ROUNDS))
        rows.append({"network": n, "one": one, "two": two, "gain": one / two})
        say(rows[-1])
    return rows


PARTS = {"layers": layers, "networks": networks, "explanations": explanations, "training": training, "first": first, "threads": threads}


# ---- the page ----

def layer_table(rows):
    yield "## Convolutions: share of the machine's multiply-add peak\n"
    avx2 = any("avx2" in row for row in rows)
    yield "(of the direct algorithm's work: more than 100 % is a fast algorithm" + ("; AVX2: of the AVX2 peak" if avx2 else "") + ")\n"
    yield "| layer | forward | to the input | to the weights |" + (" AVX2 forward |" if avx2 else "") + "\n|---|---|---|---|" + ("---|" if avx2 else "")
    for row in rows:
        yield "| {layer} | {forward:.0%} | {input:.0%} | {weights:.0%} |".format(**row) + (" {avx2:.0%} |".format(**row) if "avx2" in row else "")


def peer_table(title, rows):
    yield f"\n## {title}\n"
    yield "| network | what | seconds | MiB | PyTorch: seconds | MiB | ratio |\n|---|---|---|---|---|---|---|"
    for row in rows:
        theirs = "{peer_seconds:.3f} | {peer_mib:.0f} | {ratio:.2f}".format(**row) if "ratio" in row else "- | - | -"
        yield "| {network} | {what} | {seconds:.3f} | {mib:.0f} | ".format(**row) + theirs + " |"
    for what in ("forward", "gradient"):
        ratios = [r["ratio"] for r in rows if r["what"] == what and "ratio" in r]
        if len(ratios) == len(NETWORKS):
            product = 1
            for r in ratios:
                product *= r
            yield f"\n{what}: geometric mean {product ** (1 / len(ratios)):.2f}, least {min(ratios):.2f}"


def thread_table(rows):
    yield "\n## Two threads against one: gradient to the input\n"
    yield "| network | one thread, s | two, s | gain |\n|---|---|---|---|"
    for row in rows:
        yield "| {network} | {one:.4f} | {two:.4f} | {gain:.2f} |".format(**row)


def page(data):
    yield f"# How fast\n\n{data['cpu']}, {best_isa}, {data['threads_here']} threads, {data['date']}. Made by `make bench`; the best of several.\n"
    yield "Peak: {gflops:.0f} GFLOP/s, one thread {gflops_one_thread:.0f}; memory {gbytes_per_s:.0f} GB/s.\n".format(**data["peak"])
    if "layers" in data:
        yield from layer_table(data["layers"])
    for title, key in (("Networks, one clip", "networks"), ("Whole explanations", "explanations"), ("A step of training, one clip", "training"),
                       ("From nothing to the first result", "first")):
        if data.get(key):
            yield from peer_table(title, data[key])
    if "threads" in data:
        yield from thread_table(data["threads"])


with_peer = has_peer()
best_isa = next(line.split()[1] for line in subprocess.run([program, "--version"], capture_output=True, text=True).stdout.split("\n")
                if line.startswith("ISA:"))
path = os.path.join(here, f"results_{best_isa}.json")
data = json.load(open(path)) if parts and os.path.exists(path) else {}
cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
data.update(date=datetime.date.today().isoformat(), cpu=cpu, threads_here=os.cpu_count(), peak=ours("--peak"))
for part in parts or PARTS:
    data[part] = PARTS[part]()
    json.dump(data, open(path, "w"), indent=1)
text = "\n".join(page(data)) + "\n"
open(path[:-len("json")] + "md", "w").write(text)
print(text)
