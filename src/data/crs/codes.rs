//! What some EPSG codes stand for: those that maps of ice and their neighbours are usually made in.
//!
//! Source: the EPSG registry. A code that is not here still compares with other codes, only not with a system that is spelt out.

use super::Parameter::*;
use super::{ALBERS, CYLINDRICAL_EQUAL_AREA, Geodetic, LAMBERT_AZIMUTHAL, LAMBERT_CONFORMAL, MERCATOR};
use super::{POLAR_STEREOGRAPHIC, Projection, Spelt, TRANSVERSE_MERCATOR};

/// Codes of ellipsoids with half the longer axis (m) and 1/f.
const ELLIPSOIDS: &[(u32, f64, f64)] = &[
    (7030, 6378137.0, 298.257223563),
    (7019, 6378137.0, 298.257222101),
    (7043, 6378135.0, 298.26),
    (7022, 6378388.0, 297.0),
    (7008, 6378206.4, 294.978698213898),
    (7004, 6377397.155, 299.1528128),
    (7001, 6377563.396, 299.3249646),
    (7058, 6378273.0, 298.279411123064),
    (7048, 6371007.0, 0.0),
    (7052, 6370997.0, 0.0),
    (7057, 6371228.0, 0.0),
    (7035, 6371000.0, 0.0),
];

/// Datums that are told apart, where they are named: of others, which realise one another under ever new codes, the ellipsoid tells enough.
const DATUMS: &[u32] = &[6326, 6269, 6258, 6267, 6230, 6322, 6277];

/// Codes of systems of longitude and latitude with their datums and ellipsoids.
const GEOGRAPHIC: &[(u32, u32, u32)] = &[
    (4326, 6326, 7030),
    (4269, 6269, 7019),
    (4258, 6258, 7019),
    (4267, 6267, 7008),
    (4230, 6230, 7022),
    (4322, 6322, 7043),
    (4747, 6747, 7019),
    (4617, 6140, 7019),
    (4659, 6659, 7019),
    (4619, 6619, 7019),
    (4171, 6171, 7019),
    (4167, 6167, 7019),
    (4283, 6283, 7019),
    (4277, 6277, 7001),
    (4054, 6054, 7058),
    (4053, 6053, 7057),
    (4052, 6052, 7052),
    (4047, 6047, 7048),
];

/// Code, method, latitude, longitude, parallels, scale, easting and northing, code of the longitude and latitude.
type Row = (u32, u16, f64, f64, Option<[f64; 2]>, f64, [f64; 2], u32);

