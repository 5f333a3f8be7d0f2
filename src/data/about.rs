//! What a map says of itself in its tags, so that `gdalinfo`, QGIS and rasterio show it without the run that made it.
//!
//! TIFF's own tags hold what it has words for: ImageDescription, Software, and DateTime for the day that the map shows. The rest is in
//! GDAL's tag 42112: items of the file, and of each band its description and unit. Nothing tells when the map was made: the same run makes
//! the same bytes. Sources: TIFF 6.0 section 8; GDAL's GTiff driver.

use super::day::Day;
use super::geotags::GeoTag;
use super::tags;

/// What a band holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BandAbout {
    /// What its values are.
    pub description: String,
    /// Their unit; `1` for fractions, empty where it is not known.
    pub unit: String,
}

/// What a map says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The program that made it, with its version.
    pub software: String,
    /// The day that it shows.
    pub day: Day,
    /// Its bands, as far as something is to be said of them.
    pub bands: Vec<BandAbout>,
    /// Everything else: names in capitals, and values.
    pub items: Vec<(&'static str, String)>,
}

impl About {
    /// The tags of a file with so many bands.
    pub(super) fn tags(&self, bands: usize) -> Vec<GeoTag> {
        let day = self.day;
        let title = self.bands.first().map_or(String::new(), |band| format!("{}, ", band.description));
        let time = format!("{:04}:{:02}:{:02} 00:00:00", day.year, day.month, day.day);
        let mut all =
            vec![GeoTag::of_text(tags::IMAGE_DESCRIPTION, &format!("{title}{day}")), GeoTag::of_text(tags::SOFTWARE, &self.software)];
        all.extend(day.is_dated().then(|| GeoTag::of_text(tags::DATE_TIME, &time)));
        all.push(GeoTag::of_text(tags::GDAL_METADATA, &self.metadata(bands)));
        all
    }

    /// GDAL's XML, in the form that GDAL itself gives it.
    fn metadata(&self, bands: usize) -> String {
        let day = Some(("DATE", self.day.to_string())).filter(|_| self.day.is_dated());
        let items = day.iter().chain(&self.items).map(|(name, text)| format!("  <Item name=\"{name}\">{}</Item>\n", escaped(text)));
        let of_bands = self.bands.iter().take(bands).enumerate().flat_map(|(sample, band)| {
            [("DESCRIPTION", "description", &band.description), ("UNITTYPE", "unittype", &band.unit)]
                .into_iter()
                .filter(|(_, _, text)| !text.is_empty())
                .map(move |(name, role, text)| {
                    format!("  <Item name=\"{name}\" sample=\"{sample}\" role=\"{role}\">{}</Item>\n", escaped(text))
                })
        });
        format!("<GDALMetadata>\n{}</GDALMetadata>\n", items.chain(of_bands).collect::<String>())
    }
}

/// A text within XML. GDAL escapes texts twice, and undoes it twice when it reads them; control characters, which XML has no place for,
/// become spaces.
fn escaped(text: &str) -> String {
    let once = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    once(&once(text)).replace(char::is_control, " ")
}
