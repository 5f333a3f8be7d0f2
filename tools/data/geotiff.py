"""GeoTIFFs, read (one band) and written with Python's standard library alone.

The reader takes what GDAL writes unless told otherwise: strips, uncompressed or deflated, without a predictor. The writer makes deflated
strips, or plain ones, which meltcore reads where they lie. Pixels are kept as little-endian bytes, row by row from the north, so that a map
of a few values needs no loop over its pixels.
"""

import struct
import sys
import zlib
from array import array
from pathlib import Path

# Kinds of sample as (sample format, bits) of the TIFF tags 339 and 258, and their codes in Python's `array` and `struct`.
KINDS = {
    "uint8": (1, 8, "B"),
    "uint16": (1, 16, "H"),
    "int16": (2, 16, "h"),
    "int32": (2, 32, "i"),
    "float32": (3, 32, "f"),
    "float64": (3, 64, "d"),
}
LFS = b"version https://git-lfs"
ROOM = 1 << 16  # Bytes of a strip before it is deflated.


class Problem(Exception):
    """What is wrong with an input or output, and what to do: one paragraph for the person at the keyboard."""


def read_bytes(path):
    """All bytes of a file, unless it is missing, unreadable or a pointer that git-lfs left in the place of a file."""
    try:
        data = Path(path).read_bytes()
    except OSError as e:
        raise Problem(f"{path}: cannot be read ({e.strerror}); check the path") from e
    if data.startswith(LFS):
        raise Problem(f"{path}: this is a pointer of git-lfs, not the file itself; run `git lfs pull` in the clone, then this again")
    return data


def little(values):
    """The bytes of an array in little-endian order."""
    if sys.byteorder == "big":
        values = array(values.typecode, values)
        values.byteswap()
    return values.tobytes()


class Raster:
    """Pixels of one band: `rows`, `cols`, `values` (an `array`), and `place`: (x, y, size) of its upper left corner and pixels, or None."""

    def __init__(self, path):
        self.path, data = path, read_bytes(path)
        try:
            self._parse(data)
        except (struct.error, zlib.error, IndexError, KeyError, ValueError) as e:
            raise Problem(f"{path}: no whole GeoTIFF ({e!r}); get the file again") from e

    def _parse(self, data):
        order = {b"II": "<", b"MM": ">"}.get(data[:2])
        if order is None or struct.unpack(order + "H", data[2:4]) != (42,):
            raise Problem(f"{self.path}: no TIFF file (it begins with {data[:4]!r}); get the file again")
        tags = self._tags(data, order)
        first = {tag: values[0] for tag, values in tags.items()}
        self.cols, self.rows = first[256], first[257]
        shape = (first.get(339, 1), first.get(258, 1))
        code = next((code for kind, bits, code in KINDS.values() if (kind, bits) == shape), None)
        form = {259: (1, 8, 32946), 277: (1,), 317: (1,)}
        if code is None or 273 not in tags or any(first.get(tag, 1) not in known for tag, known in form.items()):
            raise Problem(
                f"{self.path}: a GeoTIFF that this reader does not know (it takes one band in strips, uncompressed or deflated without a "
                f"predictor, of {', '.join(KINDS)}); `meltcore pack --like {self.path} --out plain {self.path}` writes one that it takes"
            )
        strips = [data[at : at + size] for at, size in zip(tags[273], tags[279])]
        pixels = b"".join(strip if first.get(259, 1) == 1 else zlib.decompress(strip) for strip in strips)
        self.values = array(code)
        expected = self.rows * self.cols * self.values.itemsize
        if len(pixels) < expected:
            raise Problem(f"{self.path}: holds {len(pixels)} bytes of pixels where its size asks for {expected}; get the file again")
        # GDAL may fill up the last strip.
        self.values.frombytes(pixels[:expected])
        if (order == "<") != (sys.byteorder == "little"):
            self.values.byteswap()
        scale, tie = tags.get(33550), tags.get(33922)
        self.place = (tie[3] - tie[0] * scale[0], tie[4] + tie[1] * scale[1], scale[0]) if scale and tie and scale[0] == scale[1] else None

    @staticmethod
    def _tags(data, order):
        (at,) = struct.unpack(order + "I", data[4:8])
        (count,) = struct.unpack(order + "H", data[at : at + 2])
        tags = {}
        for entry in (data[at + 2 + 12 * i : at + 14 + 12 * i] for i in range(count)):
            tag, kind, length = struct.unpack(order + "HHI", entry[:8])
            code = {1: "B", 3: "H", 4: "I", 12: "d"}.get(kind)
            if code is None or length == 0:
                continue
            size = length * struct.calcsize(code)
            (offset,) = struct.unpack(order + "I", entry[8:])
            held = entry[8 : 8 + size] if size <= 4 else data[offset : offset + size]
            tags[tag] = struct.unpack(f"{order}{length}{code}", held)
        return tags