const PROJECTED: &[Row] = &[
    (3413, POLAR_STEREOGRAPHIC, 70.0, -45.0, None, 1.0, [0.0, 0.0], 4326),
    (3031, POLAR_STEREOGRAPHIC, -71.0, 0.0, None, 1.0, [0.0, 0.0], 4326),
    (3995, POLAR_STEREOGRAPHIC, 71.0, 0.0, None, 1.0, [0.0, 0.0], 4326),
    (3996, POLAR_STEREOGRAPHIC, 75.0, 0.0, None, 1.0, [0.0, 0.0], 4326),
    (3976, POLAR_STEREOGRAPHIC, -70.0, 0.0, None, 1.0, [0.0, 0.0], 4326),
    (9354, POLAR_STEREOGRAPHIC, -65.0, 0.0, None, 1.0, [0.0, 0.0], 4326),
    (3411, POLAR_STEREOGRAPHIC, 70.0, -45.0, None, 1.0, [0.0, 0.0], 4054),
    (3412, POLAR_STEREOGRAPHIC, -70.0, 0.0, None, 1.0, [0.0, 0.0], 4054),
    (5936, POLAR_STEREOGRAPHIC, 90.0, -150.0, None, 0.994, [2e6, 2e6], 4326),
    (5937, POLAR_STEREOGRAPHIC, 90.0, -100.0, None, 0.994, [2e6, 2e6], 4326),
    (5938, POLAR_STEREOGRAPHIC, 90.0, -33.0, None, 0.994, [2e6, 2e6], 4326),
    (5939, POLAR_STEREOGRAPHIC, 90.0, 18.0, None, 0.994, [2e6, 2e6], 4326),
    (5940, POLAR_STEREOGRAPHIC, 90.0, 105.0, None, 0.994, [2e6, 2e6], 4326),
    (5041, POLAR_STEREOGRAPHIC, 90.0, 0.0, None, 0.994, [2e6, 2e6], 4326),
    (32661, POLAR_STEREOGRAPHIC, 90.0, 0.0, None, 0.994, [2e6, 2e6], 4326),
    (5042, POLAR_STEREOGRAPHIC, -90.0, 0.0, None, 0.994, [2e6, 2e6], 4326),
    (32761, POLAR_STEREOGRAPHIC, -90.0, 0.0, None, 0.994, [2e6, 2e6], 4326),
    (3408, LAMBERT_AZIMUTHAL, 90.0, 0.0, None, 1.0, [0.0, 0.0], 4053),
    (3409, LAMBERT_AZIMUTHAL, -90.0, 0.0, None, 1.0, [0.0, 0.0], 4053),
    (3973, LAMBERT_AZIMUTHAL, 90.0, 0.0, None, 1.0, [0.0, 0.0], 4326),
    (3974, LAMBERT_AZIMUTHAL, -90.0, 0.0, None, 1.0, [0.0, 0.0], 4326),
    (6931, LAMBERT_AZIMUTHAL, 90.0, 0.0, None, 1.0, [0.0, 0.0], 4326),
    (6932, LAMBERT_AZIMUTHAL, -90.0, 0.0, None, 1.0, [0.0, 0.0], 4326),
    (6933, CYLINDRICAL_EQUAL_AREA, 0.0, 0.0, Some([30.0, 0.0]), 1.0, [0.0, 0.0], 4326),
    (3571, LAMBERT_AZIMUTHAL, 90.0, 180.0, None, 1.0, [0.0, 0.0], 4326),
    (3572, LAMBERT_AZIMUTHAL, 90.0, -150.0, None, 1.0, [0.0, 0.0], 4326),
    (3573, LAMBERT_AZIMUTHAL, 90.0, -100.0, None, 1.0, [0.0, 0.0], 4326),
    (3574, LAMBERT_AZIMUTHAL, 90.0, -40.0, None, 1.0, [0.0, 0.0], 4326),
    (3575, LAMBERT_AZIMUTHAL, 90.0, 10.0, None, 1.0, [0.0, 0.0], 4326),
    (3576, LAMBERT_AZIMUTHAL, 90.0, 90.0, None, 1.0, [0.0, 0.0], 4326),
    (3035, LAMBERT_AZIMUTHAL, 52.0, 10.0, None, 1.0, [4_321_000.0, 3_210_000.0], 4258),
    (3034, LAMBERT_CONFORMAL, 52.0, 10.0, Some([35.0, 65.0]), 1.0, [4e6, 2.8e6], 4258),
    (3057, LAMBERT_CONFORMAL, 65.0, -19.0, Some([64.25, 65.75]), 1.0, [5e5, 5e5], 4659),
    (3978, LAMBERT_CONFORMAL, 49.0, -95.0, Some([49.0, 77.0]), 1.0, [0.0, 0.0], 4269),
    (3979, LAMBERT_CONFORMAL, 49.0, -95.0, Some([49.0, 77.0]), 1.0, [0.0, 0.0], 4617),
    (2154, LAMBERT_CONFORMAL, 46.5, 3.0, Some([49.0, 44.0]), 1.0, [7e5, 6.6e6], 4171),
    (3338, ALBERS, 50.0, -154.0, Some([55.0, 65.0]), 1.0, [0.0, 0.0], 4269),
    (5070, ALBERS, 23.0, -96.0, Some([29.5, 45.5]), 1.0, [0.0, 0.0], 4269),
    (3005, ALBERS, 45.0, -126.0, Some([50.0, 58.5]), 1.0, [1e6, 0.0], 4269),
    (3577, ALBERS, 0.0, 132.0, Some([-18.0, -36.0]), 1.0, [0.0, 0.0], 4283),
    (3067, TRANSVERSE_MERCATOR, 0.0, 27.0, None, 0.9996, [5e5, 0.0], 4258),
    (3006, TRANSVERSE_MERCATOR, 0.0, 15.0, None, 0.9996, [5e5, 0.0], 4619),
    (2193, TRANSVERSE_MERCATOR, 0.0, 173.0, None, 0.9996, [1.6e6, 1e7], 4167),
    (27700, TRANSVERSE_MERCATOR, 49.0, -2.0, None, 0.9996012717, [4e5, -1e5], 4277),
];

