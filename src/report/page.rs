//! The page: its sections in order, each from its part of the data or with the sentence that says why it is missing.

use serde_json::{Map, Value};

use super::charts::{self, GroupName};
use super::extent::Extents;
use super::html::{Cell, escape, paragraph, png_address, table};
use super::manifest::{Facts, duration, scalar};
use super::plot::{Plot, legend};
use super::run_log::RunLog;
use super::scenes::Scene;
use super::score_file::{ModelScores, Pairs, ScoreFile, Scores, score};
use super::season::Season;
use super::{GENERATOR, Part};
use crate::image::Colormap;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("theme.js");

/// Columns of the score table: name in the scores, head, whether more is better. The first five are the benchmark's paper's.
const COLUMNS: [(&str, &str, bool); 9] = [
    ("mae", "MAE", false),
    ("mse", "MSE", false),
    ("accuracy", "Accuracy", true),
    ("f1", "F1", true),
    ("ssim", "SSIM", true),
    ("rmse", "RMSE", false),
    ("r2", "R²", true),
    ("precision", "Precision", true),
    ("recall", "Recall", true),
];

/// Groupings of the scenes: title, where the scores have them, whether they are months.
type Grouping = (&'static str, fn(&ModelScores) -> &Pairs<Scores>, bool);
const GROUPS: [Grouping; 3] = [
    ("By days to the nearest other train day", |model| &model.by_gap, false),
    ("By month", |model| &model.by_month, true),
    ("By year", |model| &model.by_year, false),
];

/// Everything that the page shows.
#[derive(Debug)]
pub struct Page {
    /// Heading.
    pub title: String,
    /// Name of the split.
    pub split: String,
    /// Scores of all models.
    pub scores: Part<ScoreFile>,
    /// Scenes to look at.
    pub scenes: Part<Vec<Scene>>,
    /// Melt extents.
    pub extents: Part<Extents>,
    /// The melt year.
    pub season: Season,
    /// Logs of trainings.
    pub logs: Vec<RunLog>,
    /// Where all of it is from.
    pub manifest: Facts,
    /// Keys of the configuration.
    pub keys: Map<String, Value>,
    /// The models in the order of their colours.
    pub colours: Vec<String>,
}

impl Page {
    /// The page as one HTML document.
    pub fn to_html(&self) -> String {
        let title = escape(&self.title);
        let sections = [
            ("scores", "Scores", self.scores()),
            ("maps", "Maps", self.maps()),
            ("extent", "Melt extent", self.melt_extent()),
            ("detail", "Where the errors are", self.detail()),
            ("training", "Training", self.training()),
            ("manifest", "Manifest", self.manifest()),
        ];
        let links: String = sections.iter().map(|(id, name, _)| format!("<a href=\"#{id}\">{name}</a>")).collect();
        let body: String =
            sections.iter().map(|(id, name, html)| format!("<section id=\"{id}\">\n<h2>{name}</h2>\n{html}</section>\n")).collect();
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n{GENERATOR}\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
             <link rel=\"icon\" href=\"data:,\">\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n{}\
             <nav>{links}<button type=\"button\" id=\"theme\" hidden>Dark</button></nav>\n</header>\n<main>\n{body}</main>\n\
             <footer>Made by meltcore {}.</footer>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
            paragraph("lead", &self.lead()),
            env!("CARGO_PKG_VERSION"),
        )
    }

    fn colour(&self, name: &str) -> usize {
        self.colours.iter().position(|other| other == name).unwrap_or(0)
    }

    /// The legend of the models, with further entries.
    fn models_and(&self, more: &[(&str, Option<usize>, &'static str)]) -> String {
        let models = self.colours.iter().map(|name| (name.clone(), Some(self.colour(name)), "line"));
        legend(&models.chain(more.iter().map(|(name, colour, mark)| ((*name).to_owned(), *colour, *mark))).collect::<Vec<_>>())
    }

    fn lead(&self) -> String {
        let Ok(scores) = &self.scores else { return format!("Maps of the split {}.", self.split) };
        let scenes = scores.models.0.first().map_or(0, |(_, model)| model.scenes.0.len());
        let best = scores.models.0.iter().filter_map(|(name, model)| Some((name, score(&model.weighted_mean, "mae")?)));
        let best = best.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(String::new(), |(name, mae)| {
            format!(" Mean absolute error of {name}: {mae:.4} in melt fraction, the lowest of {}.", scores.models.0.len())
        });
        let best = if scores.models.0.len() > 1 { best } else { String::new() };
        format!("Daily melt maps against observed ones on {scenes} days of the split {}.{best}", scores.split)
    }

    fn scores(&self) -> String {
        let scores = match &self.scores {
            Ok(scores) => scores,
            Err(reason) => return missing(reason),
        };
        let models = &scores.models.0;
        let mut head = vec![Cell::text("Model")];
        head.extend(COLUMNS.iter().map(|(_, name, _)| Cell::number(name)));
        head.push(Cell::number("pooled F1"));
        let column = |name: &str| models.iter().filter_map(|(_, model)| score(&model.weighted_mean, name)).collect::<Vec<_>>();
        let extreme = |values: &[f64], more: bool| values.iter().copied().reduce(if more { f64::max } else { f64::min });
        let cell = |value: Option<f64>, best: Option<f64>, four: bool| {
            let cell = Cell::number(number(value, four));
            if models.len() > 1 && value.is_some() && value == best { cell.best() } else { cell }
        };
        let mut rows = Vec::new();
        let pooled: Vec<f64> = models.iter().filter_map(|(_, model)| score(&model.pooled, "f1")).collect();
        for (name, model) in models {
            let mean = |(key, _, more): &(&str, &str, bool)| {
                let best = extreme(&column(key), *more);
                cell(score(&model.weighted_mean, key), best, is_error(key))
            };
            let last = cell(score(&model.pooled, "f1"), extreme(&pooled, true), false);
            rows.push([Cell::text(name)].into_iter().chain(COLUMNS.iter().map(mean)).chain([last]).collect());
            let spread = |(key, ..): &(&str, &str, bool)| Cell::number(number(score(&model.weighted_std, key), is_error(key))).dim();
            rows.push([Cell::text("± over days").dim()].into_iter().chain(COLUMNS.iter().map(spread)).chain([Cell::text("")]).collect());
        }
        table(&[head], &rows)
            + &paragraph(
                "note",
                "Means over the days, weighted by the observed pixels on land, and the standard deviation over the days below. \
                 Accuracy, F1, precision and recall: melt is a fraction above 0.1. Pooled F1: all pixels of all days at once. \
                 SSIM: structural similarity with a Gaussian window of 10 pixels.",
            )
    }

    fn maps(&self) -> String {
        let scenes = match &self.scenes {
            Ok(scenes) => scenes,
            Err(reason) => return missing(reason),
        };
        let mut html = format!(
            "<div class=\"bars\">{}{}<span class=\"grey\"><i></i>ocean or not observed</span></div>\n",
            colour_bar("melt fraction", Colormap::Viridis, ["0", "0.5", "1"]),
            colour_bar("map − observed", Colormap::Diverging, ["−1", "0", "1"]),
        );
        for scene in scenes {
            let [width, height] = scene.size;
            let note = scene.note.map_or(String::new(), |note| format!(" <em>{note}</em>"));
            let figure = |picture: &super::scenes::Picture| {
                let (title, address) = (escape(&picture.title), png_address(&picture.png));
                format!(
                    "<figure><figcaption>{title}</figcaption><img src=\"{address}\" width=\"{width}\" height=\"{height}\" alt=\"{title}, {}\"></figure>",
                    scene.day
                )
            };
            let value = |scores: &Scores, name: &str| number(score(scores, name), name == "mae");
            let scores = scene.scores.iter().map(|(name, s)| format!("{name}: MAE {}, F1 {}", value(s, "mae"), value(s, "f1")));
            let scores = scores.collect::<Vec<_>>().join(" · ");
            html += &format!(
                "<article><h3>{}{note}</h3>\n<p class=\"note\">Observed: {:.0} % of the land. {}</p>\n<div class=\"maps\">{}</div></article>\n",
                scene.day,
                100.0 * scene.seen,
                escape(&scores),
                scene.pictures.iter().map(figure).collect::<String>()
            );
        }
        let most = "Shown are the day with the largest mean absolute error of the first model, and of each part of the season the middle \
                    day by that error; days of which less than half as much was observed as on the fullest day are left out.";
        html + &paragraph("note", most)
    }

    fn melt_extent(&self) -> String {
        let extents = match &self.extents {
            Ok(extents) => extents,
            Err(reason) => return missing(reason),
        };
        let years = charts::extents_by_year(extents, self.season, |name| self.colour(name));
        if years.is_empty() {
            return missing("The folders hold no maps named YYYY_MM_DD.tif.");
        }
        let climatology = charts::climatology(extents, self.season, |name| self.colour(name));
        let whole = "Land where the map's melt fraction exceeds 0.1, for every map in the folders; days more than 20 apart are not joined. \
                     Marks at the foot are days with an observed (SAR) map; dots are its extent where it covers nine tenths of the land.";
        let monthly = "By month over all years: melting pixels of all maps over all their land pixels; observed: of the observed maps of \
                       the same days over what they cover.";
        self.models_and(&[("observed", None, "dot"), ("observed days", None, "rug")])
            + &grid(&[years, vec![climatology]].concat())
            + &paragraph("note", whole)
            + &paragraph("note", monthly)
    }

    fn detail(&self) -> String {
        let scores = match &self.scores {
            Ok(scores) => scores,
            Err(reason) => return missing(reason),
        };
        let models = &scores.models.0;
        let colour = |name: &str| self.colour(name);
        let mut html = self.models_and(&[("as predicted, so observed", None, "dash")]);
        let names = |groups, by_month: bool| charts::group_names(models, groups, by_month.then_some(self.season));
        let mut plots: Vec<Plot> = Vec::new();
        let binned = models.iter().any(|(_, model)| !model.reliability.is_empty());
        if binned {
            plots.push(charts::reliability(models, colour));
        }
        for (title, groups, by_month) in GROUPS {
            let names = names(groups, by_month);
            if names.len() > 1 {
                plots.push(charts::by_group(&format!("MAE {}", title.to_lowercase()), models, &names, groups, colour));
            }
        }
        html += &grid(&plots);
        if binned {
            let text = "Reliability: pixels sorted into ten bins by predicted fraction, the mean prediction of each against the mean \
                        observed there; the area of a dot is the bin's share of the pixels.";
            html += &paragraph("note", text);
        }
        for (title, groups, by_month) in GROUPS {
            let names = names(groups, by_month);
            html += &if names.is_empty() {
                missing(&format!(
                    "{title}: these scores do not have it; it needs the days of the train split and a recent `meltcore eval`."
                ))
            } else {
                format!("<h3>{title}</h3>\n{}", group_table(models, &names, groups))
            };
        }
        html
    }

    fn training(&self) -> String {
        if self.logs.is_empty() {
            return missing("No training log was found beside the checkpoints (log.jsonl); --log FILE names one.");
        }
        let mut html = legend(&[("training".into(), Some(0), "line"), ("validation".into(), Some(1), "line")]);
        for log in &self.logs {
            let (epochs, seconds) = (log.epochs.len(), log.total("seconds"));
            let best = log.curve("val_loss").into_iter().min_by(|a, b| a[1].total_cmp(&b[1]));
            let best = best.map_or(String::new(), |[epoch, loss]| format!(" Best validation loss {loss:.4} in epoch {epoch}."));
            let plural = if epochs == 1 { "epoch" } else { "epochs" };
            html += &paragraph("note", &format!("{}: {epochs} {plural} in {}.{best}", log.path.display(), duration(seconds)));
            html += &grid(&charts::training(log));
        }
        html
    }

    fn manifest(&self) -> String {
        let mut html = String::from("<div class=\"facts\">");
        for (heading, facts) in &self.manifest {
            let facts: String = facts.iter().map(|(name, value)| format!("<dt>{}</dt><dd>{}</dd>", escape(name), escape(value))).collect();
            html += &format!("<div><h3>{}</h3><dl>{facts}</dl></div>\n", escape(heading));
        }
        html += "</div>\n";
        if !self.keys.is_empty() {
            let row = |(key, value): (&String, &Value)| Some(vec![Cell::text(key), Cell::text(scalar(value)?)]);
            let rows: Vec<Vec<Cell>> = self.keys.iter().filter_map(row).collect();
            let head = vec![Cell::text("Key"), Cell::text("Value")];
            html += &format!("<details><summary>Configuration, {} keys</summary>{}</details>\n", rows.len(), table(&[head], &rows));
        }
        html
    }
}

fn missing(reason: &str) -> String {
    paragraph("missing", reason)
}

fn grid(plots: &[Plot]) -> String {
    format!("<div class=\"charts\">\n{}</div>\n", plots.iter().map(Plot::to_html).collect::<String>())
}

fn is_error(name: &str) -> bool {
    matches!(name, "mae" | "mse" | "rmse")
}

/// A score with three decimals, or four.
fn number(value: Option<f64>, four: bool) -> String {
    value.map_or("–".into(), |value| format!("{value:.*}", if four { 4 } else { 3 }).replace('-', "−"))
}

/// MAE, F1 and SSIM of every model, one row a group.
fn group_table(models: &[(String, ModelScores)], names: &[GroupName], groups: fn(&ModelScores) -> &Pairs<Scores>) -> String {
    const SHOWN: [(&str, &str); 3] = [("mae", "MAE"), ("f1", "F1"), ("ssim", "SSIM")];
    let over = [Cell::text(""), Cell::text("")].into_iter().chain(models.iter().map(|(name, _)| Cell::over(name, SHOWN.len())));
    let head = [Cell::text(""), Cell::number("scenes")].into_iter();
    let head = head.chain(models.iter().flat_map(|_| SHOWN.map(|(_, head)| Cell::number(head))));
    let row = |name: &GroupName| {
        let of = |model: &ModelScores, key: &str| groups(model).get(&name.label).and_then(|scores| score(scores, key));
        let scenes = models.iter().find_map(|(_, model)| of(model, "scenes")).map_or("–".into(), |scenes| format!("{scenes:.0}"));
        let numbers = models.iter().flat_map(|(_, model)| SHOWN.map(|(key, _)| Cell::number(number(of(model, key), is_error(key)))));
        [Cell::text(&name.name), Cell::number(scenes)].into_iter().chain(numbers).collect()
    };
    table(&[over.collect(), head.collect()], &names.iter().map(row).collect::<Vec<_>>())
}

/// A horizontal colour bar with three labels.
fn colour_bar(title: &str, colormap: Colormap, labels: [&str; 3]) -> String {
    let stop = |i: u32| {
        let [r, g, b] = colormap.colour(i as f32 / 16.0);
        format!("rgb({r} {g} {b})")
    };
    let stops = (0..=16).map(stop).collect::<Vec<_>>().join(",");
    let labels: String = labels.iter().map(|label| format!("<span>{label}</span>")).collect();
    format!(
        "<div class=\"bar\"><b>{}</b><i style=\"background:linear-gradient(to right,{stops})\"></i><div>{labels}</div></div>",
        escape(title)
    )
}
