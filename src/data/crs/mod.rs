//! Coordinate systems, told apart by what they mean and not by the words that programs name them with.
//!
//! A system is an EPSG code, or a projection spelt out in GeoTIFF keys (`keys.rs`), WKT (`wkt.rs`), a PROJ string (`proj_string.rs`) or the
//! attributes of a NetCDF variable (`grid_mapping.rs`); for codes that maps of ice are usually made in, `codes.rs` knows what they stand
//! for, so that all forms compare. `crossing.rs` takes positions from one system to another. Only horizontal systems count.
//! Sources: OGC GeoTIFF 1.1, section 7 and annex; OGC 01-009 and 18-010 (WKT 1 and 2); EPSG guidance note 7-2 (polar stereographic).

mod codes;
mod crossing;
mod grid_mapping;
mod keys;
mod proj_string;
mod wkt;

pub(in crate::data) use crossing::Crossing;
pub(in crate::data) use grid_mapping::Attributes;

use std::collections::BTreeMap;

/// Degrees that are the same for any map: about a centimetre.
const DEGREES: f64 = 1e-7;
/// Metres that are the same for any map.
const METRES: f64 = 1e-3;
/// Inverse flattenings that are the same for any map; those of GRS 80 and WGS 84 are.
const FLATTENING: f64 = 1e-5;

/// A horizontal coordinate system, as far as it is understood.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Crs {
    /// Its EPSG code.
    code: Option<u32>,
    /// Whether its coordinates are longitude and latitude.
    geographic: bool,
    /// What it is, where that is spelt out in a way that is known here.
    spelt: Option<Spelt>,
}

/// A system spelt out.
#[derive(Debug, Clone, PartialEq)]
struct Spelt {
    /// `None` for longitude and latitude.
    projection: Option<Projection>,
    geodetic: Geodetic,
}

/// What longitude and latitude mean.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Geodetic {
    /// Half the longer axis of the ellipsoid, metres.
    semi_major: f64,
    /// 1/f, 0 for a sphere.
    inverse_flattening: f64,
    /// EPSG code of the datum.
    datum: Option<u32>,
    /// Longitude of the prime meridian, degrees east of Greenwich.
    meridian: f64,
}

/// Parameters of projections under one name each, whatever a method calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Parameter {
    /// Latitude of the origin, degrees.
    Latitude,
    /// Longitude of the origin or of the central meridian, degrees.
    Longitude,
    /// First standard parallel, degrees.
    Parallel1,
    /// Second standard parallel, degrees.
    Parallel2,
    /// Azimuth of the central line, degrees.
    Azimuth,
    /// Scale at the origin.
    Scale,
    /// Added to x, metres.
    Easting,
    /// Added to y, metres.
    Northing,
}

impl Parameter {
    fn is_angle(self) -> bool {
        !matches!(self, Parameter::Scale | Parameter::Easting | Parameter::Northing)
    }
}

/// A map projection.
#[derive(Debug, Clone, PartialEq)]
struct Projection {
    /// The method by its GeoTIFF number (key 3075).
    method: u16,
    parameters: BTreeMap<Parameter, f64>,
    /// Metres in the unit of x and y.
    unit: f64,
}

const TRANSVERSE_MERCATOR: u16 = 1;
const MERCATOR: u16 = 7;
const LAMBERT_CONFORMAL: u16 = 8;
/// With one parallel.
const LAMBERT_CONFORMAL_1: u16 = 9;
const LAMBERT_AZIMUTHAL: u16 = 10;
const ALBERS: u16 = 11;
const STEREOGRAPHIC: u16 = 14;
const POLAR_STEREOGRAPHIC: u16 = 15;
const OBLIQUE_STEREOGRAPHIC: u16 = 16;
const EQUIRECTANGULAR: u16 = 17;
const CYLINDRICAL_EQUAL_AREA: u16 = 28;

impl Crs {
    /// The system that a code of EPSG's registry names.
    fn of_code(code: u32) -> Crs {
        let spelt = codes::spelt(code);
        let geographic = spelt.as_ref().map_or((4001..5000).contains(&code), |spelt| spelt.projection.is_none());
        Crs { code: Some(code), geographic, spelt }
    }

    /// Whether its coordinates are longitude and latitude.
    pub fn is_geographic(&self) -> bool {
        self.geographic
    }

