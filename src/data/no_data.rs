//! GDAL's tag 42113: the value that stands for "not observed", a number in text, and the samples that equal it.
//!
//! Written by many programs, so in many ways: `-9999`, `-9999,5`, `-1.#INF`, `nan`, six digits of a float32's largest value.
//! What counts as equal is what GDAL takes for it: within twice 2⁻²² of a floating point value, the whole part for integers.

use super::geotiff::SampleType;
use super::number::{Number, number};

/// The no-data value of a band, in the type of its samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NoData {
    /// Of samples in floating point; NaN means NaN alone.
    Float(f64),
    /// Of integer samples, exact to 64 bits.
    Integer(i128),
}

/// What a tag says.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Declared {
    /// The value, where a sample can have it.
    pub no_data: Option<NoData>,
    /// The sample that a block never written stands for: NaN for no-data, else the nearest that a sample can have.
    pub unwritten: f64,
    /// Whether more values follow the one that counts.
    pub several: bool,
}

impl NoData {
    /// A value as the no-data value of such samples; `None` where none of them can have it.
    pub fn new(value: f64, sample: SampleType) -> Option<NoData> {
        match sample.range() {
            None => Some(NoData::Float(value)),
            Some((low, high)) => {
                let inside = value >= low as f64 && value <= high as f64;
                // A float64 beyond the largest integer of 64 bits may round into it.
                inside.then_some(value as i128).filter(|whole| (low..=high).contains(whole)).map(NoData::Integer)
            }
        }
    }

    /// Whether it is the same value, NaN among them.
    pub fn same(self, other: NoData) -> bool {
        self == other || matches!((self, other), (NoData::Float(one), NoData::Float(other)) if one.is_nan() && other.is_nan())
    }

    /// Whether a float32 sample has it.
    pub fn is_f32(self, sample: f32) -> bool {
        let NoData::Float(value) = self else { return false };
        let value = value as f32;
        sample == value || (sample - value).abs() < f32::EPSILON * (sample + value).abs() * 2.0 || (value.is_nan() && sample.is_nan())
    }

    /// Whether a float64 sample has it.
    pub fn is_f64(self, sample: f64) -> bool {
        let NoData::Float(value) = self else { return false };
        let near = f64::from(f32::EPSILON) * (sample + value).abs() * 2.0;
        sample == value || (sample - value).abs() < near || (value.is_nan() && sample.is_nan())
    }
}

impl std::fmt::Display for NoData {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            NoData::Float(value) => value.fmt(f),
            NoData::Integer(value) => value.fmt(f),
        }
    }
}

