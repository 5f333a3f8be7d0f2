//! World files: six lines beside a raster that say where its pixels lie (`.tfw`, `.tifw`, `.wld`).
//!
//! Lines: change of x along a row, change of y along a row, change of x along a column, change of y along a column, x and y of the
//! first pixel's centre. Source: the description of world files in ESRI's and GDAL's manuals.

use std::path::{Path, PathBuf};

use super::beside;
use super::geotags::GeoTransform;
use super::pam::number;
use crate::error::{Error, Result};

/// The world file beside a raster and what it says; `None` where there is none.
///
/// # Errors
/// [`Error::Input`] where it cannot be read or holds no six usable numbers.
pub(super) fn transform_beside(raster: &Path) -> Result<Option<(PathBuf, GeoTransform)>> {
    let Some(path) = beside::replaced(raster, &extensions(raster)) else { return Ok(None) };
    let refused = |message: String| Error::input(&path, format!("{message}; mend it, or remove it where it means nothing"));
    let text = std::fs::read_to_string(&path).map_err(|e| refused(format!("places the raster beside it and cannot be read ({e})")))?;
    let transform = parse(&text).map_err(|message| refused(format!("places the raster beside it and cannot be understood ({message})")))?;
    Ok(Some((path, transform)))
}

/// First and last letter of the extension and `w`, the extension and `w`, `wld`.
pub(super) fn extensions(raster: &Path) -> Vec<String> {
    let mut extensions = Vec::new();
    if let Some(extension) = raster.extension().and_then(|extension| extension.to_str()) {
        if let (Some(first), Some(last)) = (extension.chars().next(), extension.chars().last()) {
            extensions.push(format!("{first}{last}w"));
        }
        extensions.push(format!("{extension}w"));
    }
    extensions.push("wld".into());
    extensions
}

fn parse(text: &str) -> Result<GeoTransform, String> {
    let lines = text.lines().filter(|line| !line.trim().is_empty()).take(6);
    let numbers = lines.map(|line| number(line, "a line")).collect::<Result<Vec<f64>, _>>()?;
    let [col_x, col_y, row_x, row_y, centre_x, centre_y] = numbers[..] else {
        return Err(format!("it has {} lines of numbers where six are needed", numbers.len()));
    };
    let mut transform = GeoTransform { origin_x: centre_x, origin_y: centre_y, col_x, row_x, col_y, row_y };
    (transform.origin_x, transform.origin_y) = transform.at(-0.5, -0.5);
    transform.is_usable().then_some(transform).ok_or_else(|| "it places all pixels on one line or nowhere".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centres_become_corners() {
        let transform = parse("100,5\n0\n0\r\n-100\n1050.25\n1950\n").unwrap();
        assert_eq!((transform.at(0.0, 0.0), transform.pixel_centre(0, 0)), ((1000.0, 2000.0), (1050.25, 1950.0)));
        let turned = parse("0\n100\n100\n0\n50\n50\nfurther words").unwrap();
        assert_eq!((turned.at(0.0, 0.0), turned.pixel_centre(0, 1)), ((0.0, 0.0), (50.0, 150.0)));
    }

    #[test]
    fn what_places_nothing_is_refused() {
        for (text, words) in [
            ("100\n0\n0\n-100\n1050", "5 lines"),
            ("a\nb", "`a`"),
            ("1 0 0 -1 0 0", "`1 0 0"),
            ("0\n0\n0\n0\n0\n0", "one line"),
            ("", "0 lines"),
        ] {
            assert!(parse(text).unwrap_err().contains(words), "{text}");
        }
    }

    #[test]
    fn names_follow_the_raster() {
        assert_eq!(extensions(Path::new("a/b.tif")), ["tfw", "tifw", "wld"]);
        assert_eq!(extensions(Path::new("b.TIFF")), ["TFw", "TIFFw", "wld"]);
        assert_eq!(extensions(Path::new("b")), ["wld"]);
    }
}
