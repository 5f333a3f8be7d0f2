# /// script
# requires-python = ">=3.10"
# dependencies = ["torch", "torchvision", "torchmetrics", "numpy", "segmentation-models-pytorch>=0.5", "timm>=1.0"]
# ///
"""Times the same work in PyTorch on the processor and in meltcore, alternately in one run, and prints medians and ratios.

Set up and run from the repository root:

    python3 -m venv .venv
    .venv/bin/pip install torch torchvision torchmetrics numpy segmentation-models-pytorch timm
    cargo build --release
    .venv/bin/python tools/bench_peers.py
    .venv/bin/python tools/bench_peers.py --rows train-unet8,ssim --rounds 9 --seconds 5 --json peers.json

A round runs a row once on each side, each in a process of its own, warmed there, and takes the median of its steps; the side that begins
changes from round to round. Whatever else the machine does hits both. A round's ratio is meltcore's time over PyTorch's (below 1: meltcore
is faster); reported are the medians over the rounds, and the least and the largest ratio.

PyTorch runs eagerly, with the faster of both memory layouts and, in training, of its two Adams, tried before the first round, and with
an allocator that keeps what is freed (the variables of ALLOCATOR below). Training is forward, masked L1 loss (GlaViTU: the
focal loss of both heads), backward, gradients clipped to a norm of 1, and Adam. Peak memory is the largest resident set of a process that
takes about ten training steps of the first row, with the system's own allocator settings; PyTorch's own code is part of it, several
hundred MiB.

Exit status: 0 all rows ran; 1 with --limit, a median ratio is above it; 2 some row did not run, for the reason that is printed with it.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IN_CHANNELS = 4
SCENE = (2863, 1633)
# Keeps freed memory in the process: without it PyTorch gives large tensors back to the system and fetches zeroed pages at every step.
ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "8589934592", "MALLOC_TOP_PAD_": "268435456"}
# The package that pip installs, by the module that is imported.
PACKAGES = {
    "torch": "torch",
    "torchvision": "torchvision",
    "torchmetrics": "torchmetrics",
    "timm": "timm",
    "segmentation_models_pytorch": "segmentation-models-pytorch",
    "numpy": "numpy",
}
ENCODER = ("torch", "timm", "segmentation_models_pytorch")


def step(kind, model, keys, batch, side, modules=("torch",)):
    """A training step (`train`), a prediction (`predict`), or the memory of training (`memory`)."""
    return {"kind": kind, "model": model, "keys": keys, "batch": batch, "side": side, "modules": modules}


# What --rows may name; `keys` are configuration keys of both sides.
ROWS = {
    "train-unet8": step("train", "unet", {"base_channels": 8}, 8, 128),
    "train-unet64": step("train", "unet", {"base_channels": 64}, 1, 128),
    "train-unet_smp": step("train", "unet_smp", {}, 2, 128, ENCODER),
    "train-deeplabv3": step("train", "deeplabv3", {"encoder_output_stride": 16}, 2, 128, ENCODER),
    "train-glavitu": step("train", "glavitu", {}, 1, 384),
    "train-tyrion": step("train", "tyrion", {}, 1, 512),
    "predict-unet8": step("predict", "unet", {"base_channels": 8}, 1, 512),
    "predict-unet_smp": step("predict", "unet_smp", {}, 1, 256, ENCODER),
    "ssim": {"kind": "ssim", "row": f"masked_ssim {SCENE[0]}x{SCENE[1]} sigma10", "modules": ("torch", "torchmetrics")},
    "blur": {"kind": "blur", "row": "gaussian_blur k99 s33 512x512", "modules": ("torch", "torchvision")},
    "memory": step("memory", "unet", {"base_channels": 8}, 8, 128),
}


class NotRun(Exception):
    """Why a row has no numbers."""


def title(row):
    """What a row measures, in words."""
    if "row" in row:
        return row["row"]
    words = [row["model"]] + [f"{key}={value}" for key, value in row["keys"].items()]
    what = {"train": "training step", "predict": "forward", "memory": "peak memory, training"}[row["kind"]]
    return f"{what}, {' '.join(words)}, {row['batch']} x {row['side']}^2"


# PyTorch's side; runs in a process of its own.


def network(row):
    """The row's network, with PyTorch's initial weights."""
    sys.path.insert(0, str(ROOT / "tools"))
    from fixtures.networks import build

    return build(IN_CHANNELS, {"model_key": row["model"]} | row["keys"])


def training(row, layout, adam):
    """A function that takes one training step."""
    import torch
    from torch.nn.utils import clip_grad_norm_

    memory_format = getattr(torch, layout)
    n, side = row["batch"], row["side"]

    def noise(channels):
        return torch.randn(n, channels, side, side).contiguous(memory_format=memory_format)

    if row["model"] == "glavitu":
        sys.path.insert(0, str(ROOT / "tools"))
        from fixtures.glavitu import DEFAULTS, Glavitu

        model = Glavitu(row["keys"])
        x = {name: noise(channels) for name, channels in DEFAULTS["features"]}
        loss_of = smoothed_focal_loss(n, side)
    elif row["model"] == "tyrion":
        sys.path.insert(0, str(ROOT / "tools"))
        from fixtures.tyrion import Tyrion

        model, x = Tyrion(row["keys"] | {"img_size": [side, side]}), noise(1)
        loss_of = zones_loss(n, side)
    else:
        model, x = network(row), noise(IN_CHANNELS)
        loss_of = masked_l1(n, side)
    model = model.train().to(memory_format=memory_format)
    parameters = list(model.parameters())
    if row["model"] == "tyrion":
        optimizer = torch.optim.SGD(parameters, lr=0.01, momentum=0.9, weight_decay=1e-4, **{adam: True})
    else:
        optimizer = torch.optim.Adam(parameters, lr=1e-3, **{adam: True})

    def run():
        optimizer.zero_grad(set_to_none=True)
        loss_of(model(x)).backward()
        clip_grad_norm_(parameters, 1.0)
        optimizer.step()

    return run


def masked_l1(n, side):
    """Mean absolute error over the pixels that count, which are all."""
    import torch

    target, mask = torch.rand(n, 1, side, side), torch.zeros(n, 1, side, side)

    def loss_of(y):
        valid = 1 - mask
        error = ((y - target).abs() * valid).flatten(1).sum(1)
        return (error / valid.flatten(1).sum(1).clamp(min=1)).mean()

    return loss_of


def smoothed_focal_loss(n, side):
    """GlaViTU's: focal loss (γ 2) of labels smoothed by 0.1, that of the auxiliary head by half."""
    import torch

    glacier = torch.rand(n, 1, side, side) > 0.5
    target = 0.9 * torch.cat([~glacier, glacier], 1).float() + 0.05

    def of_head(p):
        p = p.clamp(1e-7, 1 - 1e-7)
        return (-target * (1 - p) ** 2 * p.log()).sum(1).mean()

    return lambda heads: of_head(heads["y"]) + 0.5 * of_head(heads["aux"])