/// Zones of the universal transverse Mercator system: first code, first zone, number of zones, whether south, longitude and latitude.
const ZONES: &[(u32, u32, u32, bool, u32)] = &[
    (32601, 1, 60, false, 4326),
    (32701, 1, 60, true, 4326),
    (25828, 28, 11, false, 4258),
    (26901, 1, 23, false, 4269),
    (3178, 18, 12, false, 4747),
];

/// What web maps are made in.
const PSEUDO_MERCATOR: u32 = 3857;

/// The code of a system that is spelt out, where it is one of those that are known here.
pub(super) fn code_of(system: &Spelt) -> Option<u32> {
    let zones = ZONES.iter().flat_map(|(first, _, count, ..)| *first..first + count);
    let known = GEOGRAPHIC.iter().map(|row| row.0).chain(PROJECTED.iter().map(|row| row.0)).chain(zones);
    known.filter_map(|code| Some((code, spelt(code)?))).find(|(_, known)| known.is_same(system)).map(|(code, _)| code)
}

/// Half the longer axis and 1/f of an ellipsoid.
pub(super) fn ellipsoid(code: u32) -> Option<(f64, f64)> {
    ELLIPSOIDS.iter().find(|row| row.0 == code).map(|row| (row.1, row.2))
}

/// A datum's code, where datums of it are told apart from others.
pub(super) fn told_apart(datum: u32) -> Option<u32> {
    Some(datum).filter(|datum| DATUMS.contains(datum))
}

/// A system of longitude and latitude.
pub(super) fn geographic(code: u32) -> Option<Geodetic> {
    let (_, datum, ellipsoid_code) = GEOGRAPHIC.iter().find(|row| row.0 == code)?;
    of_ellipsoid(*ellipsoid_code, Some(*datum))
}

/// A datum, on its own ellipsoid.
pub(super) fn datum(code: u32) -> Option<Geodetic> {
    let (_, datum, ellipsoid_code) = GEOGRAPHIC.iter().find(|row| row.1 == code)?;
    of_ellipsoid(*ellipsoid_code, Some(*datum))
}

fn of_ellipsoid(code: u32, datum: Option<u32>) -> Option<Geodetic> {
    let (semi_major, inverse_flattening) = ellipsoid(code)?;
    Some(Geodetic { semi_major, inverse_flattening, datum: datum.and_then(told_apart), meridian: 0.0 })
}

/// A zone of the universal transverse Mercator system.
pub(super) fn zone(number: u32, south: bool) -> Projection {
    let longitude = f64::from(number) * 6.0 - 183.0;
    let northing = if south { 1e7 } else { 0.0 };
    projection(TRANSVERSE_MERCATOR, 0.0, longitude, None, 0.9996, [5e5, northing])
}

fn projection(method: u16, latitude: f64, longitude: f64, parallels: Option<[f64; 2]>, scale: f64, shift: [f64; 2]) -> Projection {
    let mut pairs = vec![(Latitude, latitude), (Longitude, longitude), (Scale, scale), (Easting, shift[0]), (Northing, shift[1])];
    if let Some([first, second]) = parallels {
        pairs.extend([(Parallel1, first), (Parallel2, second)]);
    }
    Projection { method, parameters: pairs.into_iter().collect(), unit: 1.0 }
}

/// What a code stands for, where it is known here.
pub(super) fn spelt(code: u32) -> Option<Spelt> {
    if let Some(geodetic) = geographic(code) {
        return Some(Spelt { projection: None, geodetic });
    }
    if let Some(&(_, method, latitude, longitude, parallels, scale, shift, base)) = PROJECTED.iter().find(|row| row.0 == code) {
        let projection = projection(method, latitude, longitude, parallels, scale, shift);
        return Some(Spelt { projection: Some(projection), geodetic: geographic(base)? });
    }
    if code == PSEUDO_MERCATOR {
        // The formulas of a sphere on longitudes and latitudes of WGS 84.
        let sphere = Geodetic { inverse_flattening: 0.0, ..geographic(4326)? };
        return Some(Spelt { projection: Some(projection(MERCATOR, 0.0, 0.0, None, 1.0, [0.0, 0.0])), geodetic: sphere });
    }
    let &(first, first_zone, _, south, base) = ZONES.iter().find(|(first, _, count, ..)| (*first..first + count).contains(&code))?;
    Some(Spelt { projection: Some(zone(first_zone + code - first, south)), geodetic: geographic(base)? })
}
