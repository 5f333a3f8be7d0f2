# /// script
# requires-python = ">=3.10"
# dependencies = ["torch", "numpy", "safetensors", "pyyaml", "segmentation-models-pytorch>=0.5", "timm>=1.0"]
# ///
"""Writes numerical fixtures for `meltcore verify` with PyTorch on the CPU.

Each safetensors file is one case: inputs, parameters, upstream gradients, and what PyTorch makes of them. Expected values are
computed in float64 from float32 inputs and stored as float32. A tolerance is the op's usual one, or a multiple of what the same
computation in PyTorch's own float32 misses where that is more; tensors on which float32 itself is meaningless are left out.
Everything is drawn from `--seed`, so one seed always gives the same files.

Set up and run from the repository root (the small cases need torch and numpy only; `--set large` also segmentation-models-pytorch and
timm; `--weights` also safetensors and pyyaml):

    python3 -m venv .venv && .venv/bin/pip install torch numpy safetensors pyyaml segmentation-models-pytorch timm
    .venv/bin/python tools/export_fixtures.py --out tests/fixtures --set committed
    .venv/bin/python tools/export_fixtures.py --out tests/fixtures --name CASE     # a new one
    .venv/bin/python tools/export_fixtures.py --out DIR [--only OP] [--seed N]

Whole models at full width, about 3 GB, never committed:

    .venv/bin/python tools/export_fixtures.py --out DIR --set large [--name CASE]
    meltcore verify DIR

Your own weights against PyTorch, one file or checkpoint folder and the configuration it was trained with:

    .venv/bin/python tools/export_fixtures.py --weights best.safetensors --config run.yaml --out case.safetensors
    meltcore verify case.safetensors
"""

import argparse
from pathlib import Path

import torch
from fixtures import elementwise, glavitu, half, layers, models, rows, scores, segmentation, tokens, training, windows
from fixtures.writer import Writer

# The files kept in the repository: every op, small enough to be cloned by everyone. A new one is written there by its --name.
KEPT = Path(__file__).resolve().parent.parent / "tests" / "fixtures"

# Every function `export_…` of these modules.
SMALL = [
    function
    for module in (elementwise, layers, rows, scores, segmentation, tokens, training, windows, models, glavitu, half)
    for name, function in vars(module).items()
    if name.startswith("export_")
]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the fixtures; with --weights the one file")
    parser.add_argument("--only", metavar="OP", help="write the fixtures of one op")
    parser.add_argument("--name", metavar="CASE", help="write one fixture, named as its file without .safetensors")
    parser.add_argument("--seed", type=int, default=0, help="other values in the same shapes [0]")
    sets = "all: small cases; committed: those kept in tests/fixtures; large: whole models at full width [all]"
    parser.add_argument("--set", choices=("all", "committed", "large"), default="all", help=sets)
    own = parser.add_argument_group("one case from weights of your own")
    own.add_argument("--weights", type=Path, metavar="FILE", help="safetensors file or checkpoint folder")
    own.add_argument("--config", type=Path, metavar="YAML", help="the configuration of the weights")
    own.add_argument("--input", type=Path, metavar="NPY", help="float32 array [n, channels, rows, columns] [random]")
    own.add_argument("--size", default="96x96", metavar="HxW", help="rows and columns of the random input [96x96]")
    own.add_argument("--batch", type=int, default=1, metavar="N", help="images of the random input [1]")
    own.add_argument("--training", action="store_true", help="batch norm as in training, dropout 0 [evaluation]")
    own.add_argument("--gradients", action="store_true", help="all gradients too, with biases moved a little off ReLU edges")
    args = parser.parse_args()
    if bool(args.weights) != bool(args.config):
        parser.error("--weights and --config belong together")
    return args


def main():
    args = parse()
    torch.set_num_threads(1)  # one order of summation on every machine
    if args.weights:
        from fixtures import checkpoint

        return checkpoint.export(args)
    names = {file.stem for file in KEPT.glob("*.safetensors")} if args.set == "committed" else None
    if args.name:
        names = {args.name} if names is None else names & {args.name}
    args.out.mkdir(parents=True, exist_ok=True)
    writer = Writer(args.out, args.only, names, args.seed)
    exports = SMALL
    if args.set == "large":
        from fixtures import large

        exports = [large.export_models, large.export_train_steps]
    for export in exports:
        export(writer)
    if writer.written == 0:
        raise SystemExit("no fixture of this op or name is in the set; ops are those of the README's table, names those of the files")
    print(f"{writer.written} fixtures in {args.out}")


if __name__ == "__main__":
    main()
