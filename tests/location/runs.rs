//! Training and maps with regions and coordinates, as processes.

use std::collections::BTreeMap;
use std::fs;

use meltcore::predict::Trained;
use serde_json::Value as Json;

use crate::on_device::{gpu, noise};
use crate::scenes::{REGION, answer, degrees, looked_at, predict, refusal, trained, write_scenes};

#[test]
fn a_network_that_can_only_tell_by_region_learns_it() {
    let folder = trained();
    let said = predict(folder, "maps", &[]);
    assert!(said.contains("1 of 3 scenes are of no region that these weights know (A, B)") && said.contains("X-5"), "{said}");
    let maps = folder.join("maps");
    let [glacier, rock, unknown] = ["A-4", "B-4", "X-5"].map(|name| looked_at(&maps, name));
    assert!(glacier[0] == 1.0 && rock[0] == 0.0, "{glacier:?} {rock:?}");
    // Of an unknown region it has seen as much glacier as rock.
    assert!(unknown[1] < glacier[1].min(rock[1]), "{glacier:?} {rock:?} {unknown:?}");
    // The same scene, said to be of the other region.
    predict(folder, "as_b", &["--region", "B"]);
    assert_eq!(["A-4", "B-4", "X-5"].map(|name| looked_at(&folder.join("as_b"), name)[0]), [0.0; 3]);
    predict(folder, "as_unknown", &["--region", "unknown"]);
    assert_eq!(looked_at(&folder.join("as_unknown"), "X-5"), unknown);
    // Arrays in memory, too.
    let mut network = Trained::open(&gpu(), &folder.join("run/best.safetensors")).unwrap();
    let image = noise(3, 20 * 24);
    let [mut of_a, mut of_b] = [Vec::new(), Vec::new()];
    for (code, to) in [("A", &mut of_a), ("B", &mut of_b)] {
        network.set_region(code).unwrap();
        *to = network.map(&[("optical", &image)], [20, 24]).unwrap()[..480].to_vec();
    }
    assert!(of_a == [1.0; 480] && of_b == [0.0; 480]);
    assert!(network.set_region("C").unwrap_err().to_string().contains("A, B, unknown"));
    assert!(network.set_coordinates(7.0, 46.0).unwrap_err().to_string().contains("location: region"));
}

#[test]
fn a_file_says_regions_that_names_do_not() {
    let folder = trained();
    fs::write(folder.join("regions.csv"), "name,region,subregion\nX-5,B,B1\nB-4.tif,A\n").unwrap();
    predict(folder, "by_file", &["--set", "path_regions=regions.csv"]);
    assert_eq!(["A-4", "B-4", "X-5"].map(|name| looked_at(&folder.join("by_file"), name)[0]), [1.0, 1.0, 0.0]);
    // Another list, other maps.
    fs::write(folder.join("regions.csv"), "X-5,A\n").unwrap();
    predict(folder, "by_file", &["--set", "path_regions=regions.csv"]);
    assert_eq!(["A-4", "B-4", "X-5"].map(|name| looked_at(&folder.join("by_file"), name)[0]), [1.0, 0.0, 1.0]);
}

#[test]
fn a_location_is_looked_for_once_and_written_beside_the_map() {
    let folder = trained();
    let search = ["--optimise-location", "--location-rate", "0.02"];
    let said = predict(folder, "found", &search);
    assert!(said.contains("location of X-5: most of "), "{said}");
    predict(folder, "not_found", &["--region", "unknown"]);
    let file = folder.join("found/X-5.location.json");
    let found: Json = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let shares: BTreeMap<String, f64> = serde_json::from_value(found["regions"].clone()).unwrap();
    assert_eq!(shares.keys().map(String::as_str).collect::<Vec<_>>(), ["A", "B", "unknown"]);
    assert!((shares.values().sum::<f64>() - 1.0).abs() < 1e-5, "{shares:?}");
    let [first, last] = [0, 1].map(|index| found["entropy"][index].as_f64().unwrap());
    let [sure, unsure] = ["found", "not_found"].map(|maps| looked_at(&folder.join(maps), "X-5")[1]);
    assert!(last < first && sure > unsure, "{found} {sure} {unsure}");
    // Known regions are all that there is to be sure of.
    assert!(shares["unknown"] < 1.0 / 3.0, "{shares:?}");
    // The same again: nothing is done; other settings: all is.
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    assert!(predict(folder, "found", &search).contains("3 of 3 maps are finished"));
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), before);
    predict(folder, "found_again", &search);
    assert_eq!(fs::read(folder.join("found_again/X-5.location.json")).unwrap(), fs::read(&file).unwrap());
    let said = predict(folder, "found_again", &["--region", "A"]);
    assert!(said.contains("other settings (options)") && !folder.join("found_again/X-5.location.json").exists(), "{said}");
}

