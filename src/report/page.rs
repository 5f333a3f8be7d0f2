//! The page around its sections: heading, links, style sheet, script.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{GENERATOR, Part, html::missing};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("theme.js");

/// One part of the page.
#[derive(Debug)]
pub struct Section {
    /// What links to it name.
    pub id: &'static str,
    /// Its heading.
    pub name: &'static str,
    /// What it shows.
    pub body: Markup,
}

impl Section {
    /// A section, or the sentence that says why it is missing in its place.
    pub fn new<T>(id: &'static str, name: &'static str, part: &Part<T>, body: impl FnOnce(&T) -> Markup) -> Section {
        let body = match part {
            Ok(part) => body(part),
            Err(reason) => missing(reason),
        };
        Section { id, name, body }
    }
}

/// The page as one HTML document: heading, first sentence, sections in their order.
pub fn document(title: &str, lead: &str, sections: &[Section]) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                (PreEscaped(GENERATOR))
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (title) }
                    p.lead { (lead) }
                    nav {
                        @for section in sections { a href={ "#" (section.id) } { (section.name) } }
                        button #theme type="button" hidden { "Dark" }
                    }
                }
                main {
                    @for section in sections {
                        section id=(section.id) { h2 { (section.name) } (section.body) }
                    }
                }
                footer { "Made by meltcore " (env!("CARGO_PKG_VERSION")) "." }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    // Names of files may hold characters that no HTML document may.
    let forbidden = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    page.into_string().replace(forbidden, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        let texts = Section::new("a", "A", &Ok("<b>\u{1}"), |text| html! { (text) });
        let page = document("<a href=\"x\">&'\u{1}", "<i>", &[texts, Section::new("b", "B", &Err::<(), _>("<u>".into()), |_| html! {})]);
        assert!(page.contains("<h1>&lt;a href=&quot;x&quot;&gt;&amp;'\u{fffd}</h1>") && page.contains("&lt;b&gt;\u{fffd}"));
        assert!(page.contains("<p class=\"missing\">&lt;u&gt;</p>") && !page.contains("<i>"));
    }
}
