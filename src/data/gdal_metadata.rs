//! GDAL's tag 42112: metadata as XML, of which the scale and offset of a band count here, and its title and unit.
//!
//! `<GDALMetadata><Item name="SCALE" sample="0" role="scale">0.01</Item>…</GDALMetadata>`, in UTF-8 or in what other programs left there.

use roxmltree::Document;

use super::described::Words;
use super::linear::Linear;
use super::number::{Number, number};

/// The scale and offset of a band, counted from 0, and what else a user should know; an error is a message.
pub fn unscale(bytes: &[u8], band: usize) -> Result<(Linear, Option<String>), String> {
    let text = text_of(bytes);
    if text.trim().is_empty() {
        return Ok((Linear::default(), None));
    }
    let document = match Document::parse(&text) {
        Ok(document) => document,
        Err(e) => {
            let lower = text.to_ascii_lowercase();
            let scaled = lower.contains("role") && (lower.contains("scale") || lower.contains("offset"));
            let broken = format!("its metadata (TIFF tag 42112) is no XML ({e})");
            return match scaled {
                true => Err(format!("{broken}, but speaks of a scale or offset; set them with `gdal_edit.py -scale A -offset B FILE`")),
                false => Ok((Linear::default(), Some(format!("{broken} and is not used")))),
            };
        }
    };
    let (mut unscale, mut note) = (Linear::default(), None);
    let root = Some(document.root_element()).filter(|root| root.tag_name().name().eq_ignore_ascii_case("GDALMetadata"));
    for item in root.iter().flat_map(|root| root.children()).filter(|node| node.tag_name().name().eq_ignore_ascii_case("Item")) {
        let attribute = |name: &str| item.attributes().find(|a| a.name().eq_ignore_ascii_case(name)).map_or("", |a| a.value().trim());
        let role = attribute("role").to_ascii_lowercase();
        let target = match role.as_str() {
            "scale" => &mut unscale.scale,
            "offset" => &mut unscale.offset,
            _ => continue,
        };
        match attribute("sample") {
            sample if sample.is_empty() || !item.attributes().any(|a| a.name().eq_ignore_ascii_case("name")) => {
                note = Some(format!("its metadata has a {role} without `sample=` or `name=`, which is not applied (nor does GDAL)"));
            }
            sample if sample.parse() == Ok(band) => {
                let text: String = item.descendants().filter_map(|node| node.text().filter(|_| node.is_text())).collect();
                *target = match number(&text) {
                    Some((Number::Decimal { value, .. }, rest)) if rest.is_empty() && value.is_finite() => value,
                    _ => {
                        let start: String = text.trim().chars().take(40).collect();
                        return Err(format!(
                            "its {role} (TIFF tag 42112) is written as {start:?}, which is no finite number; set it with \
                             `gdal_edit.py -{role} VALUE FILE`"
                        ));
                    }
                };
            }
            _ => {}
        }
    }
    if !unscale.is_usable() {
        let message = "its scale (TIFF tag 42112) is 0, which makes every value the same; set it with `gdal_edit.py -scale VALUE FILE`";
        return Err(message.into());
    }
    Ok((unscale, note))
}

/// What is said of a band, counted from 0: by the roles that GDAL gives, else by names as other programs choose them, which are of the
/// whole file.
pub fn words(bytes: &[u8], band: usize) -> Words {
    let text = text_of(bytes);
    let Ok(document) = Document::parse(&text) else { return Words::default() };
    let mut words = [Words::default(), Words::default()];
    for item in document.descendants().filter(|node| node.tag_name().name().eq_ignore_ascii_case("Item")) {
        let attribute = |name: &str| item.attribute(name).unwrap_or_default().to_ascii_lowercase();
        let (role, sample, name) = (attribute("role"), attribute("sample"), attribute("name"));
        let [own, of_file] = &mut words;
        let place = match (sample.parse() == Ok(band), &*role, &*name) {
            (true, "description", _) => &mut own.title,
            (true, "unittype", _) => &mut own.unit,
            (_, "", "units" | "unit") if sample.is_empty() || sample.parse() == Ok(band) => &mut of_file.unit,
            (_, "", "long_name") if sample.is_empty() || sample.parse() == Ok(band) => &mut of_file.title,
            _ => continue,
        };
        *place = item.text().unwrap_or_default().trim().to_owned();
    }
    let [own, of_file] = words;
    let either = |own: String, of_file: String| if own.is_empty() { of_file } else { own };
    Words { title: either(own.title, of_file.title), unit: either(own.unit, of_file.unit) }
}

