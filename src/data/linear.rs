//! A change of unit: stored samples to values, values to the unit that is wanted.

/// `x · scale + offset`, in float64.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Linear {
    /// Factor.
    pub scale: f64,
    /// Added after the factor, in the new unit.
    pub offset: f64,
}

impl Default for Linear {
    fn default() -> Self {
        Linear { scale: 1.0, offset: 0.0 }
    }
}

impl Linear {
    /// Applies it; the identity leaves every value as it is, a negative zero too.
    pub fn apply(self, x: f64) -> f64 {
        if self.is_identity() { x } else { x * self.scale + self.offset }
    }

    /// Whether it changes nothing.
    pub fn is_identity(self) -> bool {
        self == Linear::default()
    }

    /// This, and `next` after it.
    pub fn then(self, next: Linear) -> Linear {
        Linear { scale: self.scale * next.scale, offset: self.offset * next.scale + next.offset }
    }

    /// The scale and offset of the first band in GDAL's XML of a TIFF's metadata (`<Item name="SCALE" sample="0" role="scale">`).
    pub fn of_gdal_metadata(xml: &str) -> Linear {
        let number = |role: &str| {
            let items = xml.split("<Item ").skip(1);
            let item = items.filter_map(|item| item.split_once('>')).find(|(attributes, _)| {
                let first_band = !attributes.contains("sample=") || attributes.contains("sample=\"0\"");
                first_band && attributes.contains(&format!("role=\"{role}\""))
            })?;
            item.1.split('<').next()?.trim().parse::<f64>().ok().filter(|value| value.is_finite())
        };
        Linear { scale: number("scale").unwrap_or(1.0), offset: number("offset").unwrap_or(0.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_of_other_bands_and_roles_does_not_count() {
        let xml = "<GDALMetadata>\n  <Item name=\"units\">degC</Item>\n  <Item name=\"OFFSET\" sample=\"1\" role=\"offset\">7</Item>\n\
            <Item name=\"OFFSET\" sample=\"0\" role=\"offset\">-273.15</Item><Item name=\"SCALE\" sample=\"0\" role=\"scale\">0.01</Item>\n";
        assert_eq!(Linear::of_gdal_metadata(xml), Linear { scale: 0.01, offset: -273.15 });
        assert!(Linear::of_gdal_metadata("<Item role=\"scale\">x</Item>").is_identity());
        assert!(Linear::of_gdal_metadata("").is_identity());
    }

    #[test]
    fn one_after_the_other() {
        let (a, b) = (Linear { scale: 0.5, offset: 3.0 }, Linear { scale: 4.0, offset: -1.0 });
        assert_eq!(a.then(b).apply(8.0), b.apply(a.apply(8.0)));
        assert_eq!(Linear::default().apply(-0.0).to_bits(), (-0.0f64).to_bits());
    }
}
