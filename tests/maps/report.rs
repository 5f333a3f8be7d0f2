//! What the report's page counts and chooses, against pixels counted one by one.

use super::evaluate::{DAYS, make};
use approx::assert_abs_diff_eq;
use meltcore::config::{Config, TaskKey};
use meltcore::data::dataset::Dataset;
use meltcore::data::day::{Day, Split};
use meltcore::data::writer::write_geotiff;
use meltcore::evaluate::score_file::{ScoreFile, WrittenScores};
use meltcore::report::extent::{Counted, Extents};
use meltcore::report::scenes::choose;
use meltcore::synth::georeference::albers;
use meltcore::tasks;
use std::path::Path;

fn extents(root: &Path, overrides: &[String]) -> meltcore::error::Result<Extents> {
    let config = Config::load(&root.join("run.yaml"), overrides).unwrap();
    let dataset = Dataset::open_targets(&config, Split::Test).unwrap();
    let models = [("mine".to_owned(), root.join("a")), ("low".to_owned(), root.join("b"))];
    Extents::read(&config, tasks::of(&config).words().extent.as_ref().unwrap(), &dataset, &models, &mut |_| {})
}

/// Melting and seen land pixels of one map.
fn counted(map: &[f32], ocean: &[f32]) -> Counted {
    let land = || map.iter().zip(ocean).filter(|(value, ocean)| **ocean == 0.0 && !value.is_nan());
    Counted { covered: land().filter(|(value, _)| **value > 0.1).count() as u64, seen: land().count() as u64 }
}

#[test]
fn extents_are_those_of_all_maps_on_land() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let made = make(root, [20, 33]);
    let day = |name: &str| Day::from_file_name(name).unwrap();
    // A map of a day that no split has, and what is no map.
    write_geotiff(root.join("a/2018_04_02.tif"), 20, 33, &[0.2; 660], &albers(100.0)).unwrap();
    std::fs::write(root.join("a/maps.json"), "{}").unwrap();
    let found = extents(root, &[]).unwrap();
    let (name, mine) = &found.models[0];
    assert_eq!((name.as_str(), mine.len(), found.models[1].1.len(), found.observed.len()), ("mine", 5, 4, 4));
    for (index, file) in DAYS.iter().enumerate() {
        assert_eq!(mine[&day(file)], counted(&made.maps[index], &made.ocean), "{file}");
        assert_eq!(found.models[1].1[&day(file)].covered, 0);
        assert_eq!(found.observed[&day(file)], counted(&made.targets[index], &made.ocean), "{file}");
    }
    let land = made.ocean.iter().filter(|ocean| **ocean == 0.0).count() as u64;
    assert_eq!((found.land, mine[&day("2018_04_02.tif")].covered), (land, land));
    assert_abs_diff_eq!(found.pixel_km2.unwrap(), 0.01, epsilon = 1e-12);

    // Maps for deploy belong to those in path_predictions; a day in both counts once.
    std::fs::create_dir(root.join("deploy")).unwrap();
    for file in ["2018_04_02.tif", "2018_04_03.tif"] {
        write_geotiff(root.join("deploy").join(file), 20, 33, &[0.0; 660], &albers(100.0)).unwrap();
    }
    let folders = [("path_predictions", "a"), ("path_deploy", "deploy")];
    let found = extents(root, &folders.map(|(key, folder)| format!("{key}={}", root.join(folder).display()))).unwrap();
    assert_eq!((found.models[0].1.len(), found.models[1].1.len()), (6, 4));
    assert_eq!(found.models[0].1[&day("2018_04_02.tif")].covered, land);

    write_geotiff(root.join("b/2018_04_03.tif"), 33, 20, &[0.0; 660], &albers(100.0)).unwrap();
    assert!(super::message(extents(root, &[])).contains("the scene 20 × 33"));
}

/// Scores of one model with these days, errors and valid pixels.
fn scores(scenes: &[(&str, f64, f64)]) -> WrittenScores {
    let scene = |(day, mae, valid): &(&str, f64, f64)| format!("\"{day}.tif\": {{\"mae\": {mae}, \"valid_px\": {valid}}}");
    let scenes = scenes.iter().map(scene).collect::<Vec<_>>().join(",");
    let model = format!("{{\"scenes\": {{{scenes}}}, \"weighted_mean\": {{}}, \"weighted_std\": {{}}, \"pooled\": {{}}}}");
    let text = format!("{{\"split\": \"test\", \"models\": {{\"m\": {model}}}}}");
    serde_json::from_str::<ScoreFile>(&text).unwrap().models.0.remove(0).1
}

#[test]
fn chosen_are_the_worst_scene_and_the_middle_ones_of_the_season() {
    let model = scores(&[
        ("2018_04_01", 0.01, 90.0),
        ("2018_04_20", 0.03, 90.0),
        ("2018_05_01", 0.02, 100.0),
        ("2018_07_01", 0.50, 80.0),
        ("2018_07_02", 0.10, 80.0),
        ("2018_07_03", 0.20, 80.0),
        ("2018_08_01", 0.90, 49.0),
        ("2018_08_02", 0.30, 51.0),
        ("2018_09_01", 0.00, 0.0),
    ]);
    let task = tasks::by_key(TaskKey::MeltFraction, None);
    let chosen_of = |most: usize, pixels: fn(&Day) -> usize| {
        let place = |day: &Day| f64::from(day.day_of_year());
        choose(&model, task.as_ref(), most, pixels, place)
            .into_iter()
            .map(|(day, note)| (day.file_name(), note.is_some()))
            .collect::<Vec<_>>()
    };
    let chosen = |most: usize| chosen_of(most, |_| 100);
    assert!(chosen(0).is_empty());
    // The one with more error was seen by too little.
    assert_eq!(chosen(1), [("2018_07_01.tif".to_owned(), true)]);
    let wanted = [("2018_05_01.tif", false), ("2018_07_01.tif", true), ("2018_07_03.tif", false)];
    assert_eq!(chosen(3), wanted.map(|(file, noted)| (file.to_owned(), noted)));
    assert_eq!(chosen(50).len(), 7);
    // Shares count, not pixels: the same 49 are much of a scene of coarser ones, and 51 little of one of finer ones.
    let sizes = |day: &Day| match day.file_name().as_str() {
        "2018_08_01.tif" => 50,
        "2018_08_02.tif" => 200,
        _ => 100,
    };
    let of_sizes: Vec<String> = chosen_of(50, sizes).into_iter().map(|(file, _)| file).collect();
    assert!(of_sizes.contains(&"2018_08_01.tif".to_owned()) && !of_sizes.contains(&"2018_08_02.tif".to_owned()), "{of_sizes:?}");
}
