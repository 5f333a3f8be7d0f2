"""PyTorch's half of tests/weights_pytorch.rs: takes a state dict that meltcore wrote, and gives one back.

`weights_pytorch.py probe` prints what this Python can do, one word a line; `weights_pytorch.py exchange FOLDER` reads job.json and
ours.safetensors, and writes theirs.safetensors, theirs.pth and case.safetensors.
"""

import importlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))


def probe():
    """`torch` where state dicts can be exchanged, `smp` where the models with the Xception71 encoder can be built, too."""
    for word, packages in (("torch", ("torch", "safetensors", "numpy")), ("smp", ("timm", "segmentation_models_pytorch"))):
        try:
            for package in packages:
                importlib.import_module(package)
        except ImportError as error:
            print(f"no {word}: {error}", file=sys.stderr)
            return
        print(word)


def exchange(folder):
    """Loads our weights strictly and runs them; then changes every tensor, and saves them as users of PyTorch do."""
    import torch
    from fixtures.networks import build
    from safetensors.torch import load_file, save_file

    torch.manual_seed(0)
    job = json.loads((folder / "job.json").read_text())
    model = build(job["shape"][1], job["attrs"])
    model.load_state_dict(load_file(folder / "ours.safetensors"), strict=True)
    x = torch.randn(job["shape"])
    case = {"x": x, "ours": run(model, x)}
    with torch.no_grad():
        model.train()
        model(torch.randn(2, *job["shape"][1:]))  # running statistics and counters
        for parameter in model.parameters():
            parameter.add_(0.05 * parameter.std(correction=0) * torch.randn_like(parameter))
    case["theirs"] = run(model, x)
    state = model.state_dict()
    save_file({name: value.clone() for name, value in state.items()}, folder / "theirs.safetensors")
    torch.save({"epoch": 3, "model_state_dict": {f"module.{name}": value for name, value in state.items()}}, folder / "theirs.pth")
    save_file(case, folder / "case.safetensors")


def run(model, x):
    """The model's maps in evaluation."""
    import torch

    model.eval()
    with torch.no_grad():
        return model(x).contiguous()


if __name__ == "__main__":
    if sys.argv[1] == "probe":
        probe()
    else:
        exchange(Path(sys.argv[2]))
