#!/usr/bin/env python3
"""Makes data/helheim, the geography that `meltcore synth --geography data/helheim` invents weather on.

    python3 tools/data/helheim.py

    git clone --depth 1 https://github.com/ehultee/helheim-fiesta data/helheim-fiesta
    python3 tools/data/helheim.py --runoff data/helheim-fiesta

Needs Python 3.8 or newer and nothing else. Run again it writes only what differs.

The scene of MeltwaterBench, 2863 x 1633 pixels of 100 m (Albers, WGS 84): Helheim Glacier, Sermilik and the fjords around. Coast, fjords
and the margin of the ice are drawn by hand to two kilometres or so, and roughened below that; elevation follows the profile of perfectly
plastic ice from the coast. It looks like the place and is no survey of it.
  landMask_100m.tif           1 land, -1 ocean
  iceMask_100m.tif            0 ocean, 1 ice-free land, 2 ice sheet
  dem_coarse_etopo_1km.tif    elevation, m; 0 at sea
With --runoff also the daily runoff of Helheim's catchment (RACMO2.3p2, MIT licence) from a clone of helheim-fiesta, which gives the melt
seasons of real years; without it seasons are invented.
"""

import argparse
import math
import random
import sys
from array import array
from pathlib import Path

from folder import write_folder
from geotiff import Problem, encode, little, read_bytes

ROOT = Path(__file__).resolve().parents[2]
ROWS, COLS = 2863, 1633
DEM_ROWS, DEM_COLS = 286, 163
WEST, NORTH = 226500.0, -263400.0
KEYS = (
    # The head, then one key a line: projected model, pixels are areas, WGS 84, degrees, a projection defined here, Albers equal area, m,
    # the parallels, the origin, no false easting and northing.
    [1, 1, 0, 14]
    + [1024, 0, 1, 1]
    + [1025, 0, 1, 1]
    + [2048, 0, 1, 4326]
    + [2054, 0, 1, 9102]
    + [3072, 0, 1, 32767]
    + [3074, 0, 1, 32767]
    + [3075, 0, 1, 11]
    + [3076, 0, 1, 9001]
    + [3078, 34736, 1, 0]
    + [3079, 34736, 1, 1]
    + [3080, 34736, 1, 3]
    + [3081, 34736, 1, 2]
    + [3082, 34736, 1, 4]
    + [3083, 34736, 1, 5],
    [60.0, 80.0, 70.0, -45.0, 0.0, 0.0],
    "",
)
RUNOFF = "runoff._.BN_RACMO2.3p2_ERA5_3h_FGRN055.1km.DD.csv"
# The drawing: points (x, y) in units of 300 m from the upper left corner.
UNIT = 3  # pixels of 100 m
RIGHT, BOTTOM = 560, 970
COAST = [
    (-20, 782), (20, 776), (45, 768), (62, 745), (80, 750), (100, 735), (112, 745), (125, 735), (140, 750), (160, 760), (175, 770),
    (205, 760), (215, 745), (240, 735), (260, 715), (285, 708), (300, 705), (315, 710), (335, 722), (355, 724), (380, 712), (410, 700),
    (430, 712), (440, 728), (460, 705), (490, 700), (500, 680), (520, 650), (RIGHT, 600),
]  # fmt: skip
ISLANDS = [
    [(-20, 800), (30, 805), (50, 830), (45, 860), (60, 880), (40, 905), (30, 940), (-20, 950)],
    [(65, 828), (84, 826), (80, 842), (70, 840)],
    [(78, 850), (104, 848), (100, 866), (84, 862)],
    [(112, 770), (145, 768), (140, 788), (122, 790)],
    [(60, 895), (78, 892), (74, 906)],
    [(25, 915), (55, 920), (62, 938), (35, 942)],
]
# Fjords from mouth to head: (x, y, width).
FJORDS = [
    [(302, 715, 30), (305, 660, 28), (316, 600, 26), (318, 545, 28), (335, 505, 36), (345, 480, 36), (352, 455, 30)],
    [(356, 468, 24), (325, 446, 18), (295, 440, 16), (256, 437, 17)],
    [(350, 470, 26), (385, 440, 20), (420, 430, 16), (440, 408, 12), (452, 386, 8)],
    [(310, 642, 8), (275, 630, 8), (250, 605, 10), (230, 576, 10)],
    [(318, 540, 8), (274, 540, 5)],
    [(320, 500, 10), (284, 488, 8)],
    [(305, 445, 8), (298, 412, 5)],
    [(418, 705, 22), (440, 625, 16), (430, 580, 8), (432, 530, 5)],
    [(440, 642, 12), (385, 615, 8), (343, 592, 7)],
    [(432, 585, 6), (402, 518, 4)],
    [(432, 605, 5), (380, 573, 4)],
    [(438, 628, 10), (480, 590, 8), (520, 550, 8), (525, 515, 10), (488, 514, 8)],
    [(492, 700, 18), (490, 620, 12), (484, 588, 8)],
    [(528, 660, 20), (531, 580, 12), (530, 508, 8)],
    [(110, 750, 10), (116, 690, 6)],
    [(158, 765, 14), (140, 720, 8), (120, 690, 5)],
    [(98, 750, 12), (62, 712, 8)],
    [(228, 745, 10), (204, 712, 6)],
    [(32, 785, 14), (14, 756, 8)],
]
# Of the land, what is below this line and in these outlines is free of ice.
MARGIN = [
    (-20, 778), (15, 765), (60, 715), (70, 704), (100, 712), (118, 672), (136, 678), (140, 700), (160, 732), (190, 722), (195, 690),
    (215, 665), (236, 656), (245, 690), (250, 640), (225, 602), (224, 574), (262, 560), (266, 500), (274, 468), (234, 463), (240, 451),
    (256, 446), (256, 429), (234, 424), (232, 373), (298, 376), (304, 330), (313, 352), (330, 422), (348, 426), (378, 377), (396, 406),
    (440, 357), (452, 376), (478, 405), (470, 432), (428, 442), (440, 500), (446, 526), (470, 515), (470, 490), (505, 482), (RIGHT, 505),
]  # fmt: skip
NUNATAKS = [[(404, 245), (412, 244), (412, 251), (405, 250)], [(366, 281), (371, 281), (370, 284)]]
# Elevation of plastic ice over its distance from the sea, both in m: h = sqrt(2 tau / (rho g) x) with a density of 910 kg/m3, and a yield
# stress of 2.5 bar so that the mean comes near the scene's.
PLASTIC = math.sqrt(2 * 2.5e5 / (910 * 9.81))


