"""Writes numerical fixtures for `meltcore verify` with PyTorch on the CPU.

Each safetensors file is one case: inputs, parameters, upstream gradients, and what PyTorch makes of them. Expected values are
computed in float64 from float32 inputs and stored as float32. A tolerance is the op's usual one, or a multiple of what the same
computation in PyTorch's own float32 misses where that is more; tensors on which float32 itself is meaningless are left out.
Everything is drawn from `--seed`, so one seed always gives the same files.

Set up and run from the repository root:

    python3 -m venv .venv && .venv/bin/pip install torch numpy
    .venv/bin/python tools/export_fixtures.py --out tests/fixtures --set committed
    .venv/bin/python tools/export_fixtures.py --out DIR [--only OP] [--seed N]
"""

import argparse
import json
import math
import zlib
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

ATOL = 1e-7
# Allowance over PyTorch's float32 error: another order of summation is as right as PyTorch's.
HEADROOM = 6.0
# Above this relative error a float32 value says nothing about an implementation.
MEANINGLESS = 3e-4
# Float64 runs of a network with its inputs off by a rounding, to find activations that sit on a kink.
SHAKES = 6

# The files kept in the repository: every op, small enough to be cloned by everyone.
COMMITTED = """
    adaptive_avg_pool2d__w41 add__w47 batch_norm__train_b2 batch_norm__eval_b3 cat__5_12 clip_grad_norm__max1
    conv2d__one_px conv2d__w41 conv2d__g4s2d2 conv2d__dw_multiplier conv2d__c16to8_w43 conv2d__k5x3
    conv_transpose2d__k2s2_w21 conv_transpose2d__k2s3_gaps conv_transpose2d__k5s3p2
    gaussian_blur__k9 gelu__w47 interpolate__nearest_26to22 interpolate__bilinear_size_ac interpolate__bilinear_x3
    lr_schedule__cosine_mult3 lr_schedule__plateau_p1 masked_loss__l1_mean masked_loss__mse_none masked_metrics__edges
    masked_ssim__s1 max_pool2d__k3s2p1_ties model__linear_dem model__unet_b1_bilinear_relu_x1_train
    model__unet_b1_transposed_gelu_x2_eval optimizer__adam optimizer__sgd optimizer__rmsprop relu__w47 sigmoid__w47
    sigmoidcutoff__w47 tanhshelf__w47 train_steps__adam_l1_b1 train_steps__sgd_mse_b1
""".split()


class Writer:
    """Draws the inputs of cases, runs them and stores them."""

    def __init__(self, out, only, names, seed):
        self.out, self.only, self.names, self.seed = out, only, names, seed
        self.written = 0
        self.generator = torch.Generator()

    def wants(self, op, name):
        """Whether the case is asked for; if so, draws start afresh, so that no case depends on another."""
        case = f"{op}__{name}"
        if (self.only and op != self.only) or (self.names is not None and case not in self.names):
            return False
        self.generator.manual_seed(self.seed * 1_000_003 + zlib.crc32(case.encode()))
        return True

    def normal(self, *shape, scale=1.0, shift=0.0):
        return torch.randn(shape, generator=self.generator) * scale + shift

    def uniform(self, *shape, low=0.0, high=1.0):
        return torch.rand(shape, generator=self.generator) * (high - low) + low

    def integers(self, low, high, *shape):
        return torch.randint(low, high, shape, generator=self.generator)

    def save(self, op, name, attrs, tensors, rtol, rtol_for=None, atol=ATOL):
        case = {"op": op, "attrs": attrs, "rtol": rtol, "atol": atol}
        if rtol_for:
            case["rtol_for"] = rtol_for
        tensors = {key: value.detach().contiguous().clone() for key, value in tensors.items()}
        for key, value in tensors.items():
            assert value.dtype in (torch.float32, torch.int64), (op, name, key)
            assert torch.isfinite(value.double()).all(), (op, name, key)
        write_safetensors(self.out / f"{op}__{name}.safetensors", tensors, {"case": json.dumps(case), "format": "meltcore-fixture/1"})
        self.written += 1

    def record(self, op, name, attrs, inputs, forward, grads=(), upstream=("y",), rtol=1e-5, shakes=0, complete=False):
        """Runs `forward` (tensors by name to outputs by name) in float64 and float32 and stores the case.

        `grads` names the inputs whose gradients are stored, `upstream` the outputs that get a gradient. `shakes` float64 runs with
        inputs off by a rounding show kinks and cancellations that one float32 run may miss.
        With `complete` nothing is stored, and False returned, where a tensor would have to be left out.
        """
        grad_outs = {}

        def run(dtype, noise=0.0):
            tensors = {}
            for key, value in inputs.items():
                value = value.detach().clone()
                if value.is_floating_point():
                    value = value.to(dtype)
                    if noise > 0:
                        value = value * (1 + noise * torch.randn(value.shape, generator=self.generator, dtype=dtype))
                tensors[key] = value.requires_grad_(key in grads)
            outputs = forward(tensors)
            wanted = {f"out.{key}": value for key, value in outputs.items()}
            if grads:
                for key in upstream:
                    if key not in grad_outs:
                        grad_outs[key] = self.normal(*outputs[key].shape)
                leaves = [tensors[key] for key in grads]
                gradients = torch.autograd.grad(
                    [outputs[key] for key in upstream], leaves, [grad_outs[key].to(dtype) for key in upstream], allow_unused=True
                )
                wanted |= {f"grad.{key}": value for key, value in zip(grads, gradients) if value is not None}
            return wanted

        truth = run(torch.float64)
        errors = relative_errors(truth, run(torch.float32))
        for _ in range(shakes):
            shaken = relative_errors(truth, run(torch.float64, noise=2.0**-23))
            errors = {key: max(errors[key], shaken[key]) for key in errors}
        stored, rtol_for = conditioned(op, name, truth, errors, rtol)
        if complete and len(stored) < len(truth):
            return False
        stored |= inputs | {f"grad_out.{key}": value for key, value in grad_outs.items()}
        self.save(op, name, attrs, stored, rtol, rtol_for)
        return True


