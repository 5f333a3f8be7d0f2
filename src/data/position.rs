//! Longitude and latitude of a raster's pixels.

use super::crs::{Crossing, Crs};
use super::geotags::{GeoTags, GeoTransform};

/// The way from pixels to longitude and latitude.
pub(super) struct Position {
    transform: GeoTransform,
    /// From the map's system to longitude and latitude; none where it is those.
    crossing: Option<Crossing>,
}

impl Position {
    /// That of a georeference; an error is a clause about the raster.
    ///
    /// Longitude and latitude are those of the map's own datum, of which none is further than a kilometre from any other.
    pub fn of(geo: &GeoTags) -> Result<Position, String> {
        let crs = Crs::of_tags(geo);
        let (Some(transform), Some(crs)) = (geo.transform(), crs) else {
            return Err("has no place: it lacks its corner, the size of its pixels or its coordinate system".into());
        };
        if crs.is_geographic() {
            return Ok(Position { transform, crossing: None });
        }
        let unknown = || "has a coordinate system that meltcore cannot compute by itself".to_owned();
        let base = crs.base().ok_or_else(unknown)?;
        let crossing = Crossing::new(&crs, &base).map_err(|what| format!("has {what}"))?;
        Ok(Position { transform, crossing: Some(crossing) })
    }

    /// Longitude and latitude, degrees, at a fractional row and column; (0, 0) is the first pixel's corner. `None` beyond the map's world.
    pub fn at(&self, row: f64, col: f64) -> Option<(f64, f64)> {
        let (x, y) = self.transform.at(row, col);
        match &self.crossing {
            None => Some((x, y)),
            Some(crossing) => crossing.at(x, y),
        }
    }
}