impl Declared {
    /// Reads a tag; an error is a message.
    pub fn read(text: &[u8], sample: SampleType) -> Result<Declared, String> {
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        if text.is_empty() {
            return Ok(Declared::default());
        }
        let text = String::from_utf8_lossy(text);
        let refused = |why: &str| {
            let start: String = text.chars().take(40).collect();
            format!(
                "its no-data value (TIFF tag 42113) is written as {start:?}, {why}; set it with `gdal_edit.py -a_nodata VALUE FILE` or remove \
                 it with `gdal_edit.py -unsetnodata FILE`"
            )
        };
        let (first, rest) = number(&text).ok_or_else(|| refused("which is no number"))?;
        let mut others = rest.split([' ', '\t', '\r', '\n', ',', ';', '|']).filter(|part| !part.is_empty());
        let several = others.clone().next().is_some();
        let separated = rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n', ',', ';', '|']);
        if !separated || !others.all(|part| number(part).is_some_and(|(_, rest)| rest.is_empty())) {
            return Err(refused("which is no number"));
        }
        let value = match first {
            Number::Disputed => return Err(refused("which some programs read as 0 or 1 and others do not")),
            Number::Decimal { value, .. } => value,
        };
        let no_data = match first {
            // Exact beyond what float64 holds.
            Number::Decimal { whole: Some(whole), .. } if sample.range().is_some() => {
                sample.range().filter(|(low, high)| (*low..=*high).contains(&whole)).map(|_| NoData::Integer(whole))
            }
            _ => NoData::new(value, sample),
        };
        if matches!(sample, SampleType::Signed(64) | SampleType::Unsigned(64)) {
            if matches!(first, Number::Decimal { exponent: true, .. }) {
                return Err(refused("which some programs read without its exponent"));
            }
            if no_data.is_none() {
                return Err(refused("which no sample of its type can have, and which some programs take for another"));
            }
        }
        let unwritten = if no_data.is_some() { f64::NAN } else { sample.nearest(value) };
        Ok(Declared { no_data, unwritten, several })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const F32: SampleType = SampleType::Float(32);
    const F64: SampleType = SampleType::Float(64);

    fn read(text: &str, sample: SampleType) -> Declared {
        Declared::read(text.as_bytes(), sample).unwrap()
    }

    #[test]
    fn spellings_of_floating_point_values() {
        for (text, value) in [
            ("-9999", -9999.0),
            (" -9999 \n\0garbage", -9999.0),
            ("-9999,5", -9999.5),
            ("+5.", 5.0),
            (".5", 0.5),
            ("1,000", 1.0),
            ("1E+20", 1e20),
            ("0x0", 0.0),
            ("-1.#INF", f64::NEG_INFINITY),
            ("1.#INF00", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
            ("1e400", f64::INFINITY),
        ] {
            let declared = read(text, F64);
            assert_eq!((declared.no_data, declared.several), (Some(NoData::Float(value)), false), "{text:?}");
        }
        for text in ["nan", "NaN", "1.#QNAN", "-1.#IND00"] {
            let Some(NoData::Float(value)) = read(text, F32).no_data else { panic!("{text}") };
            assert!(value.is_nan());
        }
        for text in ["-9999 -9998", "-9999;-1", "-9999, -9998", "-9999,-9998"] {
            let declared = read(text, F32);
            assert_eq!((declared.no_data, declared.several), (Some(NoData::Float(-9999.0)), true), "{text:?}");
        }
        assert_eq!(read("", F32), Declared::default());
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in
            ["abc", "none", "  ", "-9999abc", "\"-9999\"", "nodata=5", "-9999.0.1", "1d5", "-9999 m", "-", ".", "0x", "1 0x10 z", "é"]
        {
            let message = Declared::read(text.as_bytes(), F32).unwrap_err();
            assert!(message.contains("no number") && message.contains("-a_nodata"), "{text}: {message}");
        }
        for text in ["0x10", "-nan(ind)", "-nan", "infinity", "1.#IND"] {
            assert!(Declared::read(text.as_bytes(), F32).unwrap_err().contains("0 or 1"), "{text}");
        }
        assert!(Declared::read(b"\xff\xfe", F32).is_err());
        assert!(Declared::read(b"1e3", SampleType::Signed(64)).unwrap_err().contains("exponent"));
    }

    #[test]
    fn integers_are_exact_and_know_their_range() {
        let byte = SampleType::Unsigned(8);
        for (text, value) in [("255", Some(255)), ("0.5", Some(0)), ("254.7", Some(254)), ("255.4", None), ("-0.5", None), ("nan", None)] {
            assert_eq!(read(text, byte).no_data, value.map(NoData::Integer), "{text}");
        }
        assert_eq!((read("-9999", byte).unwritten, read("300", byte).unwritten, read("inf", byte).unwritten), (0.0, 255.0, 255.0));
        assert!(read("7", byte).unwritten.is_nan());
        let long = SampleType::Signed(64);
        for text in ["9007199254740993", "9223372036854775807", "-9223372036854775808"] {
            assert_eq!(read(text, long).no_data, Some(NoData::Integer(text.parse().unwrap())));
        }
        for text in ["9223372036854775808", "nan", "1e30"] {
            assert!(Declared::read(text.as_bytes(), long).is_err(), "{text}");
        }
        assert_eq!(NoData::new(9_223_372_036_854_775_808.0, long), None);
        assert_eq!(read("18446744073709551615", SampleType::Unsigned(64)).no_data, Some(NoData::Integer(u64::MAX.into())));
        assert!(Declared::read(b"-1", SampleType::Unsigned(64)).unwrap_err().contains("take for another"));
    }

    #[test]
    fn floats_are_equal_as_gdal_has_it() {
        let is = |text: &str, sample: f32| read(text, F32).no_data.unwrap().is_f32(sample);
        assert!(is("-3.40282e+38", f32::MIN) && !is("-3.40282e+38", -1e31) && !is("-3.40282e+38", f32::NEG_INFINITY));
        assert!(is("-9999", -9999.004) && !is("-9999", -9999.01) && is("0", -0.0) && !is("0", 1e-45));
        assert!(is("nan", f32::NAN) && !is("-9999", f32::NAN) && !is("nan", 0.0) && is("1e39", f32::INFINITY));
        let is = |text: &str, sample: f64| read(text, F64).no_data.unwrap().is_f64(sample);
        assert!(is("1e+20", f64::from(1e20f32)) && is("0.1", f64::from(0.1f32)) && is("-3.4028235e+38", f64::from(f32::MIN)));
        assert!(!is("-9999", -9999.01) && is("-1.79769e+308", f64::MIN) && !is("-1e400", f64::MIN));
    }
}
