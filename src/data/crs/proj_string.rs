//! Coordinate systems in PROJ strings (`+proj=stere +lat_0=70.5 +lon_0=-40 +R=6371229`), read and written.
//!
//! Source: PROJ's documentation, "Cartographic projection" and the pages of the projections. A string with a parameter that is not known
//! here is not understood as a whole: a part of a system is another system.

use std::collections::BTreeMap;

use super::Parameter::{self, *};
use super::*;

/// Ellipsoids by name with half the longer axis (m) and 1/f.
const ELLIPSOIDS: &[(&str, f64, f64)] = &[
    ("WGS84", 6378137.0, 298.257223563),
    ("GRS80", 6378137.0, 298.257222101),
    ("WGS72", 6378135.0, 298.26),
    ("intl", 6378388.0, 297.0),
    ("clrk66", 6378206.4, 294.978698213898),
    ("bessel", 6377397.155, 299.1528128),
    ("airy", 6377563.396, 299.3249646),
    ("krass", 6378245.0, 298.3),
    ("sphere", 6370997.0, 0.0),
];

/// Datums by name with their code and ellipsoid.
const DATUMS: &[(&str, u32, &str)] = &[("WGS84", 6326, "WGS84"), ("NAD83", 6269, "GRS80"), ("NAD27", 6267, "clrk66")];

/// Units of length by name, in metres.
const UNITS: &[(&str, f64)] = &[("m", 1.0), ("km", 1000.0), ("ft", 0.3048), ("us-ft", 1200.0 / 3937.0)];

/// Parameters that say nothing about the place of a pixel.
const IDLE: &[&str] = &["no_defs", "wktext", "type", "vunits", "units", "to_meter"];

