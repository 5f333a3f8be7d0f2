//! Pixels that masks of the scenes' own take out.

use meltcore::config::Config;
use meltcore::data::Window;
use meltcore::data::dataset::{Dataset, HostSample};
use meltcore::data::day::Split;
use meltcore::data::writer::write_geotiff;

use super::{run, scored_scenes, utm};

#[test]
fn ignored_pixels_count_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    scored_scenes(root);
    let eval = |more: &[&str]| {
        let given = ["eval", "--config", "run.yaml", "--split", "test", "--pred", "net=maps", "--json"];
        let (status, said) = run(root, &[&given, more].concat());
        assert_eq!(status, Some(0), "{said}");
        said
    };
    let value = |said: &str| serde_json::from_str::<serde_json::Value>(&said[said.find('{').unwrap()..=said.rfind('}').unwrap()]).unwrap();
    // 4 of 11 pixels in both, once the false region and the second glacier are taken out 4 of 8.
    let scene = |said: &str, name: &str| value(said)["models"]["net"]["scenes"][name].clone();
    let plain = eval(&[]);
    assert_eq!(scene(&plain, "A-1.tif")["iou_ice"], 4.0 / 11.0);
    let masked = eval(&["--set", "path_ignore=clouds"]);
    assert_eq!((scene(&masked, "A-1.tif")["iou_ice"].as_f64(), scene(&masked, "A-1.tif")["valid_px"].as_u64()), (Some(0.5), Some(77)));
    assert_eq!(scene(&masked, "B-1.tif"), scene(&plain, "B-1.tif"));
    assert!(
        masked.contains("clouds/B-1.tif: is not there: 1 of 2 scenes of the split test have no mask (path_ignore) and count everywhere"),
        "{masked}"
    );
    assert_eq!(value(&masked)["models"]["net"]["glaciers"]["ice"]["glaciers"], 3);
    let some = eval(&["--set", "path_ignore=clouds", "--set", "ignore_values=[2, 3]"]);
    assert_eq!((scene(&some, "A-1.tif")["iou_ice"].as_f64(), scene(&some, "A-1.tif")["valid_px"].as_u64()), (Some(4.0 / 9.0), Some(78)));
    // Training reads the same.
    let set = |text: &str| text.to_owned();
    let sets = [format!("data_root={}", root.display()), format!("path_test_split_csv={}", root.join("test.csv").display())];
    let sets = [&sets[..], &[set("path_ignore=clouds"), set("check_for_invalid_entries=false")]].concat();
    let config = Config::load(&root.join("run.yaml"), &sets).unwrap();
    let dataset = Dataset::open_targets(&config, Split::Test).unwrap();
    let mut sample = HostSample::default();
    dataset.read(0, Window { row: 6, col: 5, height: 1, width: 4 }, &mut sample).unwrap();
    assert_eq!((&sample.target[..2], &sample.ocean[..]), (&[0.0, 0.0][..], &[0.0, 0.0, 1.0, 1.0][..]));
    assert!(sample.target[2..].iter().all(|value| value.is_nan()) && dataset.files().contains_key("ignore/A-1.tif"));
    assert!(dataset.ocean(0).unwrap().iter().all(|ocean| *ocean == 0.0), "maps are not masked");
    let masking = Config::load(&root.join("run.yaml"), &[&sets[..], &[set("mask_outputs=true")]].concat()).unwrap();
    let ocean = Dataset::open_targets(&masking, Split::Test).unwrap().ocean(0).unwrap();
    assert_eq!(ocean.iter().sum::<f32>(), 3.0, "maps have no value there");
    // What cannot be meant.
    for (sets, words) in [
        (["path_ignore=nowhere", "seed=1"], "nowhere: is no folder, and `path_ignore` names one"),
        (["ignore_values=[3]", "seed=1"], "`path_ignore`, the folder of the masks, is missing"),
        (["path_ignore=clouds", "reference_labels=true"], "`path_ignore` takes pixels out"),
    ] {
        let given = ["eval", "--config", "run.yaml", "--split", "test", "--pred", "net=maps", "--set", sets[0], "--set", sets[1]];
        let (status, said) = run(root, &given);
        assert!(status == Some(2) && said.contains(words), "{said}");
    }
    write_geotiff(root.join("clouds/B-1.tif"), 4, 10, &[0.0; 40], &utm()).unwrap();
    let given = ["eval", "--config", "run.yaml", "--split", "test", "--pred", "net=maps", "--set", "path_ignore=clouds"];
    let (status, said) = run(root, &given);
    assert!(status == Some(2) && said.contains("B-1.tif: has 4 rows"), "{said}");
}