def rough(points, seed, closed=True, rest=1.5):
    """A line with its middles moved aside again and again, until its pieces are short."""
    draw = random.Random(seed)
    line = list(points) + ([points[0]] if closed else [])
    while True:
        longer = [line[0]]
        for (ax, ay), (bx, by) in zip(line, line[1:]):
            length = math.hypot(bx - ax, by - ay)
            if length > rest:
                shift = draw.uniform(-0.17, 0.17)
                longer.append(((ax + bx) / 2 + shift * (by - ay), (ay + by) / 2 - shift * (bx - ax)))
            longer.append((bx, by))
        if len(longer) == len(line):
            return line[:-1] if closed else line
        line = longer


def banks(line):
    """The outline of a line with widths."""
    left, right = [], []
    for i, (x, y, width) in enumerate(line):
        (ax, ay, _), (bx, by, _) = line[max(i - 1, 0)], line[min(i + 1, len(line) - 1)]
        length = math.hypot(bx - ax, by - ay)
        dx, dy = (ay - by) / length * width / 2, (bx - ax) / length * width / 2
        left.append((x + dx, y + dy))
        right.append((x - dx, y - dy))
    return left + right[::-1]


def fill(grid, outline, value, only=None):
    """Gives `value` to the pixels of a grid of bytes whose middles lie in an outline; with `only` to those of that value alone."""
    edges = [[] for _ in range(ROWS)]
    for (ax, ay), (bx, by) in zip(outline, outline[1:] + outline[:1]):
        if ay > by:
            ax, ay, bx, by = bx, by, ax, ay
        for row in range(max(0, math.ceil(ay * UNIT - 0.5)), min(ROWS, math.ceil(by * UNIT - 0.5))):
            edges[row].append(UNIT * (ax + ((row + 0.5) / UNIT - ay) * (bx - ax) / (by - ay)))
    for row, crossings in enumerate(edges):
        crossings.sort()
        for a, b in zip(crossings[::2], crossings[1::2]):
            first, last = max(0, math.ceil(a - 0.5)), min(COLS, math.ceil(b - 0.5))
            if first < last:
                span = slice(row * COLS + first, row * COLS + last)
                grid[span] = bytes([value]) * (last - first) if only is None else grid[span].replace(bytes([only]), bytes([value]))


