//! `meltcore front`: calving fronts from maps of zones.

use super::Globals;
use super::arguments::{at_least_0, positive};
use super::eval_fronts::score_cells;
use super::front_files::{FrontFiles, Kind};
use super::output::{Table, print_json, print_line};
use super::watch::Watch;
use crate::data::inventory::name_some;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::fronts::centre_line::CentreLine;
use crate::fronts::distances::Compared;
use crate::fronts::groups::{FrontGroup, grouped};
use crate::fronts::line_check::scenes_missed;
use crate::fronts::request::{FrontRequest, SceneFront};
use crate::fronts::scene_files::{SceneFile, find_scenes};
use crate::fronts::scores::FrontScores;
use crate::fronts::series::{SeriesRow, series};
use crate::tasks::{Holds, MAPS_FILE};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Draw calving fronts from maps of zones, measure how they move, and score them
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore front predictions --out fronts\n  \
    meltcore front zones/test --out fronts --bounding-boxes bounding_boxes --truth fronts/test --csv fronts.csv\n  \
    meltcore front maps --out fronts.geojson\n  \
    meltcore front maps --out fronts --format geojson --centre-line flowline.geojson --series columbia.csv\n\n\
    ZONES are files or folders: of a folder NAME_zones.tif, NAME_zones.png or NAME.tif of each scene, as CaFFe has and `meltcore predict` \
    writes them: CaFFe's greys 0, 64, 127, 254 (not seen, stone, glacier, ocean), or numbers of classes.\n\
    All but the largest piece of ocean and of everything else are filled; the front is every ocean pixel with a glacier pixel above, below, \
    left or right of it, in pieces of at least 750 m.\n\n\
    Files of pixels hold 255 on the front, else 0. Files of lines hold the centres of its pixels in their order, the ocean on the right hand, \
    in the scene's coordinate system, or as columns and rows of pixels where it has none. Lengths are those of lines smoothed over five \
    points.\n\
    Positions are metres along the centre line from its inland end; change_m is above 0 where the front advanced.")]
pub struct Args {
    /// Maps of zones: files or folders
    #[arg(value_name = "ZONES", required = true)]
    pub zones: Vec<PathBuf>,
    /// Folder for the fronts, NAME_front.*; or one file: .geojson or .gpkg with the fronts of all scenes, .png or .tif of the only one
    #[arg(long, value_name = "DIR|FILE")]
    pub out: PathBuf,
    /// What a folder gets of each scene; without it a picture of pixels of the kind of its zones
    #[arg(long, value_name = "KIND", value_enum, value_delimiter = ',')]
    pub format: Vec<Kind>,
    /// Metres a pixel; without it those of the georeference, else those of a name such as COL_2011-11-13_TDX_7_1_092
    #[arg(long, value_name = "METRES", value_parser = positive)]
    pub resolution: Option<f64>,
    /// What the numbers in maps mean that do not say it themselves: the classes 0, 1, … by name, glacier and ocean among them
    /// [default: those of the folder's maps.json, else na,stone,glacier,ocean]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub classes: Vec<String>,
    /// Leave out pieces of fewer pixels [default: 750 m]
    #[arg(long, value_name = "PIXELS", value_parser = at_least_0)]
    pub shortest_piece: Option<f64>,
    /// Folder of text files with the corners in which fronts count, as CaFFe has them
    #[arg(long, value_name = "DIR")]
    pub bounding_boxes: Option<PathBuf>,
    /// True fronts to score against: the folder of NAME_front.png (or .tif), or the file of the only scene
    #[arg(long, value_name = "DIR|FILE")]
    pub truth: Option<PathBuf>,
    /// Also write the scores of every scene as CSV
    #[arg(long, value_name = "FILE", requires = "truth")]
    pub csv: Option<PathBuf>,
    /// The glacier's centre line: GeoJSON in the coordinate system that it names or in longitude and latitude, or text with x,y in each
    /// line in the coordinates of the scenes; columns and rows of pixels of scenes that do not say where they lie
    #[arg(long, value_name = "FILE")]
    pub centre_line: Option<PathBuf>,
    /// File for the positions over time; without it front_series.csv in the folder
    #[arg(long, value_name = "FILE", requires = "centre_line")]
    pub series: Option<PathBuf>,
    /// Replace files that are no fronts and scores of meltcore, too
    #[arg(long)]
    pub force: bool,
    /// Print JSON instead of tables
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// Maps that are missing or no zones; a scene of unknown resolution; files of others in the places of outputs; outputs that cannot be
/// written.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    refuse_classes(&args.classes)?;
    let mut scenes = find_scenes(&args.zones)?;
    let mut beside: HashMap<PathBuf, Vec<String>> = HashMap::new();
    for scene in &mut scenes {
        scene.classes = match args.classes.is_empty() {
            true => beside.entry(scene.path.with_file_name(MAPS_FILE)).or_insert_with_key(|list| classes_of_list(list)).clone(),
            false => args.classes.clone(),
        };
    }
    let centre_line = args.centre_line.as_ref().map(|path| Ok((path.clone(), CentreLine::read(path)?))).transpose()?;
    refuse_mixed(args, &scenes)?;
    let missed = match &centre_line {
        Some((path, line)) => scenes_missed(path, line, &scenes, args.resolution)?,
        None => Vec::new(),
    };
    if !missed.is_empty() {
        let (some, of) = (name_some(&missed), scenes.len());
        globals.note(&format!("the centre line lies beside {} of {of} scenes, which have no position: {some}", missed.len()));
    }
    let request = FrontRequest {
        resolution: args.resolution,
        shortest_piece: args.shortest_piece,
        bounding_boxes: args.bounding_boxes.clone(),
        truth: args.truth.clone(),
        centre_line,
    };
    let mut files = FrontFiles::open(args, &scenes)?;
    let mut watch = Watch::new(globals);
    watch.observe(Event::Start { label: "fronts", total: scenes.len(), unit: "scenes" });
    let mut fronts = Vec::new();
    for scene in &scenes {
        let mut found = request.answer(scene)?;
        files.write(scene, &found)?;
        // What is told of it needs no pixels, which many scenes have many of.
        (found.front.pixels, found.front.zones) = (Vec::new(), Vec::new());
        watch.observe(Event::Done(1));
        fronts.push(found);
    }
    watch.finish();
    let turned = fronts.iter().map(|found| found.direction.signum()).sum::<i32>() < 0;
    let rows = series(fronts.iter().map(|found| found.seen(turned)).collect());
    files.finish(&fronts, args.centre_line.as_ref().map(|_| &rows[..]), globals)?;
    tell(args, &fronts, turned, globals);
    match args.json {
        true => print_json(&as_json(args, &fronts, &rows)),
        false => print_tables(args, &fronts, &rows),
    }
}

