"""GlaViTU's weights in Keras' files (`*_weights.h5`): arrays by their order within each layer's group, as names depend on Keras' version.

A group holds all that is trained, in the order of the layers, and behind it all running statistics. `groups` says that order once, for both
directions: entries of a state dict, each with how its array lies in the file.
"""

import re

import numpy as np

STATISTICS = ("running_mean", "running_var")


def parameters(name, kind):
    """Weight and bias of a layer."""
    return [(f"{name}.weight", kind), (f"{name}.bias", "vector")]


def norm(name):
    """Gain and offset of a norm."""
    return [(f"{name}.weight", "vector"), (f"{name}.bias", "vector")]


def statistics(norms):
    return [(f"{name}.{part}", "vector") for name in norms for part in STATISTICS]


def two_layers(name, kind):
    """Two layers with a batch norm behind each: what is trained, and the names of the norms."""
    layers = (("conv1", "bn1"), ("conv2", "bn2")) if kind == "conv" else (("fc1", "bn1"), ("fc2", "bn2"))
    trained = [entry for layer, bn in layers for entry in parameters(f"{name}.{layer}", kind) + norm(f"{name}.{bn}")]
    return trained, [f"{name}.bn1", f"{name}.bn2"]


def location():
    trained, norms = two_layers("location", "dense")
    return trained + statistics(norms)


def fusion(features):
    trained, norms = [], []
    for feature in features:
        own, own_norms = two_layers(f"fusion.{feature}", "conv")
        trained, norms = trained + own, norms + own_norms
    for layer in ("fc1", "fc2"):
        trained += [entry for feature in features for entry in parameters(f"fusion.{feature}.{layer}", "dense")]
    return trained + statistics(norms)


def transformer(blocks):
    """The transformer and, in the same group, the decoder behind it."""
    trained = [*parameters("vit.patch_embed", "patch"), ("vit.pos_embed", "positions")]
    for name in (f"vit.blocks.{block}" for block in range(blocks)):
        trained += norm(f"{name}.norm1")
        for side in range(3):
            trained += [(f"{name}.attn.qkv.weight", f"heads {side}"), (f"{name}.attn.qkv.bias", f"head biases {side}")]
        trained += parameters(f"{name}.attn.proj", "joined heads") + norm(f"{name}.norm2")
        trained += parameters(f"{name}.mlp.fc1", "dense") + parameters(f"{name}.mlp.fc2", "dense")
    for i in range(1, 5):
        trained += parameters(f"pup.conv{i}", "conv") + norm(f"pup.bn{i}")
    return trained + parameters("pup.conv5", "conv") + statistics(f"pup.bn{i}" for i in range(1, 5))


def unet(steps):
    trained, norms = [], []

    def block(name):
        own, own_norms = two_layers(name, "conv")
        trained.extend([*own, (f"{name}.proj.weight", "pixels")])
        norms.extend(own_norms)

    for level in range(steps + 1):
        block(f"resunet.encoder.{level}")
    for level in range(steps):
        up = f"resunet.up.{level}"
        trained.extend([(f"{up}.conv.weight", "conv"), *norm(f"{up}.bn")])
        norms.append(f"{up}.bn")
        block(f"resunet.decoder.{level}")
    return trained + parameters("resunet.head", "pixels") + statistics(norms)


# Arrays of a group that holds nothing of a kind, and those that each one more brings: by these numbers a file is measured.
COUNTED = {"fusion_block": (0, 16), "SETR": (29, 16), "ResUNet": (15, 31)}


def groups(features, blocks, steps, located, auxiliary):
    """Entries of each group, in the order of the file."""
    found = {"location_encoding_block": location()} if located else {}
    found |= {"fusion_block": fusion(features), "SETR": transformer(blocks), "ResUNet": unet(steps)}
    if auxiliary:
        found["deepsupervision"] = parameters("aux_head", "pixels")
    return found | {"output": parameters("head", "pixels")}


def from_keras(file, features):
    """The state dict of an open HDF5 file, as arrays by name. Raises ValueError where the file is laid out otherwise."""
    arrays = {re.sub(r"_\d+$", "", name): values for name, values in stored(file).items()}
    known = ("location_encoding_block", *COUNTED, "deepsupervision", "output")
    if missing := [name for name in (*COUNTED, "output") if name not in arrays]:
        raise ValueError(f"it has no group {missing[0]}; with arrays are {', '.join(arrays) or 'none'}")
    if unknown := [name for name in arrays if name not in known]:
        raise ValueError(f"its group {unknown[0]} is not part of GlaViTU")
    numbers = {}
    for name, (none, each) in COUNTED.items():
        numbers[name], rest = divmod(len(arrays[name]) - none, each)
        if rest or numbers[name] < 1:
            raise ValueError(f"its group {name} has {len(arrays[name])} arrays; {none} and a multiple of {each} were expected")
    if len(features) != numbers["fusion_block"]:
        raise ValueError(f"it has {numbers['fusion_block']} features, and {len(features)} are named: {','.join(features)}; give --features")
    layout = groups(features, numbers["SETR"], numbers["ResUNet"], "location_encoding_block" in arrays, "deepsupervision" in arrays)
    state = {}
    for group, entries in layout.items():
        if len(entries) != len(arrays[group]):
            raise ValueError(f"its group {group} has {len(arrays[group])} arrays, not {len(entries)}")
        for (name, kind), array in zip(entries, arrays[group]):
            value = to_torch(kind, array, name)
            state[name] = np.concatenate([state[name], value]) if name in state else value
            if name.endswith("running_var"):
                state[name.replace("running_var", "num_batches_tracked")] = np.array(0, np.int64)
    return {name: np.array(value, order="C") for name, value in state.items()}