def write_safetensors(path, tensors, metadata):
    """Writes the format by hand: the library keeps metadata in no fixed order, and a seed shall always give the same bytes."""
    header, offset = {"__metadata__": metadata}, 0
    # The widest type first keeps every tensor aligned.
    names = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    for name in names:
        size = tensors[name].numel() * tensors[name].element_size()
        dtype = "I64" if tensors[name].dtype == torch.int64 else "F32"
        header[name] = {"dtype": dtype, "shape": list(tensors[name].shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(tensors[name].numpy().tobytes() for name in names))


def relative_errors(truth, other):
    """The largest difference over the largest value, per tensor."""
    errors = {}
    for key, want in truth.items():
        scale = want.double().abs().max().item() if want.numel() else 0.0
        difference = (other[key].double() - want.double()).abs().max().item() if want.numel() else 0.0
        errors[key] = difference / scale if scale > 0 else (0.0 if difference <= ATOL else math.inf)
    return errors


def conditioned(op, name, truth, errors, rtol):
    """Expected tensors as float32, without those that float32 cannot tell, and tolerances above `rtol` where they are due."""
    stored, rtol_for = {}, {}
    for key, want in truth.items():
        if errors[key] > MEANINGLESS:
            if key.startswith("out.") and not key.startswith("out.param."):
                raise SystemExit(f"{op}__{name}: {key} is off by {errors[key]:.1e} in float32: choose another case")
            continue
        stored[key] = want if want.dtype == torch.int64 else want.float()
        due = HEADROOM * errors[key]
        if due > rtol:
            rtol_for[key] = float(f"{due:.1e}")
    return stored, rtol_for


# Element-wise ops, pooling, resizing ---------------------------------------------------------------------------------------------


def tanhshelf(x):
    return 0.5 * (torch.tanh(x + 4) + torch.tanh(4 - x))


def sigmoidcutoff(x):
    return torch.sigmoid(10 - x**6)


ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu, "sigmoid": torch.sigmoid, "tanhshelf": tanhshelf, "sigmoidcutoff": sigmoidcutoff}


def export_activations(w):
    shapes = {"one_px": (1, 1, 1, 1), "w47": (2, 3, 5, 47), "w41": (1, 1, 7, 41), "wide": (1, 16, 13, 40), "long": (1, 2, 301, 257)}
    for op, function in ACTIVATIONS.items():
        for name, shape in shapes.items():
            if w.wants(op, name):
                scale = 1.2 if op == "sigmoidcutoff" else 3.0
                forward = lambda t, function=function: {"y": function(t["in.x"])}
                rtol = 1e-6 if op == "relu" else 2e-5
                w.record(op, name, {}, {"in.x": w.normal(*shape, scale=scale)}, forward, ["in.x"], rtol=rtol)


def export_add_cat(w):
    for name, shape in {"w47": (2, 1, 5, 47), "w41": (1, 1, 3, 41), "c64": (1, 64, 20, 24), "one_px": (3, 1, 1, 1)}.items():
        if w.wants("add", name):
            inputs = {"in.a": w.normal(*shape), "in.b": w.normal(*shape)}
            w.record("add", name, {}, inputs, lambda t: {"y": t["in.a"] + t["in.b"]}, ["in.a", "in.b"], rtol=1e-6)
    cats = {
        "5_12": (2, 5, 12, 3, 11),
        "8_8": (2, 8, 8, 12, 40),
        "1_1": (3, 1, 1, 1, 47),
        "32_32": (1, 32, 32, 20, 24),
        "7_2": (4, 7, 2, 41, 5),
    }
    for name, (n, a, b, h, width) in cats.items():
        if w.wants("cat", name):
            inputs = {"in.a": w.normal(n, a, h, width), "in.b": w.normal(n, b, h, width)}
            forward = lambda t: {"y": torch.cat([t["in.a"], t["in.b"]], 1)}
            w.record("cat", name, {"dim": 1}, inputs, forward, ["in.a", "in.b"], rtol=1e-6)


def export_pooling(w):
    pools = {
        "k2s2_w41": (2, 3, 13, 41, 2, 2, 0),
        "k2s2_c16": (2, 16, 20, 24, 2, 2, 0),
        "k3s2p1": (1, 5, 11, 47, 3, 2, 1),
        "k2s1": (1, 2, 6, 9, 2, 1, 0),
        "k5s2p2": (2, 1, 17, 12, 5, 2, 2),
        "k3s3": (1, 3, 10, 14, 3, 3, 0),
        "one_px": (2, 3, 1, 1, 3, 2, 1),
        "k3s2p1_ties": (2, 3, 13, 10, 3, 2, 1),
        "k2s2_ties": (1, 8, 21, 41, 2, 2, 0),
        "k4s3p2_ties": (1, 2, 15, 16, 4, 3, 2),
    }
    for name, (n, c, h, width, kernel, stride, padding) in pools.items():
        if w.wants("max_pool2d", name):
            # Few distinct values, negative ones among them: ties everywhere, and padding must lose against them.
            x = w.integers(-4, 0, n, c, h, width).float() if "ties" in name else w.normal(n, c, h, width)
            forward = lambda t, kernel=kernel, stride=stride, padding=padding: {"y": F.max_pool2d(t["in.x"], kernel, stride, padding)}
            attrs = {"kernel": kernel, "stride": stride, "padding": padding}
            w.record("max_pool2d", name, attrs, {"in.x": x}, forward, ["in.x"], rtol=1e-6)
    for name, shape in {"w41": (2, 3, 7, 41), "w47": (1, 1, 47, 3), "c128": (2, 128, 4, 5), "large": (1, 3, 130, 111)}.items():
        if w.wants("adaptive_avg_pool2d", name):
            forward = lambda t: {"y": F.adaptive_avg_pool2d(t["in.x"], 1)}
            w.record("adaptive_avg_pool2d", name, {"output_size": 1}, {"in.x": w.normal(*shape, shift=1.0)}, forward, ["in.x"])


def export_interpolate(w):
    cases = {
        "nearest_half": ((1, 3, 14, 9), {"mode": "nearest", "size": [7, 4]}),
        "nearest_w41": ((2, 2, 3, 41), {"mode": "nearest", "size": [7, 82]}),
        "nearest_x3": ((1, 5, 4, 6), {"mode": "nearest", "scale_factor": 3}),
        "nearest_47to41": ((1, 1, 5, 47), {"mode": "nearest", "size": [6, 41]}),
        "nearest_c64": ((1, 64, 10, 12), {"mode": "nearest", "scale_factor": 2}),
        "nearest_26to22": ((1, 2, 26, 14), {"mode": "nearest", "size": [22, 46]}),
        "nearest_to13": ((1, 2, 7, 12), {"mode": "nearest", "size": [13, 23]}),
        "bilinear_size_ac": ((2, 3, 5, 9), {"mode": "bilinear", "size": [11, 17], "align_corners": True}),
        "bilinear_x3": ((1, 2, 7, 5), {"mode": "bilinear", "scale_factor": 3, "align_corners": False}),
        "bilinear_x2_w41": ((1, 3, 6, 41), {"mode": "bilinear", "scale_factor": 2, "align_corners": True}),
        "bilinear_x2_c16": ((2, 16, 10, 12), {"mode": "bilinear", "scale_factor": 2, "align_corners": True}),
        "bilinear_x4_c8": ((1, 8, 9, 11), {"mode": "bilinear", "scale_factor": 4, "align_corners": True}),
        "bilinear_from_row": ((2, 4, 1, 9), {"mode": "bilinear", "size": [5, 21], "align_corners": True}),
        "bilinear_from_px": ((2, 4, 1, 1), {"mode": "bilinear", "size": [5, 7], "align_corners": False}),
        "bilinear_down": ((1, 3, 23, 41), {"mode": "bilinear", "size": [9, 13], "align_corners": False}),
        "bilinear_down_ac": ((1, 3, 23, 41), {"mode": "bilinear", "size": [9, 13], "align_corners": True}),
        "bilinear_one_col": ((1, 2, 6, 8), {"mode": "bilinear", "size": [12, 1], "align_corners": True}),
        "bilinear_c64": ((1, 64, 20, 24), {"mode": "bilinear", "scale_factor": 2, "align_corners": True}),
    }
    for name, (shape, attrs) in cases.items():
        if w.wants("interpolate", name):
            forward = lambda t, attrs=attrs: {"y": F.interpolate(t["in.x"], **attrs)}
            w.record("interpolate", name, attrs, {"in.x": w.normal(*shape)}, forward, ["in.x"])


