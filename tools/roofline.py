#!/usr/bin/env python3
"""The least time of a training step on graphics cards, kernel by kernel, from what the kernels must do and move.

    tools/roofline.py MODEL [--set KEY=VALUE]... [--batch 8] [--size 512] [--for ampere] [--meltcore target/release/meltcore]

`meltcore bench --step MODEL --plans --for DEVICE` says what a step launches on such a device, with the operations and bytes of each launch. A
kernel takes the longer of its operations over the card's rate and of its bytes over the card's bandwidth (Williams et al. 2009, Communications of
the ACM 52(4), 65-76). Minimal filtering makes 16 multiply-adds of 36 (Lavin and Gray 2016, arXiv 1509.09308).
Prints a Markdown table; benches/ROOFLINE.md says what is assumed.
"""

import argparse
import json
import subprocess
import sys

# Published peaks: float32 operations (a multiply-add is two) in units of 10^12 a second, bandwidth in 10^12 bytes a second.
CARDS = {"RTX 3090": (35.6, 0.936), "H100 SXM": (66.9, 3.35), "M2 (10 cores)": (3.6, 0.1)}
# Rows below this share of every card's step are summed up.
LEAST = 0.01
# Operations that are made of those that a convolution has.
FILTERED = {"conv2d_winograd": 16 / 36, "conv2d_winograd_grad_weight": 16 / 36}


def planned(args):
    """Launches, operations and bytes by kernel of one training step."""
    command = [args.meltcore, "bench", "--plans", "--for", args.device, "--step", args.model, "--batch", str(args.batch)]
    command += ["--size", f"{args.size}x{args.size}", "--json"]
    command += [part for pair in args.set for part in ("--set", pair)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"roofline: {' '.join(command)} ended with {done.returncode}")
    rows = [row for row in json.loads(done.stdout) if row["row"].startswith("train")]
    if len(rows) != 1:
        sys.exit(f"roofline: {len(rows)} training steps are planned; --for must name one kind of devices")
    kernels = {}
    for launch in rows[0]["launches"]:
        kernel, made = launch["kernel"], FILTERED.get(launch["kernel"], 1)
        calls, flops, moved = kernels.get(kernel, (0, 0.0, 0.0))
        kernels[kernel] = (calls + 1, flops + made * launch["flops"], moved + launch["bytes"])
    return kernels


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=512, help="rows and columns of a crop")
    parser.add_argument("--for", dest="device", default="ampere", help="kind of devices, a part of its name")
    parser.add_argument("--meltcore", default="target/release/meltcore")
    args = parser.parse_args()
    step = planned(args)

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
