//! Scenes beside each other: the observed map, each model's, and its error; without targets each model's map and the inputs.

use maud::{Markup, html};

use crate::evaluate::score_file::Scores;
use crate::report::front_pictures::COLOURS as FRONT_COLOURS;
use crate::report::html::{band_key, colour_bar, error_key, missing, png_address, score_text};
use crate::report::scenes::ShownScene;
use crate::report::unscored::InputKey;
use crate::tasks::Task;

/// The scored scenes' maps under one key to their colours.
pub fn section(scenes: &[ShownScene], task: &dyn Task) -> Markup {
    let (band, of) = (task.bands()[0], task.words().of);
    let [one, several] = of.names;
    html! {
        div.bars {
            (band_key(&band))
            (error_key(&band))
            span.grey { i {} (of.grey[1]) }
            @if task.fronts().is_some() {
                @for (name, [r, g, b]) in FRONT_COLOURS { span.grey { i style=(format_args!("background:rgb({r} {g} {b})")) {} (name) } }
            }
        }
        @for scene in scenes { (article(scene, task)) }
        p.note {
            "Shown are the worst " (one) " of the first model by " (task.words().first_score[0].to_lowercase()) ", and of each part of "
            (of.parts) " the middle " (one) " by that; " (several) " of which less than half as large a share was observed as of the fullest "
            (one) " are left out."
        }
    }
}

/// The scenes of days without targets, each model's map and the inputs, under keys to their colours; `without` says why inputs are missing.
pub fn unscored(scenes: &[ShownScene], keys: &[InputKey], without: Option<&str>, task: &dyn Task) -> Markup {
    let (band, of) = (task.bands()[0], task.words().of);
    html! {
        div.bars {
            (band_key(&band))
            @for key in keys { (colour_bar(&key.title, key.colormap, key.labels)) }
            span.grey { i {} (of.grey[0]) " or no value" }
        }
        @if let Some(reason) = without { (missing(reason)) }
        @for scene in scenes { (article(scene, task)) }
        p.note { "Shown are " (of.names[1]) " of all parts of " (of.parts) ": the maps, and the inputs that the network sees, as they are stored." }
    }
}

fn article(scene: &ShownScene, task: &dyn Task) -> Markup {
    let [width, height] = scene.size;
    let day = scene.day.to_string();
    let titled = |s: &Scores, name: &str| Some(format!("{} {}", task.column(name)?.title, score_text(task, s, name)));
    let shown = |s: &Scores| task.headline().iter().filter_map(|name| titled(s, name)).collect::<Vec<_>>().join(", ");
    let scores = scene.scores.iter().map(|(name, s)| format!("{name}: {}", shown(s)));
    let scores = scores.collect::<Vec<_>>().join(" · ");
    html! {
        article {
            h3 { (day) @if let Some(note) = scene.note { " " em { (note) } } }
            @if let Some(seen) = scene.seen { p.note { (format_args!("Observed: {:.0} % of {}. {scores}", 100.0 * seen, task.words().of.all)) } }
            div.maps.scored[scene.seen.is_some()] {
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
