#!/usr/bin/env python3
"""Makes data/antarctic-melt, the real data of the README's example, from a clone of github.com/nsidc/Antarctica_Today (MIT licence).

    git clone --depth 1 https://github.com/nsidc/Antarctica_Today data/Antarctica_Today
    python3 tools/data/antarctic_melt.py

Needs Python 3.8 or newer and nothing else. Run again it writes only what differs.

Daily surface melt of the Antarctic ice sheet from passive microwaves, 25 km (332 x 316 pixels, EPSG:3412):
  melt/YYYY_MM_DD.tif    1 melt, 0 none, NaN not observed or no ice
  coarse/YYYY_MM_DD.tif  200 km: the mean of the observed pixels of each block of 8 x 8 of that day, 0 where none is
  dem.tif                elevation, m; 0 where there is none
  landmask.tif           1 ice below 1200 m, where melt happens, else -1
  splits/*.csv           lists of days: train, val, test, eval, all, deploy

Days are 1 December to 12 February of the seasons 2015/16 to 2019/20, without those that miss more than 2 % of the ice. Of every six days
of a season the third is for validation and the sixth for tests; eval is every fourth validation day of a season.
"""

import argparse
import datetime
import hashlib
import re
import sys
from array import array
from pathlib import Path

from folder import write_folder
from geotiff import Problem, Raster, encode, little, read_bytes

ROOT = Path(__file__).resolve().parents[2]
ROWS, COLS, BLOCK = 332, 316, 8
PLACE = (-3950000.0, 4350000.0, 25000.0)
CITATION, GEOGRAPHIC = "NSIDC Sea Ice Polar Stereographic South|", "Hughes 1980|"
KEYS = (
    # The head, then one key a line: projected model, pixels are areas, the two names, degrees, EPSG:3412, metres.
    [1, 1, 0, 7]
    + [1024, 0, 1, 1]
    + [1025, 0, 1, 1]
    + [1026, 34737, len(CITATION), 0]
    + [2049, 34737, len(GEOGRAPHIC), len(CITATION)]
    + [2054, 0, 1, 9102]
    + [3072, 0, 1, 3412]
    + [3076, 0, 1, 9001],
    [],
    CITATION + GEOGRAPHIC,
)
FIRST_SEASON, LAST_SEASON = 2015, 2019
FIRST_DAY, LAST_DAY = (12, 1), (2, 12)
MOST_UNOBSERVED = 0.02
MELT_BELOW_M, LEAST_M = 1200.0, -1000.0
# Codes of a pixel in the daily files; -1, outside the ice mask of their makers, counts as not observed.
UNOBSERVED, DRY, MELT = 0, 1, 2
# SHA-256 of the data that the scores in README.md and weights/README.md were measured on.
KNOWN = "6daf52d212dd002e3fb11140c0bf048779ba3a79059a7c32b40a2e61739e07dd"


def season_of(day):
    """The year in which a day's season began; None for days outside the window and the seasons."""
    inside = FIRST_DAY <= (day.month, day.day) or (day.month, day.day) <= LAST_DAY
    year = day.year if day.month >= FIRST_DAY[0] else day.year - 1
    return year if inside and FIRST_SEASON <= year <= LAST_SEASON else None


def daily_files(clone):
    """The files of the window's days, by day."""
    folder, found = clone / "data" / "daily_melt_bin_files", {}
    if not folder.is_dir():
        raise Problem(
            f"{folder}: no such folder; give a clone of Antarctica_Today, "
            f"`git clone --depth 1 https://github.com/nsidc/Antarctica_Today {clone}` makes one"
        )
    for path in sorted(folder.rglob("antarctica_melt_*.bin")):
        stamp = re.match(r"antarctica_melt_(\d{4})(\d\d)(\d\d)_", path.name)
        try:
            day = datetime.date(*map(int, stamp.groups()))
        except (AttributeError, ValueError) as e:
            raise Problem(f"{path}: its name holds no day (antarctica_melt_YYYYMMDD_*.bin); rename the file or remove it") from e
        if season_of(day) is None:
            continue
        if day in found:
            raise Problem(f"{path}: a second file of {day}, beside {found[day]}; remove the one that is not to count")
        found[day] = path
    missing = [year for year in range(FIRST_SEASON, LAST_SEASON + 1) if year not in map(season_of, found)]
    if missing:
        raise Problem(
            f"{folder}: no day of the seasons that began in {', '.join(map(str, missing))}; is the clone complete (`git status`)?"
        )
    return dict(sorted(found.items()))


def read_day(path):
    """A day's codes, one byte a pixel."""
    data = read_bytes(path)
    if len(data) != 2 * ROWS * COLS:
        raise Problem(f"{path}: has {len(data)} bytes, a map of {ROWS} x {COLS} int16 has {2 * ROWS * COLS}; get the file again")
    values = array("h")
    values.frombytes(data)
    if sys.byteorder == "big":
        values.byteswap()
    unknown = set(values) - {-1, UNOBSERVED, DRY, MELT}
    if unknown:
        raise Problem(f"{path}: holds {min(unknown)}, which is none of -1, 0, 1 and 2; is it a daily melt file?")
    return data[::2].replace(b"\xff", b"\0")


def floats(codes):
    """Little-endian float32 of a map of codes: 1.0 melt, 0.0 dry, NaN."""
    pixels = bytearray(4 * len(codes))
    # 1.0 is 3f800000, the usual NaN 7fc00000.
    pixels[2::4] = codes.translate(bytes([0xC0, 0, 0x80]) + bytes(253))
    pixels[3::4] = codes.translate(bytes([0x7F, 0, 0x3F]) + bytes(253))
    return bytes(pixels)


