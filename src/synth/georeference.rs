//! The coordinate system of the reference's grid as GeoTIFF tags, Albers equal area on WGS 84, 70° N 45° W, parallels 60° and 80° N;
//! that of a zone of the universal transverse Mercator grid; and that of a cut of another raster.
//!
//! Source: OGC GeoTIFF 1.1, sections 7.1 to 7.5 (keys), 8 (pixel scale and tie point).

use crate::data::geotags::{CARRIED_TAGS, GeoTag, GeoTags};
use crate::data::tags::{GEO_DOUBLE_PARAMS, GEO_KEY_DIRECTORY, MODEL_PIXEL_SCALE, MODEL_TIEPOINT};

/// Map coordinates of the scene's upper left corner, m.
const ORIGIN: [f64; 2] = [226_500.0, -263_400.0];

/// Tags of a scene whose upper left corner is the reference's and whose pixels have sides of `pixel_m` metres.
pub fn albers(pixel_m: f64) -> GeoTags {
    // Standard parallels, latitude and longitude of origin, false easting and northing.
    let parameters = [60.0, 80.0, 70.0, -45.0, 0.0, 0.0];
    let own = |key: u16, value: u16| [key, 0, 1, value];
    let parameter = |key: u16, index: u16| [key, GEO_DOUBLE_PARAMS, 1, index];
    let keys = [
        own(1024, 1),     // projected model
        own(1025, 1),     // pixels are areas
        own(2048, 4326),  // WGS 84
        own(2054, 9102),  // degrees
        own(3072, 32767), // projected system defined here
        own(3074, 32767), // conversion defined here
        own(3075, 11),    // Albers equal area
        own(3076, 9001),  // metres
        parameter(3078, 0),
        parameter(3079, 1),
        parameter(3080, 3), // longitude of origin
        parameter(3081, 2), // latitude of origin
        parameter(3082, 4),
        parameter(3083, 5),
    ];
    let directory: Vec<u16> = [1, 1, 0, keys.len() as u16].into_iter().chain(keys.into_iter().flatten()).collect();
    let tags = vec![
        GeoTag::of_doubles(MODEL_PIXEL_SCALE, &[pixel_m, pixel_m, 0.0]),
        GeoTag::of_doubles(MODEL_TIEPOINT, &[0.0, 0.0, 0.0, ORIGIN[0], ORIGIN[1], 0.0]),
        GeoTag::of_shorts(GEO_KEY_DIRECTORY, &directory),
        GeoTag::of_doubles(GEO_DOUBLE_PARAMS, &parameters),
    ];
    GeoTags { tags }
}

/// Tags of a grid in a zone of the universal transverse Mercator grid on WGS 84.
///
/// `corner`: easting and northing of the upper left corner, m; `pixel_m`: side of a pixel, m.
pub fn utm(zone: u16, is_south: bool, corner: [f64; 2], pixel_m: f64) -> GeoTags {
    let system = if is_south { 32_700 } else { 32_600 } + zone;
    // Projected model; pixels are areas; the coordinate system by its number.
    let directory = [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, system];
    let tags = vec![
        GeoTag::of_doubles(MODEL_PIXEL_SCALE, &[pixel_m, pixel_m, 0.0]),
        GeoTag::of_doubles(MODEL_TIEPOINT, &[0.0, 0.0, 0.0, corner[0], corner[1], 0.0]),
        GeoTag::of_shorts(GEO_KEY_DIRECTORY, &directory),
    ];
    GeoTags { tags }
}

/// Tags of a grid in a raster's coordinate system with pixels of `side` times its own, that begins at its top, `left` of its pixels inside.
///
/// None where the raster has no georeference with north up.
pub fn cut(raster: &GeoTags, side: f64, left: f64) -> Option<GeoTags> {
    let old = raster.transform().filter(|t| t.row_x == 0.0 && t.col_y == 0.0 && t.col_x > 0.0 && t.row_y < 0.0)?;
    let (x, y) = old.at(0.0, left);
    // Where tie points name the centres of pixels, the corner is half a pixel before the first.
    let tags = [0.0, -0.5].into_iter().map(|first| {
        let place = [
            GeoTag::of_doubles(MODEL_PIXEL_SCALE, &[old.col_x * side, -old.row_y * side, 0.0]),
            GeoTag::of_doubles(MODEL_TIEPOINT, &[first, first, 0.0, x, y, 0.0]),
        ];
        let kept = raster.tags.iter().filter(|t| CARRIED_TAGS[3..].contains(&t.tag)).cloned();
        GeoTags { tags: place.into_iter().chain(kept).collect() }
    });
    let at_corner = |tags: &GeoTags| tags.transform().is_some_and(|t| (t.origin_x - x).abs() + (t.origin_y - y).abs() < 1e-6 * old.col_x);
    tags.into_iter().find(at_corner)
}
