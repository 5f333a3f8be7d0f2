//! Coordinate systems in the attributes of a NetCDF grid mapping.
//!
//! Source: CF conventions 1.10, section 5.6 and appendix F; `crs_wkt` and GDAL's `spatial_ref` hold WKT and go before.

use std::collections::BTreeMap;

use super::Parameter::*;
use super::*;

/// The attributes of a variable, for reading: numbers and texts by name.
pub(in crate::data) struct Attributes<'a> {
    /// The numbers of one.
    pub numbers: &'a dyn Fn(&str) -> Option<Vec<f64>>,
    /// The text of one.
    pub text: &'a dyn Fn(&str) -> Option<String>,
    /// Metres in the unit of the axes, which false eastings are in, too.
    pub metres: f64,
}

impl Attributes<'_> {
    fn one(&self, name: &str) -> Option<f64> {
        (self.numbers)(name)?.first().copied()
    }

    fn geodetic(&self) -> Geodetic {
        let (major, minor) = (self.one("semi_major_axis"), self.one("semi_minor_axis"));
        let (inverse, radius) = (self.one("inverse_flattening"), self.one("earth_radius"));
        let meridian = self.one("longitude_of_prime_meridian").unwrap_or(0.0);
        let known = codes::geographic(4326).map(|known| (known.semi_major, known.inverse_flattening, known.datum));
        let (semi_major, inverse_flattening, datum) = match (radius, major) {
            (Some(radius), _) => (radius, 0.0, None),
            (None, Some(major)) => match (inverse, minor) {
                (Some(inverse), _) => (major, inverse, None),
                (None, Some(minor)) if minor != major => (major, major / (major - minor), None),
                _ => (major, 0.0, None),
            },
            // Most of those that name no figure of the Earth mean the usual one.
            (None, None) => known.unwrap_or((6378137.0, 298.257223563, None)),
        };
        Geodetic { semi_major, inverse_flattening, datum, meridian }
    }

    fn projection(&self) -> Option<Option<Projection>> {
        let parallels = (self.numbers)("standard_parallel").unwrap_or_default();
        let parallel = parallels.first().copied();
        let origin = self.one("latitude_of_projection_origin");
        let (central, centre) = (self.one("longitude_of_central_meridian"), self.one("longitude_of_projection_origin"));
        let vertical = self.one("straight_vertical_longitude_from_pole");
        let scales = ["scale_factor_at_projection_origin", "scale_factor_at_central_meridian"];
        let scale = scales.into_iter().find_map(|name| self.one(name));
        let longitude = vertical.or(centre).or(central);
        let mut pairs = BTreeMap::from([(Longitude, longitude.unwrap_or(0.0)), (Scale, scale.unwrap_or(1.0))]);
        pairs.insert(Easting, self.one("false_easting").unwrap_or(0.0) * self.metres);
        pairs.insert(Northing, self.one("false_northing").unwrap_or(0.0) * self.metres);
        let two = [(Parallel1, parallel), (Parallel2, parallels.get(1).copied().or(parallel))];
        let method = match (self.text)("grid_mapping_name")?.trim() {
            "latitude_longitude" => return Some(None),
            "polar_stereographic" => {
                let pole = origin.or(parallel)?;
                pairs.insert(Latitude, parallel.map_or(pole, |parallel| parallel.abs().copysign(pole)));
                POLAR_STEREOGRAPHIC
            }
            "stereographic" => {
                pairs.insert(Latitude, origin?);
                STEREOGRAPHIC
            }
            "lambert_azimuthal_equal_area" => {
                pairs.insert(Latitude, origin?);
                LAMBERT_AZIMUTHAL
            }
            "transverse_mercator" => {
                pairs.insert(Latitude, origin.unwrap_or(0.0));
                TRANSVERSE_MERCATOR
            }
            "albers_conical_equal_area" => {
                pairs.insert(Latitude, origin.unwrap_or(0.0));
                pairs.extend(two.map(|(parameter, value)| value.map(|value| (parameter, value))).into_iter().flatten());
                ALBERS
            }
            "lambert_conformal_conic" if parallels.len() == 1 && origin.is_none_or(|origin| Some(origin) == parallel) => {
                pairs.insert(Latitude, parallel?);
                LAMBERT_CONFORMAL_1
            }
            "lambert_conformal_conic" => {
                pairs.insert(Latitude, origin.or(parallel)?);
                pairs.extend([(Parallel1, two[0].1?), (Parallel2, two[1].1?)]);
                LAMBERT_CONFORMAL
            }
            name @ ("mercator" | "lambert_cylindrical_equal_area") => {
                pairs.extend(parallel.map(|parallel| (Parallel1, parallel)));
                if name == "mercator" { MERCATOR } else { CYLINDRICAL_EQUAL_AREA }
            }
            _ => return None,
        };
        // The axes' own units say what x and y are in.
        Some(Some(Projection { method, parameters: pairs, unit: 1.0 }))
    }
}

impl Crs {
    /// The system of a grid mapping; `None` where it is of a kind that is not known here.
    pub(in crate::data) fn of_grid_mapping(attributes: &Attributes) -> Option<Crs> {
        let texts = ["crs_wkt", "spatial_ref"].into_iter().filter_map(|name| (attributes.text)(name));
        if let Some(crs) = texts.map(|text| Crs::of_definition(&text)).find(Crs::is_understood) {
            return Some(crs);
        }
        let projection = attributes.projection()?;
        Some(Crs { code: None, geographic: projection.is_none(), spelt: Some(Spelt { projection, geodetic: attributes.geodetic() }) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crs(name: &str, numbers: &[(&str, &[f64])]) -> Option<Crs> {
        let find = |wanted: &str| numbers.iter().find(|(name, _)| *name == wanted).map(|(_, values)| values.to_vec());
        let text = |wanted: &str| (wanted == "grid_mapping_name").then(|| name.to_owned());
        Crs::of_grid_mapping(&Attributes { numbers: &find, text: &text, metres: 1.0 })
    }

    #[test]
    fn mappings_mean_what_codes_mean() {
        let wgs84: (&str, &[f64]) = ("inverse_flattening", &[298.257223563]);
        let major: (&str, &[f64]) = ("semi_major_axis", &[6378137.0]);
        let polar: [(&str, &[f64]); 5] = [
            ("straight_vertical_longitude_from_pole", &[-45.0]),
            ("latitude_of_projection_origin", &[90.0]),
            ("standard_parallel", &[70.0]),
            major,
            wgs84,
        ];
        let laea: [(&str, &[f64]); 3] = [("longitude_of_projection_origin", &[0.0]), ("latitude_of_projection_origin", &[90.0]), major];
        let albers: [(&str, &[f64]); 3] = [
            ("longitude_of_central_meridian", &[-154.0]),
            ("latitude_of_projection_origin", &[50.0]),
            ("standard_parallel", &[55.0, 65.0]),
        ];
        for (name, numbers, code) in [
            ("polar_stereographic", &polar[..], 3413),
            ("lambert_azimuthal_equal_area", &[laea[0], laea[1], major, wgs84], 6931),
            ("albers_conical_equal_area", &[albers[0], albers[1], albers[2], major, ("inverse_flattening", &[298.257222101])], 3338),
            ("latitude_longitude", &[], 4326),
        ] {
            assert_eq!(crs(name, numbers).unwrap().is_same(&Crs::of_code(code)), Some(true), "{name}");
        }
        assert_eq!(crs("rotated_latitude_longitude", &polar), None);
        assert_eq!(crs("stereographic", &[]), None);
    }
}
