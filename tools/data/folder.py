"""A folder of made files: all of it appears at once where it is new, and only what differs is written where it is there."""

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
        written = 0
        for name, data in files.items():
            path = out / name
            if not path.is_file() or path.read_bytes() != data:
                _write(path, data)
                written += 1
        return written, len(files) - written
    except OSError as e:
        raise Problem(
            f"{e.filename or out}: cannot be written ({e.strerror}); free space or choose another --out, then run this again"
        ) from e


def _write(path, data):
    """Replaces a file at once; a process that is killed leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    os.replace(part, path)
