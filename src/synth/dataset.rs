//! Writes a scene as a dataset: one GeoTIFF per variable and day, winter means, split lists, and configurations that work on it.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::claim::claim;
use super::geography::cut_tags;
use super::georeference::albers;
use super::recipe::{Model, Recipe};
use super::season::FIRST_YEAR;
use super::steps::commands;
use super::terrain::SCENE_KM;
use super::{Scene, SynthOptions};
use crate::data::day::Day;
use crate::data::moments::Moments;
use crate::data::split::write_split_csv;
use crate::data::writer::write_geotiff;
use crate::error::{Error, Result};
use crate::files::write_atomically;

/// Days that see a smaller share of the land than this are mapped only, not learned from.
const LEAST_SHARE: f64 = 0.4;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SynthSummary {
    /// The configuration of the small UNet.
    pub config: PathBuf,
    /// Days in the train, val and test lists.
    pub train_val_test: [usize; 3],
    /// Days written.
    pub days: usize,
    /// The commands that come next, in their order, ready for a shell in the current directory.
    pub next: Vec<String>,
}

/// Winter means that are written even where the days are of fewer years.
const LEAST_WINTERS: u16 = 2;

/// The days in each list.
#[derive(Debug, Default)]
struct Lists {
    train: Vec<Day>,
    val: Vec<Day>,
    test: Vec<Day>,
    eval: Vec<Day>,
    deploy: Vec<Day>,
}

/// Writes the dataset into `out_dir`; `progress` hears (days done, days in all) after each day.
///
/// Folders: `melt`, `mar_wa1`, `pmw`, `pmw_winter_mean` (two winters at least); files `dem.tif`, `landmask.tif`, `splits/*.csv`,
/// `config.yaml` and the other [`Model`]s' configurations, `synth.json`. The split `all` holds every day: all have a target; `deploy`
/// leaves out those that the reference's rule leaves out, the 31st of a month.
///
/// # Errors
/// [`Error::Usage`] for options that no scene can have or a folder that holds something else (see [`claim`]), [`Error::Input`] for
/// geography that cannot be read, [`Error::Output`] where a file cannot be written.
pub fn write_dataset(out_dir: &Path, options: &SynthOptions, mut progress: impl FnMut(usize, usize)) -> Result<SynthSummary> {
    if out_dir.to_str().is_none() {
        return Err(Error::output(out_dir, "the folder's name is not valid UTF-8, so that no configuration can name it; choose another"));
    }
    let scene = Scene::new(options)?;
    claim(out_dir, options)?;
    let (rows, cols) = (options.rows, options.cols);
    // Pixels of the reference's 100 m at its 2863 rows, else of a round number of metres.
    let invented = albers((f64::from(SCENE_KM) * 100.0 / rows as f64).round() * 10.0);
    let geo = options.geography.as_ref().map(|folder| cut_tags(folder, rows, cols)).transpose()?.flatten().unwrap_or(invented);
    let save = |name: String, values: &[f32]| write_geotiff(out_dir.join(name), rows, cols, values, &geo);

    let landmask: Vec<f32> = scene.terrain.land.iter().map(|land| if *land { 1.0 } else { -1.0 }).collect();
    save("dem.tif".into(), &scene.terrain.dem)?;
    save("landmask.tif".into(), &landmask)?;
    let first_year = scene.days.first().map_or(FIRST_YEAR, |d| d.year);
    let last_year = scene.days.last().map_or(FIRST_YEAR, |d| d.year).max(first_year + LEAST_WINTERS - 1);
    for year in first_year..=last_year {
        save(format!("pmw_winter_mean/{year}_jan_feb.tif"), &scene.winter_mean(year))?;
    }

    let lists = divide(&scene);
    let dem = Moments::of(scene.terrain.dem.iter().copied());
    let (mut pmw, mut mar, mut melt) = (Moments::default(), Moments::default(), Moments::default());
    for (done, day) in scene.days.iter().enumerate() {
        let fields = scene.day(*day);
        let name = day.file_name();
        save(format!("melt/{name}"), &fields.melt)?;
        save(format!("mar_wa1/{name}"), &fields.mar_wa1)?;
        save(format!("pmw/{name}"), &fields.pmw)?;
        if lists.train.contains(day) {
            pmw = pmw.merged(Moments::of(fields.pmw.iter().copied()));
            mar = mar.merged(Moments::of(fields.mar_wa1.iter().copied()));
            let seen = fields.melt.iter().zip(&scene.terrain.land).filter(|(m, land)| **land && !m.is_nan());
            melt = melt.merged(Moments::of(seen.map(|(m, _)| *m)));
        }
        progress(done + 1, scene.days.len());
    }

    for (split, days) in [
        ("train", &lists.train),
        ("val", &lists.val),
        ("test", &lists.test),
        ("eval", &lists.eval),
        ("all", &scene.days),
        ("deploy", &lists.deploy),
    ] {
        write_split_csv(&out_dir.join("splits").join(format!("{split}.csv")), days)?;
    }
    let recipe = Recipe { out_dir, options, days: &scene.days, pmw, mar_wa1: mar, melt, dem };
    let next = commands(out_dir);
    for model in Model::ALL {
        let own = if model == Model::Unet { next.clone() } else { model.commands(out_dir) };
        write_text(&out_dir.join(model.file()), &recipe.yaml(model, &own))?;
    }
    let train_val_test = [lists.train.len(), lists.val.len(), lists.test.len()];
    Ok(SynthSummary { config: out_dir.join(Model::Unet.file()), train_val_test, days: scene.days.len(), next })
}

/// Of the well-covered days, in time order, one in seven each for val and test (more of a short archive); eval is up to three of val,
/// deploy every day but the 31st of a month.
fn divide(scene: &Scene) -> Lists {
    let mut good: Vec<Day> = scene.days.iter().copied().filter(|d| scene.seen_share(*d) >= LEAST_SHARE).collect();
    if good.len() < 3 {
        good.clone_from(&scene.days);
    }
    let cycle = good.len().clamp(3, 7);
    let mut lists = Lists::default();
    for (i, day) in good.into_iter().enumerate() {
        match i % cycle {
            p if p == cycle / 2 => lists.val.push(day),
            p if p == cycle - 1 => lists.test.push(day),
            _ => lists.train.push(day),
        }
    }
    let step = lists.val.len().div_ceil(3).max(1);
    lists.deploy = scene.days.iter().copied().filter(|d| d.day < 31).collect();
    lists.eval = lists.val.iter().copied().step_by(step).collect();
    lists
}

fn write_text(path: &Path, text: &str) -> Result<()> {
    write_atomically(path, |out| out.write_all(text.as_bytes()))
}