def to_keras(state, file, features, heads):
    """Writes a state dict of arrays as groups of an open HDF5 file. Raises ValueError where it is of another network."""
    def modules(prefix):
        return {name.removeprefix(prefix).split(".")[0] for name in state if name.startswith(prefix)}

    if modules("fusion.") != set(features):
        raise ValueError(f"its features are {', '.join(sorted(modules('fusion.')))}; say their order with --features")
    blocks, steps = len(modules("vit.blocks.")), len(modules("resunet.up."))
    layout = groups(features, blocks, steps, "location.fc1.weight" in state, "aux_head.weight" in state)
    named = {name for entries in layout.values() for name, _ in entries}
    left = [name for name in state if name not in named and not name.endswith("num_batches_tracked")]
    lacking = sorted(named - set(state))
    if left or lacking:
        raise ValueError(f"it is no GlaViTU: {'it lacks ' + lacking[0] if lacking else left[0] + ' is not part of one'}")
    width = len(state["vit.patch_embed.weight"])
    if heads < 1 or width % heads:
        raise ValueError(f"its width {width} is not a multiple of --heads {heads}")
    file.attrs["layer_names"] = np.array([name.encode() for name in layout])
    for group, entries in layout.items():
        names = [f"{group}/{name}/{kind.replace(' ', '_')}:0" for name, kind in entries]
        made = file.create_group(group)
        made.attrs["weight_names"] = np.array([name.encode() for name in names])
        for path, (name, kind) in zip(names, entries):
            made.create_dataset(path, data=to_tensorflow(kind, state[name], heads))


def stored(file):
    """Arrays of each group that has any, in the file's order; whole models keep theirs under `model_weights`."""
    root = file["model_weights"] if "model_weights" in file else file
    if "layer_names" not in root.attrs:
        raise ValueError("it has no attribute layer_names, which lists the groups of Keras 2's weight files")
    found = {}
    for layer in map(text, root.attrs["layer_names"]):
        group = root[layer]
        if values := [np.asarray(group[text(name)], np.float32) for name in group.attrs["weight_names"]]:
            found[layer] = values
    return found


def text(name):
    return name.decode() if isinstance(name, bytes) else str(name)


# Axes of an array of each kind in the file.
AXES = {"conv": 4, "dense": 2, "pixels": 2, "patch": 2, "positions": 2, "heads": 3, "joined heads": 3, "head biases": 2, "vector": 1}


def to_torch(kind, array, name):
    """An array of the file as PyTorch lays it out."""
    kind = kind.rstrip(" 012")
    if array.ndim != AXES[kind]:
        raise ValueError(f"its array for {name} has shape {array.shape}, and {AXES[kind]} axes were expected")
    if kind == "conv":
        return array.transpose(3, 2, 0, 1)
    if kind == "patch":
        inside, c_out = array.shape
        # Patches are flattened by row, column, channel; as many channels go in as come out.
        side = round((inside / c_out) ** 0.5)
        if side * side * c_out != inside:
            raise ValueError(f"its array for {name} has shape {array.shape}, of which no square patches can be made")
        return array.reshape(side, side, c_out, c_out).transpose(3, 2, 0, 1)
    if kind == "pixels":
        return array.T[:, :, None, None]
    if kind == "positions":
        return array[None]
    if kind == "heads":
        return array.reshape(len(array), -1).T
    if kind == "joined heads":
        return array.reshape(-1, array.shape[2]).T
    return array.T if kind == "dense" else array.reshape(-1)


def to_tensorflow(kind, value, heads):
    """An entry of the state dict as the file has it; of stacked queries, keys and values the one that `kind` names."""
    if kind[-1] in "012" and kind.startswith("head"):
        value = np.split(value, 3)[int(kind[-1])]
    kind = kind.rstrip(" 012")
    if kind == "conv":
        return value.transpose(2, 3, 1, 0)
    if kind == "patch":
        return value.transpose(2, 3, 1, 0).reshape(-1, len(value))
    if kind == "pixels":
        return value[:, :, 0, 0].T
    if kind == "positions":
        return value[0]
    if kind == "heads":
        return value.T.reshape(value.shape[1], heads, -1)
    if kind == "joined heads":
        return value.T.reshape(heads, -1, len(value))
    if kind == "head biases":
        return value.reshape(heads, -1)
    return value.T if kind == "dense" else value
