//! Positions from one coordinate system to another.
//!
//! Longitudes and latitudes are taken over as they are, as PROJ does between systems that name no datum in common, and between those that
//! realise one (WGS 84, ETRS 89 and NAD 83 lie within two metres). Where a survey's own datum lies hundreds of metres away, no crossing is
//! made. The formulas are those of the crate `proj4rs`, but for three in which its version 0.1.10 fails: the equal-area map around the
//! south pole is the mirror image of that around the north pole here, and on a sphere around another place it is left to GDAL;
//! stereographic maps around one pole have no place for the other.

use proj4rs::Proj;
use proj4rs::transform::transform;

use super::Parameter::{Latitude, Northing};
use super::{Crs, Geodetic, LAMBERT_AZIMUTHAL, POLAR_STEREOGRAPHIC, Spelt};

/// Ways between two systems.
pub(in crate::data) enum Crossing {
    /// Both are one.
    Same,
    /// Through longitude and latitude.
    Through(Box<Through>),
}

/// The way through longitude and latitude.
pub(in crate::data) struct Through {
    from: Side,
    /// Longitude and latitude, whatever they are of.
    between: Proj,
    to: Side,
}

/// One of two systems.
struct Side {
    proj: Proj,
    geographic: bool,
    /// Whether `proj` is its mirror image at the equator.
    mirrored: bool,
    /// The latitude (radians) that has no place there.
    nowhere: Option<f64>,
}

/// Half the longer axes and 1/f of ellipsoids that are no survey's own: WGS 84 and GRS 80, and that of early microwave maps (Hughes 1980).
const GLOBAL: [(f64, f64); 2] = [(6378137.0, 298.2572), (6378273.0, 298.2794)];

/// Parts of a line's segment from one system to another: one of a degree along the 70th parallel is 0.3 m beside the bent one, not 83.
const PIECES: usize = 16;

/// Latitudes (radians) that are so near to a pole are the pole.
const POLE: f64 = 1e-12;

impl Geodetic {
    /// Whether its longitudes and latitudes are anybody's.
    fn is_global(&self) -> bool {
        let global = GLOBAL.iter().any(|(major, inverse)| self.semi_major == *major && (self.inverse_flattening - inverse).abs() < 1e-3);
        global || self.inverse_flattening == 0.0
    }
}

impl Side {
    /// An error is a clause about the system.
    fn new(crs: &Crs) -> Result<(Geodetic, Side), String> {
        let named = crs.code.map_or_else(String::new, |code| format!(" (EPSG:{code})"));
        let unknown = || format!("a coordinate system{named} that meltcore cannot compute by itself");
        let spelt = crs.spelt.as_ref().ok_or_else(unknown)?;
        let azimuthal = spelt.projection.as_ref().filter(|own| own.method == LAMBERT_AZIMUTHAL);
        let south = azimuthal.filter(|own| own.value(Latitude) == -90.0).map(|own| {
            let mut north = own.clone();
            north.parameters.extend([(Latitude, 90.0), (Northing, -own.value(Northing))]);
            Spelt { projection: Some(north), geodetic: spelt.geodetic }
        });
        let oblique = azimuthal.is_some_and(|own| ![-90.0, 0.0, 90.0].contains(&own.value(Latitude)));
        if oblique && spelt.geodetic.inverse_flattening == 0.0 {
            return Err(unknown());
        }
        let words = south.as_ref().unwrap_or(spelt).to_proj().ok_or_else(unknown)?;
        let proj = Proj::from_proj_string(&words).map_err(|e| format!("a coordinate system{named} that makes no sense ({words}: {e})"))?;
        let polar = spelt.projection.as_ref().map(|own| own.canonical(&spelt.geodetic)).filter(|own| own.method == POLAR_STEREOGRAPHIC);
        let nowhere = polar.map(|own| -own.value(Latitude).to_radians());
        Ok((spelt.geodetic, Side { proj, geographic: crs.geographic, mirrored: south.is_some(), nowhere }))
    }
}

impl Crossing {
    /// The way from one system to another; an error is a clause about the one that stands in the way, or about both.
    pub fn new(from: &Crs, to: &Crs) -> Result<Crossing, String> {
        if from.is_same(to) == Some(true) {
            return Ok(Crossing::Same);
        }
        let ((from_base, from), (to_base, to)) = (Side::new(from)?, Side::new(to)?);
        let is_shared = from_base.is_same(&to_base) || (from_base.is_global() && to_base.is_global());
        if !is_shared {
            return Err("two coordinate systems of different datums, between which meltcore knows no way by itself".into());
        }
        let between = Proj::from_proj_string("+proj=longlat +R=1").map_err(|e| format!("no longitude and latitude ({e})"))?;
        Ok(Crossing::Through(Box::new(Through { from, between, to })))
    }

