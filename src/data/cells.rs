//! How large pixels are on the ground: on maps in metres by their unit, on longitude and latitude by the latitude of each row.
//!
//! A degree has M·π/180 metres from south to north and N·cos φ·π/180 from west to east, M and N being the ellipsoid's radii of curvature
//! at the latitude φ: those of WGS 84, from which no other ellipsoid in use differs by more than a ten-thousandth. What a projection
//! stretches is not counted. Source: Snyder 1987, Map Projections – A Working Manual, equations 4-18 and 4-20.

use super::crs::Crs;
use super::geotags::{GeoTags, GeoTransform};

/// Half the longer axis of WGS 84, metres.
const SEMI_MAJOR: f64 = 6_378_137.0;
const INVERSE_FLATTENING: f64 = 298.257_223_563;

/// The pixels of a grid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cells {
    transform: GeoTransform,
    geographic: bool,
    /// Metres in the unit of the map.
    metres: f64,
}

impl Cells {
    /// Those of a place; one without a coordinate system is taken to be in metres. `None` without a place.
    pub fn of(geo: &GeoTags) -> Option<Cells> {
        let crs = Crs::of_tags(geo).unwrap_or_default();
        Some(Cells { transform: geo.transform()?, geographic: crs.is_geographic(), metres: crs.metres() })
    }

    /// Metres in a unit of x and of y on a row.
    fn units(&self, row: f64) -> (f64, f64) {
        if !self.geographic {
            return (self.metres, self.metres);
        }
        let latitude = self.transform.at(row, 0.5).1.clamp(-90.0, 90.0).to_radians();
        let flattening = 1.0 / INVERSE_FLATTENING;
        let squared = flattening * (2.0 - flattening);
        let curved = 1.0 - squared * latitude.sin().powi(2);
        let across = SEMI_MAJOR / curved.sqrt() * latitude.cos();
        let along = SEMI_MAJOR * (1.0 - squared) / curved.powf(1.5);
        (across.to_radians(), along.to_radians())
    }

    /// Metres from a pixel of a row to the next one beside it, and to the next one below.
    pub fn size(&self, row: usize) -> (f64, f64) {
        let ((x, y), of) = (self.units(row as f64 + 0.5), &self.transform);
        ((of.col_x * x).hypot(of.col_y * y), (of.row_x * x).hypot(of.row_y * y))
    }

    /// Map coordinates (x, y) of a fractional position, in metres; none on longitude and latitude.
    pub fn metres(&self, row: f64, col: f64) -> Option<(f64, f64)> {
        let (x, y) = self.transform.at(row, col);
        (!self.geographic).then_some((x * self.metres, y * self.metres))
    }

    /// Square metres of a pixel of a row.
    pub fn area(&self, row: usize) -> f64 {
        let ((x, y), of) = (self.units(row as f64 + 0.5), &self.transform);
        ((of.col_x * of.row_y - of.row_x * of.col_y) * x * y).abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(definition: &str, transform: [f64; 6]) -> Cells {
        let [origin_x, col_x, row_x, origin_y, col_y, row_y] = transform;
        let place = GeoTransform { origin_x, origin_y, col_x, row_x, col_y, row_y };
        Cells::of(&GeoTags::of(&Crs::of_definition(definition), place).unwrap()).unwrap()
    }

    #[test]
    fn pixels_of_maps_are_as_large_as_they_say() {
        let cells = grid("EPSG:3413", [0.0, 100.0, 0.0, 0.0, 0.0, -50.0]);
        assert_eq!((cells.size(7), cells.area(7)), ((100.0, 50.0), 5000.0));
        let turned = grid("EPSG:3413", [0.0, 30.0, -40.0, 0.0, 40.0, 30.0]);
        assert_eq!((turned.size(0), turned.area(0)), ((50.0, 50.0), 2500.0));
        assert!(Cells::of(&GeoTags::default()).is_none());
    }

    #[test]
    fn degrees_are_as_long_as_the_ellipsoid_says() {
        // Snyder 1987, table 5: lengths of 1° on Clarke 1866 at 0° and 45°; WGS 84 differs by some 20 m.
        for (latitude, along, across) in [(0.0, 110_567.2, 111_320.7), (45.0, 111_130.9, 78_848.8)] {
            let (x, y) = grid("EPSG:4326", [10.0, 1.0, 0.0, latitude + 0.5, 0.0, -1.0]).size(0);
            assert!((y - along).abs() < 30.0 && (x - across).abs() < 30.0, "{latitude}: {y} {x}");
        }
        // All of the Earth.
        let whole = grid("EPSG:4326", [-180.0, 0.5, 0.0, 90.0, 0.0, -0.25]);
        let area: f64 = (0..720).map(|row| whole.area(row) * 720.0).sum();
        assert!((area / 510_065_621.7e6 - 1.0).abs() < 1e-5, "{area}");
    }
}
