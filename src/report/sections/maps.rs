//! Scenes beside each other: the observed map, each model's, and its error.

use maud::{Markup, html};

use crate::image::Colormap;
use crate::report::html::{colour_bar, png_address};
use crate::report::scenes::Scene;
use crate::report::score_file::score_text;

/// The scenes' maps under one key to their colours.
pub fn section(scenes: &[Scene]) -> Markup {
    html! {
        div.bars {
            (colour_bar("melt fraction", Colormap::Viridis, ["0", "0.5", "1"]))
            (colour_bar("map − observed", Colormap::Diverging, ["−1", "0", "1"]))
            span.grey { i {} "ocean or not observed" }
        }
        @for scene in scenes { (article(scene)) }
        p.note {
            "Shown are the day with the largest mean absolute error of the first model, and of each part of the season the middle "
            "day by that error; days of which less than half as much was observed as on the fullest day are left out."
        }
    }
}

fn article(scene: &Scene) -> Markup {
    let [width, height] = scene.size;
    let day = scene.day.to_string();
    let scores = scene.scores.iter().map(|(name, s)| format!("{name}: MAE {}, F1 {}", score_text(s, "mae"), score_text(s, "f1")));
    let scores = scores.collect::<Vec<_>>().join(" · ");
    html! {
        article {
            h3 { (day) @if let Some(note) = scene.note { " " em { (note) } } }
            p.note { (format_args!("Observed: {:.0} % of the land. {scores}", 100.0 * scene.seen)) }
            div.maps {
                @for picture in &scene.pictures {
                    figure {
                        figcaption { (picture.title) }
                        img src=(png_address(&picture.png)) width=(width) height=(height) alt={ (picture.title) ", " (day) };
                    }
                }
            }
        }
    }
}