    /// A position (x, y), in the unit of each system; `None` where one of them has no such place.
    pub fn at(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        let Crossing::Through(through) = self else { return Some((x, y)) };
        let Through { from, between, to } = &**through;
        let turned = |side: &Side, y: f64| if side.mirrored { -y } else { y };
        let mut place = if from.geographic { (x.to_radians(), y.to_radians(), 0.0) } else { (x, turned(from, y), 0.0) };
        transform(&from.proj, between, &mut place).ok()?;
        place.1 = turned(to, turned(from, place.1));
        if to.nowhere.is_some_and(|latitude| (latitude - place.1).abs() < POLE) {
            return None;
        }
        transform(between, &to.proj, &mut place).ok()?;
        let (x, y) = if to.geographic { (place.0.to_degrees(), place.1.to_degrees()) } else { (place.0, turned(to, place.1)) };
        (x.is_finite() && y.is_finite()).then_some((x, y))
    }
}

impl Crs {
    /// A line of this system in another: each of its segments in [`PIECES`] parts, as what is straight here is bent there.
    ///
    /// # Errors
    /// A clause about the systems, or about a point that one of them has no place for.
    pub fn line_in(&self, other: &Crs, points: &[(f64, f64)]) -> Result<Vec<(f64, f64)>, String> {
        let crossing = Crossing::new(self, other)?;
        let between = |pair: &[(f64, f64)], part: usize| {
            let share = part as f64 / PIECES as f64;
            let of = |from: f64, to: f64| from + share * (to - from);
            (of(pair[0].0, pair[1].0), of(pair[0].1, pair[1].1))
        };
        let parts = points.windows(2).flat_map(|pair| (0..PIECES).map(move |part| between(pair, part)));
        let at = |(x, y): (f64, f64)| crossing.at(x, y).ok_or_else(|| format!("no place for the point {x}, {y}"));
        parts.chain(points.last().copied()).map(at).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longitude and latitude with the x and y that PROJ 9.5 gives.
    #[test]
    fn places_are_those_of_proj() {
        let geographic = Crs::of_definition("EPSG:4326");
        for (words, longitude, latitude, x, y) in [
            ("EPSG:3413", -38.5, 66.3, 294681.7807, -2586388.7955),
            ("EPSG:3413", 100.0, 89.9, 6213.4014, 8873.6568),
            ("EPSG:3031", 170.25, -77.8, 225300.6247, -1311172.4025),
            ("EPSG:3976", -60.0, -65.0, -2381784.3490, 1375123.8350),
            ("EPSG:5938", -50.0, 72.0, 1411056.7834, 73653.5378),
            ("EPSG:3035", 11.5, 47.2, 4434738.1041, 2677420.8076),
            ("EPSG:6931", -45.0, 70.0, -1570958.5501, -1570958.5501),
            ("EPSG:3408", -45.0, 70.0, -1564618.1894, -1564618.1894),
            ("EPSG:3338", -150.25, 61.1, 201405.5862, 1241007.7413),
            ("EPSG:3057", -18.1, 64.9, 542611.6188, 489155.0907),
            ("EPSG:3978", -75.0, 80.0, 389577.2336, 3456304.0227),
            ("EPSG:6933", -45.0, 70.0, -4341882.6113, 6895812.5898),
            ("EPSG:32624", -38.5, 66.3, 522426.1956, 7353439.1514),
            ("EPSG:32724", -36.0, -54.3, 695203.5918, 3978947.6705),
            ("EPSG:25833", 15.5, 78.2, 511414.1796, 8680738.6025),
            ("EPSG:2193", 170.1, -43.6, 1365933.7136, 5168465.9020),
            ("EPSG:3857", -45.0, 70.0, -5009377.0857, 11068715.6594),
            ("+proj=stere +lat_0=70.5 +lon_0=-40 +R=6371229", -36.5, 66.7, 154037.3903, -418326.6593),
            ("+proj=stere +lat_0=70.5 +lon_0=-40 +k=0.99 +x_0=1000 +ellps=GRS80", -36.5, 66.7, 154073.8891, -415398.1240),
            ("+proj=sterea +lat_0=46 +lon_0=25 +k=0.99975 +x_0=500000 +y_0=500000 +ellps=GRS80", 24.1, 47.3, 431942.7917, 644871.9856),
            ("+proj=lcc +lat_1=46.5 +lat_0=46.5 +lon_0=3 +k=0.9998 +ellps=GRS80", 7.0, 45.9, 310233.0971, -58824.1205),
            ("+proj=lcc +lat_1=60 +lat_2=60 +lat_0=63.3 +lon_0=15 +R=6371000", 20.0, 78.0, 123489.7308, 1680255.9973),
            ("+proj=merc +lat_ts=41 +lon_0=100 +ellps=WGS84", 95.0, 40.0, -420675.9256, 3656912.9435),
            ("+proj=eqc +lat_ts=60 +lon_0=-40 +R=6371000", -36.5, 66.7, 194591.1216, 7416701.6072),
            ("+proj=cea +lat_ts=30 +lon_0=0 +R=6371228", -45.0, 70.0, -4333548.4859, 6913187.4317),
            ("+proj=tmerc +lat_0=0 +lon_0=87 +k=0.9999 +x_0=500000 +ellps=GRS80", 86.9, 27.98, 490162.9787, 3095919.7665),
            ("+proj=aea +lat_0=70 +lon_0=-45 +lat_1=60 +lat_2=80 +R=6371000 +units=km", -38.0, 66.0, 312.6652536, -432.7274585),
            ("EPSG:6932", 60.0, -70.0, 1924023.4274, 1110835.4437),
            ("EPSG:3409", -100.0, -80.5, -1039149.3864, -183230.0738),
            ("+proj=laea +lat_0=-90 +lon_0=30 +x_0=100 +y_0=200 +ellps=GRS80", -20.0, -68.0, -1869838.6069, 1569264.7953),
            ("+proj=laea +lat_0=0 +lon_0=30 +R=6371000", 20.0, 10.0, -1097812.3705, 1114747.8958),
            ("+proj=laea +lat_0=0 +lon_0=30 +ellps=WGS84", 20.0, -10.0, -1099153.6101, -1108638.2632),
            ("+proj=stere +lat_0=-90 +lat_ts=-71 +lon_0=10 +R=6371000", -20.0, -68.0, -1204662.1346, 2086536.0231),
            ("+proj=stere +lat_0=90 +lat_ts=60 +lon_0=10 +R=6371000", -20.0, 68.0, -1155440.0839, -2001280.9304),
            ("+proj=lcc +lat_0=45 +lon_0=0 +lat_1=30 +lat_2=60 +ellps=WGS84", 22.0, 40.0, 1800179.2680, -288468.9271),
            ("+proj=stere +lat_0=0 +lon_0=20 +ellps=WGS84", 22.0, 10.0, 220979.1717, 1109006.1106),
        ] {
            let crs = Crs::of_definition(words);
            let (there, back) = (Crossing::new(&geographic, &crs).unwrap(), Crossing::new(&crs, &geographic).unwrap());
            let near = |found: Option<(f64, f64)>, wanted: (f64, f64), most: f64| {
                found.is_some_and(|found| (found.0 - wanted.0).abs() < most && (found.1 - wanted.1).abs() < most)
            };
            let metres = 1e-3 / crs.metres();
            assert!(near(there.at(longitude, latitude), (x, y), metres), "{words}: {:?}, not {x}, {y}", there.at(longitude, latitude));
            assert!(near(back.at(x, y), (longitude, latitude), 2e-7), "{words}: {:?}", back.at(x, y));
        }
    }

    #[test]
    fn no_way_leads_over_other_datums() {
        let [wgs84, osgb, nad27, unknown] = ["EPSG:4326", "EPSG:27700", "EPSG:4267", "EPSG:2056"].map(Crs::of_definition);
        assert!(matches!(Crossing::new(&osgb, &osgb), Ok(Crossing::Same)));
        for (from, to) in [(&wgs84, &osgb), (&nad27, &wgs84)] {
            assert!(Crossing::new(from, to).err().unwrap().contains("datums"));
        }
        assert!(Crossing::new(&wgs84, &unknown).err().unwrap().contains("EPSG:2056"));
        // Formulas of the crate that are wrong are not used.
        let oblique = Crs::of_definition("+proj=laea +lat_0=52 +lon_0=10 +R=6371000");
        assert!(oblique.is_understood() && Crossing::new(&wgs84, &oblique).is_err());
        // The other pole has no place on a stereographic map.
        for (code, pole) in [("EPSG:3413", 90.0), ("EPSG:3031", -90.0)] {
            let polar = Crossing::new(&wgs84, &Crs::of_definition(code)).unwrap();
            assert!(polar.at(10.0, -pole).is_none() && polar.at(10.0, pole).is_some_and(|(x, y)| x.hypot(y) < 1e-3), "{code}");
        }
    }
}
