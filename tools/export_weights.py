# /// script
# requires-python = ">=3.10"
# dependencies = ["torch", "numpy", "safetensors", "timm", "h5py"]
# ///
"""Weights between PyTorch or Keras and meltcore: ImageNet encoders, checkpoints to safetensors, and back.

    export_weights.py imagenet --channels 4 --out xception71.safetensors    for encoder_weights of unet_smp and deeplabv3
    export_weights.py from-pth checkpoint.pth best.safetensors              for predict --weights, train --weights, weights check
    export_weights.py to-pth best.safetensors best.pth                      for model.load_state_dict(torch.load("best.pth"))
    export_weights.py from-keras glavitu_weights.h5 best.safetensors        GlaViTU as its authors trained it (--features optical,dem)
    export_weights.py to-keras best.safetensors glavitu_weights.h5          and back

With uv: `uv run tools/export_weights.py …` installs what it needs. Otherwise, from the repository root:

    python3 -m venv .venv && .venv/bin/pip install torch numpy safetensors timm
    .venv/bin/python tools/export_weights.py …

timm is needed by `imagenet` alone; `from-keras` and `to-keras` need h5py, numpy and safetensors, neither Keras nor torch.
"""

import argparse
import pickle
import sys
from pathlib import Path

# Where training scripts keep the model's state dict within a checkpoint.
STATE_KEYS = ("model_state_dict", "state_dict", "model")
# What wrappers put before the names of the model they wrap.
PREFIXES = ("module.", "_orig_mod.")
FIRST = "stem_0.conv.weight"


def stop(message):
    """Ends with one line and the status of unusable input."""
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(2)


def require(name):
    """Imports a package, or says how to get it."""
    try:
        return __import__(name, fromlist=["_"])
    except ImportError as error:
        stop(f"{error}: pip install torch numpy safetensors timm, or run this with `uv run`")


def imagenet(args):
    """Writes the Xception71 encoder under the names of timm's feature extractor, its first convolution adapted to the channels."""
    torch, timm = require("torch"), require("timm")
    from timm.models import adapt_input_conv

    torch.manual_seed(args.seed)
    try:
        model = timm.create_model("xception71", pretrained=not args.random, features_only=True)
    except (OSError, RuntimeError, ValueError) as error:
        stop(f"timm cannot get the weights of xception71 ({error}); check the network, or try the rest of the way with --random")
    state = model.state_dict()
    if args.channels != 3:
        state[FIRST] = adapt_input_conv(args.channels, state[FIRST])
    save(state, args.out)


def from_pth(args):
    """Writes the state dict of a checkpoint as float32 safetensors."""
    torch = require("torch")
    try:
        checkpoint = torch.load(args.checkpoint, map_location="cpu", weights_only=True)
    except OSError as error:
        stop(f"{args.checkpoint} cannot be read ({error.strerror})")
    except (pickle.UnpicklingError, EOFError, KeyError, RuntimeError, ValueError) as error:
        code = isinstance(error, pickle.UnpicklingError) and "eights only" in str(error)
        reason = "it holds objects beyond tensors, which could run code" if code else f"{type(error).__name__} {error}".strip()
        stop(f"{args.checkpoint} is no checkpoint of plain tensors: {reason}; save model.state_dict() alone with torch.save")
    state = {}
    for name, value in find_state(checkpoint, args).items():
        while name.startswith(PREFIXES):
            name = name.split(".", 1)[1]
        state[name] = value.float() if value.is_floating_point() else value
    save(state, args.out)


def find_state(checkpoint, args):
    """The state dict in a checkpoint: itself, or under one of the usual keys, or under --key."""
    if args.key:
        if not isinstance(checkpoint, dict) or args.key not in checkpoint:
            stop(f"{args.checkpoint} has no key {args.key!r}; it has {described(checkpoint)}")
        checkpoint = checkpoint[args.key]
    elif isinstance(checkpoint, dict):
        checkpoint = next((checkpoint[key] for key in STATE_KEYS if isinstance(checkpoint.get(key), dict)), checkpoint)
    torch = require("torch")
    if not isinstance(checkpoint, dict) or not checkpoint or not all(isinstance(value, torch.Tensor) for value in checkpoint.values()):
        stop(f"no state dict in {args.checkpoint}: it holds {described(checkpoint)}; name the entry that is one with --key")
    return checkpoint


def described(value):
    """The keys of a dict, or the type of anything else, for messages."""
    return ", ".join(repr(key) for key in list(value)[:8]) or "nothing" if isinstance(value, dict) else type(value).__name__