def zones_loss(n, side):
    """TYRION's: cross entropy, smoothed by a tenth that the other classes share, and Dice, of all pixels and of the central half."""
    import torch
    import torch.nn.functional as F

    target = (4 * torch.rand(n, side, side)).long()
    smoothed = 0.1 / 3 + (0.9 - 0.1 / 3) * F.one_hot(target, 4).permute(0, 3, 1, 2)
    one_hot = F.one_hot(target, 4).permute(0, 3, 1, 2).float()
    inner = slice(side // 4, side // 4 + side // 2)

    def of_pixels(logits, smoothed, one_hot):
        entropy = -(smoothed * logits.log_softmax(1)).sum(1).mean()
        p = logits.softmax(1)
        both, squares = (p * one_hot).sum((0, 2, 3)), (p**2).sum((0, 2, 3)) + (one_hot**2).sum((0, 2, 3))
        return entropy + (1 - (2 * both + 1e-5) / (squares + 1e-5)).mean()

    def loss_of(logits):
        whole = of_pixels(logits, smoothed, one_hot)
        return 0.5 * (whole + of_pixels(*(values[:, :, inner, inner] for values in (logits, smoothed, one_hot))))

    return loss_of


def prediction(row, layout):
    """A function that maps one batch."""
    import torch

    memory_format = getattr(torch, layout)
    model = network(row).eval().to(memory_format=memory_format)
    x = torch.randn(row["batch"], IN_CHANNELS, row["side"], row["side"]).contiguous(memory_format=memory_format)

    def run():
        with torch.inference_mode():
            model(x)

    return run


def similarity():
    """A function that compares one scene with another over its valid pixels, inside the frame that windows do not leave."""
    import torch
    from torchmetrics.functional.image import structural_similarity_index_measure

    pred, target = torch.rand(1, 1, *SCENE), torch.rand(1, 1, *SCENE)
    mask = (torch.rand(1, 1, *SCENE) > 0.8).float()
    frame = int(3.5 * 10 + 0.5)
    inside = (..., slice(frame, -frame), slice(frame, -frame))

    def run():
        valid = 1 - mask
        _, each = structural_similarity_index_measure(
            pred * valid, target * valid, gaussian_kernel=True, sigma=10.0, data_range=(0.0, 1.0), return_full_image=True
        )
        # Some versions give the image with its frame, others without.
        each = each[inside] if each.shape[-2:] == SCENE else each
        return ((each * valid[inside]).sum() / valid[inside].sum()).item()

    return run


def blur():
    """A function that blurs one plane."""
    import torch
    from torchvision.transforms.functional import gaussian_blur

    x = torch.rand(1, 1, 512, 512)
    return lambda: gaussian_blur(x, [99, 99], [33.0, 33.0])


def choices(row):
    """The ways in which PyTorch can do a row's work."""
    layouts = ("contiguous_format", "channels_last")
    if row["kind"] == "train":
        return [{"layout": layout, "adam": adam} for layout in layouts for adam in ("foreach", "fused")]
    if row["kind"] == "predict":
        return [{"layout": layout} for layout in layouts]
    return [{"layout": "contiguous_format", "adam": "foreach"}] if row["kind"] == "memory" else [{}]


def job(row, choice):
    """The function that does the work once."""
    makers = {"train": training, "memory": training, "predict": prediction}
    if row["kind"] in makers:
        return makers[row["kind"]](row, **choice)
    return {"ssim": similarity, "blur": blur}[row["kind"]]()


def times(run, seconds):
    """Milliseconds of single runs for so many seconds, after two to warm up; where one run takes as long, one warms and one counts."""

    def one():
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    least = 1 if one() > seconds else 3
    if least > 1:
        one()
    found, end = [], time.perf_counter() + seconds
    while len(found) < least or time.perf_counter() < end:
        found.append(one() * 1e3)
    return found


def work(order):
    """The body of PyTorch's process: measures what the order names and prints it as JSON."""
    import torch

    row = ROWS[order["row"]]
    torch.set_num_threads(order["threads"])
    torch.manual_seed(1)
    if order["task"] == "choose":
        tried = [(min(times(job(row, choice), 0.5)), choice) for choice in choices(row)]
        print(json.dumps(min(tried, key=lambda pair: pair[0])[1]))
    elif row["kind"] == "memory":
        run = job(row, order["choice"])
        for _ in range(10):
            run()
        print(json.dumps({}))
    else:
        print(json.dumps({"ms": statistics.median(times(job(row, order["choice"]), order["seconds"]))}))


# The side that compares.


def child(command, environment):
    """Output and peak resident set, bytes, of a process; its last words as an error where it fails."""
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=errors)
        except OSError as error:
            raise NotRun(
                f"{command[0]} cannot be run ({error.strerror}): build it with `cargo build --release`, or name one with --meltcore"
            )
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        words = errors.read().decode(errors="replace").strip().splitlines()
    if process.returncode != 0:
        raise NotRun(words[-1] if words else f"{command[0]} ended with status {process.returncode}")
    return output, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class Peers:
    """Both programs and how they are run."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.threads = {name: str(arguments.threads) for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS", "LP_NUM_THREADS")}
        self.meltcore_options = ["--device", arguments.device]
        try:
            takes_threads = b"--threads" in child([arguments.meltcore, "bench", "--help"], {})[0]
        except NotRun as reason:
            stop(str(reason))
        if takes_threads:
            self.meltcore_options += ["--threads", str(arguments.threads)]

    def torch(self, row, task, choice=None):
        """What PyTorch's process printed, and its peak memory."""
        order = {"row": row, "task": task, "choice": choice, "threads": self.arguments.threads, "seconds": self.arguments.seconds}
        allocator = {} if ROWS[row]["kind"] == "memory" else ALLOCATOR
        output, peak = child([sys.executable, __file__, "--work", json.dumps(order)], self.threads | allocator)
        return json.loads(output.splitlines()[-1]), peak

    def meltcore(self, name):
        """The row's median, ms, and the process's peak memory."""
        row = ROWS[name]
        command = [self.arguments.meltcore, "bench", "-q", *self.meltcore_options, "--json", "--no-ceilings"]
        # About ten steps: four while the result is checked, then the repetitions.
        command += ["--seconds", "0.001" if row["kind"] == "memory" else str(self.arguments.seconds)]
        if "row" in row:
            command += ["--filter", row["row"]]
            begin = row["row"]
        else:
            command += ["--step", row["model"], "--batch", str(row["batch"]), "--size", f"{row['side']}x{row['side']}"]
            for key, value in row["keys"].items():
                command += ["--set", f"{key}={value}"]
            begin = "predict" if row["kind"] == "predict" else "train_step"
            command += ["--filter", begin]
        output, peak = child(command, self.threads)
        found = [measured for measured in json.loads(output) if measured["name"].startswith(begin)]
        if len(found) != 1:
            raise NotRun(f"meltcore measured no single row {begin!r}")
        return found[0]["ms"], peak

    def compare(self, name):
        """All rounds of a row: its medians, ratios and how PyTorch did it."""
        row = ROWS[name]
        missing = [module for module in row["modules"] if importlib.util.find_spec(module) is None]
        if missing:
            raise NotRun(f"this Python has no {', '.join(missing)}: pip install {' '.join(PACKAGES[module] for module in missing)}")
        in_memory = row["kind"] == "memory"
        ways = choices(row)
        choice = self.torch(name, "choose")[0] if len(ways) > 1 else ways[0]
        pairs = []
        for turn in range(1 if in_memory else self.arguments.rounds):
            sides = {"torch": lambda: self.torch(name, "time", choice), "meltcore": lambda: self.meltcore(name)}
            found = {side: sides[side]() for side in (sorted(sides) if turn % 2 else sorted(sides, reverse=True))}
            if in_memory:
                pairs.append(tuple(found[side][1] / 2**20 for side in ("torch", "meltcore")))
            else:
                pairs.append((found["torch"][0]["ms"], found["meltcore"][0]))
            say(f"{name}: round {turn + 1}: PyTorch {pairs[-1][0]:.2f}, meltcore {pairs[-1][1]:.2f}")
        ratios = [ours / theirs for theirs, ours in pairs]
        return {
            "name": name,
            "title": title(row),
            "unit": "MiB" if in_memory else "ms",
            "pytorch": statistics.median(theirs for theirs, _ in pairs),
            "meltcore": statistics.median(ours for _, ours in pairs),
            "ratio": statistics.median(ratios),
            "ratio_min": min(ratios),
            "ratio_max": max(ratios),
            "rounds": pairs,
            "pytorch_uses": " ".join(value for value in choice.values() if value != "contiguous_format"),
        }


