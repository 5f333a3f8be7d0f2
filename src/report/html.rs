//! The little HTML that the page needs: escaped text, tables, pictures within the page. Whatever comes from outside goes through [`escape`].

/// Text as it may stand between tags and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // What no HTML document may hold.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    text: String,
    class: &'static str,
    span: usize,
}

impl Cell {
    /// Text, at the left.
    pub fn text(text: impl AsRef<str>) -> Cell {
        Cell { text: escape(text.as_ref()), class: "", span: 1 }
    }

    /// A number, at the right, with figures of one width.
    pub fn number(text: impl AsRef<str>) -> Cell {
        Cell { class: "n", ..Cell::text(text) }
    }

    /// The best number of its column.
    pub fn best(self) -> Cell {
        Cell { class: "n best", ..self }
    }

    /// Of less weight than its neighbours.
    pub fn dim(self) -> Cell {
        Cell { class: if self.class.is_empty() { "dim" } else { "n dim" }, ..self }
    }

    /// A head over several columns.
    pub fn over(text: impl AsRef<str>, span: usize) -> Cell {
        Cell { class: "over", span, ..Cell::text(text) }
    }

    fn html(&self, tag: &str) -> String {
        let class = if self.class.is_empty() { String::new() } else { format!(" class=\"{}\"", self.class) };
        let span = if self.span == 1 { String::new() } else { format!(" colspan=\"{}\"", self.span) };
        format!("<{tag}{class}{span}>{}</{tag}>", self.text)
    }
}

/// A table that scrolls within itself where the screen is too narrow.
pub fn table(heads: &[Vec<Cell>], rows: &[Vec<Cell>]) -> String {
    let line = |tag: &str, cells: &[Cell]| format!("<tr>{}</tr>", cells.iter().map(|cell| cell.html(tag)).collect::<String>());
    let heads: String = heads.iter().map(|row| line("th", row)).collect();
    let rows: String = rows.iter().map(|row| line("td", row)).collect();
    format!("<div class=\"scroll\" tabindex=\"0\"><table><thead>{heads}</thead><tbody>{rows}</tbody></table></div>\n")
}

/// A paragraph of plain text.
pub fn paragraph(class: &str, text: &str) -> String {
    format!("<p class=\"{class}\">{}</p>\n", escape(text))
}

/// A PNG file as the address of a picture (RFC 2397).
pub fn png_address(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", base64(png))
}

/// Base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = (0..3).fold(0u32, |word, i| word << 8 | u32::from(group.get(i).copied().unwrap_or(0)));
        for digit in 0..4 {
            let value = (word >> (18 - 6 * digit) & 63) as usize;
            text.push(if digit <= group.len() { char::from(DIGITS[value]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_the_rfc() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn markup_is_escaped() {
        assert_eq!(escape("<a href=\"x\">&'\u{1}"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;\u{fffd}");
        assert_eq!(table(&[vec![Cell::text("<b>")]], &[vec![Cell::number("1").best()]]).matches("<b>").count(), 0);
    }
}