#[test]
fn what_cannot_be_is_refused() {
    let folder = trained();
    let weights = ["--weights", "run/best.safetensors", "--split", "test", "--out", "refused"];
    let said = refusal(folder, "predict", &[&REGION[..], &weights, &["--region", "ALP"]].concat());
    assert!(said.contains("ALP") && said.contains("A, B, unknown"), "{said}");
    let said = refusal(folder, "predict", &[&REGION[..], &weights, &["--optimise-location", "--location-rate=-1"]].concat());
    assert!(said.contains("--location-rate"), "{said}");
    for (location, option) in [("none", "--optimise-location"), ("coordinates", "--optimise-location"), ("none", "--region=A")] {
        let location = format!("location={location}");
        let said = refusal(folder, "predict", &[&["--config", "config.yaml", "--set", &location, option][..], &weights].concat());
        assert!(said.contains("sees no region"), "{said}");
    }
    // Other regions than those of the training mean something else.
    let said = refusal(folder, "predict", &[&REGION[..], &["--set", "regions=[A, C]"], &weights].concat());
    assert!(said.contains("`regions` ([\"A\",\"B\"] there, [\"A\",\"C\"] now)"), "{said}");
    for (set, word) in [
        (&["location=region", "model_key=unet"][..], "only glavitu does"),
        (&["location=here"], "none, region, coordinates"),
        (&["regions=[A]"], "`location` is none"),
        (&["location=coordinates", "augment_unknown_region=0.1"], "augment_unknown_region"),
        (&["location=region", "regions=[A, unknown]"], "unknown"),
        (&["location=region", "regions=[A, A]"], "twice"),
        (&["location=region", "path_regions=config.yaml"], "says no region"),
        (&["location=coordinates"], "has no place"),
    ] {
        let set: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
        let said = refusal(folder, "train", &[&["--config", "config.yaml", "--set", "path_checkpoints=other"], &set[..]].concat());
        assert!(said.contains(word), "{set:?}: {said}");
    }
}

#[test]
fn runs_go_on_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let scene = |name: &'static str, class: f32, longitude: f64| (name, [20, 24], class, degrees(longitude, 46.0, 0.01));
    let scenes = [scene("A-1", 1.0, 7.0), scene("B-1", 0.0, 87.0), scene("A-2", 1.0, 7.5)];
    write_scenes(path, &scenes, &[("train", "A-1\nB-1\n"), ("val", "A-2\n"), ("test", "A-2\n")]);
    for location in ["region", "coordinates"] {
        let set = format!("location={location}");
        let shared = ["--config", "config.yaml", "--set", &set, "--set", "augment_noise=0.1"];
        let unknown = if location == "region" { &["--set", "augment_unknown_region=0.3"][..] } else { &[] };
        let train = |to: &str, more: &[&str]| answer(path, "train", &[&shared[..], unknown, &["--set", to], more].concat());
        let said = train("path_checkpoints=whole", &[]);
        // Four epochs of 64 crops and four windows of validation, which count twice where there are regions.
        let total = if location == "region" { 4 * (64 + 8) } else { 4 * (64 + 4) };
        assert!(said.contains(&format!("0/{total} crops")), "{said}");
        train("path_checkpoints=halves", &["--set", "epochs=2"]);
        train("path_checkpoints=halves", &["--resume", "auto"]);
        for file in ["last/model.safetensors", "last/optimizer.safetensors", "best.safetensors"] {
            let bytes = |run: &str| fs::read(path.join(run).join(file)).unwrap();
            assert!(bytes("whole") == bytes("halves"), "{location}: {file}");
        }
        let weights = ["--weights", "whole/best.safetensors", "--split", "test", "--no-png", "--out", "maps", "--overwrite"];
        answer(path, "predict", &[&shared[..], unknown, &weights].concat());
        ["whole", "halves"].into_iter().for_each(|run| fs::remove_dir_all(path.join(run)).unwrap());
    }
}