def encode(kind, rows, cols, pixels, place, keys, nodata=None, bands=1, deflate=True):
    """The bytes of a GeoTIFF.

    `kind` is a name of KINDS, `pixels` its little-endian bytes (`bands * rows * cols` of them, a band after the other), `place`
    (x, y, size) as in Raster or (x, y, width, height of a pixel), `keys` the coordinate system: the shorts of GeoKeyDirectoryTag, the
    doubles and the text that they point into. `nodata` is a text.
    """
    sample, bits, _ = KINDS[kind]
    line = cols * bits // 8
    if len(pixels) != bands * rows * line:
        raise ValueError(f"{len(pixels)} bytes are not {bands} x {rows} x {cols} pixels of {kind}")
    strip = max(1, ROOM // line)
    starts = [band * rows + row for band in range(bands) for row in range(0, rows, strip)]
    ends = [min(start + strip, (start // rows + 1) * rows) for start in starts]
    strips = [pixels[start * line : end * line] for start, end in zip(starts, ends)]
    if deflate:
        strips = [zlib.compress(raw, 9) for raw in strips]
    x, y, *size = place
    directory, doubles, text = keys
    entries = [
        (256, "H", [cols]),
        (257, "H", [rows]),
        (258, "H", [bits] * bands),
        (259, "H", [8 if deflate else 1]),
        (262, "H", [1]),
        (273, "I", [0] * len(strips)),
        (277, "H", [bands]),
        (278, "H", [strip]),
        (279, "I", [len(stored) for stored in strips]),
        (284, "H", [1 if bands == 1 else 2]),
        (338, "H", [0] * (bands - 1)),  # samples of no colour
        (339, "H", [sample] * bands),
        (33550, "d", [size[0], size[-1], 0.0]),
        (33922, "d", [0.0, 0.0, 0.0, x, y, 0.0]),
        (34735, "H", directory),
        (34736, "d", doubles),
        (34737, "s", text),
        (42113, "s", nodata),
    ]
    entries = [entry for entry in entries if entry[2]]
    # The directory, then what does not fit into it, then the strips.
    held, after = {}, 8 + 2 + 12 * len(entries) + 4
    for tag, code, values in entries:
        held[tag] = values.encode("ascii") + b"\0" if code == "s" else struct.pack(f"<{len(values)}{code}", *values)
        if len(held[tag]) > 4:
            after += len(held[tag]) + len(held[tag]) % 2
    # Plain pixels begin where a machine reads them in place.
    gap = b"" if deflate else b"\0" * (-after % 64)
    offsets, at = [], after + len(gap)
    for stored in strips:
        offsets.append(at)
        at += len(stored)
    held[273] = struct.pack(f"<{len(offsets)}I", *offsets)
    head, tail, at = struct.pack("<2sHIH", b"II", 42, 8, len(entries)), b"", 8 + 2 + 12 * len(entries) + 4
    for tag, code, values in entries:
        number = len(held[tag]) if code == "s" else len(values)
        head += struct.pack("<HHI", tag, {"s": 2, "H": 3, "I": 4, "d": 12}[code], number)
        if len(held[tag]) <= 4:
            head += held[tag].ljust(4, b"\0")
        else:
            head += struct.pack("<I", at + len(tail))
            tail += held[tag] + b"\0" * (len(held[tag]) % 2)
    return b"".join([head, b"\0\0\0\0", tail, gap, *strips])
