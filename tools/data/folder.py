"""Folders of made files: all of one appears at once where it is new, and only what differs is written where it is there."""

import os
import shutil
from pathlib import Path

from geotiff import Problem


def write_folder(out, files):
    """Writes `files`, bytes by path inside the folder `out`, in their order; gives (written, left as they were).

    A folder that is there may hold none but these files, notes that other programs put beside rasters aside: what another program made is
    neither mixed with them nor removed. A file that is the same keeps its time, so that what was trained on it goes on.
    """
    out = Path(out)
    try:
        if not out.exists():
            part = out.with_name(out.name + ".part")
            # What a killed run left.
            shutil.rmtree(part, ignore_errors=True)
            for name, data in files.items():
                _write(part / name, data)
            part.rename(out)
            return len(files), 0
        for path in sorted(out.rglob("*")):
            name = path.relative_to(out).as_posix()
            if path.is_file() and path.suffix in (".tif", ".csv") and name not in files:
                raise Problem(f"{path}: not one of the files that are made here; move it away, or choose another --out")
        written = sum(write_file(out / name, data) for name, data in files.items())
        return written, len(files) - written
    except OSError as e:
        raise _unwritten(e, out) from e


def write_file(path, data):
    """Writes a file where it is not the same already; whether it did."""
    try:
        if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
            return False
        _write(path, data)
        return True
    except OSError as e:
        raise _unwritten(e, path) from e


def _unwritten(error, path):
    return Problem(
        f"{error.filename or path}: cannot be written ({error.strerror}); free space or choose another --out, then run this again"
    )


def _write(path, data):
    """Replaces a file at once; a process that is killed leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    os.replace(part, path)
