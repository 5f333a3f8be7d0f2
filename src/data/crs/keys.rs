//! Coordinate systems in GeoTIFF keys, read and written.
//!
//! Source: OGC GeoTIFF 1.1, section 7 (key directory) and annexes B and C (keys and codes).

use std::collections::BTreeMap;

use super::Parameter::*;
use super::{Crs, Geodetic, Projection, Spelt, codes};
use crate::data::geotags::{GeoTag, GeoTags};
use crate::data::tags::{GEO_ASCII_PARAMS, GEO_DOUBLE_PARAMS, GEO_KEY_DIRECTORY};

const MODEL_TYPE: u16 = 1024;
const RASTER_TYPE: u16 = 1025;
const GEOGRAPHIC_TYPE: u16 = 2048;
const GEOGRAPHIC_CITATION: u16 = 2049;
const PROJECTED_TYPE: u16 = 3072;
const PROJECTED_CITATION: u16 = 3073;
/// Spelt out in other keys.
const USER_DEFINED: u16 = 32767;
/// What WKT in a citation follows.
const WKT_FOLLOWS: &str = "ESRI PE String = ";

/// Which parameter a key holds.
const PARAMETERS: &[(u16, super::Parameter)] = &[
    (3078, Parallel1),
    (3079, Parallel2),
    (3080, Longitude),
    (3084, Longitude),
    (3088, Longitude),
    (3095, Longitude),
    (3081, Latitude),
    (3085, Latitude),
    (3089, Latitude),
    (3082, Easting),
    (3086, Easting),
    (3090, Easting),
    (3083, Northing),
    (3087, Northing),
    (3091, Northing),
    (3092, Scale),
    (3093, Scale),
    (3094, Azimuth),
];

const DEGREE: u16 = 9102;
const METRE: u16 = 9001;

/// The key that a parameter of a method stands under.
fn key_of(parameter: super::Parameter, method: u16) -> u16 {
    match (parameter, method) {
        (Parallel1, _) => 3078,
        (Parallel2, _) => 3079,
        (Azimuth, _) => 3094,
        (Scale, _) => 3092,
        (Longitude, super::POLAR_STEREOGRAPHIC) => 3095,
        (Longitude, super::LAMBERT_AZIMUTHAL) => 3088,
        (Latitude, super::LAMBERT_AZIMUTHAL) => 3089,
        (Longitude, super::LAMBERT_CONFORMAL) => 3084,
        (Latitude, super::LAMBERT_CONFORMAL) => 3085,
        (Easting, super::LAMBERT_CONFORMAL) => 3086,
        (Northing, super::LAMBERT_CONFORMAL) => 3087,
        (Longitude, _) => 3080,
        (Latitude, _) => 3081,
        (Easting, _) => 3082,
        (Northing, _) => 3083,
    }
}

/// The keys of one raster.
struct Keys {
    shorts: BTreeMap<u16, u16>,
    doubles: BTreeMap<u16, f64>,
    texts: Vec<String>,
}

impl Keys {
    fn of(tags: &GeoTags) -> Option<Keys> {
        let directory = tags.shorts(GEO_KEY_DIRECTORY)?;
        let numbers = tags.doubles(GEO_DOUBLE_PARAMS).unwrap_or_default();
        let text = tags.text(GEO_ASCII_PARAMS).unwrap_or_default();
        let mut keys = Keys { shorts: BTreeMap::new(), doubles: BTreeMap::new(), texts: Vec::new() };
        for &[id, location, count, value] in directory.as_chunks::<4>().0.iter().skip(1) {
            let (from, count) = (usize::from(value), usize::from(count));
            match location {
                0 => drop(keys.shorts.insert(id, value)),
                GEO_DOUBLE_PARAMS => drop(numbers.get(from).map(|number| keys.doubles.insert(id, *number))),
                GEO_ASCII_PARAMS => keys.texts.extend(text.get(from..from + count).map(str::to_owned)),
                _ => {}
            }
        }
        Some(keys)
    }

    /// A code of a key; none where it is missing, undefined or spelt out.
    fn code(&self, key: u16) -> Option<u32> {
        self.shorts.get(&key).copied().filter(|code| *code > 0 && *code != USER_DEFINED).map(u32::from)
    }