def draw():
    """The ice mask as bytes: 0 ocean, 1 ice-free land, 2 ice."""
    grid = bytearray(ROWS * COLS)
    fill(grid, rough(COAST, 1, closed=False) + [(RIGHT, -20), (-20, -20)], 2)
    for seed, island in enumerate(ISLANDS):
        fill(grid, rough(island, 100 + seed), 2)
    for seed, fjord in enumerate(FJORDS):
        fill(grid, rough(banks(fjord), 200 + seed), 0)
    fill(grid, rough(MARGIN, 2, closed=False) + [(RIGHT, BOTTOM), (-20, BOTTOM)], 1, only=2)
    for seed, nunatak in enumerate(NUNATAKS):
        fill(grid, rough(nunatak, 300 + seed), 1, only=2)
    return bytes(grid)


def heights(mask):
    """Elevation on the grid of 1 km, m: that of plastic ice from the sea."""
    sea = [mask[min(10 * r + 5, ROWS - 1) * COLS + min(10 * c + 5, COLS - 1)] == 0 for r in range(DEM_ROWS) for c in range(DEM_COLS)]
    # Distances in km by two sweeps over the neighbours (Borgefors 1986, chamfer 1 and 1.41).
    distance = [0.0 if wet else 1e9 for wet in sea]
    for rows, cols, step in ((range(DEM_ROWS), range(DEM_COLS), 1), (range(DEM_ROWS - 1, -1, -1), range(DEM_COLS - 1, -1, -1), -1)):
        for r in rows:
            for c in cols:
                for dr, dc, far in ((0, -step, 1.0), (-step, -1, 1.41), (-step, 0, 1.0), (-step, 1, 1.41)):
                    if 0 <= r + dr < DEM_ROWS and 0 <= c + dc < DEM_COLS:
                        here = r * DEM_COLS + c
                        distance[here] = min(distance[here], distance[(r + dr) * DEM_COLS + c + dc] + far)
    return array("h", [round(PLASTIC * math.sqrt(1000 * far)) for far in distance])


def make(clone):
    """The files by name."""
    mask = draw()
    place = (WEST, NORTH, 100.0)

    def wide(codes):
        pixels = bytearray(2 * len(codes))
        pixels[::2], pixels[1::2] = codes, codes.translate(bytes(128) + b"\xff" * 128)
        return bytes(pixels)

    files = {
        "landMask_100m.tif": encode("int16", ROWS, COLS, wide(mask.translate(b"\xff\x01\x01" + bytes(253))), place, KEYS),
        "iceMask_100m.tif": encode("int16", ROWS, COLS, wide(mask), place, KEYS),
        "dem_coarse_etopo_1km.tif": encode("int16", DEM_ROWS, DEM_COLS, little(heights(mask)), (WEST, NORTH, 1000.0), KEYS),
    }
    if clone is not None:
        text = read_bytes(clone / RUNOFF)
        if not text.startswith(b"#date"):
            raise Problem(f"{clone / RUNOFF}: does not begin with #date, as the record of daily runoff does; get the file again")
        files[RUNOFF] = text
    print(", ".join(f"{100 * mask.count(code) / len(mask):.1f} % {name}" for code, name in enumerate(("ocean", "ice-free land", "ice"))))
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "data/helheim", help="folder to make [default: data/helheim]")
    parser.add_argument("--runoff", type=Path, metavar="CLONE", help="clone of github.com/ehultee/helheim-fiesta")
    args = parser.parse_args()
    try:
        written, same = write_folder(args.out, make(args.runoff))
    except Problem as problem:
        sys.exit(f"{Path(__file__).name}: {problem}")
    print(f"{args.out}: {written} files written, {same} as they were")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