/// What a string says, each parameter taken once.
struct Words<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Words<'a> {
    /// A number; `None` where the parameter stands there and is none.
    fn number(&mut self, names: &[&str], default: f64) -> Option<f64> {
        self.optional(names).map(|number| number.unwrap_or(default))
    }

    /// A number that may lack.
    fn optional(&mut self, names: &[&str]) -> Option<Option<f64>> {
        let found: Vec<&'a str> = names.iter().filter_map(|name| self.0.remove(*name)).collect();
        match found[..] {
            [] => Some(None),
            [text, ..] => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Some),
        }
    }

    fn geodetic(&mut self) -> Option<Geodetic> {
        let named = |name: &str| ELLIPSOIDS.iter().find(|row| row.0.eq_ignore_ascii_case(name)).map(|row| (row.1, row.2));
        let mut datum = None;
        let of_datum = match self.0.remove("datum") {
            None => None,
            Some(name) => {
                let (_, code, ellipsoid) = DATUMS.iter().find(|row| row.0.eq_ignore_ascii_case(name))?;
                datum = Some(*code);
                named(ellipsoid)
            }
        };
        let of_ellipsoid = match self.0.remove("ellps") {
            None => of_datum,
            Some(name) => Some(named(name)?),
        };
        let (radius, major) = (self.optional(&["R"])?, self.optional(&["a"])?);
        let (minor, inverse, flattening) = (self.optional(&["b"])?, self.optional(&["rf"])?, self.optional(&["f"])?);
        let (semi_major, inverse_flattening) = match (radius, major, of_ellipsoid) {
            (Some(radius), ..) => (radius, 0.0),
            (None, Some(major), _) => match (minor, inverse, flattening) {
                (Some(minor), ..) if minor == major => (major, 0.0),
                (Some(minor), ..) => (major, major / (major - minor)),
                (None, Some(inverse), _) => (major, inverse),
                (None, None, Some(flattening)) if flattening != 0.0 => (major, 1.0 / flattening),
                (None, None, Some(_)) => (major, 0.0),
                (None, None, None) => (major, of_ellipsoid.map_or(0.0, |(_, inverse)| inverse)),
            },
            (None, None, Some(known)) => known,
            (None, None, None) => named("GRS80")?,
        };
        let shift = self.0.remove("towgs84");
        if shift.is_some_and(|shift| shift.split(',').any(|number| number.trim().parse() != Ok(0.0))) {
            return None;
        }
        let meridian = match self.0.remove("pm") {
            None | Some("greenwich") => 0.0,
            Some(text) => text.parse().ok()?,
        };
        (semi_major > 0.0).then_some(Geodetic { semi_major, inverse_flattening, datum, meridian })
    }

    /// Method and parameters; `None` inside for longitude and latitude.
    fn projection(&mut self) -> Option<Option<Projection>> {
        let units = self.0.get("units").map(|name| UNITS.iter().find(|(known, _)| known == name).map(|(_, metres)| *metres));
        let unit = match (units, self.0.get("to_meter")) {
            (_, Some(text)) => text.parse().ok()?,
            (Some(units), None) => units?,
            (None, None) => 1.0,
        };
        let name = self.0.remove("proj")?;
        if ["longlat", "latlong", "lonlat", "latlon"].contains(&name) {
            return Some(None);
        }
        if name == "utm" {
            let zone = self.optional(&["zone"])?.filter(|zone| zone.fract() == 0.0 && (1.0..=60.0).contains(zone))?;
            return Some(Some(Projection { unit, ..codes::zone(zone as u32, self.0.remove("south").is_some()) }));
        }
        let (latitude, longitude) = (self.optional(&["lat_0"])?, self.number(&["lon_0"], 0.0)?);
        let scale = self.number(&["k_0", "k"], 1.0)?;
        let (easting, northing) = (self.number(&["x_0"], 0.0)?, self.number(&["y_0"], 0.0)?);
        let (true_scale, first, second) = (self.optional(&["lat_ts"])?, self.optional(&["lat_1"])?, self.optional(&["lat_2"])?);
        let mut pairs = vec![(Longitude, longitude), (Scale, scale), (Easting, easting), (Northing, northing)];
        let origin = latitude.unwrap_or(0.0);
        let method = match name {
            "stere" if origin.abs() == 90.0 => {
                pairs.push((Latitude, true_scale.map_or(origin, |latitude| latitude.abs().copysign(origin))));
                POLAR_STEREOGRAPHIC
            }
            "stere" | "sterea" | "laea" | "tmerc" | "etmerc" if true_scale.is_none() => {
                pairs.push((Latitude, origin));
                match name {
                    "stere" => STEREOGRAPHIC,
                    "sterea" => OBLIQUE_STEREOGRAPHIC,
                    "laea" => LAMBERT_AZIMUTHAL,
                    _ => TRANSVERSE_MERCATOR,
                }
            }
            "merc" | "cea" | "eqc" if origin == 0.0 => {
                pairs.extend(true_scale.map(|latitude| (Parallel1, latitude)));
                match name {
                    "merc" => MERCATOR,
                    "cea" => CYLINDRICAL_EQUAL_AREA,
                    _ => EQUIRECTANGULAR,
                }
            }
            "lcc" if second.is_none() => {
                let parallel = first.or(latitude)?;
                if latitude.is_some_and(|latitude| latitude != parallel) {
                    pairs.extend([(Latitude, origin), (Parallel1, parallel), (Parallel2, parallel)]);
                    LAMBERT_CONFORMAL
                } else {
                    pairs.push((Latitude, parallel));
                    LAMBERT_CONFORMAL_1
                }
            }
            "lcc" | "aea" => {
                pairs.extend([(Latitude, origin), (Parallel1, first?), (Parallel2, second.or(first)?)]);
                if name == "lcc" { LAMBERT_CONFORMAL } else { ALBERS }
            }
            _ => return None,
        };
        Some(Some(Projection { method, parameters: pairs.into_iter().collect(), unit }))
    }
}

/// The system of a PROJ string; `None` where a part of it is not known here.
pub(super) fn read(text: &str) -> Option<Crs> {
    let words = text.split_whitespace().map(|word| word.trim_start_matches('+'));
    let mut words = Words(words.map(|word| word.split_once('=').unwrap_or((word, ""))).collect());
    let (projection, geodetic) = (words.projection()?, words.geodetic()?);
    let rest = words.0.keys().all(|key| IDLE.contains(key));
    rest.then_some(Crs { code: None, geographic: projection.is_none(), spelt: Some(Spelt { projection, geodetic }) })
}

