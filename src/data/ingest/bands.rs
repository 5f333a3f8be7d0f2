//! The axes of a raster's bands, from the metadata that GDAL gives a NetCDF variable and keeps in copies of it.
//!
//! GDAL flattens all axes but the last two into bands, the last of them fastest, and names them: `NETCDF_DIM_EXTRA={TIME,ATMLAY}`,
//! `NETCDF_DIM_TIME_DEF={9,5}` (size, type), `NETCDF_DIM_TIME_VALUES={2100.5,…}`, and an axis's attributes as `TIME#units=days since …`.

use std::collections::BTreeMap;

use super::steps::{Axis, BANDS};
use super::units::{is_east, is_north, metres};

/// Metadata of a dataset by key.
pub(super) type Metadata = BTreeMap<String, String>;

/// The flattened axes; those of a raster that is no NetCDF variable are its bands.
pub(super) fn axes(metadata: &Metadata, bands: usize) -> Vec<Axis> {
    let list = |key: String| -> Vec<&str> {
        let text = metadata.get(&key).map(|text| text.trim_matches(['{', '}'])).unwrap_or_default();
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()
    };
    let axis = |name: &str| {
        let attribute = |attribute: &str| attribute_of(metadata, name, attribute).map(str::to_owned);
        Axis {
            name: name.to_owned(),
            size: list(format!("NETCDF_DIM_{name}_DEF")).first().and_then(|size| size.parse().ok()).unwrap_or(1usize),
            values: list(format!("NETCDF_DIM_{name}_VALUES")).into_iter().map(str::to_owned).collect(),
            units: attribute("units"),
            calendar: attribute("calendar"),
            is_time: attribute("axis").as_deref() == Some("T") || attribute("standard_name").as_deref() == Some("time"),
        }
    };
    let axes: Vec<Axis> = list("NETCDF_DIM_EXTRA".into()).into_iter().map(axis).collect();
    let steps = axes.iter().fold(1usize, |steps, axis| steps.saturating_mul(axis.size));
    if steps == bands { axes } else { vec![Axis { name: BANDS.into(), size: bands, ..Axis::default() }] }
}

fn attribute_of<'a>(metadata: &'a Metadata, axis: &str, attribute: &str) -> Option<&'a str> {
    metadata.get(&format!("{axis}#{attribute}")).map(String::as_str)
}

/// Metres in a unit of the horizontal axes, where an axis says so.
pub(super) fn metres_of_axes(metadata: &Metadata) -> Option<f64> {
    let horizontal = metadata.iter().filter_map(|(key, value)| {
        let (name, attribute) = key.rsplit_once('#')?;
        let known = match attribute {
            "axis" => matches!(value.as_str(), "X" | "Y"),
            "standard_name" => matches!(value.as_str(), "projection_x_coordinate" | "projection_y_coordinate"),
            _ => false,
        };
        known.then_some(name)
    });
    let named = ["x", "y", "X", "Y"].into_iter();
    metres(horizontal.chain(named).find_map(|name| attribute_of(metadata, name, "units"))?)
}

/// Whether the horizontal axes are longitude and latitude, as their units say.
pub(super) fn is_geographic(metadata: &Metadata) -> bool {
    let units = |wanted: fn(&str) -> bool| metadata.iter().any(|(key, value)| key.ends_with("#units") && wanted(value));
    units(is_east) && units(is_north)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::ingest::steps::{Selection, select};

    fn metadata(pairs: &[(&str, &str)]) -> Metadata {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    #[test]
    fn axes_are_read_from_metadata() {
        let mar = metadata(&[
            ("NETCDF_DIM_EXTRA", "{TIME,LEV}"),
            ("NETCDF_DIM_TIME_DEF", "{2,5}"),
            ("NETCDF_DIM_TIME_VALUES", "{0.25,1.25}"),
            ("NETCDF_DIM_LEV_DEF", "{3,5}"),
            ("NETCDF_DIM_LEV_VALUES", "{0.9,0.95,1}"),
            ("TIME#units", "days since 2020-02-28"),
            ("LEV#units", "sigma"),
        ]);
        let Ok(Selection::Days(days)) = select(&axes(&mar, 6), Some(1)) else { panic!() };
        assert_eq!(days.into_values().collect::<Vec<_>>(), [[2], [5]]);
        assert!(select(&axes(&mar, 6), None).unwrap_err().contains("3 of LEV (0 is 0.9, 1 is 0.95, 2 is 1 sigma)"));
        // Rasters without axes: bands.
        let bare = |bands, level| select(&axes(&Metadata::new(), bands), level);
        assert_eq!(bare(1, None), Ok(Selection::Static(1)));
        assert_eq!(bare(3, Some(2)), Ok(Selection::Static(3)));
        assert!(bare(3, None).unwrap_err().contains("3 of bands;"));
        assert!(bare(1, Some(1)).unwrap_err().contains("leave --level away"));
    }

    #[test]
    fn kilometres_are_found() {
        assert_eq!(metres_of_axes(&metadata(&[("X10#axis", "X"), ("X10#units", "km"), ("TIME#units", "m")])), Some(1000.0));
        assert_eq!(metres_of_axes(&metadata(&[("x#units", "m")])), Some(1.0));
        let degrees = metadata(&[("lon#axis", "X"), ("lon#units", "degrees_east"), ("lat#units", "degrees_north")]);
        assert!(metres_of_axes(&degrees).is_none() && is_geographic(&degrees) && !is_geographic(&metadata(&[("x#units", "km")])));
    }
}
