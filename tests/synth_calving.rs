//! The invented radar scenes against what radar scenes of calving glaciers look like, and the written dataset against its readers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use meltcore::config::Config;
use meltcore::data::crs::Crs;
use meltcore::data::dataset::Dataset;
use meltcore::data::day::Split;
use meltcore::data::raster::Raster;
use meltcore::domains::SceneName;
use meltcore::fronts::bounding_box::{BoundingBox, box_of_scene};
use meltcore::fronts::stored::read_front;
use meltcore::fronts::zones::{GLACIER, NA, OCEAN, STONE, read_zones};
use meltcore::synth::calving::place::PLACES;
use meltcore::synth::calving::{CalvingOptions, CalvingScene, Format, OpticalTwin, UnlabelledScene, write_dataset};
use rayon::prelude::*;

/// The scenes of the default dataset.
static SCENES: LazyLock<Vec<CalvingScene>> = LazyLock::new(|| {
    let options = CalvingOptions::default();
    (0..options.scenes).into_par_iter().map(|number| CalvingScene::new(&options, number).unwrap()).collect()
});

const SMALL: CalvingOptions = CalvingOptions { rows: 160, cols: 128, scenes: 8, unlabelled: 8, seed: 5, format: Format::Png };

fn share(scene: &CalvingScene, zone: u8) -> f64 {
    scene.zones.iter().filter(|other| **other == zone).count() as f64 / scene.zones.len() as f64
}

/// The best balanced accuracy of one threshold on grey, drawn for this scene alone, between glacier and ocean.
fn best_threshold(scene: &CalvingScene) -> f64 {
    let mut counts = [[0usize; 2]; 256];
    for (grey, zone) in scene.grey.iter().zip(&scene.zones).filter(|(_, zone)| [GLACIER, OCEAN].contains(zone)) {
        counts[usize::from(*grey)][usize::from(*zone == OCEAN)] += 1;
    }
    let total = [0, 1].map(|zone| counts.iter().map(|count| count[zone]).sum::<usize>() as f64);
    let (mut below, mut best) = ([0.0; 2], 0.0f64);
    for count in counts {
        (0..2).for_each(|zone| below[zone] += count[zone] as f64 / total[zone]);
        best = best.max(0.5 + 0.5 * (below[0] - below[1]).abs());
    }
    best
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let with_threads = |threads: usize, options: CalvingOptions| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let scene = CalvingScene::new(&options, 3).unwrap();
            let twin: Vec<u32> =
                OpticalTwin::new(&options, 1).unwrap().bands.iter().flat_map(|band| band.values.iter().map(|v| v.to_bits())).collect();
            (scene.name, scene.grey, scene.zones, UnlabelledScene::new(&options, 2).unwrap().grey, twin)
        })
    };
    let one = with_threads(1, SMALL);
    assert_eq!(one, with_threads(3, SMALL));
    assert_ne!(one.1, with_threads(2, CalvingOptions { seed: 6, ..SMALL }).1);
}

#[test]
fn zones_and_greys_are_those_of_glaciers_in_fjords() {
    for scene in SCENES.iter() {
        let name = &scene.name;
        assert!(scene.zones.iter().all(|zone| *zone <= OCEAN), "{name}");
        let [na, stone, glacier, ocean] = [NA, STONE, GLACIER, OCEAN].map(|zone| share(scene, zone));
        assert!(na < 0.3 && (0.1..0.6).contains(&stone), "{name}: {na:.2} not seen, {stone:.2} rock");
        assert!((0.2..0.7).contains(&glacier) && (0.1..0.5).contains(&ocean), "{name}: {glacier:.2} glacier, {ocean:.2} ocean");
        let mean = scene.grey.iter().map(|grey| f64::from(*grey)).sum::<f64>() / scene.grey.len() as f64;
        assert!((40.0..150.0).contains(&mean), "{name}: mean grey {mean:.0}");
    }
    let glaciers: BTreeSet<&str> = SCENES.iter().map(|scene| scene.place.name).collect();
    let resolutions: BTreeSet<u16> = SCENES.iter().map(|scene| scene.resolution).collect();
    assert!(glaciers.len() == PLACES.len() && resolutions.len() == 3, "{glaciers:?} {resolutions:?}");
    // Not seen is also what is seen from one orbit and not from another.
    assert!(SCENES.iter().any(|scene| share(scene, NA) > 0.05) && SCENES.iter().any(|scene| share(scene, NA) < 0.02));
}