    /// Longitude and latitude as this system counts them, on its own ellipsoid and datum; `None` where it is not spelt out.
    pub(in crate::data) fn base(&self) -> Option<Crs> {
        let geodetic = Geodetic { meridian: 0.0, ..self.spelt.as_ref()?.geodetic };
        Some(Crs { code: None, geographic: true, spelt: Some(Spelt { projection: None, geodetic }) })
    }

    /// Metres in the unit of x and y; 1 for longitude and latitude, and where it is not spelt out.
    pub(in crate::data) fn metres(&self) -> f64 {
        self.spelt.as_ref().and_then(|spelt| spelt.projection.as_ref()).map_or(1.0, |projection| projection.unit)
    }

    /// A definition that other programs understand: its code, or a PROJ string; empty for a system that is not understood.
    pub fn words(&self) -> String {
        let spelt = || {
            let spelt = self.spelt.as_ref()?;
            let datum = if spelt.geodetic.datum == Some(6326) { " +datum=WGS84" } else { "" };
            Some(format!("{}{datum}", spelt.to_proj()?))
        };
        self.code.map(|code| format!("EPSG:{code}")).or_else(spelt).unwrap_or_default()
    }

    /// Whether it is known what the system is, beyond its code.
    pub(in crate::data) fn is_understood(&self) -> bool {
        self.spelt.is_some()
    }

    /// Whether both are one system; `None` where too little is understood of one of them.
    pub fn is_same(&self, other: &Crs) -> Option<bool> {
        match (self.code, other.code) {
            (Some(a), Some(b)) if a == b => return Some(true),
            _ => {}
        }
        match (&self.spelt, &other.spelt) {
            // Numbers that make nonsense, such as a unit of 0, are not even the same as themselves: they are not understood.
            (Some(a), Some(b)) if a.is_same(a) && b.is_same(b) => Some(a.is_same(b)),
            // Two codes for one system are rare, and those that matter here are spelt out.
            _ if self.code.is_some() && other.code.is_some() => Some(false),
            _ => None,
        }
    }
}

impl Spelt {
    fn is_same(&self, other: &Spelt) -> bool {
        let projections = match (&self.projection, &other.projection) {
            (None, None) => true,
            (Some(a), Some(b)) => a.canonical(&self.geodetic).is_same(&b.canonical(&other.geodetic)),
            _ => false,
        };
        projections && self.geodetic.is_same(&other.geodetic)
    }
}

impl Geodetic {
    fn is_same(&self, other: &Geodetic) -> bool {
        let datums = self.datum.is_none() || other.datum.is_none() || self.datum == other.datum;
        datums
            && (self.semi_major - other.semi_major).abs() < 0.01
            && (self.inverse_flattening - other.inverse_flattening).abs() < FLATTENING
            && (self.meridian - other.meridian).abs() < DEGREES
    }
}

impl Projection {
    fn value(&self, parameter: Parameter) -> f64 {
        let default = if parameter == Parameter::Scale { 1.0 } else { 0.0 };
        self.parameters.get(&parameter).copied().unwrap_or(default)
    }

    /// The same projection with parameters that depend on no habit of writing.
    fn canonical(&self, geodetic: &Geodetic) -> Projection {
        use Parameter::*;
        let mut new = self.clone();
        let (latitude, first, second) = (self.value(Latitude), self.value(Parallel1), self.value(Parallel2));
        match self.method {
            LAMBERT_CONFORMAL | ALBERS => {
                // Either parallel may come first.
                new.parameters.insert(Parallel1, first.min(second));
                new.parameters.insert(Parallel2, first.max(second));
            }
            STEREOGRAPHIC | POLAR_STEREOGRAPHIC => {
                // The latitude of true scale stands as the origin's or as a parallel; another form gives the scale at the pole.
                let given = self.parameters.get(&Parallel1).copied().filter(|_| self.method == POLAR_STEREOGRAPHIC);
                let true_scale = given.unwrap_or(latitude);
                if self.method == POLAR_STEREOGRAPHIC || (true_scale.abs() - 90.0).abs() < DEGREES {
                    new.method = POLAR_STEREOGRAPHIC;
                    new.parameters.remove(&Parallel1);
                    new.parameters.insert(Latitude, 90.0f64.copysign(true_scale));
                    new.parameters.insert(Scale, self.value(Scale) * geodetic.scale_at_pole(true_scale.abs()));
                }
            }
            _ => {}
        }
        new
    }

