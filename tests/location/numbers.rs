//! Which numbers say where a crop lies.

use std::sync::Arc;

use meltcore::config::Config;
use meltcore::data::Window;
use meltcore::data::dataset::Dataset;
use meltcore::data::day::Split;
use meltcore::data::framed::{Frame, Framed};
use meltcore::data::loader::Batch;
use meltcore::data::location::{Centre, Locations};
use meltcore::data::tiles::Crop;
use meltcore::train::augment::UnknownRegion;

use crate::scenes::{degrees, utm, write_scenes};

/// The locations of the crops of a configured split.
fn locations(config: &Config, centre: Centre, crops: &[Crop]) -> Vec<f32> {
    let dataset = Arc::new(Dataset::open(config, Split::Train).unwrap());
    let framed = Framed::new(dataset, vec![0.0], |scene| Frame::at_least(scene, [40, 16]));
    let mut batch = Batch { crops: crops.to_vec(), ..Batch::default() };
    Locations::of(config, &framed, centre).unwrap().write(&mut batch).unwrap();
    batch.location
}

#[test]
fn coordinates_are_those_of_the_middle() {
    let folder = tempfile::tempdir().unwrap();
    let scenes = [("A-1", [20, 24], 1.0, utm([13.0, 10.0])), ("B-1", [50, 20], 0.0, degrees(-70.0, -50.0, 0.5))];
    write_scenes(folder.path(), &scenes, &[("train", "A-1\nB-1\n")]);
    let config = Config::load(&folder.path().join("config.yaml"), &["location=coordinates".into()]).unwrap();
    // The first scene has ten more rows above it and below.
    let window = |row, col, height, width| Window { row, col, height, width };
    let crops = [(0, window(3, 2, 40, 16)), (1, window(4, 2, 40, 16))].map(|(day, window)| Crop { day, window, number: 0 });
    let near = |found: &[f32], wanted: [(f64, f64); 2]| {
        let numbers = wanted.map(|(longitude, latitude)| {
            let [lat, lon] = [latitude, longitude].map(f64::to_radians);
            [lat.sin(), lat.cos(), lon.sin(), lon.cos()]
        });
        assert_eq!(found.len(), 8);
        for (found, wanted) in found.iter().zip(numbers.as_flattened()) {
            assert!((f64::from(*found) - wanted).abs() < 3e-7, "{found} is not {wanted}");
        }
    };
    near(&locations(&config, Centre::Crop, &crops), [(-38.5, 66.3), (-65.0, -62.0)]);
    let middle = scenes[0].3.transform().unwrap().at(10.0, 12.0);
    let of_scene = locations(&config, Centre::Scene, &crops);
    near(&[&locations(&config, Centre::Crop, &crops)[..4], &of_scene[4..]].concat(), [(-38.5, 66.3), (-65.0, -62.5)]);
    assert!(of_scene[..4] != locations(&config, Centre::Crop, &crops)[..4] && middle.0 > 522_426.0, "{middle:?}");
}

#[test]
fn regions_are_told_by_names() {
    let config = |set: &[&str]| {
        let keys = "{task: segmentation, classes: [a, b], model_key: glavitu, location: region}";
        Config::from_yaml(keys, "x", &set.iter().map(|set| (*set).to_owned()).collect::<Vec<_>>()).unwrap()
    };
    let published = config(&["regions=[ALP, SC, SVAL]"]);
    let named = |config: &Config, name: &str| config.region_of(name).map(|place| config.regions[place].clone());
    for (name, region) in [
        ("ALP-28-23", Some("ALP")),
        ("SC2-59-84", Some("SC")),
        ("SC-SC2-59-84.tif", Some("SC")),
        ("SVAL-1", Some("SVAL")),
        ("alp-1", None),
        ("HMA-1-1", None),
        ("ALP", Some("ALP")),
        ("2019_05_01", None),
        ("-1", None),
    ] {
        assert_eq!(named(&published, name).as_deref(), region, "{name}");
    }
    // A code with a number of its own stays what it is.
    let numbered = config(&["regions=[area1, area2, area]"]);
    assert_eq!(["area1-7", "area2-7", "area3-7"].map(|name| named(&numbered, name).unwrap()), ["area1", "area2", "area"]);
    assert_eq!(numbered.location_numbers().unwrap(), 4);
    // Nobody says which there are.
    let said = config(&["path_train_split_csv=nowhere.csv"]).location_numbers().unwrap_err().to_string();
    assert!(said.contains("`regions`") && said.contains("path_regions"), "{said}");
    // What is written down loads again.
    let again = Config::from_yaml(&published.to_yaml(), "x", &[]).unwrap();
    assert_eq!((again.digest(), again.regions), (published.digest(), published.regions));
}

#[test]
fn some_crops_are_of_an_unknown_region() {
    let keys = "{task: segmentation, classes: [a, b], model_key: glavitu, location: region, regions: [A, B], augment_unknown_region: 0.25}";
    let config = Config::from_yaml(keys, "x", &[]).unwrap();
    let (forgetting, window) = (UnknownRegion::of(&config).unwrap(), Window::whole(16, 16));
    let crops: Vec<Crop> = (0..2000).map(|number| Crop { day: 0, window, number }).collect();
    let forgotten = |epoch: usize, crops: &[Crop]| {
        let mut batch = Batch { crops: crops.to_vec(), location: [0.0, 1.0, 0.0].repeat(crops.len()), ..Batch::default() };
        forgetting.forget(epoch, &mut batch);
        batch.location
    };
    let all = forgotten(1, &crops);
    assert!(all.chunks(3).all(|one| one == [0.0, 1.0, 0.0] || one == [0.0, 0.0, 1.0]));
    let share = all.chunks(3).filter(|one| one[2] == 1.0).count() as f64 / 2000.0;
    // Five standard errors.
    assert!((share - 0.25).abs() < 0.049, "{share}");
    // Whatever batch they are in.
    assert_eq!([forgotten(1, &crops[..7]), forgotten(1, &crops[7..])].concat(), all);
    assert_ne!(forgotten(2, &crops), all);
    let never = Config::from_yaml(keys, "x", &["augment_unknown_region=0".into()]).unwrap();
    let mut batch = Batch { crops, location: vec![1.0; 6000], ..Batch::default() };
    UnknownRegion::of(&never).unwrap().forget(1, &mut batch);
    assert_eq!(batch.location, [1.0; 6000]);
}
