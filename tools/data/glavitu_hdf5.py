#!/usr/bin/env python3
"""Makes scenes of `task: segmentation` from the tiles of the glacier data set of Maslov et al. 2025 (doi 10.11582/2024.00168, CC BY 4.0).

    pip install h5py
    python3 tools/data/glavitu_hdf5.py --train gsgm_train_DEMO.hdf5 --val gsgm_val_DEMO.hdf5 --test gsgm_test_DEMO.hdf5 --out data/glaciers

Needs Python 3.8 or newer with h5py. Run again it writes only what differs, and goes on where it was stopped. One tile is in memory at a
time. Without the zeros around tiles, and in float32, a tile takes a quarter to a third of its bytes in the HDF5 file.

  FEATURE/NAME.tif   float32, a band a channel, for each feature: optical (6), dem (2), co_pol_sar, cross_pol_sar, in_sar (2), thermal (1)
  classes/NAME.tif   0 not glacier, 1 glacier, 255 where the maker of the labels said neither
  splits/*.csv       lists of names: train, val, test, all
  scenes.csv         name,region,subregion of every tile

NAME is the tile's (`ALP-28-23`); where its region has another code than its name begins with, that code goes before it (`SC-SC2-59-84`).
Values are those of the files, which are normalised already: set `normalize_inputs: false` for them. Sensors that a tile lacks have no file:
give --feature for those that you want, and tiles without one of them are left out, as the published program leaves them out.

Why not in Rust: hdf5-metno is maintained and builds the C library into a program, which takes cmake, a C compiler and minutes in every
build, for a conversion that is done once; the pure Rust reader that is in the tree for NetCDF could read tiles, but training reads windows
in float32 from mapped files many times over, so that they would be converted all the same.
"""

import argparse
import re
import sys
from pathlib import Path

from folder import write_file
from geotiff import Problem, encode

# Channels by feature, in the order of the published files.
FEATURES = {"optical": 6, "dem": 2, "co_pol_sar": 2, "cross_pol_sar": 2, "in_sar": 2, "thermal": 1}
LABELS, NO_CLASS = "outlines", 255
NUMBERS = ("original_height", "original_width", "padding_height", "padding_width")
BOUNDS = ("xmin", "xmax", "ymin", "ymax")
SPLITS = ("train", "val", "test")


class Tile:
    """A group of the file: its name, region and place, and its arrays without the padding, or with it."""

    def __init__(self, path, group, keep_padding):
        self.group, self.place = group, f"{path}: tile {group.name.strip('/')}"
        tile = group.name.strip("/")
        missing = [name for name in (*NUMBERS, *BOUNDS, "epsg", "region") if name not in group.attrs]
        if missing or LABELS not in group:
            raise Problem(f"{self.place} lacks {', '.join(missing) or LABELS}; this script reads the tiles of doi 10.11582/2024.00168")
        self.region, self.subregion = (_text(group.attrs.get(name, "")) for name in ("region", "subregion"))
        self.name = tile if tile.split("-")[0] == self.region else f"{self.region}-{tile}"
        if not re.fullmatch(r"[A-Za-z0-9_]+(-[A-Za-z0-9_]+)*", self.name):
            raise Problem(f"{self.place}: {self.name!r} can be no file's name here; rename the group")
        if int(group.attrs["epsg"]) != 4326:
            raise Problem(f"{self.place} is in EPSG:{group.attrs['epsg']}, and the tiles that this script knows are in EPSG:4326")
        rows, cols, top, left = (int(group.attrs[name]) for name in NUMBERS)
        west, east, south, north = (float(group.attrs[name]) for name in BOUNDS)
        if rows < 1 or cols < 1 or min(top, left) < 0 or not (west < east and south < north):
            raise Problem(f"{self.place} has {rows} x {cols} pixels between {west}, {east}, {south} and {north}; the file is damaged")
        width, height = (east - west) / cols, (north - south) / rows
        if keep_padding:
            stored_rows, stored_cols = group[LABELS].shape[:2]
            west, north = west - left * width, north + top * height
            self.window, self.rows, self.cols = (slice(None), slice(None)), stored_rows, stored_cols
        else:
            self.window, self.rows, self.cols = (slice(top, top + rows), slice(left, left + cols)), rows, cols
        self.corner = (west, north, width, height)

    def read(self, name, channels):
        """An array, channels first."""
        data = self.group[name]
        stored = data.shape
        if len(stored) == 2 and channels == 1:
            values = data[self.window][..., None]
        elif len(stored) == 3 and stored[2] == channels:
            values = data[(*self.window, slice(None))]
        else:
            raise Problem(f"{self.place}: {name} has the shape {stored} where rows, columns and {channels} channels are expected")
        if values.shape[:2] != (self.rows, self.cols):
            raise Problem(f"{self.place}: {name} holds {stored[0]} x {stored[1]} pixels, too few for its padding and size; it is damaged")
        return values.transpose(2, 0, 1)

    def feature(self, name):
        values = self.read(name, FEATURES[name]).astype("<f4", order="C")
        return encode("float32", self.rows, self.cols, values.tobytes(), self.corner, KEYS, "nan", FEATURES[name], deflate=False)

    def classes(self, reference_labels):
        outside, inside = self.read(LABELS, 2)
        if not (((outside == 0) | (outside == 1)) & ((inside == 0) | (inside == 1)) & (outside + inside <= 1)).all():
            raise Problem(f"{self.place}: {LABELS} holds other values than (1, 0), (0, 1) and (0, 0); get the file again")
        classes = inside.astype("u1")
        if not reference_labels:
            classes[(outside + inside) == 0] = NO_CLASS
        return encode("uint8", self.rows, self.cols, classes.tobytes(), self.corner, KEYS, str(NO_CLASS))