def block_means(codes):
    """The share of melt among the observed pixels of each block, for every pixel of it; 0 where none is observed. Little-endian float32."""
    lines = []
    for top in range(0, ROWS, BLOCK):
        rows = range(top, min(top + BLOCK, ROWS))
        means = array("f")
        for left in range(0, COLS, BLOCK):
            right = min(left + BLOCK, COLS)
            block = b"".join(codes[row * COLS + left : row * COLS + right] for row in rows)
            melt, dry = block.count(MELT), block.count(DRY)
            means.extend([melt / (melt + dry) if melt + dry else 0.0] * (right - left))
        lines.append(little(means) * len(rows))
    return b"".join(lines)


def read_static(path):
    """Pixels of the elevation or the ice mask."""
    raster = Raster(path)
    if (raster.rows, raster.cols) != (ROWS, COLS) or raster.place not in (None, PLACE):
        raise Problem(
            f"{path}: is {raster.rows} x {raster.cols} pixels at {raster.place}, the daily maps {ROWS} x {COLS} at {PLACE}; wrong file?"
        )
    return raster.values


def splits(days):
    """The lists of days, by name; each season is counted anew."""
    lists = {name: [] for name in ("train", "val", "test", "eval", "all", "deploy")}
    for year in range(FIRST_SEASON, LAST_SEASON + 1):
        season = [day for day in days if season_of(day) == year]
        lists["val"] += season[2::6]
        lists["test"] += season[5::6]
        lists["train"] += [day for i, day in enumerate(season) if i % 6 not in (2, 5)]
        lists["eval"] += season[2::6][::4]
    lists["all"] = lists["deploy"] = list(days)
    return lists


def make(clone, elevation, ice_mask, say):
    """All files of the data set: name and bytes, the lists last, and the digest of what they hold."""
    found = daily_files(clone)
    height = array("f", [v if LEAST_M <= v < float("inf") else 0.0 for v in read_static(elevation)])
    ice = bytes(v > 0 for v in read_static(ice_mask))
    pixels = sum(ice)
    if pixels == 0:
        raise Problem(f"{ice_mask}: marks no pixel as ice (above 0); wrong file?")
    land = array("f", [1.0 if inside and v < MELT_BELOW_M else -1.0 for inside, v in zip(ice, height)])
    say(f"{elevation}\n{ice_mask}: {pixels} pixels of ice, {land.count(1.0)} of them below {MELT_BELOW_M:.0f} m")
    rasters = {"dem": little(height), "landmask": little(land)}
    kept, left_out = [], {year: [] for year in range(FIRST_SEASON, LAST_SEASON + 1)}
    for day, path in found.items():
        codes = read_day(path)
        missed = sum(a & (not b) for a, b in zip(ice, codes)) / pixels
        if missed > MOST_UNOBSERVED:
            left_out[season_of(day)].append(f"{day}, {100 * missed:.1f} % unobserved")
            continue
        kept.append(day)
        rasters[f"melt/{day:%Y_%m_%d}"], rasters[f"coarse/{day:%Y_%m_%d}"] = floats(codes), block_means(codes)
    for year, days in left_out.items():
        window = (datetime.date(year + 1, *LAST_DAY) - datetime.date(year, *FIRST_DAY)).days + 1
        absent = window - sum(season_of(day) == year for day in found)
        notes = [f"left out {'; '.join(days)}"] * bool(days) + [f"{absent} without a file"] * bool(absent)
        say(f"season {year}/{(year + 1) % 100:02}: {window - absent - len(days)} of {window} days" + "".join(f"; {note}" for note in notes))
    lists = {f"splits/{name}.csv": "".join(f"{day:%Y_%m_%d}.tif\n" for day in days).encode() for name, days in splits(kept).items()}
    files = {f"{name}.tif": encode("float32", ROWS, COLS, data, PLACE, KEYS, "nan") for name, data in rasters.items()}
    digest = hashlib.sha256()
    for name, data in sorted({**rasters, **lists}.items()):
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return {**files, **lists}, digest.hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "clone", nargs="?", type=Path, default=ROOT / "data/Antarctica_Today", help="the clone [default: data/Antarctica_Today]"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "data/antarctic-melt", help="folder to make [default: data/antarctic-melt]")
    parser.add_argument("--elevation", type=Path, help="[default: baseline_datasets/REMA_25km_resampled_TbGrid.tif of the clone]")
    parser.add_argument("--ice-mask", type=Path, help="[default: baseline_datasets/ice_mask.tif of the clone]")
    args = parser.parse_args()
    beside = args.clone / "baseline_datasets"
    try:
        elevation, ice_mask = args.elevation or beside / "REMA_25km_resampled_TbGrid.tif", args.ice_mask or beside / "ice_mask.tif"
        files, digest = make(args.clone, elevation, ice_mask, print)
        written, same = write_folder(args.out, files)
    except Problem as problem:
        sys.exit(f"{Path(__file__).name}: {problem}")
    counts = {name: files[f"splits/{name}.csv"].count(b"\n") for name in ("train", "val", "test")}
    print(f"{args.out}: {counts['train']} days to train, {counts['val']} to validate, {counts['test']} to test; "
          f"{written} files written, {same} as they were")  # fmt: skip
    print("the data that the README's scores were measured on" if digest == KNOWN else
          f"not the data that the README's scores were measured on: expect others (SHA-256 {digest})")  # fmt: skip


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
