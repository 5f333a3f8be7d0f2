//! Which bands of a NetCDF variable make which day, from the metadata that GDAL gives it.
//!
//! GDAL flattens all axes but the last two into bands, the last of them fastest, and names them: `NETCDF_DIM_EXTRA={TIME,ATMLAY}`,
//! `NETCDF_DIM_TIME_DEF={9,5}` (size, type), `NETCDF_DIM_TIME_VALUES={2100.5,…}`, and an axis's attributes as `TIME#units=days since …`.

use std::collections::BTreeMap;

use crate::data::day::Day;
use crate::data::time_axis::TimeAxis;

/// Metadata of a dataset by key.
pub(super) type Metadata = BTreeMap<String, String>;

/// What the bands are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Selection {
    /// Bands (from 1) of each day, in time.
    Days(BTreeMap<Day, Vec<usize>>),
    /// One band without a time.
    Static(usize),
}

/// An axis that is flattened into bands.
struct Axis<'a> {
    name: &'a str,
    size: usize,
    /// Bands from one index to the next.
    stride: usize,
    values: Vec<&'a str>,
}

/// Picks the bands of a level; an error is a message.
pub(super) fn select(metadata: &Metadata, bands: usize, level: Option<usize>) -> Result<Selection, String> {
    let axes = axes(metadata, bands);
    let is_time = |axis: &&Axis| {
        let is = |attribute: &str, value: &str| attribute_of(metadata, axis.name, attribute) == Some(value);
        let since = attribute_of(metadata, axis.name, "units").is_some_and(|units| units.contains(" since "));
        since || is("axis", "T") || is("standard_name", "time")
    };
    let time = axes.iter().find(is_time);
    let others: Vec<&Axis> = axes.iter().filter(|axis| time.is_none_or(|time| time.name != axis.name)).collect();
    let first = 1 + level_offset(metadata, &others, level)?;
    let Some(time) = time else { return Ok(Selection::Static(first)) };

    let units = attribute_of(metadata, time.name, "units").unwrap_or_default();
    let axis = TimeAxis::parse(units, attribute_of(metadata, time.name, "calendar"))?;
    let mut days: BTreeMap<Day, Vec<usize>> = BTreeMap::new();
    for step in 0..time.size {
        let text = time.values.get(step).copied().unwrap_or("nothing");
        let day = text.parse().ok().and_then(|value| axis.day(value));
        let day = day.ok_or_else(|| format!("step {step} of its time axis {} is {text} {units}, which is no date", time.name))?;
        days.entry(day).or_default().push(first + step * time.stride);
    }
    Ok(Selection::Days(days))
}

/// Bands to skip for the wanted level.
fn level_offset(metadata: &Metadata, axes: &[&Axis], level: Option<usize>) -> Result<usize, String> {
    let long: Vec<&&Axis> = axes.iter().filter(|axis| axis.size > 1).collect();
    let axis = match long[..] {
        [] if level.unwrap_or(0) == 0 => return Ok(0),
        [] => return Err("has no axis besides time and space; leave --level away".into()),
        [axis] => axis,
        _ => {
            let names: Vec<String> = long.iter().map(|axis| format!("{} ({})", axis.name, axis.size)).collect();
            return Err(format!("has the axes {} besides space; --level picks along one only: extract the others first", names.join(", ")));
        }
    };
    if let Some(level) = level.filter(|level| *level < axis.size) {
        return Ok(level * axis.stride);
    }
    let unit = attribute_of(metadata, axis.name, "units").unwrap_or_default();
    let values: Vec<String> = axis.values.iter().take(8).enumerate().map(|(index, value)| format!("{index} is {value}")).collect();
    let values = if values.is_empty() {
        String::new()
    } else {
        format!(" ({}{})", values.join(", "), if unit.is_empty() { String::new() } else { format!(" {unit}") })
    };
    Err(format!("has {} of {}{values}; choose one with --level, from 0 to {}", axis.size, axis.name, axis.size - 1))
}

/// The flattened axes; those of a raster that is no NetCDF variable are its bands.
fn axes(metadata: &Metadata, bands: usize) -> Vec<Axis<'_>> {
    let list = |key: String| -> Vec<&str> {
        let text = metadata.get(&key).map(|text| text.trim_matches(['{', '}'])).unwrap_or_default();
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()
    };
    let names = list("NETCDF_DIM_EXTRA".into());
    let mut stride = 1;
    let mut axes: Vec<Axis> = Vec::new();
    for name in names.into_iter().rev() {
        let size = list(format!("NETCDF_DIM_{name}_DEF")).first().and_then(|size| size.parse().ok()).unwrap_or(1usize);
        axes.push(Axis { name, size, stride, values: list(format!("NETCDF_DIM_{name}_VALUES")) });
        stride = stride.saturating_mul(size);
    }
    axes.reverse();
    if stride != bands {
        axes = vec![Axis { name: "bands", size: bands, stride: 1, values: Vec::new() }];
    }
    axes
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
    let unit = horizontal.chain(named).find_map(|name| attribute_of(metadata, name, "units"))?;
    match unit.trim().to_ascii_lowercase().as_str() {
        "km" | "kilometer" | "kilometers" | "kilometre" | "kilometres" => Some(1000.0),
        "m" | "meter" | "meters" | "metre" | "metres" => Some(1.0),
        _ => None,
    }
}