# Convolutions, normalisation -----------------------------------------------------------------------------------------------------

# name: (n, c_in, h, w, c_out, kernel, stride, padding, dilation, groups, bias)
CONVOLUTIONS = {
    "one_px": (1, 1, 1, 1, 1, 1, 1, 0, 1, 1, True),
    "one_px_k3": (2, 3, 1, 1, 4, 3, 1, 1, 1, 1, True),
    "one_row": (1, 2, 1, 47, 3, 3, 1, 1, 1, 1, False),
    "w41": (1, 3, 7, 41, 5, 3, 1, 1, 1, 1, True),
    "w47": (2, 1, 5, 47, 2, 3, 1, 1, 1, 1, False),
    "k2": (1, 4, 9, 10, 6, 2, 1, 0, 1, 1, True),
    "k2s2": (2, 4, 11, 12, 8, 2, 2, 0, 1, 1, False),
    "k2p1": (1, 3, 8, 9, 4, 2, 1, 1, 1, 1, True),
    "k4s2p1": (1, 3, 13, 16, 5, 4, 2, 1, 1, 1, True),
    "k5s3p2": (2, 2, 19, 23, 3, 5, 3, 2, 1, 1, True),
    "k6p3": (1, 2, 14, 11, 3, 6, 1, 3, 1, 1, False),
    "k7p3": (1, 3, 15, 19, 4, 7, 1, 3, 1, 1, True),
    "k7s4p3": (1, 2, 29, 25, 3, 7, 4, 3, 1, 1, True),
    "k5x3": (1, 3, 12, 14, 4, (5, 3), 1, 1, 1, 1, True),
    "k1x7": (1, 2, 6, 41, 3, (1, 7), 1, 0, 1, 1, False),
    "s2d2": (1, 4, 21, 18, 6, 3, 2, 2, 2, 1, True),
    "s3d2p1": (2, 3, 22, 19, 5, 3, 3, 1, 2, 1, False),
    "d3p0": (1, 3, 15, 13, 4, 3, 1, 0, 3, 1, True),
    "d4p4": (1, 8, 12, 20, 8, 3, 1, 4, 4, 1, False),
    "g3": (1, 6, 11, 9, 9, 3, 1, 1, 1, 3, True),
    "g4s2d2": (1, 8, 17, 14, 12, 3, 2, 2, 2, 4, True),
    "g2_k1_w41": (2, 10, 3, 41, 6, 1, 1, 0, 1, 2, True),
    "g8_c64": (1, 64, 20, 24, 64, 3, 1, 1, 1, 8, False),
    "dw_multiplier": (1, 5, 12, 13, 10, 3, 1, 1, 1, 5, True),
    "dw_k5s2": (2, 6, 15, 17, 6, 5, 2, 2, 1, 6, False),
    "dw_k7": (1, 4, 16, 47, 4, 7, 1, 3, 1, 4, True),
    "dw_d4_w41": (1, 12, 11, 41, 12, 3, 1, 4, 4, 12, False),
    "dw_c64": (1, 64, 40, 48, 64, 3, 1, 1, 1, 64, False),
    "dw_c64s2": (1, 64, 41, 47, 64, 3, 2, 1, 1, 64, False),
    "c8_w40": (1, 8, 12, 40, 8, 3, 1, 1, 1, 1, False),
    "c8_w45": (2, 8, 11, 45, 8, 3, 1, 1, 1, 1, False),
    "c16to8_w44": (1, 16, 10, 44, 8, 3, 1, 1, 1, 1, False),
    "c16to8_w43": (1, 16, 5, 43, 8, 3, 1, 1, 1, 1, False),
    "c32to16_w48": (1, 32, 12, 48, 16, 3, 1, 1, 1, 1, False),
    "c32to16_w37": (2, 32, 7, 37, 16, 3, 1, 1, 1, 1, True),
    "c4to8_64x80": (2, 4, 64, 80, 8, 3, 1, 1, 1, 1, False),
    "c24to72_w20": (1, 24, 10, 20, 72, 3, 1, 1, 1, 1, False),
    "c64_40x48": (1, 64, 40, 48, 64, 3, 1, 1, 1, 1, False),
    "c64to32_40x48": (2, 64, 40, 48, 32, 3, 1, 1, 1, 1, True),
    "c64_39x47": (1, 64, 39, 47, 64, 3, 1, 1, 1, 1, False),
    "c64_d2": (1, 64, 40, 48, 64, 3, 1, 2, 2, 1, False),
    "c64_k1": (1, 64, 40, 48, 48, 1, 1, 0, 1, 1, True),
    "c64_k1s2": (1, 64, 40, 48, 64, 1, 2, 0, 1, 1, False),
    "c64_s2": (1, 64, 40, 48, 64, 3, 2, 1, 1, 1, False),
    "c64_k5": (1, 64, 20, 24, 40, 5, 1, 2, 1, 1, False),
    "c64to1_k1": (2, 64, 40, 48, 1, 1, 1, 0, 1, 1, True),
    "c3to64_s2": (1, 3, 40, 48, 64, 3, 2, 1, 1, 1, False),
    "c256_5x6": (2, 256, 5, 6, 128, 3, 1, 1, 1, 1, False),
    "c1_300x280": (1, 1, 300, 280, 1, 3, 1, 1, 1, 1, True),
    "c130to67_k1": (1, 130, 9, 7, 67, 1, 1, 0, 1, 1, False),
}

# name: (n, c_in, h, w, c_out, kernel, stride, padding, bias)
TRANSPOSED = {
    "one_px": (1, 1, 1, 1, 1, 2, 2, 0, True),
    "k1s1": (2, 5, 6, 7, 3, 1, 1, 0, True),
    "k2s2_w20": (1, 8, 10, 20, 4, 2, 2, 0, True),
    "k2s2_w21": (1, 16, 5, 21, 8, 2, 2, 0, True),
    "k2s2_c32": (1, 32, 9, 11, 16, 2, 2, 0, True),
    "k2s2_c64": (1, 64, 20, 24, 32, 2, 2, 0, True),
    "k2s2_c128": (2, 128, 4, 5, 64, 2, 2, 0, True),
    "k2s1": (1, 3, 8, 9, 4, 2, 1, 0, False),
    "k2s3_gaps": (1, 3, 5, 6, 2, 2, 3, 0, True),
    "k3s1p0": (1, 4, 7, 9, 3, 3, 1, 0, True),
    "k3s1p2": (1, 4, 9, 8, 3, 3, 1, 2, False),
    "k3s2p0_w41": (1, 3, 4, 41, 5, 3, 2, 0, True),
    "k4s4": (2, 2, 5, 6, 3, 4, 4, 0, False),
    "k4s2p1_c16": (1, 16, 10, 12, 16, 4, 2, 1, True),
    "k5s3p2": (1, 3, 6, 5, 4, 5, 3, 2, True),
    "k7s2p3": (1, 2, 9, 8, 3, 7, 2, 3, False),
    "k3x2s2": (1, 2, 5, 6, 3, (3, 2), 2, 0, True),
}


