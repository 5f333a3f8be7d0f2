//! What the samples of a variable mean: signed or not, which of them stand for no value, packed by which factor and offset.
//!
//! Source: CF conventions 1.10, sections 2.5.1 (missing data, valid range) and 8.1 (packed data); the attribute conventions in appendix A
//! of the NetCDF User's Guide, from which `_Unsigned`, the default fill values and the unit of a valid range come.

use super::arrays::Attribute;
use crate::data::linear::Linear;

/// How the samples of a variable are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// Signed integers of so many bits.
    Signed(i32),
    /// Unsigned integers of so many bits.
    Unsigned(i32),
    /// Single precision.
    Float32,
    /// Double precision.
    Float64,
}

impl Stored {
    /// Of a number of GDAL's enumeration of data types: the later ones have no name in the bindings of older versions.
    #[cfg(any(feature = "gdal", test))]
    pub fn of_gdal(number: u32) -> Option<Stored> {
        Some(match number {
            1 => Stored::Unsigned(8),
            2 => Stored::Unsigned(16),
            3 => Stored::Signed(16),
            4 => Stored::Unsigned(32),
            5 => Stored::Signed(32),
            6 | 15 => Stored::Float32,
            7 => Stored::Float64,
            12 => Stored::Unsigned(64),
            13 => Stored::Signed(64),
            14 => Stored::Signed(8),
            _ => return None,
        })
    }

    /// What the NetCDF library fills with where a variable names no fill value; bytes have none, since all of their values are in use.
    fn default_fill(self) -> Option<f64> {
        match self {
            Stored::Signed(8) | Stored::Unsigned(8) => None,
            Stored::Signed(bits) => Some(1.0 - f64::from(bits - 1).exp2() + f64::from(u8::from(bits == 64))),
            Stored::Unsigned(bits) => Some(f64::from(bits).exp2() - if bits == 64 { 2.0 } else { 1.0 }),
            Stored::Float32 | Stored::Float64 => Some(f64::from(f32::from_bits(0x7cf0_0000))),
        }
    }

    fn bits(self) -> i32 {
        match self {
            Stored::Signed(bits) | Stored::Unsigned(bits) => bits,
            Stored::Float32 => 32,
            Stored::Float64 => 64,
        }
    }

    fn is_integer(self) -> bool {
        matches!(self, Stored::Signed(_) | Stored::Unsigned(_))
    }

    /// A number as a sample of this type holds it.
    fn rounded(self, number: f64) -> f64 {
        if self == Stored::Float32 { f64::from(number as f32) } else { number }
    }
}

/// The meaning of a variable's samples.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Encoding {
    /// The bits that are read as signed (`false`) or unsigned (`true`), where `_Unsigned` says so.
    sign: Option<(bool, f64)>,
    /// Samples without a value.
    missing: Vec<f64>,
    /// Least and greatest valid sample.
    samples: (f64, f64),
    /// Samples to values.
    unpack: Linear,
    /// Least and greatest valid value, for ranges given in the unit of the values.
    values: (f64, f64),
}

const ANY: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

impl Encoding {
    /// Reads the attributes; `more_missing` is what the format itself calls missing. An error is a message.
    pub fn new(stored: Stored, attribute: &dyn Fn(&str) -> Option<Attribute>, more_missing: Option<f64>) -> Result<Encoding, String> {
        let sign = sign(stored, attribute("_Unsigned"));
        let sample = |number: f64| stored.rounded(reinterpreted(sign, number));
        let numbers = |name: &str| numbers(name, attribute(name));
        let (fill, listed) = (numbers("_FillValue")?, numbers("missing_value")?);
        // What is said to be unsigned lies in the file as signed, and was filled so, whatever GDAL makes of it.
        let filled = if sign.is_some_and(|(unsigned, _)| unsigned) { Stored::Signed(stored.bits()) } else { stored };
        let default = if fill.is_empty() { filled.default_fill() } else { None };
        let missing = fill.into_iter().chain(listed).chain(default).chain(more_missing).map(sample).collect();

        let one = |name: &str, default: f64| numbers(name).map(|list| list.first().copied().unwrap_or(default));
        let unpack = Linear { scale: one("scale_factor", 1.0)?, offset: one("add_offset", 0.0)? };
        if !unpack.is_usable() {
            return Err(format!(
                "its scale_factor of {} and add_offset of {} make no values of its samples; correct them (ncatted)",
                unpack.scale, unpack.offset
            ));
        }
        let mut encoding = Encoding { sign, missing, samples: ANY, unpack, values: ANY };
        let range = numbers("valid_range")?;
        let (least, greatest) = (numbers("valid_min")?, numbers("valid_max")?);
        for (name, bound, is_least) in [
            ("valid_range", range.first(), true),
            ("valid_range", range.get(1), false),
            ("valid_min", least.first(), true),
            ("valid_max", greatest.first(), false),
        ] {
            let Some(bound) = bound.copied().filter(|bound| !bound.is_nan()) else { continue };
            // A bound of the unpacked type is one of the values; one of the packed type is one of the samples.
            let of_values = stored.is_integer() && !unpack.is_identity() && matches!(attribute(name), Some(Attribute::Floats(_)));
            let limits = if of_values { &mut encoding.values } else { &mut encoding.samples };
            // Half a step, so that the arithmetic of unpacking leaves the bound itself inside.
            let (bound, slack) = if of_values { (bound, unpack.scale.abs() / 2.0) } else { (sample(bound), 0.0) };
            match is_least {
                true => limits.0 = limits.0.max(bound - slack),
                false => limits.1 = limits.1.min(bound + slack),
            }
        }
        Ok(encoding)
    }