/// Whether the horizontal axes are longitude and latitude, as their units say.
pub(super) fn is_geographic(metadata: &Metadata) -> bool {
    let units = |wanted: &[&str]| metadata.iter().any(|(key, value)| key.ends_with("#units") && wanted.contains(&value.trim()));
    units(&["degrees_east", "degree_east", "degrees_E", "degree_E"]) && units(&["degrees_north", "degree_north", "degrees_N", "degree_N"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(pairs: &[(&str, &str)]) -> Metadata {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    const MAR: [(&str, &str); 7] = [
        ("NETCDF_DIM_EXTRA", "{TIME,LEV}"),
        ("NETCDF_DIM_TIME_DEF", "{4,5}"),
        ("NETCDF_DIM_TIME_VALUES", "{0.25,0.75,1.25,3}"),
        ("NETCDF_DIM_LEV_DEF", "{3,5}"),
        ("NETCDF_DIM_LEV_VALUES", "{0.9,0.95,1}"),
        ("TIME#units", "days since 2020-02-28"),
        ("LEV#units", "sigma"),
    ];

    #[test]
    fn steps_of_a_day_share_its_file() {
        let Ok(Selection::Days(days)) = select(&metadata(&MAR), 12, Some(1)) else { panic!() };
        let days: Vec<(String, Vec<usize>)> = days.into_iter().map(|(day, bands)| (day.to_string(), bands)).collect();
        let wanted = [("2020-02-28", vec![2, 5]), ("2020-02-29", vec![8]), ("2020-03-02", vec![11])];
        assert_eq!(days, wanted.map(|(day, bands)| (day.to_owned(), bands)));
    }

    #[test]
    fn levels_are_asked_for_and_checked() {
        let message = select(&metadata(&MAR), 12, None).unwrap_err();
        assert!(message.contains("3 of LEV (0 is 0.9, 1 is 0.95, 2 is 1 sigma)"), "{message}");
        assert!(select(&metadata(&MAR), 12, Some(3)).unwrap_err().contains("from 0 to 2"));
        let mut four = metadata(&MAR);
        four.insert("NETCDF_DIM_EXTRA".into(), "{TIME,LEV,SECTOR}".into());
        four.insert("NETCDF_DIM_SECTOR_DEF".into(), "{2,4}".into());
        assert!(select(&four, 24, Some(0)).unwrap_err().contains("LEV (3), SECTOR (2)"));
        // Rasters without axes: bands.
        assert_eq!(select(&Metadata::new(), 1, None), Ok(Selection::Static(1)));
        assert_eq!(select(&Metadata::new(), 3, Some(2)), Ok(Selection::Static(3)));
        assert!(select(&Metadata::new(), 3, None).unwrap_err().contains("3 of bands;"));
        assert!(select(&Metadata::new(), 1, Some(1)).unwrap_err().contains("leave --level away"));
    }

    #[test]
    fn a_time_axis_without_dates_is_refused() {
        let mut odd = metadata(&MAR);
        odd.insert("NETCDF_DIM_TIME_VALUES".into(), "{0,1}".into());
        assert!(select(&odd, 12, Some(0)).unwrap_err().contains("step 2 of its time axis TIME is nothing"));
        odd.insert("TIME#calendar".into(), "360_day".into());
        assert!(select(&odd, 12, Some(0)).unwrap_err().contains("360_day"));
    }

    #[test]
    fn kilometres_are_found() {
        assert_eq!(metres_of_axes(&metadata(&[("X10#axis", "X"), ("X10#units", "km"), ("TIME#units", "m")])), Some(1000.0));
        assert_eq!(metres_of_axes(&metadata(&[("x#units", "m")])), Some(1.0));
        let degrees = metadata(&[("lon#axis", "X"), ("lon#units", "degrees_east"), ("lat#units", "degrees_north")]);
        assert!(metres_of_axes(&degrees).is_none() && is_geographic(&degrees) && !is_geographic(&metadata(&[("x#units", "km")])));
    }
}
