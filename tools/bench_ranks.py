#!/usr/bin/env python3
"""Times a training by one rank with two threads and by two ranks with one thread each, in turns, so that a busy machine disturbs all alike.

    tools/bench_ranks.py [--program target/release/meltcore] [--rounds 5] [--mpi] [--set KEY=VALUE ...]

Prints, for each way, the median over the rounds of an epoch's seconds (of log.jsonl, the first epoch left out) and of the processor seconds
of the whole run, and the efficiency: the seconds of one rank over those of two. Needs Python 3.8 or newer and no package; makes its data
with `meltcore synth` in a temporary folder.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

# A step long enough to be one: 4 micro-batches of 4 crops of 128 x 128 through a UNet of 1.9 M parameters.
SETS = ["in_keys=[pmw, mar_wa1]", "img_size=[128, 128]", "base_channels=16", "batch_size=4", "accumulate_steps=4", "epochs=3",
        "periodical_evaluation=false", "tensorboard=false", "lr_scheduler=constant"]
ENVIRONMENT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1",
               "OMPI_MCA_mpi_yield_when_idle": "1"}


def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(program, data, folder, sets, launch, more):
    command = [*launch, program, "train", "-q", "--device", "host", "--config", str(data / "config.yaml")]
    if "--devices" in more:
        command.remove("--device"), command.remove("host")
    for text in [*sets, f"path_checkpoints={folder}"]:
        command += ["--set", text]
    before = processor_seconds()
    subprocess.run([*command, *more], check=True, env={**os.environ, **ENVIRONMENT})
    spent = processor_seconds() - before
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()[1:]]
    return statistics.median(line["seconds"] for line in lines[1:]), spent, (folder / "last" / "model.safetensors").read_bytes()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/meltcore")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mpi", action="store_true", help="two processes of mpirun as well (builds with the feature mpi)")
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    ways = {"one rank, two threads": ([], ["--threads", "2"]),
            "two ranks (threads), one thread each": ([], ["--threads", "2", "--devices", "host,host"])}
    if arguments.mpi:
        ways["two ranks (MPI), one thread each"] = (["mpirun", "-n", "2", "--bind-to", "none"], ["--threads", "1", "--mpi"])
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        data = folder / "data"
        subprocess.run([arguments.program, "synth", "-q", "--out", data, "--size", "192x192", "--days", "72"], check=True)
        found = {way: [] for way in ways}
        weights = set()
        for number in range(arguments.rounds):
            for way, (launch, more) in ways.items():
                out = folder / f"run-{number}-{len(found[way])}-{list(ways).index(way)}"
                seconds, spent, bits = run(arguments.program, data, out, SETS + arguments.set, launch, more)
                found[way].append((seconds, spent))
                weights.add(bits)
    if len(weights) != 1:
        sys.exit("the ways ended with different weights")
    first = found["one rank, two threads"]
    print(f"{'way':40}{'epoch s':>9}{'processor s':>13}{'efficiency':>12}")
    for way, times in found.items():
        seconds, spent = (statistics.median(column) for column in zip(*times))
        efficiency = statistics.median(one / other for (one, _), (other, _) in zip(first, times))
        print(f"{way:40}{seconds:9.2f}{spent:13.1f}{efficiency:12.2f}")


if __name__ == "__main__":
    main()