def to_pth(args):
    """Writes a safetensors file as a state dict that torch.load reads."""
    torch, safetensors = require("torch"), require("safetensors")
    load_file = require("safetensors.torch").load_file
    try:
        state = load_file(args.weights)
    except (OSError, safetensors.SafetensorError) as error:
        stop(f"{args.weights} is no safetensors file ({error})")
    partial = beside(args.out)
    torch.save({args.key: state} if args.key else state, partial)
    partial.replace(args.out)
    print(f"{len(state)} tensors in {args.out}")


def from_keras(args):
    """Writes GlaViTU's weights in a Keras file as safetensors."""
    h5py, save_file = require("h5py"), require("safetensors.numpy").save_file
    keras_files = require("keras_files")
    try:
        with h5py.File(args.weights) as file:
            state = keras_files.from_keras(file, args.features.split(","))
    except (OSError, KeyError, ValueError) as error:
        stop(f"{args.weights} holds no weights of GlaViTU as Keras 2 writes them: {error}")
    partial = beside(args.out)
    save_file(state, partial, metadata={"format": "pt"})
    partial.replace(args.out)
    print(f"{len(state)} tensors in {args.out}")


def to_keras(args):
    """Writes GlaViTU's weights as a file that Keras' load_weights reads by order."""
    h5py, safetensors = require("h5py"), require("safetensors")
    load_file, keras_files = require("safetensors.numpy").load_file, require("keras_files")
    partial = beside(args.out)
    try:
        state = load_file(args.weights)
        with h5py.File(partial, "w") as file:
            keras_files.to_keras(state, file, args.features.split(","), args.heads)
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        partial.unlink(missing_ok=True)
        stop(f"{args.weights} cannot be written for Keras: {error}")
    partial.replace(args.out)
    print(f"{len(state)} tensors in {args.out}")


def save(state, out):
    """Writes a state dict; every tensor gets its own memory, since modules that are used twice share theirs."""
    save_file = require("safetensors.torch").save_file
    partial = beside(out)
    save_file({name: value.detach().clone().contiguous() for name, value in state.items()}, partial, metadata={"format": "pt"})
    partial.replace(out)
    print(f"{len(state)} tensors in {out}")


def beside(out):
    """A temporary name in the folder of `out`, which is made where it is missing."""
    out.parent.mkdir(parents=True, exist_ok=True)
    return out.with_name(f".{out.name}.part")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("imagenet", help="ImageNet weights of the Xception71 encoder, from timm", description=imagenet.__doc__)
    command.add_argument("--channels", type=int, required=True, metavar="N", help="input channels: how many in_keys* name together")
    command.add_argument("--out", type=Path, required=True, metavar="F", help="safetensors file to write")
    command.add_argument("--random", action="store_true", help="random weights, without a download, to try the way they go")
    command.add_argument("--seed", type=int, default=0, help="of --random [0]")
    command.set_defaults(run=imagenet)
    command = commands.add_parser("from-pth", help="a PyTorch checkpoint to safetensors", description=from_pth.__doc__)
    command.add_argument("checkpoint", type=Path, help="torch.save file of a state dict, or of a dict with one")
    command.add_argument("out", type=Path, help="safetensors file to write")
    command.add_argument("--key", help=f"entry of the checkpoint that is the state dict [{', '.join(STATE_KEYS)}, or the whole]")
    command.set_defaults(run=from_pth)
    command = commands.add_parser("to-pth", help="safetensors to a PyTorch state dict", description=to_pth.__doc__)
    command.add_argument("weights", type=Path, help="safetensors file")
    command.add_argument("out", type=Path, help=".pth file to write")
    command.add_argument("--key", help="wrap the state dict in a dict under this key, as some loaders expect")
    command.set_defaults(run=to_pth)
    command = commands.add_parser("from-keras", help="GlaViTU's Keras weights to safetensors", description=from_keras.__doc__)
    command.add_argument("weights", type=Path, help="HDF5 file, as Model.save_weights writes it")
    command.add_argument("out", type=Path, help="safetensors file to write")
    order = "names of the features, in the order of the network's branches [optical,dem]"
    command.add_argument("--features", default="optical,dem", metavar="NAMES", help=order)
    command.set_defaults(run=from_keras)
    command = commands.add_parser("to-keras", help="GlaViTU's safetensors to a Keras file", description=to_keras.__doc__)
    command.add_argument("weights", type=Path, help="safetensors file")
    command.add_argument("out", type=Path, help="HDF5 file to write")
    command.add_argument("--features", default="optical,dem", metavar="NAMES", help=order)
    command.add_argument("--heads", type=int, default=4, help="heads of the transformer, which the weights do not tell [4]")
    command.set_defaults(run=to_keras)
    args = parser.parse_args()
    if getattr(args, "channels", 1) < 1:
        parser.error("--channels must be 1 or more")
    args.run(args)


if __name__ == "__main__":
    main()