def processor():
    """The processor's name, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def table(results, arguments):
    """The results in Markdown."""
    versions = {module: importlib.metadata.version(PACKAGES[module]) for module in PACKAGES if importlib.util.find_spec(module)}
    said = ", ".join(f"{module} {version}" for module, version in versions.items())
    effort = f"{arguments.rounds} rounds of {arguments.seconds:g} s a side"
    lines = [
        f"{time.strftime('%Y-%m-%d')}, {processor()}, {arguments.threads} threads, device {arguments.device}; {said}; {effort}.",
        "",
        "| row | PyTorch | meltcore | meltcore / PyTorch | least to largest | PyTorch with |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in results:
        if "reason" in row:
            lines.append(f"| {row['title']} | not run | not run | | | {row['reason'].replace('|', '/')} |")
        else:
            values = [f"{row[side]:.4g} {row['unit']}" for side in ("pytorch", "meltcore")]
            span = f"{row['ratio_min']:.2f} to {row['ratio_max']:.2f}"
            lines.append(f"| {row['title']} | {values[0]} | {values[1]} | {row['ratio']:.2f} | {span} | {row['pytorch_uses']} |")
    return "\n".join(lines)


def say(text):
    print(text, file=sys.stderr, flush=True)


def stop(text):
    say(f"bench_peers: {text}")
    sys.exit(2)


def at_least_one(text):
    if int(text) < 1:
        raise ValueError
    return int(text)


def above_0(text):
    if not 0 < float(text) < 3600:
        raise ValueError
    return float(text)


at_least_one.__name__, above_0.__name__ = "whole number from 1", "number above 0"


def parse(words):
    summary, _, rest = __doc__.partition("\n")
    parser = argparse.ArgumentParser(description=summary, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(ROWS), help="rows to run, with commas between them [all: %(default)s]")
    parser.add_argument("--rounds", type=at_least_one, default=5, help="rounds a row [%(default)s]")
    parser.add_argument("--seconds", type=above_0, default=3.0, help="seconds a side and round [%(default)s]")
    parser.add_argument("--threads", type=at_least_one, default=2, help="threads of both sides [%(default)s]")
    parser.add_argument("--device", default="host", help="device of meltcore [%(default)s]")
    parser.add_argument("--meltcore", default=str(ROOT / "target/release/meltcore"), help="the program [%(default)s]")
    parser.add_argument("--limit", type=above_0, help="largest median ratio that is not a failure [none]")
    parser.add_argument("--json", metavar="FILE", help="also write all numbers there")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def main():
    arguments = parse(sys.argv[1:])
    if arguments.work:
        work(json.loads(arguments.work))
        return 0
    names = arguments.rows.split(",")
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        stop(f"--rows: there is no row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    if importlib.util.find_spec("torch") is None:
        python, packages = sys.executable, " ".join(PACKAGES.values())
        stop(f"{python} has no PyTorch; install what the rows need with: {python} -m pip install {packages}")
    peers, results = Peers(arguments), []
    for name in names:
        try:
            results.append(peers.compare(name))
        except NotRun as reason:
            say(f"{name}: NOT RUN: {reason}")
            results.append({"name": name, "title": title(ROWS[name]), "reason": str(reason)})
    print(table(results, arguments))
    if arguments.json:
        try:
            Path(arguments.json).write_text(json.dumps(results, indent=2) + "\n")
        except OSError as error:
            stop(f"--json {arguments.json} cannot be written ({error.strerror})")
    if any("reason" in row for row in results):
        return 2
    return int(arguments.limit is not None and any(row["ratio"] > arguments.limit for row in results))


if __name__ == "__main__":
    sys.exit(main())
