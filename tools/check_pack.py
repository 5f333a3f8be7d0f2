#!/usr/bin/env python3
"""Compares packed maps of a MAR file with a bilinear interpolation of its own, made without GDAL.

    tools/check_pack.py MAR.nc VARIABLE LEVEL FOLDER [--scale A --offset B] [--tolerance T]

Ten stations are pixels of the packed grid, which must be Albers equal area on WGS 84 as in the MeltwaterBench scene. Their longitudes
and latitudes follow from Snyder's inverse formulas (Map Projections: A Working Manual, USGS 1395, equations 14-8 to 14-19 and 3-16), their
places on MAR's grid from the stereographic projection of the sphere (21-2 to 21-4), which is first held against the file's own LAT and LON.
Prints a row a day and the largest difference; exits 1 where it exceeds the tolerance, 77 where netCDF4 or numpy is missing.
"""
import argparse
import os
import struct
import sys

try:
    import netCDF4
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

# MAR over Greenland: sphere, centre of projection; the packed grid: ellipsoid, parallels, origin.
RADIUS, MAR_LAT, MAR_LON = 6371229.0, np.radians(70.5), np.radians(-40.0)
A, F = 6378137.0, 1 / 298.257223563
ALBERS = dict(parallels=np.radians([60.0, 80.0]), lat=np.radians(70.0), lon=np.radians(-45.0))


def albers_to_lonlat(x, y):
    e2 = F * (2 - F)
    e = np.sqrt(e2)

    def m(phi):
        return np.cos(phi) / np.sqrt(1 - e2 * np.sin(phi) ** 2)

    def q(phi):
        s = np.sin(phi)
        return (1 - e2) * (s / (1 - e2 * s * s) - np.log((1 - e * s) / (1 + e * s)) / (2 * e))

    m1, m2 = m(ALBERS["parallels"])
    q1, q2 = q(ALBERS["parallels"])
    n = (m1**2 - m2**2) / (q2 - q1)
    c = m1**2 + n * q1
    rho0 = A * np.sqrt(c - n * q(ALBERS["lat"])) / n
    rho, theta = np.hypot(x, rho0 - y), np.arctan2(x, rho0 - y)
    qs = (c - (rho * n / A) ** 2) / n
    phi = np.arcsin(qs / 2)
    for _ in range(12):
        s = np.sin(phi)
        phi += (1 - e2 * s * s) ** 2 / (2 * np.cos(phi)) * (qs / (1 - e2) - s / (1 - e2 * s * s) + np.log((1 - e * s) / (1 + e * s)) / (2 * e))
    return ALBERS["lon"] + theta / n, phi


def lonlat_to_mar(lon, lat):
    k = 2 / (1 + np.sin(MAR_LAT) * np.sin(lat) + np.cos(MAR_LAT) * np.cos(lat) * np.cos(lon - MAR_LON))
    x = RADIUS * k * np.cos(lat) * np.sin(lon - MAR_LON)
    y = RADIUS * k * (np.cos(MAR_LAT) * np.sin(lat) - np.sin(MAR_LAT) * np.cos(lat) * np.cos(lon - MAR_LON))
    return x, y


def read_map(path):
    """Pixels, origin and pixel size of an uncompressed float32 GeoTIFF in one piece, as pack writes it."""
    data = open(path, "rb").read()
    assert data[:4] == b"II*\0", f"{path}: not a little-endian classic TIFF"
    start = struct.unpack_from("<I", data, 4)[0]
    tags = {}
    for i in range(struct.unpack_from("<H", data, start)[0]):
        tag, kind, count = struct.unpack_from("<HHI", data, start + 2 + 12 * i)
        code, size = {2: ("s", 1), 3: ("H", 2), 4: ("I", 4), 12: ("d", 8)}[kind]
        at = start + 10 + 12 * i
        if count * size > 4:
            at = struct.unpack_from("<I", data, at)[0]
        tags[tag] = struct.unpack_from(f"<{count}{code}", data, at)
    cols, rows, first = tags[256][0], tags[257][0], tags[273][0]
    assert tags[259][0] == 1 and tags[339][0] == 3 and tags[258][0] == 32, f"{path}: not uncompressed float32"
    pixels = np.frombuffer(data, "<f4", rows * cols, first).reshape(rows, cols)
    return pixels, (tags[33922][3], tags[33922][4]), (tags[33550][0], tags[33550][1])


def bilinear(field, row, col):
    r, c = int(np.floor(row)), int(np.floor(col))
    fr, fc = row - r, col - c
    part = field[r : r + 2, c : c + 2].astype(np.float64)
    return (1 - fr) * ((1 - fc) * part[0, 0] + fc * part[0, 1]) + fr * ((1 - fc) * part[1, 0] + fc * part[1, 1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("netcdf")
    parser.add_argument("variable")
    parser.add_argument("level", type=int)
    parser.add_argument("folder")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--offset", type=float, default=0.0)
    parser.add_argument("--tolerance", type=float, default=0.02)
    args = parser.parse_args()

    file = netCDF4.Dataset(args.netcdf)
    variable = file[args.variable]
    time, _, y_name, x_name = variable.dimensions
    axis_x, axis_y = file[x_name][:].astype(np.float64) * 1000, file[y_name][:].astype(np.float64) * 1000
    dates = netCDF4.num2date(file[time][:], file[time].units)

    lon, lat = np.radians(file["LON"][:].astype(np.float64)), np.radians(file["LAT"][:].astype(np.float64))
    x, y = lonlat_to_mar(lon, lat)
    apart = np.hypot(x - axis_x[None, :], y - axis_y[:, None]).max()
    print(f"stereographic formula against the file's LAT and LON: at most {apart:.1f} m apart")
    if apart > 500:
        print("the file has another projection than this check knows")
        sys.exit(1)

    generator = np.random.default_rng(2020)
    worst = 0.0
    stations = None
    for step, date in enumerate(dates):
        path = os.path.join(args.folder, f"{date.year:04}_{date.month:02}_{date.day:02}.tif")
        pixels, (left, top), (width, height) = read_map(path)
        if stations is None:
            stations = np.stack([generator.integers(0, pixels.shape[0], 10), generator.integers(0, pixels.shape[1], 10)], axis=1)
            for number, (row, col) in enumerate(stations):
                lon, lat = albers_to_lonlat(left + (col + 0.5) * width, top - (row + 0.5) * height)
                print(f"station {number}: row {row}, column {col}, {np.degrees(lat):.4f} N {-np.degrees(lon):.4f} W")
        field = variable[step, args.level].filled(np.nan)
        differences = []
        for row, col in stations:
            x, y = lonlat_to_mar(*albers_to_lonlat(left + (col + 0.5) * width, top - (row + 0.5) * height))
            at = lambda value, axis: (value - axis[0]) / (axis[-1] - axis[0]) * (len(axis) - 1)
            wanted = bilinear(field, at(y, axis_y), at(x, axis_x)) * args.scale + args.offset
            differences.append(float(pixels[row, col]) - wanted)
        worst = max(worst, np.abs(differences).max())
        print(f"{date:%Y-%m-%d}: " + " ".join(f"{difference:+.4f}" for difference in differences))
    print(f"largest difference {worst:.5f}, allowed {args.tolerance}")
    sys.exit(0 if worst <= args.tolerance else 1)


if __name__ == "__main__":
    main()