#[test]
fn no_threshold_tells_glacier_from_ocean() {
    let best: Vec<f64> = SCENES.iter().map(best_threshold).collect();
    let mean = best.iter().sum::<f64>() / best.len() as f64;
    // One that knows the scene's zones is right for two thirds of each; even so some scenes are easy, as calm water is.
    assert!((0.6..0.72).contains(&mean), "{mean:.3}: {best:.3?}");
    assert!(best.iter().filter(|accuracy| **accuracy < 0.65).count() >= 10, "{best:.3?}");
}

/// Mean place of the front along the fjord, as the share of the glacier in the fjord's glacier and ocean.
fn reach(scene: &CalvingScene) -> f64 {
    let [[top, bottom], [left, right]] = scene.bounds;
    let cols = scene.size[1];
    let inside = |place: &usize| (top..bottom).contains(&(place / cols)) && (left..right).contains(&(place % cols));
    let of = |zone: u8| (0..scene.zones.len()).filter(inside).filter(|place| scene.zones[*place] == zone).count() as f64;
    of(GLACIER) / (of(GLACIER) + of(OCEAN))
}

#[test]
fn fronts_move_over_the_years() {
    let mut by_glacier: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut last: Option<&CalvingScene> = None;
    for scene in SCENES.iter() {
        assert!(last.is_none_or(|last| last.place != scene.place || last.day < scene.day), "{}", scene.name);
        by_glacier.entry(scene.place.name).or_default().push(reach(scene));
        last = Some(scene);
    }
    let moved = |name: &str| by_glacier[name].last().unwrap() - by_glacier[name][0];
    assert!(moved("Arda") < -0.05 && moved("Brel") < -0.05 && moved("Corvo") > 0.02, "{by_glacier:?}");
    // One comes back.
    let returns = &by_glacier["Dunmar"];
    let least = returns.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(least < returns[0] - 0.03 && least < returns[returns.len() - 1] - 0.01, "{returns:?}");
}

fn written(options: &CalvingOptions) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_dataset(folder.path(), options, || {}).unwrap();
    folder
}

