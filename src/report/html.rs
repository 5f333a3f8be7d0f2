//! Markup that several sections need: tables that scroll, charts beside each other, pictures within the page, keys to colours.

use base64::{Engine, engine::general_purpose::STANDARD};
use maud::{Markup, html};

use super::plot::{COLOURS, Plot};
use crate::evaluate::score_file::{Scores, score};
use crate::image::Colormap;
use crate::tasks::{Band, Better, Task};

/// Why a part of the page is not there.
pub fn missing(reason: &str) -> Markup {
    html! { p.missing { (reason) } }
}

/// A table that scrolls within itself where the screen is too narrow.
pub fn table(contents: &Markup) -> Markup {
    html! { div.scroll tabindex="0" { table { (contents) } } }
}

/// A table with two lines a cell that stands on its side where the screen is narrow: its columns become rows below each other.
pub fn turning_table(contents: &Markup) -> Markup {
    html! { div.scroll tabindex="0" { table.turning { (contents) } } }
}

/// Charts beside and below each other, as the screen has room.
pub fn charts(plots: &[Plot]) -> Markup {
    html! { div.charts { @for plot in plots { (plot) } } }
}

/// The score of this name as the page shows it: errors with four decimals, all others with three.
pub fn score_text(task: &dyn Task, scores: &Scores, name: &str) -> String {
    let decimals = if task.column(name).is_some_and(|column| column.better == Better::Less) { 4 } else { 3 };
    score(scores, name).map_or("–".into(), |value| format!("{value:.decimals$}").replace('-', "−"))
}

/// A PNG file as the address of a picture (RFC 2397).
pub fn png_address(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

/// How an entry of a legend is drawn; the style sheet knows these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A line.
    Line,
    /// A dashed line.
    Dash,
    /// A dot.
    Dot,
    /// A mark at the foot of a chart.
    Rug,
}

/// Names beside their colours (`None` takes that of text), above the charts that they belong to.
pub fn legend<'a>(entries: impl IntoIterator<Item = (&'a str, Option<usize>, Key)>) -> Markup {
    let class = |colour, key| {
        let key = match key {
            Key::Line => "line",
            Key::Dash => "dash",
            Key::Dot => "dot",
            Key::Rug => "rug",
        };
        format!("key {key} {}", colour_class(colour))
    };
    html! {
        ul.legend { @for (name, colour, key) in entries { li { span class=(class(colour, key)) {} (name) } } }
    }
}

/// The style sheet's name for the colour with this number; beyond the last one they begin again.
pub fn colour_class(colour: Option<usize>) -> String {
    colour.map_or("ink".into(), |number| format!("c{}", number % COLOURS))
}

/// The colours of a band of maps: a bar from one end of its range to the other, or its classes.
pub fn band_key(band: &Band) -> Markup {
    let (low, high) = band.range;
    if band.classes.is_empty() {
        return colour_bar(band.quantity, band.colormap, [low, 0.5 * (low + high), high]);
    }
    let colour = |class: usize| {
        let [r, g, b] = band.colormap.colour_in(class as f32, band.range);
        format!("background:rgb({r} {g} {b})")
    };
    html! {
        @for (class, name) in band.classes.iter().enumerate() { span.grey { i style=(colour(class)) {} (name) } }
    }
}

/// The colours of a band's errors.
pub fn error_key(band: &Band) -> Markup {
    if band.has_wrong_places() {
        let [r, g, b] = Colormap::Diverging.colour(1.0);
        return html! { span.grey { i style=(format!("background:rgb({r} {g} {b})")) {} "wrong" } };
    }
    let most = if band.classes.is_empty() { band.range.1 - band.range.0 } else { 1.0 };
    colour_bar("map − observed", Colormap::Diverging, [-most, 0.0, most])
}

/// A horizontal colour bar with three labels.
pub fn colour_bar(title: &str, colormap: Colormap, labels: [f32; 3]) -> Markup {
    let stop = |i: u32| {
        let [r, g, b] = colormap.colour(i as f32 / 16.0);
        format!("rgb({r} {g} {b})")
    };
    let stops = (0..=16).map(stop).collect::<Vec<_>>().join(",");
    html! {
        div.bar {
            b { (title) }
            i style={ "background:linear-gradient(to right," (stops) ")" } {}
            div { @for label in labels { span { (label.to_string().replace('-', "−")) } } }
        }
    }
}