impl Spelt {
    /// The system as a PROJ string without a datum, whose longitudes and latitudes are taken as they are; `None` for a projection that no
    /// such string stands for here.
    pub(super) fn to_proj(&self) -> Option<String> {
        let Geodetic { semi_major, inverse_flattening, meridian, .. } = self.geodetic;
        if meridian != 0.0 || !self.is_same(self) {
            return None;
        }
        let ellipsoid = match inverse_flattening {
            0.0 => format!("+R={semi_major}"),
            inverse => format!("+a={semi_major} +rf={inverse}"),
        };
        let Some(projection) = &self.projection else { return Some(format!("+proj=longlat {ellipsoid}")) };
        let projection = projection.canonical(&self.geodetic);
        let value = |parameter: Parameter| projection.value(parameter);
        let (latitude, scale, parallel) = (value(Latitude), value(Scale), value(Parallel1));
        let has = |parameter: Parameter| projection.parameters.contains_key(&parameter);
        let two = format!("+lat_0={latitude} +lat_1={parallel} +lat_2={}", value(Parallel2));
        let own = match projection.method {
            POLAR_STEREOGRAPHIC | STEREOGRAPHIC => format!("+proj=stere +lat_0={latitude} +k={scale}"),
            OBLIQUE_STEREOGRAPHIC => format!("+proj=sterea +lat_0={latitude} +k={scale}"),
            // The crate has it on ellipsoids only.
            TRANSVERSE_MERCATOR if inverse_flattening != 0.0 => format!("+proj=etmerc +lat_0={latitude} +k={scale}"),
            LAMBERT_AZIMUTHAL => format!("+proj=laea +lat_0={latitude}"),
            LAMBERT_CONFORMAL => format!("+proj=lcc {two}"),
            LAMBERT_CONFORMAL_1 => format!("+proj=lcc +lat_1={latitude} +lat_0={latitude} +k={scale}"),
            ALBERS => format!("+proj=aea {two}"),
            MERCATOR if latitude == 0.0 && has(Parallel1) && scale == 1.0 => format!("+proj=merc +lat_ts={parallel}"),
            MERCATOR if latitude == 0.0 && !has(Parallel1) => format!("+proj=merc +k={scale}"),
            CYLINDRICAL_EQUAL_AREA if latitude == 0.0 => format!("+proj=cea +lat_ts={parallel}"),
            EQUIRECTANGULAR if latitude == 0.0 => format!("+proj=eqc +lat_ts={parallel}"),
            _ => return None,
        };
        let (longitude, easting, northing) = (value(Longitude), value(Easting), value(Northing));
        Some(format!("{own} +lon_0={longitude} +x_0={easting} +y_0={northing} {ellipsoid} +to_meter={}", projection.unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_mean_what_codes_mean() {
        for (text, code) in [
            ("+proj=stere +lat_0=90 +lat_ts=70 +lon_0=-45 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs +type=crs", 3413),
            ("+proj=stere +lat_0=-90 +lat_ts=-71 +lon_0=0 +datum=WGS84", 3031),
            ("+proj=stere +lat_0=90 +lat_ts=70 +lon_0=-45 +a=6378273 +b=6356889.449", 3411),
            ("+proj=utm +zone=45 +datum=WGS84 +units=m", 32645),
            ("+proj=utm +zone=24 +south +ellps=WGS84", 32724),
            ("+proj=laea +lat_0=52 +lon_0=10 +x_0=4321000 +y_0=3210000 +ellps=GRS80 +towgs84=0,0,0,0,0,0,0", 3035),
            ("+proj=aea +lat_0=50 +lon_0=-154 +lat_1=55 +lat_2=65 +datum=NAD83", 3338),
            ("+proj=lcc +lat_0=65 +lon_0=-19 +lat_1=64.25 +lat_2=65.75 +x_0=500000 +y_0=500000 +ellps=GRS80", 3057),
            ("+proj=cea +lat_ts=30 +lon_0=0 +datum=WGS84", 6933),
            ("+proj=longlat +datum=WGS84 +no_defs", 4326),
            ("+proj=merc +a=6378137 +b=6378137 +lat_ts=0 +units=m", 3857),
        ] {
            let (a, b) = (read(text).unwrap(), Crs::of_code(code));
            assert_eq!(a.is_same(&b), Some(true), "{text}");
            // Written and read again it is the same.
            let again = read(&a.spelt.clone().unwrap().to_proj().unwrap()).unwrap();
            let apart = Geodetic { datum: None, ..b.spelt.as_ref().unwrap().geodetic };
            assert!(again.spelt.unwrap().is_same(&Spelt { geodetic: apart, ..b.spelt.unwrap() }), "{text}");
        }
        let kilometres = read("+proj=stere +lat_0=90 +lat_ts=70 +lon_0=-45 +datum=WGS84 +units=km").unwrap();
        assert_eq!(kilometres.is_same(&Crs::of_code(3413)), Some(false));
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        for text in [
            "",
            "+proj=ob_tran +o_proj=longlat +o_lat_p=39.25 +lon_0=18",
            "+proj=stere +lat_0=90 +lat_ts=x",
            "+proj=utm +zone=61",
            "+proj=longlat +ellps=nonsense",
            "+proj=longlat +datum=WGS84 +geoidgrids=a.gtx",
            "+proj=tmerc +lat_0=49 +lon_0=-2 +ellps=airy +towgs84=446.448,-125.157,542.06",
            "+proj=longlat +R=-1",
            "+proj=aea +lat_0=50",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