    /// Degrees in the unit of angles.
    fn degrees(&self) -> f64 {
        match (self.code(2054), self.doubles.get(&2055)) {
            (Some(9101), _) => 180.0 / std::f64::consts::PI,
            (Some(9105 | 9106), _) => 0.9,
            (Some(_), _) | (None, None) => 1.0,
            (None, Some(radians)) => radians.to_degrees(),
        }
    }

    /// Metres in the unit of x and y; none for a unit that is not known here.
    fn metres(&self) -> Option<f64> {
        match (self.code(3076), self.doubles.get(&3077)) {
            (Some(9001), _) | (None, None) => Some(1.0),
            (Some(9002), _) => Some(0.3048),
            (Some(9003), _) => Some(1200.0 / 3937.0),
            (Some(9036), _) => Some(1000.0),
            (Some(_), _) => None,
            (None, Some(metres)) => Some(*metres),
        }
    }

    fn geodetic(&self) -> Option<Geodetic> {
        let known = self.code(GEOGRAPHIC_TYPE).and_then(codes::geographic).or_else(|| self.code(2050).and_then(codes::datum));
        let (semi_major, inverse_flattening) = match (known, self.doubles.get(&2057), self.doubles.get(&2059), self.doubles.get(&2058)) {
            (Some(known), ..) => (known.semi_major, known.inverse_flattening),
            (None, Some(major), Some(inverse), _) => (*major, *inverse),
            (None, Some(major), None, Some(minor)) if major == minor => (*major, 0.0),
            (None, Some(major), None, Some(minor)) => (*major, major / (major - minor)),
            // Writers of spheres give one axis only.
            (None, Some(major), None, None) if self.code(2056).is_none() => (*major, 0.0),
            _ => codes::ellipsoid(self.code(2056)?)?,
        };
        let meridian = match (self.code(2051), self.doubles.get(&2061)) {
            (Some(8901), _) | (None, None) => 0.0,
            (None, Some(longitude)) => longitude * self.degrees(),
            (Some(_), _) => return None,
        };
        let datum = known.and_then(|known| known.datum).or_else(|| self.code(2050).and_then(codes::told_apart));
        Some(Geodetic { semi_major, inverse_flattening, datum, meridian })
    }

    fn projection(&self) -> Option<Projection> {
        let unit = self.metres()?;
        let Some(method) = self.code(3075) else {
            // A coordinate operation of the registry: the zones of the universal transverse Mercator system have simple numbers.
            return match self.code(3074)? {
                north @ 16001..=16060 => Some(codes::zone(north - 16000, false)),
                south @ 16101..=16160 => Some(codes::zone(south - 16100, true)),
                _ => None,
            };
        };
        let mut parameters = BTreeMap::new();
        for (key, parameter) in PARAMETERS {
            if let Some(value) = self.doubles.get(key) {
                let unit = if parameter.is_angle() { self.degrees() } else { unit };
                parameters.entry(*parameter).or_insert(if *parameter == Scale { *value } else { value * unit });
            }
        }
        Some(Projection { method: method as u16, parameters, unit })
    }
}

impl Crs {
    /// The system that tags name; `None` where they name none.
    pub fn of_tags(tags: &GeoTags) -> Option<Crs> {
        let keys = Keys::of(tags)?;
        let wkt = keys.texts.iter().find_map(|text| text.split_once(WKT_FOLLOWS)).map(|(_, wkt)| wkt);
        if let Some(code) = keys.code(PROJECTED_TYPE) {
            return Some(Crs::of_code(code));
        }
        if let Some(wkt) = wkt {
            return Some(Crs::of_definition(wkt.trim_end_matches(['|', '\0'])));
        }
        let projected = [PROJECTED_TYPE, 3074, 3075].iter().any(|key| keys.shorts.contains_key(key));
        if !projected && let Some(code) = keys.code(GEOGRAPHIC_TYPE) {
            return Some(Crs::of_code(code));
        }
        let geodetic = keys.geodetic();
        if !projected && geodetic.is_none() {
            // Citations alone name a system, which cannot be compared; other keys alone name none.
            let named = keys.shorts.contains_key(&GEOGRAPHIC_TYPE) || !keys.texts.is_empty();
            return named.then(Crs::default);
        }
        let projection = keys.projection();
        let spelt = geodetic.filter(|_| projection.is_some() || !projected).map(|geodetic| Spelt { projection, geodetic });
        Some(Crs { code: None, geographic: !projected, spelt })
    }

