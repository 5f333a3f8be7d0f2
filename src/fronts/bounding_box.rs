//! The part of a scene in which a front counts: files of four corners beside the scenes, as the benchmark CaFFe has them.
//!
//! Under one line of heads stand `x,y` of the upper left, lower left, lower right and upper right corner. The upper one is that of the
//! larger y, and y counts rows downwards, so that rows from the lower to the upper y are kept.

use std::path::{Path, PathBuf};

use crate::domains::SceneName;
use crate::error::{Error, Result};

/// Corners as a file has them, rounded to whole pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoundingBox {
    /// First row, and the one behind the last.
    pub rows: (i64, i64),
    /// First column, and the one behind the last.
    pub cols: (i64, i64),
}

impl BoundingBox {
    /// Reads a file of corners.
    ///
    /// # Errors
    /// [`Error::Input`] for a file that is missing or holds anything else than a head and four corners.
    pub fn read(path: &Path) -> Result<BoundingBox> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::input(path, format!("cannot be read as text ({e}); check the path and its permissions")).because(e))?;
        let lines = text.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty());
        let corners = lines.map(|(index, line)| corner(line).ok_or(index + 1)).collect::<Result<Vec<_>, usize>>();
        let wanted = "a box is a line of heads and four lines `x,y`: upper left, lower left, lower right, upper right";
        match corners.as_deref() {
            Ok([upper_left, _, lower_right, _]) => {
                Ok(BoundingBox { rows: (lower_right.1, upper_left.1), cols: (upper_left.0, lower_right.0) })
            }
            Ok(corners) => Err(Error::input(path, format!("holds {} corners; {wanted}", corners.len()))),
            Err(line) => Err(Error::input(path, format!("line {line} is no corner; {wanted}"))),
        }
    }

    /// Rows and columns of a scene that are kept, from the first to before the last. A start before the scene is its first pixel, an end
    /// behind it leaves the last one out, as in the benchmark's program.
    pub fn kept(&self, [rows, cols]: [usize; 2]) -> [(usize, usize); 2] {
        let side = |(start, end): (i64, i64), side: usize| {
            let end = usize::try_from(end).map_or(0, |end| if end > side { side.saturating_sub(1) } else { end });
            (usize::try_from(start).unwrap_or(0).min(end), end)
        };
        [side(self.rows, rows), side(self.cols, cols)]
    }
}

/// A corner: x and y, rounded half to even.
fn corner(line: &str) -> Option<(i64, i64)> {
    let (x, y) = line.split_once(',')?;
    let whole = |text: &str| text.trim().parse::<f64>().ok().filter(|value| value.abs() < 1e15).map(|value| value.round_ties_even() as i64);
    Some((whole(x)?, whole(y)?))
}

/// The file of a scene in a folder of boxes: its name begins with the scene's, which may leave out the orbit (the last four characters of a
/// name of CaFFe's form). None where there is none.
///
/// # Errors
/// [`Error::Input`] for a folder that cannot be read, and where several files may be meant.
pub fn box_of_scene(folder: &Path, scene: &str) -> Result<Option<PathBuf>> {
    let failed = |e: std::io::Error| Error::input(folder, format!("this folder cannot be read ({e}); check the path and its permissions"));
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| failed(e).because("no such folder"))? {
        names.extend(entry.map_err(failed)?.file_name().into_string().ok().filter(|name| !name.starts_with('.')));
    }
    names.sort();
    let without_orbit = || SceneName::parse(scene).and_then(|_| scene.get(..scene.len() - 4));
    for beginning in [Some(scene), without_orbit()].into_iter().flatten() {
        let found: Vec<&String> = names.iter().filter(|name| name.starts_with(beginning)).collect();
        match found[..] {
            [] => {}
            [name] => return Ok(Some(folder.join(name))),
            [first, second, ..] => {
                let message = format!("{first} and {second} may both be the box of the scene {scene}; leave one of them there");
                return Err(Error::input(folder, message));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_are_read_and_clipped_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("box.txt");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            BoundingBox::read(&path).map_err(|e| e.to_string())
        };
        let found = read("x,y\n2.5,30.5\n2,4\n20.4, 3.5\n20,30\n\n").unwrap();
        assert_eq!(found, BoundingBox { rows: (4, 30), cols: (2, 20) });
        assert_eq!(found.kept([40, 40]), [(4, 30), (2, 20)]);
        // An end that equals the side stays, one beyond it is one less than the side.
        assert_eq!(found.kept([30, 19]), [(4, 30), (2, 18)]);
        let outside = BoundingBox { rows: (-5, -2), cols: (50, 90) };
        assert_eq!(outside.kept([10, 40]), [(0, 0), (39, 39)]);
        assert!(read("x,y\n1,2\n").unwrap_err().contains("box.txt: holds 1 corners; a box is"));
        assert!(read("x,y\n1,2\n1;2\n1,2\n1,2\n").unwrap_err().contains("line 3 is no corner"));
        assert!(read("x,y\n1,2\n1,inf\n1,2\n1,2\n").unwrap_err().contains("line 3 is no corner"));
    }

    #[test]
    fn a_scene_has_the_file_that_its_name_begins() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str| std::fs::write(folder.path().join(name), "").unwrap();
        put("COL_2011-11-13_TDX_7_1.txt");
        put("summer.txt");
        let found = |scene: &str| box_of_scene(folder.path(), scene).map(|path| path.map(|path| path.file_name().unwrap().to_owned()));
        assert_eq!(found("COL_2011-11-13_TDX_7_1_092").unwrap().unwrap(), "COL_2011-11-13_TDX_7_1.txt");
        assert_eq!(found("summer").unwrap().unwrap(), "summer.txt");
        assert!(found("summerhouse").unwrap().is_none() && found("COL_2012-11-13_TDX_7_1_092").unwrap().is_none());
        put("COL_2011-11-13_TDX_7_1_100.txt");
        assert!(found("COL_2011-11-13_TDX_7_1_092").unwrap_err().to_string().contains("may both be the box"));
        put("COL_2011-11-13_TDX_7_1_092.txt");
        assert_eq!(found("COL_2011-11-13_TDX_7_1_092").unwrap().unwrap(), "COL_2011-11-13_TDX_7_1_092.txt");
        assert!(box_of_scene(&folder.path().join("none"), "a").is_err());
    }
}