/// Refuses names of classes between which no front can be.
fn refuse_classes(classes: &[String]) -> Result<()> {
    let count = |zone: &str| classes.iter().filter(|class| *class == zone).count();
    if let Some(twice) = classes.iter().find(|class| class.is_empty() || count(class) > 1) {
        let what = if twice.is_empty() { "a name is empty".to_owned() } else { format!("`{twice}` is named twice") };
        return Err(Error::Usage(format!("--classes {}: {what}; give each number its class, in their order", classes.join(","))));
    }
    if classes.is_empty() || (count("glacier") == 1 && count("ocean") == 1) {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "--classes {}: a front lies between the classes glacier and ocean; name both among the others, in small letters without spaces, in \
         the order of their numbers",
        classes.join(",")
    )))
}

/// The classes of the maps of a folder, as the list that `predict` leaves there says them.
fn classes_of_list(list: &Path) -> Vec<String> {
    let list = std::fs::read(list).unwrap_or_default();
    serde_json::from_slice::<Holds>(&list).unwrap_or_default().classes
}

/// Refuses what is of one scene or glacier for several.
fn refuse_mixed(args: &Args, scenes: &[SceneFile]) -> Result<()> {
    if let Some(truth) = args.truth.as_ref().filter(|truth| scenes.len() > 1 && truth.is_file()) {
        let message = format!("{} is one true front, and there are {} scenes; name the folder of all", truth.display(), scenes.len());
        return Err(Error::Usage(message));
    }
    let glacier = |scene: &SceneFile| crate::domains::SceneName::parse(&scene.name).map(|name| name.glacier);
    let mut glaciers: Vec<String> = scenes.iter().filter_map(glacier).collect();
    glaciers.dedup();
    if args.centre_line.is_some() && glaciers.len() > 1 {
        let message = format!("a centre line is that of one glacier, and the scenes are of {}; name those of one", glaciers.join(", "));
        return Err(Error::Usage(message));
    }
    Ok(())
}

