//! Scenes as PNG in CaFFe's folders and as GeoTIFF: what is read of them, and what is written beside their maps.

use std::path::Path;

use meltcore::config::Config;
use meltcore::data::Window;
use meltcore::data::dataset::{Dataset, HostSample};
use meltcore::data::day::Split;
use meltcore::data::grey_png::{read_grey_png, write_grey_png};
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use meltcore::synth::georeference::albers;

use super::{SCENES, done, folder, meltcore, zone};

fn config(root: &Path, set: &[&str]) -> Config {
    let set: Vec<String> = set.iter().map(|set| (*set).to_owned()).collect();
    Config::load(&root.join("run.yaml"), &set).unwrap()
}

fn read(root: &Path, set: &[&str], split: Split, scene: usize) -> HostSample {
    let dataset = Dataset::open(&config(root, set), split).unwrap();
    let [rows, cols] = dataset.scene(scene);
    let mut sample = HostSample::default();
    dataset.read(scene, Window::whole(rows, cols), &mut sample).unwrap();
    sample
}

#[test]
fn pictures_are_read_from_the_folders_of_caffe() {
    let folder = folder();
    let (name, size) = SCENES[2];
    let sample = read(folder.path(), &[], Split::Val, 0);
    let zones: Vec<f32> = (0..size[0] * size[1]).map(|at| zone(at / size[1], at % size[1], size) as f32).collect();
    assert_eq!(sample.target, zones);
    let greys = read_grey_png(&folder.path().join(format!("sar_images/test/{name}.png"))).unwrap().values;
    assert_eq!(sample.channels[0], greys.iter().map(|grey| f32::from(*grey)).collect::<Vec<f32>>());
    // Zones that `classes` does not name have no class, and the numbers of the others are those of the list.
    let named = read(folder.path(), &["classes=[ocean, glacier, stone]"], Split::Val, 0);
    let wanted = zones.iter().map(|zone| [f32::NAN, 2.0, 1.0, 0.0][*zone as usize]);
    assert!(named.target.iter().zip(wanted).all(|(got, wanted)| *got == wanted || got.is_nan() && wanted.is_nan()));
}

#[test]
fn rasters_with_a_place_take_the_place_of_pictures() {
    let folder = folder();
    let root = folder.path();
    let (name, [rows, cols]) = SCENES[2];
    let save = |kind: &str, value: &dyn Fn(usize) -> f32| {
        let values: Vec<f32> = (0..rows * cols).map(value).collect();
        write_geotiff(root.join(kind).join(format!("{name}.tif")), rows, cols, &values, &albers(100.0)).unwrap();
    };
    save("zones", &|at| zone(at / cols, at % cols, [rows, cols]) as f32);
    save("sar_images", &|at| -25.0 + 0.01 * at as f32);
    let decibels = read(root, &["scale_sar=[-30, 5]"], Split::Val, 0);
    assert_eq!((decibels.channels[0][0], decibels.target[0]), (-25.0, 3.0));
    let dataset = Dataset::open(&config(root, &["scale_sar=[-30, 5]"]), Split::Val).unwrap();
    assert!(dataset.output_geo(0).unwrap().transform().is_some() && dataset.output_geo(1).unwrap().transform().is_none());
    // Without a scale they would be taken for greys.
    let error = Dataset::open(&config(root, &[]), Split::Val).unwrap_err().to_string();
    assert!(error.contains("taken for greys") && error.contains("scale_sar: [-30, 5]"), "{error}");
    // Greys of zones in a GeoTIFF are zones, too; what is neither is named.
    save("zones", &|at| [0.0, 64.0, 127.0, 254.0][zone(at / cols, at % cols, [rows, cols])]);
    assert_eq!(read(root, &["scale_sar=[-30, 5]"], Split::Val, 0).target, decibels.target);
    save("zones", &|at| if at == cols + 2 { 100.0 } else { 127.0 });
    let error = Dataset::open(&config(root, &["scale_sar=[-30, 5]"]), Split::Val).unwrap_err().to_string();
    assert!(error.contains("holds 100 at row 1, column 2"), "{error}");
}

#[test]
fn what_is_not_there_is_named_with_its_folder() {
    let folder = folder();
    let root = folder.path();
    std::fs::remove_file(root.join(format!("zones/test/{}_zones.png", SCENES[3].0))).unwrap();
    let error = Dataset::open(&config(root, &[]), Split::Val).unwrap_err().to_string();
    assert!(error.contains("1 target file(s) are missing") && error.contains(SCENES[3].0) && error.contains("path_classes"), "{error}");
    write_grey_png(&root.join(format!("zones/test/{}_zones.png", SCENES[3].0)), [3, 3], &[127; 9]).unwrap();
    let output = meltcore(root, "train", &[], &[&format!("path_checkpoints={}", root.join("run").display())]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && error.contains(SCENES[3].0) && error.contains("13"), "{error}");
}

#[test]
fn maps_of_pictures_are_written_as_pictures_too() {
    let folder = folder();
    let root = folder.path();
    let run = format!("path_checkpoints={}", root.join("run").display());
    done(root, "train", &[], &[&run, "epochs=1", "epochs_between_validation_maps=0"]);
    let (weights, out) = (root.join("run/best.safetensors").display().to_string(), root.join("maps").display().to_string());
    done(root, "predict", &["--weights", &weights, "--split", "test", "--out", &out], &[]);
    for (name, size) in &SCENES[2..] {
        let map = Raster::open(root.join(format!("maps/{name}.tif"))).unwrap();
        let picture = read_grey_png(&root.join(format!("maps/{name}_zones.png"))).unwrap();
        assert_eq!(([map.rows(), map.cols()], [picture.rows, picture.cols]), (*size, *size));
        let greys = map.read_all().unwrap().iter().map(|class| [0, 64, 127, 254][*class as usize]).collect::<Vec<u8>>();
        assert_eq!(picture.values, greys);
    }
    // Statistics, scores and the page of such scenes.
    assert!(done(root, "stats", &[], &[]).contains("mean_sar"));
    let scores = done(root, "eval", &["--split", "test", "--json", "--pred", &format!("net={out}")], &[]);
    assert!(scores.contains("iou_glacier"), "{scores}");
    let page = root.join("report.html").display().to_string();
    done(root, "report", &["--split", "test", "--pred", &format!("net={out}"), "--out", &page], &[&run]);
    assert!(std::fs::read_to_string(&page).unwrap().contains("Zone maps"));
}
