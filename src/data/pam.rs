//! What GDAL, QGIS and ArcGIS note beside a raster in `FILE.aux.xml`: no-data value, scale and offset, place and coordinate system.
//!
//! Where such a note and the file itself disagree the note counts, as it does for GDAL. Source: GDAL's description of its persistent
//! auxiliary metadata (PAM). Statistics, histograms and colours mean nothing here and are passed over.

use std::path::{Path, PathBuf};

use roxmltree::{Document, Node};

use super::beside;
use super::described::Words;
use super::geotags::GeoTransform;
use super::linear::Linear;
use crate::error::{Error, Result};

/// The notes beside one raster that change what its pixels are or where they lie.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pam {
    /// The file of the notes.
    pub path: PathBuf,
    /// The value that stands for "not observed".
    pub no_data: Option<f64>,
    /// A second such value, from the metadata item `NODATA_VALUES`.
    pub no_data_of_all_bands: Option<f64>,
    /// What makes values of samples.
    pub unscale: Option<Linear>,
    /// Where the pixels lie.
    pub transform: Option<GeoTransform>,
    /// The coordinate system, as WKT or as `EPSG:n`.
    pub srs: Option<String>,
    /// Number of ground control points.
    pub control_points: usize,
    /// Other ways in which it is placed: rational polynomials, arrays of positions.
    pub placed_by: Option<&'static str>,
}

impl Pam {
    /// The notes beside a raster on the whole and on a band, counted from 0; `None` where there are none.
    ///
    /// # Errors
    /// [`Error::Input`] where the file cannot be read, is no XML, or says something that cannot be understood.
    pub fn beside(raster: &Path, band: usize) -> Result<Option<Pam>> {
        let Some(path) = beside::appended(raster, &[".aux.xml", ".AUX.XML"]) else { return Ok(None) };
        let refused = |message: String| Error::input(&path, format!("{message}; mend it, or remove it where it means nothing"));
        let bytes = std::fs::read(&path).map_err(|e| refused(format!("stands beside the raster and cannot be read ({e})")))?;
        // Names of colours and classes are free text, in Latin-1 where an old program wrote them.
        let text = String::from_utf8(bytes).unwrap_or_else(|e| e.into_bytes().into_iter().map(char::from).collect());
        let pam = Pam::parse(text.trim_start_matches('\u{feff}'), band)
            .map_err(|message| refused(format!("stands beside the raster and cannot be understood ({message})")))?;
        Ok(Some(Pam { path, ..pam }))
    }

    /// Reads the XML; an error is a message.
    fn parse(text: &str, band: usize) -> Result<Pam, String> {
        let document = Document::parse(text).map_err(|e| format!("it is no XML: {e}"))?;
        let root = document.root_element();
        let mut pam = Pam::default();
        if !is(root, "PAMDataset") {
            // Other programs' notes under the same name say nothing about pixels.
            return Ok(pam);
        }
        pam.srs = text_of(root, "SRS").map(str::to_owned);
        pam.transform = text_of(root, "GeoTransform").map(transform).transpose()?;
        pam.control_points = child(root, "GCPList").map_or(0, |list| list.children().filter(|node| is(*node, "GCP")).count());
        for metadata in root.children().filter(|node| is(*node, "Metadata")) {
            match metadata.attribute("domain").unwrap_or_default() {
                "RPC" => pam.placed_by = Some("rational polynomials (RPC)"),
                "GEOLOCATION" => pam.placed_by = Some("arrays of positions"),
                "" => {
                    let items = metadata.children().filter(|node| is(*node, "MDI") && node.attribute("key") == Some("NODATA_VALUES"));
                    for item in items {
                        let mut values = item.text().unwrap_or_default().split_whitespace();
                        if let (Some(only), None) = (values.next(), values.next()) {
                            pam.no_data_of_all_bands = Some(number(only, "NODATA_VALUES")?);
                        }
                    }
                }
                _ => {}
            }
        }
        let number_of = |node: Node| node.attribute("band").and_then(|number| number.parse::<usize>().ok());
        let band = root.children().find(|node| is(*node, "PAMRasterBand") && number_of(*node) == Some(band + 1));
        if let Some(band) = band {
            let value = |name: &str| text_of(band, name).map(|text| number(text, name)).transpose();
            pam.no_data = value("NoDataValue")?;
            let (scale, offset) = (value("Scale")?, value("Offset")?);
            if scale.is_some() || offset.is_some() {
                let change = Linear { scale: scale.unwrap_or(1.0), offset: offset.unwrap_or(0.0) };
                if !change.is_usable() {
                    return Err(format!("a scale of {} and an offset of {} make no values", change.scale, change.offset));
                }
                pam.unscale = Some(change);
            }
        }
        Ok(pam)
    }
}