/// Says what is not as one might expect.
fn tell(args: &Args, fronts: &[SceneFront], turned: bool, globals: &Globals) {
    let named =
        |is: &dyn Fn(&&SceneFront) -> bool| -> Vec<PathBuf> { fronts.iter().filter(is).map(|found| (&found.name).into()).collect() };
    let without = named(&|found| found.count == 0);
    if !without.is_empty() {
        globals.note(&format!("{} of {} scenes have no front: {}", without.len(), fronts.len(), name_some(&without)));
    }
    let unboxed = named(&|found| !found.is_boxed);
    if args.bounding_boxes.is_some() && !unboxed.is_empty() {
        globals.note(&format!("no bounding box is there for {}; nothing of these is cut off", name_some(&unboxed)));
    }
    if turned {
        globals.note("the centre line begins in the ocean; positions are counted from its other end");
    }
}

/// Names and fronts beside the true ones.
fn compared(fronts: &[SceneFront]) -> impl Iterator<Item = (&str, &Compared)> + Clone {
    fronts.iter().filter_map(|found| Some((found.name.as_str(), found.compared.as_ref()?)))
}

fn print_tables(args: &Args, fronts: &[SceneFront], rows: &[SeriesRow]) -> Result<()> {
    let mut heads = vec!["scene", "date", "pixels", "lines", "length_m"];
    heads.extend(args.centre_line.iter().flat_map(|_| ["position_m", "change_m", "days", "rate_m_per_day"]));
    heads.extend(args.truth.iter().map(|_| "mean_distance_m"));
    let mut table = Table::new(&heads);
    let number = |value: Option<f64>, digits: usize| value.map_or("–".to_owned(), |value| format!("{value:.digits$}"));
    for row in rows {
        let Some(found) = fronts.iter().find(|found| found.name == row.seen.scene) else { continue };
        let date = row.seen.date.map_or(String::new(), |date| date.to_string());
        let mut cells = vec![found.name.clone(), date, row.seen.pixels.to_string(), found.lines.len().to_string()];
        cells.push(number((row.seen.pixels > 0).then_some(row.seen.length), 0));
        if args.centre_line.is_some() {
            let days = row.days.map_or("–".to_owned(), |days| days.to_string());
            cells.extend([number(row.position, 1), number(row.change, 1), days, number(row.rate(), 2)]);
        }
        cells.extend(args.truth.iter().map(|_| number(found.compared.as_ref().and_then(Compared::mean), 1)));
        table.row(cells);
    }
    table.print()?;
    if args.truth.is_none() {
        return Ok(());
    }
    print_line("")?;
    let mut table = Table::new(&["fronts", "scenes", "missing", "mde_m", "std_m", "mean_of_scenes_m", "by_length_m"]);
    table.row(score_cells("all", &FrontScores::of(compared(fronts).map(|(_, compared)| compared))));
    for by in FrontGroup::ALL.into_iter().filter(|by| by.is_single()) {
        grouped(compared(fronts), by).iter().for_each(|(label, scores)| table.row(score_cells(label, scores)));
    }
    table.print()
}

fn as_json(args: &Args, fronts: &[SceneFront], rows: &[SeriesRow]) -> Value {
    let scene = |row: &SeriesRow| {
        let found = fronts.iter().find(|found| found.name == row.seen.scene)?;
        let mut of = json!({
            "date": row.seen.date.map(|date| date.to_string()),
            "pixels": row.seen.pixels,
            "lines": found.lines.len(),
            "length_m": row.seen.length,
            "resolution_m": found.pixel.resolution,
        });
        if args.centre_line.is_some() {
            of["positions_m"] = json!(row.seen.crossings);
            of["position_m"] = json!(row.position);
            of["change_m"] = json!(row.change);
            of["days"] = json!(row.days);
            of["rate_m_per_day"] = json!(row.rate());
        }
        if let Some(compared) = &found.compared {
            of["missing"] = json!(compared.is_missing());
            of["observed_pixels"] = json!(compared.observed);
            of["mean_distance_m"] = json!(compared.mean());
        }
        Some((found.name.clone(), of))
    };
    let mut all = json!({ "scenes": rows.iter().filter_map(scene).collect::<Map<_, _>>() });
    if args.truth.is_some() {
        all["scores"] = json!(FrontScores::of(compared(fronts).map(|(_, compared)| compared)));
        all["groups"] = json!(group_scores(compared(fronts)));
    }
    all
}

/// The scores of all groups, by the names of the grouping and of the group.
fn group_scores<'a>(scenes: impl Iterator<Item = (&'a str, &'a Compared)> + Clone) -> Map<String, Value> {
    let of = |by: FrontGroup| grouped(scenes.clone(), by).into_iter().map(|(label, scores)| (label, json!(scores))).collect::<Map<_, _>>();
    FrontGroup::ALL.into_iter().map(|by| (by.name().to_owned(), Value::Object(of(by)))).collect()
}