def kernel_size(kernel):
    return kernel if isinstance(kernel, tuple) else (kernel, kernel)


def export_convolutions(w):
    for name, (n, c_in, h, width, c_out, kernel, stride, padding, dilation, groups, bias) in CONVOLUTIONS.items():
        if not w.wants("conv2d", name):
            continue
        rows, cols = kernel_size(kernel)
        fan_in = c_in // groups * rows * cols
        inputs = {"in.x": w.normal(n, c_in, h, width), "param.weight": w.normal(c_out, c_in // groups, rows, cols, scale=fan_in**-0.5)}
        if bias:
            inputs["param.bias"] = w.normal(c_out, scale=0.3)
        attrs = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        forward = lambda t, attrs=attrs: {"y": F.conv2d(t["in.x"], t["param.weight"], t.get("param.bias"), **attrs)}
        w.record("conv2d", name, attrs, inputs, forward, list(inputs), rtol=2e-5)
    for name, (n, c_in, h, width, c_out, kernel, stride, padding, bias) in TRANSPOSED.items():
        if not w.wants("conv_transpose2d", name):
            continue
        rows, cols = kernel_size(kernel)
        inputs = {"in.x": w.normal(n, c_in, h, width), "param.weight": w.normal(c_in, c_out, rows, cols, scale=c_in**-0.5)}
        if bias:
            inputs["param.bias"] = w.normal(c_out, scale=0.3)
        attrs = {"stride": stride, "padding": padding}
        forward = lambda t, attrs=attrs: {"y": F.conv_transpose2d(t["in.x"], t["param.weight"], t.get("param.bias"), **attrs)}
        w.record("conv_transpose2d", name, attrs, inputs, forward, list(inputs), rtol=2e-5)


def export_batch_norm(w):
    cases = {
        "train_b2": ((2, 5, 7, 11), True, 0.1, 1e-5, 0.0),
        "train_b1_w41": ((1, 3, 9, 41), True, 0.1, 1e-3, 0.0),
        "train_c64": ((1, 64, 20, 24), True, 0.1, 1e-5, 0.5),
        "train_c1": ((4, 1, 13, 47), True, 0.3, 1e-5, 2.0),
        "train_shifted": ((2, 6, 15, 14), True, 0.1, 1e-5, 30.0),
        "train_large": ((2, 2, 131, 117), True, 0.1, 1e-5, -1.0),
        "train_4_values": ((1, 9, 2, 2), True, 0.1, 1e-5, 0.0),
        "eval_b3": ((3, 4, 5, 9), False, 0.1, 1e-5, 0.0),
        "eval_c64": ((1, 64, 10, 12), False, 0.1, 1e-3, 0.0),
        "eval_one_px": ((1, 3, 1, 1), False, 0.1, 1e-5, 0.0),
    }
    for name, (shape, training, momentum, eps, shift) in cases.items():
        if not w.wants("batch_norm", name):
            continue
        c = shape[1]
        inputs = {
            "in.x": w.normal(*shape, scale=1.5, shift=shift),
            "param.weight": w.uniform(c, low=0.5, high=1.5),
            "param.bias": w.normal(c),
            "in.running_mean": w.normal(c),
            "in.running_var": w.uniform(c, low=0.5, high=2.0),
        }

        def forward(t, training=training, momentum=momentum, eps=eps):
            mean, var = t["in.running_mean"].clone(), t["in.running_var"].clone()
            y = F.batch_norm(t["in.x"], mean, var, t["param.weight"], t["param.bias"], training, momentum, eps)
            return {"y": y, "running_mean": mean, "running_var": var}

        attrs = {"training": training, "momentum": momentum, "eps": eps}
        w.record("batch_norm", name, attrs, inputs, forward, ["in.x", "param.weight", "param.bias"], rtol=2e-5)


# Blur, loss and scores -----------------------------------------------------------------------------------------------------------


def gaussian_blur(x, kernel, sigma):
    """A separable Gaussian window with reflected borders, for any number of channels."""
    positions = torch.linspace(-(kernel - 1) / 2, (kernel - 1) / 2, kernel, dtype=x.dtype)
    window = torch.exp(-0.5 * (positions / sigma) ** 2)
    window = window / window.sum()
    c, radius = x.shape[1], kernel // 2
    x = F.pad(x, [radius] * 4, mode="reflect") if radius else x
    x = F.conv2d(x, window.view(1, 1, 1, kernel).expand(c, 1, 1, kernel), groups=c)
    return F.conv2d(x, window.view(1, 1, kernel, 1).expand(c, 1, kernel, 1), groups=c)


def masked_loss(pred, target, mask, kind, reduction):
    """Mean error over the valid pixels of each image, 0 where there are none; then none, mean or sum over images."""
    error = (pred - target).abs() if kind == "l1" else (pred - target) ** 2
    valid = 1 - mask
    images = (error * valid).flatten(1).sum(1) / valid.flatten(1).sum(1).clamp(min=1)
    return {"none": lambda: images, "mean": images.mean, "sum": images.sum}[reduction]()


def masked_ssim(pred, target, mask, sigma, data_range):
    low, high = data_range
    radius = int(3.5 * sigma + 0.5)
    pred, target = ((image * (1 - mask)).clamp(low, high) for image in (pred, target))
    blur = lambda image: gaussian_blur(image, 2 * radius + 1, sigma)
    mean_p, mean_t = blur(pred), blur(target)
    var_p, var_t = (blur(pred**2) - mean_p**2).clamp(min=0), (blur(target**2) - mean_t**2).clamp(min=0)
    covariance = blur(pred * target) - mean_p * mean_t
    c1, c2 = (0.01 * (high - low)) ** 2, (0.03 * (high - low)) ** 2
    similarity = (2 * mean_p * mean_t + c1) * (2 * covariance + c2) / ((mean_p**2 + mean_t**2 + c1) * (var_p + var_t + c2))
    inside = (slice(None), slice(None), slice(radius, -radius), slice(radius, -radius))
    valid = (1 - mask)[inside]
    return (similarity[inside] * valid).flatten(1).sum(1) / valid.flatten(1).sum(1).clamp(min=1)


def masked_metrics(pred, target, mask, threshold):
    """Scores per image; thresholds compare float32 values, everything else is in the tensors' own type."""
    rows = []
    for p, t, invalid in zip(pred, target, mask):
        p, t = p[invalid == 0], t[invalid == 0]
        valid = p.numel()
        limit = torch.tensor(threshold, dtype=torch.float32)
        melts_p, melts_t = p.float() > limit, t.float() > limit
        hits = (melts_p & melts_t).sum().item()
        precision = hits / melts_p.sum().item() if melts_p.any() else 1.0
        recall = hits / melts_t.sum().item() if melts_t.any() else 1.0
        residual = ((p - t) ** 2).sum().item()
        if valid < 2:
            r2 = 0.0
        elif (t == t[0]).all():
            r2 = 1.0 if residual == 0 else -1.0
        else:
            r2 = max(-1.0, 1 - residual / ((t - t.mean()) ** 2).sum().item())
        rows.append(
            {
                "mae": (p - t).abs().mean().item() if valid else 0.0,
                "mse": residual / valid if valid else 0.0,
                "accuracy": (melts_p == melts_t).double().mean().item() if valid else 0.0,
                "precision": precision,
                "recall": recall,
                "f1": 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0,
                "r2": r2,
                "valid_px": float(valid),
            }
        )
    return {key: torch.tensor([row[key] for row in rows], dtype=pred.dtype) for key in rows[0]}


def melt_like(w, shape):
    """A bimodal target in 0…1, a prediction near it, and a mask that hides about a third."""
    target = (w.normal(*shape, scale=0.8) + 0.3).clamp(0, 1)
    pred = (target + w.normal(*shape, scale=0.2)).clamp(-0.05, 1.05)
    mask = (w.uniform(*shape) < 0.35).float()
    return {"in.pred": pred, "in.target": target, "in.mask": mask}


def export_scores(w):
    blurs = {
        "k9": ((2, 2, 9, 17), 9, 1.7),
        "k3_w41": ((1, 3, 5, 41), 3, 0.8),
        "k21": ((1, 1, 40, 47), 21, 4.0),
        "k31_min": ((1, 1, 16, 17), 31, 9.0),
        "k61": ((1, 2, 64, 80), 61, 20.0),
    }
    for name, (shape, kernel, sigma) in blurs.items():
        if w.wants("gaussian_blur", name):
            forward = lambda t, kernel=kernel, sigma=sigma: {"y": gaussian_blur(t["in.x"], kernel, sigma)}
            w.record("gaussian_blur", name, {"kernel_size": kernel, "sigma": sigma}, {"in.x": w.normal(*shape)}, forward, rtol=2e-5)
    for kind in ("l1", "mse"):
        for reduction, shape in {"none": (3, 1, 7, 41), "mean": (2, 1, 20, 47), "sum": (4, 2, 9, 5)}.items():
            for hidden in ("", "_hidden_image"):
                name = f"{kind}_{reduction}{hidden}"
                if w.wants("masked_loss", name):
                    inputs = melt_like(w, shape)
                    if hidden:
                        inputs["in.mask"][0] = 1
                    attrs = {"kind": kind, "reduction": reduction}
                    forward = lambda t, attrs=attrs: {"loss": masked_loss(t["in.pred"], t["in.target"], t["in.mask"], **attrs)}
                    w.record("masked_loss", name, attrs, inputs, forward, ["in.pred"], upstream=("loss",))
    ssims = {
        "s1": ((2, 1, 13, 21), 1.0, [0.0, 1.0]),
        "s1p5_w41": ((3, 1, 19, 41), 1.5, [0.0, 1.0]),
        "s3_range": ((1, 1, 40, 47), 3.0, [0.0, 2.0]),
        "s10": ((2, 1, 80, 90), 10.0, [0.0, 1.0]),
    }
    for name, (shape, sigma, data_range) in ssims.items():
        if w.wants("masked_ssim", name):
            attrs = {"sigma": sigma, "data_range": data_range}
            forward = lambda t, attrs=attrs: {"ssim": masked_ssim(t["in.pred"], t["in.target"], t["in.mask"], **attrs)}
            w.record("masked_ssim", name, attrs, melt_like(w, shape), forward, rtol=1e-4)
    metrics = {"w41": ((2, 1, 7, 41), 0.1), "w47": ((1, 1, 47, 13), 0.3), "large": ((2, 1, 200, 151), 0.1), "edges": ((5, 1, 6, 9), 0.1)}
    for name, (shape, threshold) in metrics.items():
        if w.wants("masked_metrics", name):
            inputs = melt_like(w, shape)
            if name == "edges":
                # In order: nothing valid, one valid pixel, a constant target matched exactly, a constant target missed, values on the threshold.
                inputs["in.mask"][0], inputs["in.mask"][1] = 1, 1
                inputs["in.mask"][1, 0, 2, 3] = 0
                inputs["in.target"][2:4], inputs["in.pred"][2] = 0.0, 0.0
                inputs["in.pred"][4, 0, :, ::2] = 0.1
            forward = lambda t, threshold=threshold: masked_metrics(t["in.pred"], t["in.target"], t["in.mask"], threshold)
            w.record("masked_metrics", name, {"threshold": threshold}, inputs, forward, rtol=2e-5)


# Optimizers, clipping, schedules -------------------------------------------------------------------------------------------------


def make_optimizer(kind, params, attrs):
    """PyTorch's optimizer for the attributes of an `optimizer` or a `train_steps` case."""
    lr, decay = attrs.get("lr", attrs.get("learning_rate")), attrs.get("weight_decay", 0.0)
    if kind == "adam":
        return torch.optim.Adam(params, lr, tuple(attrs.get("betas", (0.9, 0.999))), attrs.get("eps", 1e-8), decay)
    if kind == "sgd":
        return torch.optim.SGD(params, lr, attrs.get("momentum", 0.0), weight_decay=decay)
    return torch.optim.RMSprop(params, lr, 0.99, attrs.get("eps", 1e-8), decay, attrs.get("momentum", 0.999))


def export_training(w):
    optimizers = {
        "adam": ((3, 2, 3, 3), {"kind": "adam", "lr": 0.01, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.02, "steps": 4}),
        "adam_long": ((47,), {"kind": "adam", "lr": 0.0003, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.0, "steps": 25}),
        "adam_scalar": ((1,), {"kind": "adam", "lr": 0.1, "betas": [0.5, 0.9], "eps": 1e-3, "weight_decay": 0.0, "steps": 3}),
        "adam_large": ((64, 64, 3, 3), {"kind": "adam", "lr": 0.001, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01, "steps": 2}),
        "sgd": ((3, 2, 3, 3), {"kind": "sgd", "lr": 0.05, "momentum": 0.8, "weight_decay": 0.03, "steps": 5}),
        "sgd_plain": ((41, 7), {"kind": "sgd", "lr": 0.5, "momentum": 0.0, "weight_decay": 0.0, "steps": 2}),
        "sgd_decay": ((130,), {"kind": "sgd", "lr": 0.02, "momentum": 0.0, "weight_decay": 0.2, "steps": 8}),
        "rmsprop": ((3, 2, 3, 3), {"kind": "rmsprop", "lr": 0.002, "eps": 1e-8, "weight_decay": 0.01, "momentum": 0.5, "steps": 5}),
        "rmsprop_reference": ((47, 3), {"kind": "rmsprop", "lr": 0.0001, "eps": 1e-8, "weight_decay": 0.0, "momentum": 0.999, "steps": 10}),
        "rmsprop_plain": ((1, 1, 1, 1), {"kind": "rmsprop", "lr": 0.01, "eps": 1e-4, "weight_decay": 0.0, "momentum": 0.0, "steps": 3}),
    }
    for name, (shape, attrs) in optimizers.items():
        if w.wants("optimizer", name):

            def forward(t, attrs=attrs):
                p = nn.Parameter(t["in.p"].clone())
                optimizer = make_optimizer(attrs["kind"], [p], attrs)
                for gradient in t["in.grads"]:
                    p.grad = gradient.clone()
                    optimizer.step()
                return {"p": p.detach()}

            inputs = {"in.p": w.normal(*shape), "in.grads": w.normal(attrs["steps"], *shape)}
            w.record("optimizer", name, attrs, inputs, forward)
    clips = {"max1": (1.0, 0.4), "max1e6": (1e6, 1.0), "below": (2.0, 0.01), "max0p1": (0.1, 3.0), "large": (1.0, 1.0)}
    for name, (max_norm, scale) in clips.items():
        if w.wants("clip_grad_norm", name):
            shapes = {"inc.weight": (4, 3, 3, 3), "inc.bias": (4,), "head": (1, 4, 1, 1), "gain": (1,)}
            if name == "large":
                shapes |= {"deep.weight": (64, 64, 3, 3), "wide.weight": (41, 47)}
            inputs = {f"in.{key}": w.normal(*shape, scale=scale) for key, shape in shapes.items()}

            def forward(t, max_norm=max_norm):
                params = {}
                for key, gradient in t.items():
                    params[key] = nn.Parameter(torch.zeros_like(gradient))
                    params[key].grad = gradient.clone()
                total = torch.nn.utils.clip_grad_norm_(params.values(), max_norm)
                return {"total_norm": total} | {key.removeprefix("in."): p.grad for key, p in params.items()}

            w.record("clip_grad_norm", name, {"max_norm": max_norm}, inputs, forward)
    losses = [0.9, 0.8, 0.82, 0.81, 0.79995, 0.79, 0.85, 0.86, 0.7, 0.71, 0.72, 0.73, 0.74, 0.75, 0.76, 0.77, 0.78, 0.79, 0.8, 0.81, 0.82]
    schedules = {
        "plateau_p1": {"kind": "ReduceLROnPlateau", "lr": 0.02, "lr_patience": 1, "values": losses},
        "plateau_p3": {"kind": "ReduceLROnPlateau", "lr": 1e-4, "lr_patience": 3, "values": losses},
        "plateau_p10": {"kind": "ReduceLROnPlateau", "lr": 0.1, "lr_patience": 10, "values": [0.5] * 30},
        "plateau_tiny": {"kind": "ReduceLROnPlateau", "lr": 1e-6, "lr_patience": 0, "values": [0.1] * 6},
        "cosine_mult3": {
            "kind": "CosineAnnealingWarmRestarts",
            "lr": 0.003,
            "T_0": 2,
            "T_mult": 3,
            "eta_min": 1e-5,
            "epochs": [i * 0.7 for i in range(40)],
        },
        "cosine_mult1": {
            "kind": "CosineAnnealingWarmRestarts",
            "lr": 0.05,
            "T_0": 5,
            "T_mult": 1,
            "eta_min": 0.0,
            "epochs": [i / 3 for i in range(50)],
        },
        "cosine_t35": {
            "kind": "CosineAnnealingWarmRestarts",
            "lr": 1e-4,
            "T_0": 35,
            "T_mult": 2,
            "eta_min": 0.0,
            "epochs": [i * 12.25 for i in range(86)],
        },
        # Where periods end, PyTorch's quotient of logarithms may round to the period before.
        "cosine_edges": {
            "kind": "CosineAnnealingWarmRestarts",
            "lr": 0.01,
            "T_0": 1,
            "T_mult": 3,
            "eta_min": 1e-3,
            "epochs": [0.0, 1.0, 4.0, 13.0, 40.0, 121.0, 364.0],
        },
        "cosine_t1": {
            "kind": "CosineAnnealingWarmRestarts",
            "lr": 1.0,
            "T_0": 1,
            "T_mult": 2,
            "eta_min": 0.1,
            "epochs": [0.0, 0.5, 1.0, 2.0, 3.0, 6.5, 7.0, 15.0, 30.9, 31.0],
        },
    }
    for name, attrs in schedules.items():
        if w.wants("lr_schedule", name):
            optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], attrs["lr"])
            if attrs["kind"] == "ReduceLROnPlateau":
                schedule, steps = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=attrs["lr_patience"]), attrs["values"]
            else:
                cosine = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts
                schedule, steps = cosine(optimizer, attrs["T_0"], attrs["T_mult"], attrs["eta_min"]), attrs["epochs"]
            rates = []
            for step in steps:
                schedule.step(step)
                rates.append(optimizer.param_groups[0]["lr"])
            w.save("lr_schedule", name, attrs, {"out.lr": torch.tensor(rates, dtype=torch.float32)}, 1e-6, atol=1e-10)


