"""Makes the rasters of this folder: `python make.py` with rasterio 1.4.

12 rows x 20 columns (the value is row * 20 + col) on EPSG:3413 with 100 m pixels from (226500, -263400), as in ../tiff; pixels whose row + column is a
multiple of 3 are masked in the files named so. The crs_ files are 2 x 3 pixels of one grid whose systems are written in different ways.
"""
import warnings

import numpy as np
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.transform import Affine

warnings.simplefilter("ignore")
ROWS, COLS = 12, 20
TRANSFORM = Affine(100, 0, 226500, 0, -100, -263400)
PIXELS = np.arange(ROWS * COLS).reshape(ROWS, COLS)
VALID = np.add.outer(np.arange(ROWS), np.arange(COLS)) % 3 != 0
ALBERS = "+proj=aea +lat_1=60 +lat_2=80 +lat_0=70 +lon_0=-45 +datum=WGS84 +units=m"


def write(name, dtype="float32", internal=False, mask=None, crs="EPSG:3413", **options):
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=internal, GDAL_PAM_ENABLED=False):
        with rasterio.open(name, "w", driver="GTiff", height=ROWS, width=COLS, count=1, dtype=dtype, crs=crs, **options) as raster:
            raster.write(PIXELS.astype(dtype), 1)
            if mask is not None:
                raster.write_mask(mask)


write("mask_inside.tif", internal=True, mask=VALID, transform=TRANSFORM)
write("mask_inside_tiled.tif", "uint16", True, VALID, transform=TRANSFORM, compress="deflate", tiled=True, blockxsize=16, blockysize=16, ENDIANNESS="BIG")
with rasterio.Env(GDAL_PAM_ENABLED=False), rasterio.open("mask_inside_tiled.tif", "r+") as raster:
    raster.build_overviews([2, 4], Resampling.nearest)
write("mask_beside.tif", mask=VALID, transform=TRANSFORM)
write("packed.tif", transform=TRANSFORM, nodata=7)
with rasterio.open("packed.tif", "r+") as raster:
    raster.scales, raster.offsets = (0.5,), (-1.0,)
write("plain.tif", crs=None)
corners = [GroundControlPoint(r, c, *(TRANSFORM * (c, r))) for r in (0, ROWS) for c in (0, COLS)]
write("control_points.tif", gcps=corners)

# The same two systems as different programs write them.
SYSTEMS = {
    "albers": CRS.from_proj4(ALBERS),
    "albers_esri": CRS.from_wkt(CRS.from_proj4(ALBERS).to_wkt(version="WKT1_ESRI")),
    "polar_code": CRS.from_epsg(3413),
    "polar_spelt": CRS.from_proj4("+proj=stere +lat_0=90 +lat_ts=70 +lon_0=315 +datum=WGS84 +units=m"),
    "polar_esri": CRS.from_wkt(CRS.from_epsg(3413).to_wkt(version="WKT1_ESRI")),
    "polar_south": CRS.from_epsg(3031),
    "polar_other_meridian": CRS.from_proj4("+proj=stere +lat_0=90 +lat_ts=70 +lon_0=-40 +datum=WGS84 +units=m"),
    "utm_code": CRS.from_epsg(32624),
    "utm_spelt": CRS.from_proj4("+proj=tmerc +lat_0=0 +lon_0=-39 +k=0.9996 +x_0=500000 +datum=WGS84 +units=m"),
}
for name, system in SYSTEMS.items():
    with rasterio.open(f"crs_{name}.tif", "w", driver="GTiff", height=2, width=3, count=1, dtype="float32", crs=system, transform=TRANSFORM) as raster:
        raster.write(np.ones((2, 3), "float32"), 1)
