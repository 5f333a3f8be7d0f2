//! What the page was made from, as lists of names and values.

use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::report::html::table;
use crate::report::manifest::{Facts, scalar};

/// The facts, and the keys of the configuration to be unfolded.
pub fn section(facts: &Facts, keys: &Map<String, Value>) -> Markup {
    let keys: Vec<(&String, String)> = keys.iter().filter_map(|(key, value)| Some((key, scalar(value)?))).collect();
    html! {
        div.facts {
            @for (heading, facts) in facts {
                div { h3 { (heading) } dl { @for (name, value) in facts { dt { (name) } dd { (value) } } } }
            }
        }
        @if !keys.is_empty() {
            details {
                summary { "Configuration, " (keys.len()) " keys" }
                (table(&html! {
                    thead { tr { th { "Key" } th { "Value" } } }
                    tbody { @for (key, value) in &keys { tr { td { (key) } td { (value) } } } }
                }))
            }
        }
    }
}