    fn is_same(&self, other: &Projection) -> bool {
        let close = |parameter: &Parameter| {
            let (a, b) = (self.value(*parameter), other.value(*parameter));
            match parameter {
                Parameter::Longitude => {
                    let turned = (a - b).rem_euclid(360.0);
                    turned.min(360.0 - turned) < DEGREES
                }
                Parameter::Scale => (a - b).abs() < 1e-9,
                Parameter::Easting | Parameter::Northing => (a - b).abs() < METRES,
                _ => (a - b).abs() < DEGREES,
            }
        };
        let mut parameters = self.parameters.keys().chain(other.parameters.keys());
        self.method == other.method && (self.unit / other.unit - 1.0).abs() < 1e-9 && parameters.all(close)
    }
}

impl Geodetic {
    /// The scale at the pole of a polar stereographic projection that is true to scale at a latitude (degrees, positive).
    ///
    /// k₀ = m √((1+e)^(1+e) (1−e)^(1−e)) / (2 t), m = cos φ / √(1 − e² sin² φ), t = tan(π/4 − φ/2) ((1 + e sin φ)/(1 − e sin φ))^(e/2).
    fn scale_at_pole(&self, latitude: f64) -> f64 {
        if 90.0 - latitude < DEGREES {
            return 1.0;
        }
        let f = if self.inverse_flattening == 0.0 { 0.0 } else { 1.0 / self.inverse_flattening };
        let (phi, e) = (latitude.to_radians(), (f * (2.0 - f)).sqrt());
        let m = phi.cos() / (1.0 - (e * phi.sin()).powi(2)).sqrt();
        let t = (std::f64::consts::FRAC_PI_4 - phi / 2.0).tan() * ((1.0 + e * phi.sin()) / (1.0 - e * phi.sin())).powf(e / 2.0);
        m * ((1.0 + e).powf(1.0 + e) * (1.0 - e).powf(1.0 - e)).sqrt() / (2.0 * t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WGS_84: Geodetic = Geodetic { semi_major: 6378137.0, inverse_flattening: 298.257223563, datum: Some(6326), meridian: 0.0 };

    #[test]
    fn the_scale_at_the_pole_is_that_of_the_guidance_note() {
        // EPSG guidance note 7-2, polar stereographic variant B, Australian Antarctic: 71° S on WGS 84.
        assert!((WGS_84.scale_at_pole(71.0) - 0.97276901).abs() < 1e-8);
        // Universal polar stereographic: 0.994 at the pole, true to scale at 81° 06′ 52.3″.
        assert!((WGS_84.scale_at_pole(81.0 + 6.0 / 60.0 + 52.3 / 3600.0) - 0.994).abs() < 1e-7);
        assert_eq!(WGS_84.scale_at_pole(90.0), 1.0);
    }

    #[test]
    fn systems_that_only_look_different_are_the_same() {
        let a = |pairs: &[(Parameter, f64)]| Projection { method: ALBERS, parameters: pairs.iter().copied().collect(), unit: 1.0 };
        use Parameter::*;
        let one = a(&[(Latitude, 70.0), (Longitude, -45.0), (Parallel1, 62.0), (Parallel2, 80.0), (Easting, 0.0)]);
        let other = a(&[(Latitude, 70.0), (Longitude, 315.0), (Parallel1, 80.0), (Parallel2, 62.0), (Scale, 1.0)]);
        assert!(one.canonical(&WGS_84).is_same(&other.canonical(&WGS_84)));
        let moved = a(&[(Latitude, 70.0), (Longitude, -45.0), (Parallel1, 62.0), (Parallel2, 80.0), (Easting, 1.0)]);
        assert!(!one.canonical(&WGS_84).is_same(&moved.canonical(&WGS_84)));
        assert!(!one.is_same(&Projection { unit: 1000.0, ..one.clone() }));
        assert_eq!(Crs::of_code(5041).is_same(&Crs::of_code(32661)), Some(true));
        assert_eq!(Crs::of_code(3413).is_same(&Crs::of_code(3031)), Some(false));
        assert_eq!(Crs::of_code(2056).is_same(&Crs::of_code(3413)), Some(false));
        assert_eq!(Crs::of_code(2056).is_same(&Crs { code: None, ..Crs::of_code(3413) }), None);
    }
}
