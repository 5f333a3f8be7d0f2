//! A glacier's centre line: where fronts cross it, counted from its inland end.
//!
//! A position is the length along the line from its first point to the crossing, in metres, so that a larger one is an advance. Everything
//! is measured on the plane of the scene's pixels, each of its size in metres. A line that was drawn from the ocean inland is turned around
//! ([`direction`]).

use std::path::Path;

use super::drawing::Labels;
use super::lines::Line;
use crate::data::crs::Crs;
use crate::data::geojson::read_line;
use crate::data::geotags::GeoTags;
use crate::error::{Error, Result};

/// Crossings closer than this share of a pixel's side are one.
const SAME: f64 = 1e-6;

/// A line in the coordinates of scenes, or in columns and rows of pixels where these have no place.
#[derive(Debug, Clone, PartialEq)]
pub struct CentreLine {
    points: Vec<(f64, f64)>,
    crs: Option<Crs>,
    /// Whether it is GeoJSON, which is in longitude and latitude where it names no system (RFC 7946, section 4).
    is_geojson: bool,
}

/// The grid that a line is laid on.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// Where the scene lies.
    pub geo: &'a GeoTags,
    /// Metres from a pixel to the next one beside it, and to the next one below.
    pub pixel: (f64, f64),
}

impl CentreLine {
    /// Reads a line: GeoJSON, or text with `x,y` in each line, heads allowed.
    ///
    /// # Errors
    /// Those of [`read_line`]; [`Error::Input`] for a text that is no list of at least two points, and for points that are all one place.
    pub fn read(path: &Path) -> Result<CentreLine> {
        let line = CentreLine::read_points(path)?;
        if line.points.iter().all(|point| *point == line.points[0]) {
            return Err(Error::input(path, "has no length, all its points being one place; draw it from the ice to the ocean"));
        }
        Ok(line)
    }

    fn read_points(path: &Path) -> Result<CentreLine> {
        let is_json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("geojson") || ending.eq_ignore_ascii_case("json"));
        if is_json {
            let line = read_line(path)?;
            return Ok(CentreLine { points: line.points, crs: line.crs, is_geojson: true });
        }
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::input(path, format!("cannot be read as text ({e}); check the path and its permissions")).because(e))?;
        let mut points = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            match point(line) {
                Some(point) => points.push(point),
                None if index == 0 => {}
                None => return Err(Error::input(path, format!("line {} is no point; write `x,y` in each line", index + 1))),
            }
        }
        match points.len() {
            0 | 1 => Err(Error::input(path, "is no list of at least two points `x,y`; a line as GeoJSON has the ending .geojson")),
            _ => Ok(CentreLine { points, crs: None, is_geojson: false }),
        }
    }

    /// The line in the coordinates of a scene.
    ///
    /// # Errors
    /// [`Error::Usage`] for a line of a named system on a scene without one, and where no way leads from one system to the other.
    pub fn in_system_of(&self, path: &Path, scene: &str, geo: &GeoTags) -> Result<CentreLine> {
        let refuse = |message: String| Err(Error::Usage(format!("{}, against {scene}: {message}", path.display())));
        let (from, to) = match (&self.crs, Crs::of_tags(geo)) {
            (Some(line), Some(scene)) if line.is_same(&scene) == Some(false) => (line.clone(), scene),
            (Some(line), None) => {
                let words = format!("names the coordinate system {}, and the scene has none", line.words());
                return refuse(format!("{words}; draw it in columns and rows of pixels, or give scenes that say where they are"));
            }
            (None, Some(scene)) if self.is_geojson && self.is_in_degrees() && !scene.is_geographic() => {
                (Crs::of_definition("EPSG:4326"), scene)
            }
            _ => return Ok(self.clone()),
        };
        match from.line_in(&to, &self.points) {
            Ok(points) => Ok(CentreLine { points, crs: Some(to), is_geojson: self.is_geojson }),
            Err(what) => refuse(format!(
                "names another coordinate system than the scene has, and here is {what}; bring it to that of the scenes (ogr2ogr -t_srs)"
            )),
        }
    }

    /// Whether it may be in longitude and latitude.
    pub fn is_in_degrees(&self) -> bool {
        self.points.iter().all(|(x, y)| x.abs() <= 360.0 && y.abs() <= 90.0)
    }

    /// Whether some of it lies on a scene.
    ///
    /// # Shapes
    /// `size`: rows and columns.
    pub fn touches(&self, [rows, cols]: [usize; 2], plane: Plane) -> bool {
        let (right, bottom) = (cols as f64 * plane.pixel.0, rows as f64 * plane.pixel.1);
        let corners = [(0.0, 0.0), (right, 0.0), (right, bottom), (0.0, bottom), (0.0, 0.0)];
        let is_inside = |(x, y): &(f64, f64)| (0.0..=right).contains(x) && (0.0..=bottom).contains(y);
        let line = self.on(plane);
        let crosses = |pair: &[(f64, f64)]| corners.windows(2).any(|side| share(pair, side).is_some());
        line.iter().any(is_inside) || line.windows(2).any(crosses)
    }

    /// Its points on the plane of a scene: metres to the right and down from the outer corner of the first pixel.
    fn on(&self, plane: Plane) -> Vec<(f64, f64)> {
        let transform = plane.geo.transform();
        let position = |&(x, y): &(f64, f64)| transform.map_or((x, y), |transform| transform.position(x, y));
        self.points.iter().map(position).map(|(col, row)| (col * plane.pixel.0, row * plane.pixel.1)).collect()
    }

    /// The line the other way round.
    pub fn reversed(&self) -> CentreLine {
        CentreLine { points: self.points.iter().rev().copied().collect(), ..self.clone() }
    }

    /// Where fronts cross it, in ascending order: metres from its first point.
    pub fn crossings(&self, front: &[Line], plane: Plane) -> Vec<f64> {
        let line = self.on(plane);
        let mut found = Vec::new();
        for of in front {
            let points: Vec<(f64, f64)> = of.points().iter().map(|(row, col)| (col * plane.pixel.0, row * plane.pixel.1)).collect();
            let mut before = 0.0;
            for pair in line.windows(2) {
                let length = (pair[1].0 - pair[0].0).hypot(pair[1].1 - pair[0].1);
                found.extend(points.windows(2).filter_map(|front| share(pair, front)).map(|share| before + share * length));
                before += length;
            }
        }
        found.sort_by(f64::total_cmp);
        // A crossing at a point of either line is found on both sides of it.
        found.dedup_by(|b, a| *b - *a <= SAME * plane.pixel.0.min(plane.pixel.1));
        found
    }

    /// Whether it leads to the ocean in a scene: above 0 if it does, below 0 if it comes from there, 0 where its ends do not tell.
    ///
    /// # Shapes
    /// `zones`: rows × columns, row after row; `size`: rows and columns.
    pub fn direction(&self, zones: &[u8], [rows, cols]: [usize; 2], labels: Labels, plane: Plane) -> i32 {
        let line = self.on(plane);
        let class = |point: Option<&(f64, f64)>| {
            let (x, y) = point?;
            let (col, row) = ((x / plane.pixel.0).floor(), (y / plane.pixel.1).floor());
            let is_inside = (0.0..rows as f64).contains(&row) && (0.0..cols as f64).contains(&col);
            is_inside.then(|| zones[row as usize * cols + col as usize])
        };
        let side = |class: Option<u8>| match class {
            Some(class) if class == labels.ocean => 1,
            Some(_) => -1,
            None => 0,
        };
        side(class(line.last())) - side(class(line.first()))
    }
}