/// The text of an item of the whole file, which GDAL escapes twice.
pub fn item(bytes: &[u8], name: &str) -> Option<String> {
    let text = text_of(bytes);
    let document = Document::parse(&text).ok()?;
    let mut items = document.descendants().filter(|node| node.tag_name().name() == "Item" && node.attribute("sample").is_none());
    let text = items.find(|item| item.attribute("name") == Some(name))?.text()?;
    Some(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

/// The XML in a tag's bytes.
fn text_of(bytes: &[u8]) -> String {
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    // Latin-1 is what is not UTF-8 in practice, and keeps every ASCII character.
    let text = std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect(), str::to_owned);
    with_known_entities(&text)
}

/// The text with `&` as itself where it begins none of XML's own entities: `&deg;` and `A & B` are found in units and titles.
fn with_known_entities(text: &str) -> String {
    let mut pieces = text.split('&');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let name = piece.split_once(';').map_or("", |(name, _)| name);
        let known = ["amp", "lt", "gt", "quot", "apos"].contains(&name)
            || name.strip_prefix('#').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_alphanumeric()));
        out.push_str(if known { "&" } else { "&amp;" });
        out.push_str(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(xml: impl AsRef<[u8]>) -> Linear {
        unscale(xml.as_ref(), 0).unwrap().0
    }

    const WANTED: Linear = Linear { scale: 0.01, offset: -273.15 };

    #[test]
    fn metadata_of_other_bands_and_roles_does_not_count() {
        let xml = "<GDALMetadata>\n  <Item name=\"units\">degC</Item>\n  <Item name=\"OFFSET\" sample=\"1\" role=\"offset\">7</Item>\n\
            <Item name=\"OFFSET\" sample=\"0\" role=\"offset\">-273.15</Item><Item name=\"SCALE\" sample=\"0\" role=\"scale\">0.01</Item>\n\
            </GDALMetadata>\n\0";
        assert_eq!(unscale(xml.as_bytes(), 0), Ok((WANTED, None)));
        assert_eq!(unscale(xml.as_bytes(), 1), Ok((Linear { scale: 1.0, offset: 7.0 }, None)));
        for none in ["", " \n", "<GDALMetadata/>", "<x><Item sample='0' role='scale'>7</Item></x>"] {
            assert_eq!(unscale(none.as_bytes(), 0), Ok((Linear::default(), None)));
        }
    }

    #[test]
    fn words_are_of_a_band_before_they_are_of_the_file() {
        let xml = "<GDALMetadata><Item name=\"units\">degC</Item><Item name='long_name'>Snow &amp; ice</Item>\
            <Item name='UNITTYPE' sample='1' role='unittype'>%</Item><Item name='DESCRIPTION' sample='1' role='description'> red </Item>\
            </GDALMetadata>";
        let of = |band: usize| words(xml.as_bytes(), band);
        assert_eq!(of(0), Words { title: "Snow & ice".into(), unit: "degC".into() });
        assert_eq!(of(1), Words { title: "red".into(), unit: "%".into() });
        assert_eq!(words(b"<GDALMetadata><Item>", 0), Words::default());
    }

    #[test]
    fn as_other_programs_write_it() {
        assert_eq!(
            of(
                "<GDALMetadata><Item name='s' sample='0' role='scale'>0.01</Item><Item role='offset' sample='0' name=''> -273,15 </Item></GDALMetadata>"
            ),
            WANTED
        );
        let latin = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><GDALMetadata><Item name=\"unit\">\xb0C</Item>\
            <Item name=\"SCALE\" sample=\"0\" role=\"scale\">1e-2</Item><Item name=\"o\" sample=\"0\" role=\"offset\">-273.15</Item></GDALMetadata>";
        assert_eq!(of(latin), WANTED);
        let entities = "<GDALMetadata><Item name=\"a&quot;>b\">&deg;C & &lt;Item sample='0' role='scale'> &bogus</Item><!-- <Item sample='0' \
            role='scale'>9</Item> --><Item name='s' sample='0' role='scale'><![CDATA[0.01]]></Item>\
            <Item name='o' sample='0' role=\"&#111;ffset\">&#45;273.15</Item></GDALMetadata>";
        assert_eq!(of(entities), WANTED);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let item = |text: &str| {
            unscale(format!("<GDALMetadata><Item name=\"s\" sample=\"0\" role=\"scale\">{text}</Item></GDALMetadata>").as_bytes(), 0)
        };
        for text in ["x", "", "0.1 0.2", "nan", "0x10"] {
            assert!(item(text).unwrap_err().contains("no finite number"), "{text}");
        }
        assert!(unscale(b"<GDALMetadata><Item role=\"scale\" sample=\"0\">7</GDALMetadata>", 0).unwrap_err().contains("no XML"));
        let (linear, note) = unscale(b"<GDALMetadata><Item>", 0).unwrap();
        assert!(linear.is_identity() && note.unwrap().contains("not used"));
        let (linear, note) = unscale(b"<GDALMetadata><Item role='scale'>7</Item></GDALMetadata>", 0).unwrap();
        assert!(linear.is_identity() && note.unwrap().contains("not applied"));
    }
}