fn listed(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn pictures_lie_in_the_layout_of_the_benchmark() {
    let folder = written(&SMALL);
    let at = |name: String| folder.path().join(name);
    let names = listed(&at("splits/all.csv".into()));
    assert_eq!(names.len(), SMALL.scenes);
    for name in &names {
        let said = SceneName::parse(name).unwrap();
        let zones = read_zones(&at(format!("zones/{name}_zones.png")), &[]).unwrap();
        let size = [SMALL.rows, SMALL.cols].map(|side| (side as f64 * 20.0 / said.resolution).round() as usize);
        assert_eq!([zones.rows, zones.cols], size, "{name}");
        let front = read_front(&at(format!("fronts/{name}_front.png"))).unwrap();
        let count = front.pixels.iter().filter(|is_front| **is_front).count() as f64;
        assert!(front.size == size && count * said.resolution >= 750.0, "{name}: {count}");
        let box_file = box_of_scene(&at("bounding_boxes".into()), name).unwrap().unwrap();
        let [rows, cols] = BoundingBox::read(&box_file).unwrap().kept(size);
        let inside = |place: usize| (rows.0..rows.1).contains(&(place / size[1])) && (cols.0..cols.1).contains(&(place % size[1]));
        assert!((0..front.pixels.len()).all(|place| !front.pixels[place] || inside(place)), "{name}");
    }
    // The glacier of the test list is in no other.
    let [train, val, test] = ["train", "val", "test"].map(|split| listed(&at(format!("splits/{split}.csv"))));
    let is_of = |name: &&String| name.starts_with(PLACES[3].name);
    assert!(test.iter().all(|name| is_of(&name)) && !train.iter().chain(&val).any(|name| is_of(&name)));
    assert!(!val.is_empty() && train.len() + val.len() + test.len() == names.len());

    let config = Config::load(&folder.path().join("unet.yaml"), &[]).unwrap();
    assert_eq!(Dataset::open(&config, Split::Train).unwrap().days().len(), train.len());

    // Written again, everything is what it was.
    let before = fs::read(at(format!("sar_images/{}.png", names[0]))).unwrap();
    write_dataset(folder.path(), &SMALL, || {}).unwrap();
    assert!(fs::read(at(format!("sar_images/{}.png", names[0]))).unwrap() == before);
    let other = write_dataset(folder.path(), &CalvingOptions { seed: 6, ..SMALL }, || {}).unwrap_err().to_string();
    assert!(other.contains("--task calving --size 160x128 --scenes 8 --unlabelled 8 --seed 5 --format png"), "{other}");
}

#[test]
fn geotiffs_and_twins_lie_where_they_say() {
    let folder = written(&CalvingOptions { format: Format::Tif, ..SMALL });
    let name = listed(&folder.path().join("splits/test.csv")).remove(0);
    let sar = Raster::open(folder.path().join(format!("sar_images/{name}.tif"))).unwrap();
    assert_eq!(Crs::of_tags(sar.geo()).unwrap(), Crs::of_definition("EPSG:32720"));
    let zones = read_zones(&folder.path().join(format!("zones/{name}.tif")), &[]).unwrap();
    assert_eq!(zones.geo.transform(), sar.geo().transform());
    assert!(zones.classes.contains(&GLACIER) && zones.classes.contains(&OCEAN));

    // The middle of the fjord crosses the scene from ice to sea, in its coordinates.
    let text = fs::read_to_string(folder.path().join(format!("centre_lines/{}.geojson", PLACES[3].name))).unwrap();
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(line["crs"]["properties"]["name"].as_str().unwrap().ends_with("EPSG::32720"));
    let points = line["features"][0]["geometry"]["coordinates"].as_array().unwrap();
    let transform = sar.geo().transform().unwrap();
    let zone_at = |point: &serde_json::Value| {
        let (x, y) = (point[0].as_f64().unwrap(), point[1].as_f64().unwrap());
        let (col, row) = ((x - transform.origin_x) / transform.col_x, (y - transform.origin_y) / transform.row_y);
        zones.classes[(row as usize).min(zones.rows - 1) * zones.cols + (col as usize).min(zones.cols - 1)]
    };
    let along: Vec<u8> = points.iter().map(zone_at).filter(|zone| [GLACIER, OCEAN].contains(zone)).collect();
    let turns = along.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(along[0] == GLACIER && along[along.len() - 1] == OCEAN && turns == 1, "{along:?}");

    // Radar scenes for pretraining and the optical one of their glacier are of one grid.
    let radar = folder.path().join("pretraining/radar");
    let optical: Vec<_> = fs::read_dir(folder.path().join("pretraining/optical")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let names = [listed(&folder.path().join("pretraining/splits/train.csv")), listed(&folder.path().join("pretraining/splits/val.csv"))];
    assert_eq!((names.concat().len(), optical.len()), (SMALL.unlabelled, PLACES.len()));
    for name in names.concat() {
        let glacier = name.split('_').nth(1).unwrap().to_owned();
        let twin = optical.iter().find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&format!("{glacier}_"))).unwrap();
        let (radar, twin) = (Raster::open(radar.join(format!("{name}.tif"))).unwrap(), Raster::open_band(twin, 13).unwrap());
        assert!(radar.same_grid(&twin), "{name}");
    }
}

#[test]
fn what_no_dataset_can_have_is_refused() {
    for (options, wanted) in [
        (CalvingOptions { rows: 64, ..SMALL }, "--size 64x128"),
        (CalvingOptions { scenes: 7, ..SMALL }, "--scenes 7"),
        (CalvingOptions { unlabelled: 3, ..SMALL }, "--unlabelled 3"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("set");
        let refused = write_dataset(&out, &options, || {}).unwrap_err().to_string();
        assert!(refused.contains(wanted) && refused.lines().count() == 1, "{refused}");
        assert!(!out.exists());
    }
}