/// What the notes beside a raster say of a band, counted from 0, in words; nothing where they cannot be understood.
pub fn words_beside(raster: &Path, band: usize) -> Words {
    let text = beside::appended(raster, &[".aux.xml", ".AUX.XML"]).and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    let Ok(document) = Document::parse(&text) else { return Words::default() };
    let is_band = |node: &Node| is(*node, "PAMRasterBand") && node.attribute("band").and_then(|n| n.parse().ok()) == Some(band + 1);
    let Some(band) = document.root_element().children().find(is_band) else { return Words::default() };
    let text = |name: &str| text_of(band, name).unwrap_or_default().to_owned();
    Words { title: text("Description"), unit: text("UnitType") }
}

fn is(node: Node, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|node| is(*node, name))
}

/// The text of a child; `None` where it is missing or empty.
fn text_of<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name)?.text().map(str::trim).filter(|text| !text.is_empty())
}

/// A number as the C libraries of several countries and systems write it.
pub(super) fn number(text: &str, name: &str) -> Result<f64, String> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    if lower.ends_with("#ind") || lower.ends_with("#qnan") || lower.ends_with("#snan") {
        return Ok(f64::NAN);
    }
    if let Some(sign) = lower.strip_suffix("1.#inf") {
        return Ok(if sign == "-" { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    text.replace(',', ".").parse().map_err(|_| format!("{name} is `{text}`, which is no number"))
}

/// Six numbers: x, change along a row, along a column; y, change along a row, along a column.
fn transform(text: &str) -> Result<GeoTransform, String> {
    // Commas separate the numbers here.
    let numbers = text.split(',').map(|part| number(part, "GeoTransform")).collect::<Result<Vec<f64>, _>>()?;
    match numbers[..] {
        [origin_x, col_x, row_x, origin_y, col_y, row_y] => {
            let transform = GeoTransform { origin_x, origin_y, col_x, row_x, col_y, row_y };
            transform.is_usable().then_some(transform).ok_or_else(|| "GeoTransform places all pixels on one line or nowhere".into())
        }
        _ => Err(format!("GeoTransform has {} numbers where six are needed", numbers.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(inner: &str) -> Result<Pam, String> {
        Pam::parse(&format!("<PAMDataset>{inner}</PAMDataset>"), 0)
    }

    #[test]
    fn what_changes_pixels_is_found_among_the_rest() {
        let pam = parsed(
            "<SRS dataAxisToSRSAxisMapping=\"1,2\">EPSG:3413</SRS><GeoTransform> 1.0e+03, 100, 0, 2000, 0, -100</GeoTransform>
             <Metadata><MDI key=\"NODATA_VALUES\">7</MDI></Metadata><Metadata domain=\"RPC\"/>
             <PAMRasterBand band=\"2\"><NoDataValue>1</NoDataValue></PAMRasterBand>
             <PAMRasterBand band=\"1\"><Description>a &amp; b</Description><NoDataValue>-1.#IND</NoDataValue><Offset>273,15</Offset></PAMRasterBand>",
        )
        .unwrap();
        assert_eq!(pam.srs.as_deref(), Some("EPSG:3413"));
        assert_eq!(pam.transform.unwrap().pixel_centre(0, 0), (1050.0, 1950.0));
        assert!(pam.no_data.unwrap().is_nan());
        assert_eq!((pam.no_data_of_all_bands, pam.placed_by), (Some(7.0), Some("rational polynomials (RPC)")));
        assert_eq!(pam.unscale, Some(Linear { scale: 1.0, offset: 273.15 }));
        assert_eq!(parsed("<PAMRasterBand band=\"1\"><NoDataValue/></PAMRasterBand>").unwrap(), Pam::default());
        assert_eq!(Pam::parse("<metadata><esri/></metadata>", 0).unwrap(), Pam::default());
    }

    #[test]
    fn what_cannot_be_understood_is_said() {
        for (inner, words) in [
            ("<GeoTransform>1,2,3</GeoTransform>", "3 numbers"),
            ("<GeoTransform>0,0,0,0,0,0</GeoTransform>", "one line"),
            ("<GeoTransform>a,0,0,0,0,0</GeoTransform>", "`a`"),
            ("<PAMRasterBand band=\"1\"><NoDataValue>0x7</NoDataValue></PAMRasterBand>", "NoDataValue is `0x7`"),
            ("<PAMRasterBand band=\"1\"><Scale>nan</Scale></PAMRasterBand>", "make no values"),
            ("<PAMRasterBand band=\"1\"><Scale>0</Scale></PAMRasterBand>", "a scale of 0"),
            ("<PAMRasterBand", "no XML"),
        ] {
            let message = parsed(inner).unwrap_err();
            assert!(message.contains(words), "{inner}: {message}");
        }
    }
}