# WGS 84, longitude and latitude in degrees; pixels are areas.
KEYS = ([1, 1, 0, 4] + [1024, 0, 1, 2] + [1025, 0, 1, 1] + [2048, 0, 1, 4326] + [2054, 0, 1, 9102], [], "")


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def convert(path, args, seen):
    """Writes the tiles of a file; gives rows of scenes.csv, and counts of files written, kept, and tiles left out."""
    import h5py

    rows, written, kept, left_out = [], 0, 0, 0
    try:
        file = h5py.File(path, "r")
    except OSError as e:
        raise Problem(f"{path}: cannot be read as HDF5 ({e}); check the path, or download the file again") from e
    with file:
        for key in sorted(file):
            if not isinstance(file[key], h5py.Group):
                continue
            tile = Tile(path, file[key], args.keep_padding)
            if args.region and tile.region not in args.region:
                left_out += 1
                continue
            features = args.feature or [name for name in FEATURES if name in file[key]]
            if any(name not in file[key] for name in features):
                left_out += 1
                continue
            if tile.name in seen:
                raise Problem(f"{path}: tile {tile.name} is in {seen[tile.name]}, too; every tile belongs to one list")
            seen[tile.name] = path
            made = {name: tile.feature(name) for name in features}
            made["classes"] = tile.classes(args.reference_labels)
            news = [write_file(args.out / folder / f"{tile.name}.tif", data) for folder, data in made.items()]
            written, kept = written + sum(news), kept + len(news) - sum(news)
            rows.append((tile.name, tile.region, tile.subregion))
            print(f"{path.name}: {len(rows)} of {len(file)} tiles", end="\r", file=sys.stderr, flush=True)
    if not rows:
        raise Problem(f"{path}: holds no tile with these features and regions; look into it with `h5ls`, or ask for less")
    return rows, written, kept, left_out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for split in SPLITS:
        parser.add_argument(f"--{split}", type=Path, action="append", default=[], metavar="FILE", help=f"tiles of the list {split}")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the scenes")
    parser.add_argument("--feature", action="append", choices=FEATURES, help="take these only, and only tiles that have all of them")
    parser.add_argument("--region", action="append", metavar="CODE", help="take these regions only (ALP, HMA ...)")
    parser.add_argument("--reference-labels", action="store_true", help="unlabelled pixels become 0, as the published program scores them")
    parser.add_argument("--keep-padding", action="store_true", help="keep the zeros around tiles, which the published program trains with")
    args = parser.parse_args()
    lists, rows, seen, written, kept, left_out = {}, [], {}, 0, 0, 0
    try:
        if not any(getattr(args, split) for split in SPLITS):
            raise Problem("no file is given; name the HDF5 files with --train, --val and --test")
        try:
            import h5py  # noqa: F401
        except ImportError as e:
            raise Problem("h5py is missing; install it: pip install h5py") from e
        for split in SPLITS:
            for path in getattr(args, split):
                of_file, *counts = convert(path, args, seen)
                lists.setdefault(split, []).extend(name for name, _, _ in of_file)
                rows, written, kept, left_out = rows + of_file, written + counts[0], kept + counts[1], left_out + counts[2]
        lists["all"] = [name for split in SPLITS for name in lists.get(split, [])]
        texts = {f"splits/{split}.csv": "".join(f"{name}\n" for name in names) for split, names in lists.items()}
        texts["scenes.csv"] = "name,region,subregion\n" + "".join(f"{','.join(row)}\n" for row in rows)
        for name, text in texts.items():
            write_file(args.out / name, text.encode())
    except Problem as problem:
        sys.exit(f"error: {problem}")
    counts = ", ".join(f"{len(names)} {split}" for split, names in lists.items() if split != "all")
    print(f"{args.out}: {len(rows)} tiles ({counts}), {written} files written, {kept} left as they were, {left_out} tiles left out")


if __name__ == "__main__":
    main()