/// A line of text as x and y.
fn point(line: &str) -> Option<(f64, f64)> {
    let (x, y) = line.split_once([',', ';', '\t'])?;
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    Some((number(x)?, number(y)?))
}

/// How far along one segment another one crosses it, 0…1; none where it does not. Parallel ones do not cross.
fn share(of: &[(f64, f64)], other: &[(f64, f64)]) -> Option<f64> {
    let [along, across] = [of, other].map(|pair| (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1));
    let between = (other[0].0 - of[0].0, other[0].1 - of[0].1);
    let cross = |a: (f64, f64), b: (f64, f64)| a.0 * b.1 - a.1 * b.0;
    let area = cross(along, across);
    let [on, at] = [cross(between, across) / area, cross(between, along) / area];
    (area != 0.0 && (0.0..=1.0).contains(&on) && (0.0..=1.0).contains(&at)).then_some(on)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::geotags::GeoTransform;
    use crate::fronts::drawing::Drawing;
    use crate::fronts::zones::{GLACIER, OCEAN};

    fn line(points: &[(f64, f64)]) -> CentreLine {
        CentreLine { points: points.to_vec(), crs: None, is_geojson: false }
    }

    /// The ocean right of a column of a map of 20 rows × 30 columns.
    fn front(col: usize) -> (Vec<u8>, Vec<Line>) {
        let classes: Vec<u8> = (0..20 * 30).map(|at| if at % 30 > col { OCEAN } else { GLACIER }).collect();
        let drawn = Drawing { shortest_piece: 0.0, ..Drawing::at(1.0) }.draw(&classes, [20, 30]).unwrap();
        let lines = drawn.lines((10.0, 5.0));
        (classes, lines)
    }

    #[test]
    fn positions_are_metres_along_the_line() {
        let none = GeoTags::default();
        let plane = Plane { geo: &none, pixel: (10.0, 5.0) };
        let (classes, lines) = front(11);
        // The front's pixels are in column 12, centres at 12.5; from column 2.5 that is 10 columns of 10 m.
        let straight = line(&[(2.5, 8.0), (20.0, 8.0), (29.0, 8.0)]);
        assert_eq!(straight.crossings(&lines, plane), [100.0]);
        assert_eq!(straight.direction(&classes, [20, 30], Labels::default(), plane), 2);
        let turned = straight.reversed();
        assert_eq!(turned.crossings(&lines, plane), [165.0]);
        assert_eq!(turned.direction(&classes, [20, 30], Labels::default(), plane), -2);
        // Back over the front and out again.
        let bent = line(&[(2.5, 8.0), (16.5, 8.0), (16.5, 12.0), (6.5, 12.0)]);
        assert_eq!(bent.crossings(&lines, plane), [100.0, 140.0 + 20.0 + 40.0]);
        assert!(line(&[(1.0, 1.0), (5.0, 5.0)]).crossings(&lines, plane).is_empty());
        assert_eq!(line(&[(-4.0, 1.0), (50.0, 5.0)]).direction(&classes, [20, 30], Labels::default(), plane), 0);
        // Through the very centres of pixels, where segments meet: one crossing.
        assert_eq!(line(&[(2.5, 8.5), (29.0, 8.5)]).crossings(&lines, plane).len(), 1);
    }

    #[test]
    fn lines_of_a_place_are_in_its_coordinates() {
        let place = GeoTransform { origin_x: 5000.0, origin_y: 9000.0, col_x: 10.0, row_x: 0.0, col_y: 0.0, row_y: -5.0 };
        let geo = GeoTags::of(&Crs::of_definition("EPSG:3413"), place).unwrap();
        let plane = Plane { geo: &geo, pixel: (10.0, 5.0) };
        let (_, lines) = front(11);
        let found = line(&[(5025.0, 8960.0), (5290.0, 8960.0)]).crossings(&lines, plane);
        assert!(found.len() == 1 && (found[0] - 100.0).abs() < 1e-9, "{found:?}");
        let polar = CentreLine { crs: Some(Crs::of_definition("EPSG:3031")), ..line(&[(0.0, 0.0), (1.0, 1.0)]) };
        let laid = |line: &CentreLine, geo: &GeoTags| line.in_system_of(Path::new("line.geojson"), "a", geo);
        assert!(laid(&polar, &GeoTags::default()).unwrap_err().to_string().contains("EPSG:3031, and the scene has none"));
        let same = CentreLine { crs: Some(Crs::of_definition("EPSG:3413")), ..polar.clone() };
        assert_eq!(laid(&same, &geo).unwrap(), same);
        let unknown = CentreLine { crs: Some(Crs::of_definition("EPSG:2056")), ..polar };
        assert!(laid(&unknown, &geo).unwrap_err().to_string().contains("ogr2ogr -t_srs"));
    }

    #[test]
    fn lines_in_longitude_and_latitude_are_brought_to_the_scene() {
        // 40 km of a fjord, x and y of its ends by PROJ: see the tests of crossings.
        let place = GeoTransform { origin_x: 290e3, origin_y: -2_580e3, col_x: 100.0, row_x: 0.0, col_y: 0.0, row_y: -100.0 };
        let geo = GeoTags::of(&Crs::of_definition("EPSG:3413"), place).unwrap();
        let plane = Plane { geo: &geo, pixel: (100.0, 100.0) };
        let degrees = CentreLine { is_geojson: true, ..line(&[(-38.5, 66.3), (-37.5, 66.3)]) };
        let laid = degrees.in_system_of(Path::new("line.geojson"), "a", &geo).unwrap();
        let first = laid.points[0];
        assert!((first.0 - 294681.7807).abs() < 0.01 && (first.1 + 2586388.7955).abs() < 0.01, "{first:?}");
        assert!(laid.touches([100, 100], plane) && !degrees.touches([100, 100], plane));
        // A text says nothing of degrees.
        assert_eq!(line(&degrees.points).in_system_of(Path::new("line.csv"), "a", &geo).unwrap(), line(&degrees.points));
        let named = CentreLine { crs: Some(Crs::of_definition("EPSG:4326")), ..degrees };
        assert_eq!(named.in_system_of(Path::new("line.geojson"), "a", &geo).unwrap().points, laid.points);
        // Across the corner of a scene, without a point on it.
        let none = GeoTags::default();
        let plane = Plane { geo: &none, pixel: (1.0, 1.0) };
        assert!(line(&[(-1.0, 5.0), (5.0, -1.0)]).touches([10, 10], plane) && !line(&[(-1.0, 0.5), (0.5, -1.0)]).touches([10, 10], plane));
    }

    #[test]
    fn text_is_read_with_or_without_heads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("line.csv");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            CentreLine::read(&path).map(|line| line.points).map_err(|e| e.to_string())
        };
        assert_eq!(read("x,y\n1,2\n3.5, 4\n\n").unwrap(), [(1.0, 2.0), (3.5, 4.0)]);
        assert_eq!(read("1;2\n3;4").unwrap(), [(1.0, 2.0), (3.0, 4.0)]);
        assert!(read("1,2\n3\n").unwrap_err().contains("line.csv: line 2 is no point"));
        assert!(read("3,4\n3,4\n").unwrap_err().contains("has no length"));
        assert!(read("x,y\n3,4\n").unwrap_err().contains("at least two points"));
        assert!(CentreLine::read(&folder.path().join("none.csv")).is_err());
    }
}