# Models --------------------------------------------------------------------------------------------------------------------------


def activation_module(name):
    return nn.ReLU() if name == "relu" else nn.GELU()


def norm(channels):
    return nn.BatchNorm2d(channels)


class DoubleConv(nn.Module):
    """Twice: 3×3 convolution without bias, batch norm, activation."""

    def __init__(self, c_in, c_mid, c_out, activation):
        super().__init__()
        layers = []
        for a, b in ((c_in, c_mid), (c_mid, c_out)):
            layers += [nn.Conv2d(a, b, 3, padding=1, bias=False), norm(b), activation_module(activation)]
        self.double_conv = nn.Sequential(*layers)

    def forward(self, x):
        return self.double_conv(x)


class Down(nn.Module):
    def __init__(self, c_in, c_out, activation):
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(c_in, c_out, c_out, activation))

    def forward(self, x):
        return self.maxpool_conv(x)


class Up(nn.Module):
    """Doubles rows and columns, pads with zeros to the skip's size, and convolves [skip, x]."""

    def __init__(self, c_in, c_out, bilinear, activation):
        super().__init__()
        if bilinear:
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        else:
            self.up = nn.ConvTranspose2d(c_in, c_in // 2, 2, stride=2)
        self.conv = DoubleConv(c_in, c_in // 2 if bilinear else c_out, c_out, activation)

    def forward(self, x, skip):
        x = self.up(x)
        rows, cols = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
        x = F.pad(x, [cols // 2, cols - cols // 2, rows // 2, rows - rows // 2])
        return self.conv(torch.cat([skip, x], 1))


class ResidualConv(nn.Module):
    """x + activation(norm(conv 3×3 of x))."""

    def __init__(self, channels, activation):
        super().__init__()
        self.res_conv = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), norm(channels), activation_module(activation)
        )

    def forward(self, x):
        return x + self.res_conv(x)


class OutConv(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(c_in, c_out, 1))

    def forward(self, x):
        return self.conv(x)


class UNet(nn.Module):
    """The vanilla UNet with the state_dict names of the reference; extra convolutions repeat one module."""

    def __init__(self, in_channels, attrs):
        super().__init__()
        base, bilinear, activation = attrs["base_channels"], attrs["bilinear"], attrs["activation"]
        half = 2 if bilinear else 1
        self.inc = DoubleConv(in_channels, base, base, activation)
        self.extraincs = nn.ModuleList([ResidualConv(base, activation)] * attrs["num_extra_convs"])
        for level in range(1, 5):
            c_out = base * 2**level // (half if level == 4 else 1)
            setattr(self, f"down{level}", Down(base * 2 ** (level - 1), c_out, activation))
        for level in range(1, 5):
            c_in, c_out = base * 2 ** (5 - level), base * 2 ** (4 - level) // (half if level < 4 else 1)
            setattr(self, f"up{level}", Up(c_in, c_out, bilinear, activation))
        self.extraoutcs = nn.ModuleList([ResidualConv(base, activation)] * attrs["num_extra_convs"])
        self.outc = OutConv(base, attrs["out_channels"])
        self.out_activation = attrs["out_activation"]

    def forward(self, x):
        x = self.inc(x)
        for block in self.extraincs:
            x = block(x)
        skips = [x]
        for level in range(1, 5):
            skips.append(getattr(self, f"down{level}")(skips[-1]))
        x = skips.pop()
        for level in range(1, 5):
            x = getattr(self, f"up{level}")(x, skips.pop())
        for block in self.extraoutcs:
            x = block(x)
        return out_activation(self.outc(x), self.out_activation)


class LinearDem(nn.Module):
    """One 1×1 convolution a month, picked by the constant month channel, which is taken out of the inputs."""

    def __init__(self, in_channels, attrs):
        super().__init__()
        self.month_channel, self.out_activation = attrs["time_channel_idx"], attrs["out_activation"]
        self.linear_layers = nn.ModuleList([nn.Conv2d(in_channels - 1, attrs["out_channels"], 1) for _ in range(attrs["n_models"])])

    def forward(self, x):
        keep = [channel for channel in range(x.shape[1]) if channel != self.month_channel]
        months = [int(image[self.month_channel, 0, 0]) for image in x]
        images = [self.linear_layers[month - 1](image[keep]) for month, image in zip(months, x)]
        return out_activation(torch.stack(images), self.out_activation)


def out_activation(x, name):
    return x if name == "linear" else ACTIVATIONS[name](x)


def make_model(w, in_channels, attrs):
    """A model and its state: PyTorch's initial weights, norms that differ from the identity. Draws only from the writer's seed."""
    torch.manual_seed(int(w.integers(0, 2**31, 1)))
    model = (UNet if attrs["model_key"] == "unet" else LinearDem)(in_channels, attrs)
    state = {}
    for key, value in model.state_dict().items():
        leaf, shared = key.rsplit(".", 1)[1], shared_name(key)
        if shared in state:
            value = state[shared]
        elif value.dtype == torch.int64:
            value = torch.tensor(3)
        elif leaf == "running_var" or (leaf == "weight" and value.dim() == 1):
            value = w.uniform(*value.shape, low=0.6, high=1.5)
        elif leaf in ("bias", "running_mean"):
            value = w.normal(*value.shape, scale=0.2)
        state[key] = value.clone()
    model.load_state_dict(state)
    return model, {f"param.{key}": value for key, value in state.items()}


def shared_name(key):
    """The name under index 0 of a module that the extra convolutions repeat."""
    parts = key.split(".")
    if parts[0] in ("extraincs", "extraoutcs"):
        parts[1] = "0"
    return ".".join(parts)


def unet(base, bilinear, activation="relu", extra=0, out="sigmoid", channels=1):
    attrs = {"model_key": "unet", "out_channels": channels, "out_activation": out, "base_channels": base}
    return attrs | {"bilinear": bilinear, "activation": activation, "num_extra_convs": extra}


def linear(month_channel, out):
    return {"model_key": "linear_dem", "out_channels": 1, "out_activation": out, "n_models": 12, "time_channel_idx": month_channel}


# name: (attributes, n, c_in, h, w, training)
MODELS = {
    "unet_b1_bilinear_relu_x1_train": (unet(1, True, extra=1), 2, 2, 33, 40, True),
    "unet_b2_bilinear_relu_train": (unet(2, True), 2, 3, 32, 56, True),
    "unet_b1_transposed_gelu_x2_eval": (unet(1, False, "gelu", 2), 1, 2, 41, 35, False),
    "unet_b2_transposed_relu_x1_train": (unet(2, False, extra=1, out="sigmoid"), 3, 5, 47, 41, True),
    "unet_b3_transposed_gelu_x1_train": (unet(3, False, "gelu", 1), 2, 1, 64, 36, True),
    "unet_b4_transposed_gelu_x3_eval": (unet(4, False, "gelu", 3, "tanhshelf"), 2, 4, 33, 63, False),
    "unet_b4_bilinear_gelu_2out_train": (unet(4, True, "gelu", channels=2, out="linear"), 2, 4, 48, 40, True),
    "unet_b5_bilinear_relu_eval": (unet(5, True), 1, 3, 47, 48, False),
    "unet_b6_transposed_relu_eval": (unet(6, False), 2, 3, 39, 50, False),
    "unet_b8_bilinear_relu_64x80_train": (unet(8, True), 2, 4, 64, 80, True),
    "unet_b8_transposed_relu_64x80_train": (unet(8, False), 2, 4, 64, 80, True),
    "unet_b8_transposed_gelu_x1_64x80_eval": (unet(8, False, "gelu", 1), 1, 6, 64, 80, False),
    "unet_b8_bilinear_gelu_x2_63x77_train": (unet(8, True, "gelu", 2), 3, 4, 63, 77, True),
    "unet_b16_bilinear_relu_48x64_train": (unet(16, True), 2, 4, 48, 64, True),
    "unet_b16_transposed_gelu_eval": (unet(16, False, "gelu"), 1, 4, 41, 47, False),
    "linear_dem": (linear(1, "tanhshelf"), 3, 2, 7, 13, True),
    "linear_dem_sigmoid": (linear(0, "sigmoid"), 4, 3, 5, 41, True),
    "linear_dem_cutoff": (linear(2, "sigmoidcutoff"), 2, 3, 9, 6, False),
    "linear_dem_linear": (linear(3, "linear"), 5, 4, 3, 47, True),
}


def export_models(w):
    for name, (config, n, c_in, h, width, training) in MODELS.items():
        if not w.wants("model", name):
            continue
        attrs = config | {"training": training}
        # A draw with a ReLU or a maximum on the edge loses gradients: draw again, and be content with the last one.
        attempts = 8
        while not record_model(w, name, attrs, (n, c_in, h, width), complete=attempts > 1):
            attempts -= 1


def record_model(w, name, attrs, shape, complete):
    model, state = make_model(w, shape[1], attrs)
    x = w.normal(*shape)
    is_unet = attrs["model_key"] == "unet"
    if not is_unet:
        x[:, attrs["time_channel_idx"]] = w.integers(4, 10, shape[0]).float().view(-1, 1, 1)

    def forward(t):
        model.train(attrs["training"])
        values = {key.removeprefix("param."): value for key, value in t.items() if key.startswith("param.")}
        values = {key: value for key, value in values.items() if key == shared_name(key)}
        return {"y": torch.func.functional_call(model, values, (t["in.x"],))}

    grads = [f"param.{key}" for key, _ in model.named_parameters()] + (["in.x"] if is_unet else [])
    # Shaking would spoil the month channel of linear_dem, whose values are whole numbers.
    shakes = SHAKES if is_unet else 0
    return w.record("model", name, attrs, {"in.x": x} | state, forward, grads, rtol=1e-4, shakes=shakes, complete=complete)


# Parts of a UNet whose parameters after training are stored: its ends and its bottom; the others would only make the files larger.
STORED_AFTER_TRAINING = ("inc", "extraincs", "down1", "down4", "up1", "up4", "extraoutcs", "outc")

# name: (attributes, n, c_in, h, w)
TRAIN_STEPS = {
    "adam_l1_b1": (
        unet(1, True) | {"optimizer": "adam", "learning_rate": 0.002, "loss_function": "l1", "gradient_clipping": 1.0, "steps": 3},
        2,
        1,
        33,
        32,
    ),
    "sgd_mse_b1": (
        unet(1, False, "gelu")
        | {
            "optimizer": "sgd",
            "learning_rate": 0.3,
            "momentum": 0.9,
            "loss_function": "mse",
            "gradient_clipping": 0.05,
            "weight_decay": 0.002,
            "steps": 2,
        },
        2,
        1,
        32,
        33,
    ),
    "rmsprop_l1_b2": (
        unet(2, True, "gelu", 1)
        | {"optimizer": "rmsprop", "learning_rate": 1e-5, "loss_function": "l1", "gradient_clipping": 0.5, "steps": 5},
        2,
        3,
        33,
        40,
    ),
    "adam_mse_x2": (
        unet(2, True, "gelu", 2)
        | {"optimizer": "adam", "learning_rate": 1e-3, "loss_function": "mse", "gradient_clipping": 0.1, "weight_decay": 0.01, "steps": 4},
        2,
        4,
        41,
        47,
    ),
    "sgd_l1_plain": (
        unet(3, False) | {"optimizer": "sgd", "learning_rate": 0.5, "loss_function": "l1", "gradient_clipping": 1.0, "steps": 5},
        3,
        2,
        40,
        36,
    ),
    "rmsprop_mse_wd": (
        unet(2, False)
        | {
            "optimizer": "rmsprop",
            "learning_rate": 1e-4,
            "momentum": 0.5,
            "loss_function": "mse",
            "gradient_clipping": 0.2,
            "weight_decay": 0.1,
            "steps": 4,
        },
        2,
        2,
        48,
        32,
    ),
    "adam_l1_b8_64x80": (
        unet(8, True) | {"optimizer": "adam", "learning_rate": 1e-4, "loss_function": "l1", "gradient_clipping": 1.0, "steps": 6},
        2,
        4,
        64,
        80,
    ),
    "adam_l1_b8_transposed": (
        unet(8, False) | {"optimizer": "adam", "learning_rate": 3e-4, "loss_function": "l1", "gradient_clipping": 1.0, "steps": 5},
        2,
        4,
        48,
        64,
    ),
    "sgd_mse_b8_10steps": (
        unet(8, True) | {"optimizer": "sgd", "learning_rate": 0.02, "loss_function": "mse", "gradient_clipping": 1.0, "steps": 10},
        2,
        3,
        48,
        40,
    ),
}


def export_train_steps(w):
    for name, (attrs, n, c_in, h, width) in TRAIN_STEPS.items():
        if not w.wants("train_steps", name):
            continue
        steps = attrs["steps"]
        model, state = make_model(w, c_in, attrs)
        batch = melt_like(w, (steps, n, 1, h, width))
        inputs = {"in.x": w.normal(steps, n, c_in, h, width), "in.target": batch["in.target"], "in.mask": batch["in.mask"]}

        def run(dtype, noise=0.0):
            model.load_state_dict({key.removeprefix("param."): value for key, value in state.items()})
            model.to(dtype).train()
            with torch.no_grad():
                for param in model.parameters():
                    param.mul_(1 + noise * torch.randn(param.shape, generator=w.generator, dtype=dtype))
            params = list(model.parameters())
            optimizer = make_optimizer(attrs["optimizer"], params, attrs)
            losses = []
            for x, target, mask in zip(*(value.to(dtype) for value in inputs.values())):
                optimizer.zero_grad()
                loss = masked_loss(model(x), target, mask, attrs["loss_function"], "mean")
                loss.backward()
                torch.nn.utils.clip_grad_norm_(params, attrs["gradient_clipping"])
                optimizer.step()
                losses.append(loss.detach())
            outputs = {"out.losses": torch.stack(losses)}
            for key, value in model.state_dict().items():
                if key == shared_name(key) and key.split(".")[0] in STORED_AFTER_TRAINING:
                    outputs[f"out.param.{key}"] = value.detach().clone()
            return outputs

        truth = run(torch.float64)
        errors = relative_errors(truth, run(torch.float32))
        for _ in range(SHAKES):
            shaken = relative_errors(truth, run(torch.float64, noise=2.0**-23))
            errors = {key: max(errors[key], shaken[key]) for key in errors}
        stored, rtol_for = conditioned("train_steps", name, truth, errors, 1e-4)
        w.save("train_steps", name, attrs, stored | inputs | state, 1e-4, rtol_for)


EXPORTS = [
    export_activations,
    export_add_cat,
    export_pooling,
    export_interpolate,
    export_convolutions,
    export_batch_norm,
    export_scores,
    export_training,
    export_models,
    export_train_steps,
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the fixtures")
    parser.add_argument("--only", metavar="OP", help="write the fixtures of one op")
    parser.add_argument("--seed", type=int, default=0, help="other values in the same shapes [0]")
    parser.add_argument("--set", choices=("all", "committed"), default="all", help="committed: the small set kept in tests/fixtures [all]")
    args = parser.parse_args()
    torch.set_num_threads(1)  # one order of summation on every machine
    args.out.mkdir(parents=True, exist_ok=True)
    writer = Writer(args.out, args.only, COMMITTED if args.set == "committed" else None, args.seed)
    for export in EXPORTS:
        export(writer)
    if writer.written == 0:
        raise SystemExit(f"no fixture for op {args.only!r}: use a name from the table in the README")
    print(f"{writer.written} fixtures in {args.out}")


if __name__ == "__main__":
    main()
