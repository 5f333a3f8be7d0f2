#!/usr/bin/env python3
"""The least time of a training step on graphics cards, kernel by kernel, from what the kernels must do and move.

    tools/roofline.py MODEL [--set KEY=VALUE]... [--batch 8] [--size 512] [--meltcore target/release/meltcore]

Runs `meltcore bench --step MODEL --profile` on the processor for one and for two crops of 128 × 128 pixels; operations and bytes of a kernel are a
part for each pixel and a part for each step (weights, optimizers), so that two sizes tell those of any other. A kernel takes the longer of its
operations over the card's rate and of its bytes over the card's bandwidth (Williams et al. 2009, Communications of the ACM 52(4), 65-76).
Prints a Markdown table; benches/ROOFLINE.md says what is assumed.
"""

import argparse
import json
import subprocess
import sys

# Published peaks: float32 operations (a multiply-add is two) in units of 10^12 a second, bandwidth in 10^12 bytes a second.
CARDS = {"RTX 3090": (35.6, 0.936), "H100 SXM": (66.9, 3.35), "M2 (10 cores)": (3.6, 0.1)}
SIDE = 128
# Rows below this share of every card's step are summed up.
LEAST = 0.01


def profile(args, batch):
    """Operations and bytes by kernel of one training step, and launches."""
    command = [args.meltcore, "bench", "--device", "host", "--step", args.model, "--batch", str(batch), "--size", f"{SIDE}x{SIDE}"]
    command += ["--filter", "train", "--profile", "--no-ceilings", "--seconds", "0.1", "--json"]
    command += [part for pair in args.set for part in ("--set", pair)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"roofline: {' '.join(command)} ended with {done.returncode}")
    kernels = {}
    for row in json.loads(done.stdout):
        name = row["name"].removeprefix("profile ")
        if name != row["name"] and not name.startswith("("):
            # Rates times milliseconds: 10^9 a second by 10^-3 s.
            kernels[name] = [row["calls"], *((row[rate] or 0.0) * row["ms"] * 1e6 for rate in ("gflops", "gbps"))]
    return kernels


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=512, help="rows and columns of a crop")
    parser.add_argument("--meltcore", default="target/release/meltcore")
    args = parser.parse_args()
    one, two = profile(args, 1), profile(args, 2)
    crops = args.batch * (args.size / SIDE) ** 2
    step = {name: (calls, *(a + (two[name][i] - a) * (crops - 1) for i, a in enumerate(costs, 1))) for name, (calls, *costs) in one.items()}

    def times(flops, moved):
        return [(max(flops / rate, moved / band) * 1e-9, flops / rate > moved / band) for rate, band in CARDS.values()]

    sums = [sum(times(flops, moved)[i][0] for _, flops, moved in step.values()) for i in range(len(CARDS))]
    print(f"| kernel | launches | TFLOP | GB | {' | '.join(f'{card}, ms' for card in CARDS)} |")
    print(f"| --- | ---: | ---: | ---: |{' ---: |' * len(CARDS)}")
    rest = [0, 0.0, 0.0, [0.0] * len(CARDS)]
    for name, (calls, flops, moved) in sorted(step.items(), key=lambda item: -times(*item[1][1:])[1][0]):
        own = times(flops, moved)
        if all(time < LEAST * total for (time, _), total in zip(own, sums)):
            rest = [rest[0] + calls, rest[1] + flops, rest[2] + moved, [sum(pair) for pair in zip(rest[3], (time for time, _ in own))]]
            continue
        cells = " | ".join(f"{time:.1f}{'' if bound else ' b'}" for time, bound in own)
        print(f"| `{name}` | {calls} | {flops / 1e12:.3f} | {moved / 1e9:.2f} | {cells} |")
    cells = " | ".join(f"{time:.1f}" for time in rest[3])
    print(f"| all others | {rest[0]} | {rest[1] / 1e12:.3f} | {rest[2] / 1e9:.2f} | {cells} |")
    whole = [sum(costs[i] for costs in step.values()) for i in range(3)]
    print(f"| **step** | {whole[0]} | {whole[1] / 1e12:.3f} | {whole[2] / 1e9:.2f} | {' | '.join(f'**{total:.0f}**' for total in sums)} |")


if __name__ == "__main__":
    main()
