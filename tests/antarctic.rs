//! The real dataset of Antarctic melt beside the repository: its files read, and its splits load.

mod trials;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use meltcore::config::Config;
use meltcore::data::Window;
use meltcore::data::dataset::Dataset;
use meltcore::data::day::Split;
use meltcore::data::loader::{Loader, LoaderOptions};
use meltcore::data::raster::Raster;
use meltcore::data::tiles::Crop;

use trials::needing_data;

const FOLDER: &str = "data/antarctic-melt";

fn real_deflated_maps_read(folder: &Path) {
    let melt = Raster::open(folder.join("melt/2015_12_01.tif")).unwrap();
    let dem = Raster::open(folder.join("dem.tif")).unwrap();
    assert_eq!((melt.rows(), melt.cols()), (332, 316));
    assert!(melt.same_grid(&dem) && melt.has_nan().unwrap() && !dem.has_nan().unwrap());
    let pixels = dem.read_all().unwrap();
    let mean = pixels.iter().map(|&v| f64::from(v)).sum::<f64>() / pixels.len() as f64;
    assert!((mean - 406.16896593669).abs() < 1e-6, "{mean}");
}

fn the_real_dataset_loads(folder: &Path) {
    let root = folder.display();
    let text = format!(
        "model_key: unet\ndata_root: {root}\npath_melt: melt\npath_mar_wa1: coarse\npath_dem: dem.tif\npath_landmask: landmask.tif\n\
         in_keys: [mar_wa1]\nin_keys_static: [dem]\npath_test_split_csv: {root}/splits/test.csv\ncheck_for_invalid_entries: true\n"
    );
    let config = Config::from_yaml(&text, "run.yaml", &[]).unwrap();
    let data = Arc::new(Dataset::open(&config, Split::Test).unwrap());
    assert_eq!((data.days().len(), data.scene(0)), (60, [332, 316]));
    let crops = (0..60).map(|day| Crop { day, window: Window::whole(332, 316), number: day }).collect();
    let (mut valid, mut melt) = (0usize, 0usize);
    for batch in Loader::new(data, crops, LoaderOptions { batch_size: 8, ..LoaderOptions::default() }).unwrap() {
        let batch = batch.unwrap();
        for (target, _) in batch.target.iter().zip(&batch.ocean).filter(|(target, ocean)| !target.is_nan() && **ocean == 0.0) {
            (valid, melt) = (valid + 1, melt + usize::from(*target > 0.1));
        }
    }
    let share = melt as f64 / valid as f64;
    assert!((0.01..0.03).contains(&share), "{share}");
}

fn main() -> ExitCode {
    trials::run(vec![
        needing_data("real_deflated_maps_read", FOLDER, real_deflated_maps_read),
        needing_data("the_real_dataset_loads", FOLDER, the_real_dataset_loads),
    ])
}