    /// Tags that name the system by its code, or spell it out; none where it is not understood.
    pub(in crate::data) fn tags(&self) -> Option<Vec<GeoTag>> {
        if let Some(code) = self.code.or_else(|| codes::code_of(self.spelt.as_ref()?)) {
            return Some(Crs { code: Some(code), ..self.clone() }.to_tags(""));
        }
        let Spelt { projection, geodetic } = self.spelt.as_ref()?;
        let (mut shorts, mut doubles) = (BTreeMap::from([(RASTER_TYPE, 1)]), BTreeMap::new());
        shorts.extend([(MODEL_TYPE, if projection.is_some() { 1 } else { 2 }), (GEOGRAPHIC_TYPE, USER_DEFINED), (2050, USER_DEFINED)]);
        shorts.extend([(2054, DEGREE), (2056, USER_DEFINED)]);
        let Geodetic { semi_major, inverse_flattening, meridian, .. } = *geodetic;
        doubles.insert(2057, semi_major);
        // A sphere has no finite 1/f: its other axis says so.
        if inverse_flattening == 0.0 {
            doubles.insert(2058, semi_major)
        } else {
            doubles.insert(2059, inverse_flattening)
        };
        if meridian != 0.0 {
            shorts.insert(2051, USER_DEFINED);
            doubles.insert(2061, meridian);
        }
        if let Some(projection) = projection {
            let Projection { method, parameters, unit } = projection.canonical(geodetic);
            shorts.extend([(PROJECTED_TYPE, USER_DEFINED), (3074, USER_DEFINED), (3075, method)]);
            match unit {
                1.0 => drop(shorts.insert(3076, METRE)),
                _ => {
                    shorts.insert(3076, USER_DEFINED);
                    doubles.insert(3077, unit);
                }
            }
            for (parameter, value) in parameters {
                let length = matches!(parameter, Easting | Northing);
                doubles.insert(key_of(parameter, method), if length { value / unit } else { value });
            }
        }
        let numbers: Vec<f64> = doubles.values().copied().collect();
        let of_doubles = doubles.keys().enumerate().map(|(index, key)| [*key, GEO_DOUBLE_PARAMS, 1, index as u16]);
        let mut entries: Vec<[u16; 4]> = shorts.into_iter().map(|(key, value)| [key, 0, 1, value]).chain(of_doubles).collect();
        entries.sort_unstable();
        let mut directory = vec![1, 1, 0, entries.len() as u16];
        directory.extend(entries.iter().flatten());
        Some(vec![GeoTag::of_shorts(GEO_KEY_DIRECTORY, &directory), GeoTag::of_doubles(GEO_DOUBLE_PARAMS, &numbers)])
    }

    /// Tags that name the system: its code, or else its definition as WKT.
    pub(in crate::data) fn to_tags(&self, definition: &str) -> Vec<GeoTag> {
        let code = self.code.and_then(|code| u16::try_from(code).ok()).filter(|code| *code < USER_DEFINED);
        let (model, key, citation) =
            if self.geographic { (2, GEOGRAPHIC_TYPE, GEOGRAPHIC_CITATION) } else { (1, PROJECTED_TYPE, PROJECTED_CITATION) };
        let mut entries = vec![[MODEL_TYPE, 0, 1, model], [RASTER_TYPE, 0, 1, 1], [key, 0, 1, code.unwrap_or(USER_DEFINED)]];
        let mut tags = Vec::new();
        if code.is_none() {
            let words: Vec<&str> = definition.split_whitespace().collect();
            let mut text = format!("{WKT_FOLLOWS}{}|", words.join(" ")).into_bytes();
            text.push(0);
            let count = u16::try_from(text.len() - 1).unwrap_or(u16::MAX);
            entries.push([citation, GEO_ASCII_PARAMS, count, 0]);
            tags.push(GeoTag { tag: GEO_ASCII_PARAMS, kind: 2, count: text.len() as u64, bytes: text });
        }
        let mut directory = vec![1, 1, 0, entries.len() as u16];
        directory.extend(entries.iter().flatten());
        tags.push(GeoTag::of_shorts(GEO_KEY_DIRECTORY, &directory));
        tags
    }
}