    /// The value of a sample; NaN where it has none.
    pub fn value(&self, sample: f64) -> f64 {
        let sample = reinterpreted(self.sign, sample);
        let is_missing = self.missing.contains(&sample) || sample < self.samples.0 || sample > self.samples.1;
        let value = self.unpack.apply(sample);
        if is_missing || value < self.values.0 || value > self.values.1 { f64::NAN } else { value }
    }
}

/// What `_Unsigned` makes of the bits.
fn sign(stored: Stored, attribute: Option<Attribute>) -> Option<(bool, f64)> {
    let Some(Attribute::Text(text)) = attribute else { return None };
    let unsigned = match text.trim().to_ascii_lowercase().as_str() {
        "true" => true,
        "false" => false,
        _ => return None,
    };
    stored.is_integer().then(|| (unsigned, f64::from(stored.bits()).exp2()))
}

/// A sample under the other reading of its bits; one that is in range already stays, since some versions of GDAL apply `_Unsigned`.
fn reinterpreted(sign: Option<(bool, f64)>, sample: f64) -> f64 {
    match sign {
        Some((true, all)) if sample < 0.0 => sample + all,
        Some((false, all)) if sample >= all / 2.0 => sample - all,
        _ => sample,
    }
}

/// The numbers of an attribute, also where they are written as text.
fn numbers(name: &str, attribute: Option<Attribute>) -> Result<Vec<f64>, String> {
    match attribute {
        None => Ok(Vec::new()),
        Some(Attribute::Integers(numbers) | Attribute::Floats(numbers)) => Ok(numbers),
        Some(Attribute::Text(text)) => {
            let words = text.split([' ', ',', '\0']).filter(|word| !word.is_empty());
            // CDL's suffixes of types, as in -9999.f and -1b, get into texts too.
            let number = |word: &str| word.parse().or_else(|_| word.trim_end_matches(['f', 'F', 's', 'S', 'b', 'B']).parse()).ok();
            let parsed: Option<Vec<f64>> = words.map(number).collect();
            parsed.ok_or_else(|| {
                let cure = format!("correct it, or remove it (ncatted -a {name},VARIABLE,d,,)");
                format!("its attribute {name} is the text `{text}`, which is no number; {cure}")
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Attribute::{Floats, Integers, Text};

    fn encoding(stored: Stored, attributes: &[(&str, Attribute)]) -> Encoding {
        let find = |name: &str| attributes.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone());
        Encoding::new(stored, &find, None).unwrap()
    }

    #[test]
    fn default_fills_are_those_of_the_library() {
        for (number, wanted) in [(2, 65_535.0), (3, -32_767.0), (4, 4_294_967_295.0), (5, -2_147_483_647.0), (6, 9.969_209_968_386_869e36)]
        {
            let stored = Stored::of_gdal(number).unwrap();
            assert_eq!(stored.default_fill(), Some(wanted), "{stored:?}");
            assert!(encoding(stored, &[]).value(wanted).is_nan());
            assert!(!encoding(stored, &[("_FillValue", Integers(vec![0.0]))]).value(wanted).is_nan());
        }
        assert_eq!(Stored::of_gdal(13).unwrap().default_fill(), Some(-9_223_372_036_854_775_806_i64 as f64));
        assert_eq!(Stored::of_gdal(12).unwrap().default_fill(), Some(18_446_744_073_709_551_614_u64 as f64));
        assert_eq!((Stored::of_gdal(1).unwrap().default_fill(), Stored::of_gdal(14).unwrap().default_fill()), (None, None));
        assert_eq!(Stored::of_gdal(10), None, "complex numbers");
    }

    #[test]
    fn bits_are_read_again_once() {
        let unsigned = [("_Unsigned", Text("True".into())), ("_FillValue", Integers(vec![-1.0]))];
        // As GDAL before 3.7 gives it, which applies the attribute, and as 3.7 may.
        for (stored, samples) in [(Stored::Unsigned(8), [255.0, 200.0]), (Stored::Signed(8), [-1.0, -56.0])] {
            let encoding = encoding(stored, &unsigned);
            assert!(encoding.value(samples[0]).is_nan());
            assert_eq!(encoding.value(samples[1]), 200.0);
        }
        assert_eq!(encoding(Stored::Unsigned(16), &[("_Unsigned", Text("false".into()))]).value(65_000.0), -536.0);
        let short = encoding(Stored::Unsigned(16), &[("_Unsigned", Text("true".into()))]);
        assert!(short.value(65_535.0) == 65_535.0 && short.value(-1.0) == 65_535.0 && short.value(-32_767.0).is_nan());
        assert_eq!(encoding(Stored::Float32, &[("_Unsigned", Text("true".into()))]).value(-1.0), -1.0);
    }

    #[test]
    fn bounds_are_inside() {
        let packed = [("scale_factor", Floats(vec![f64::from(0.1f32)])), ("valid_range", Floats(vec![0.0, 100.0]))];
        let encoding = encoding(Stored::Signed(16), &packed);
        assert!(encoding.value(1000.0) > 100.0 && encoding.value(1001.0).is_nan() && encoding.value(-1.0).is_nan());
        for scale in [0.0, f64::NAN] {
            let attribute = |name: &str| (name == "scale_factor").then(|| Floats(vec![scale]));
            assert!(Encoding::new(Stored::Signed(16), &attribute, None).unwrap_err().contains("make no values"));
        }
        let words = numbers("valid_range", Some(Text("-1.f, 5b".into()))).unwrap();
        assert_eq!(words, [-1.0, 5.0]);
        assert!(numbers("valid_range", Some(Text("inf".into()))).unwrap()[0].is_infinite());
        assert!(numbers("valid_range", Some(Text("0 to 1".into()))).is_err());
    }
}
