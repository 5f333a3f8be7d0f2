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

from fixtures import elementwise, layers, models, scores, training
from fixtures.writer import Writer

# The files kept in the repository: every op, small enough to be cloned by everyone.
COMMITTED = [
    "adaptive_avg_pool2d__w41",
    "add__w47",
    "batch_norm__train_b2",
    "batch_norm__eval_b3",
    "cat__5_12",
    "clip_grad_norm__max1",
    "conv2d__one_px",
    "conv2d__w41",
    "conv2d__g4s2d2",
    "conv2d__dw_multiplier",
    "conv2d__c16to8_w43",
    "conv2d__k5x3",
    "conv2d__dw_s2",
    "conv2d__dw_d2",
    "conv2d__dw_d6",
    "conv2d__dw_d12_small",
    "conv2d__dw_d18",
    "conv2d__k1s2_shortcut",
    "conv_transpose2d__k2s2_w21",
    "conv_transpose2d__k2s3_gaps",
    "conv_transpose2d__k5s3p2",
    "gaussian_blur__k9",
    "gelu__w47",
    "interpolate__nearest_26to22",
    "interpolate__nearest_7x6to13x12",
    "interpolate__bilinear_size_ac",
    "interpolate__bilinear_x3",
    "interpolate__bilinear_pooled_back",
    "interpolate__bilinear_x4_1ch",
    "lr_schedule__cosine_mult3",
    "lr_schedule__plateau_p1",
    "masked_loss__l1_mean",
    "masked_loss__mse_none",
    "masked_metrics__edges",
    "masked_ssim__s1",
    "max_pool2d__k3s2p1_ties",
    "model__linear_dem",
    "model__unet_b1_bilinear_relu_x1_train",
    "model__unet_b1_transposed_gelu_x2_eval",
    "optimizer__adam",
    "optimizer__sgd",
    "optimizer__rmsprop",
    "relu__w47",
    "sigmoid__w47",
    "sigmoidcutoff__w47",
    "tanhshelf__w47",
    "train_steps__adam_l1_b1",
    "train_steps__sgd_mse_b1",
]

SMALL = [
    elementwise.export_activations,
    elementwise.export_add,
    elementwise.export_cat,
    elementwise.export_max_pool,
    elementwise.export_adaptive_avg_pool,
    elementwise.export_interpolate,
    layers.export_conv2d,
    layers.export_conv_transpose2d,
    layers.export_batch_norm,
    scores.export_gaussian_blur,
    scores.export_masked_loss,
    scores.export_masked_ssim,
    scores.export_masked_metrics,
    training.export_optimizers,
    training.export_clip_grad_norm,
    training.export_lr_schedules,
    models.export_models,
    models.export_train_steps,
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
    names = set(COMMITTED) if args.set == "committed" else None
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
