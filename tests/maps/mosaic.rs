//! Mosaics against the naive rule: order of tiles, erosion, clipping, land mask and weights.

use super::{apart, f64s, noise};
use meltcore::autograd::Tape;
use meltcore::config::Config;
use meltcore::data::Window;
use meltcore::data::dataset::Dataset;
use meltcore::data::day::Split;
use meltcore::data::tiles::Mosaic;
use meltcore::data::writer::write_geotiff;
use meltcore::error::Result;
use meltcore::gpu::Gpu;
use meltcore::models::{Inputs, Model, Outputs};
use meltcore::nn::{Mode, ParameterSet};
use meltcore::predict::{Options, Predictor};
use meltcore::reference::mosaic::{mosaic, offsets};
use meltcore::synth::georeference::albers;
use meltcore::tensor::Tensor;
use std::sync::Arc;

#[test]
fn plans_cover_and_order_as_the_naive_rule() {
    for (scene, tile, stride, erode) in [
        ([21, 17], [8, 10], 5, 1),
        ([21, 17], [8, 8], 4, 2),
        ([20, 20], [8, 8], 4, 0),
        ([20, 20], [8, 8], 4, 2),
        ([9, 30], [9, 7], 3, 2),
        ([8, 8], [8, 8], 8, 3),
        ([16, 8], [8, 8], 8, 1),
        ([21, 17], [8, 10], 7, 1),
        ([30, 30], [10, 10], 6, 2),
        ([30, 30], [10, 10], 7, 2),
    ] {
        let [rows, cols] = scene;
        let planned = Mosaic::new(scene, tile, stride, erode);
        let mut order = Vec::new();
        let ones = mosaic(scene, tile, stride, erode, [0.0, 1.0], None, &mut |row, col| {
            order.push((row, col));
            vec![1.0; tile[0] * tile[1]]
        });
        let case = format!("{scene:?} {tile:?} {stride} {erode}");
        assert_eq!(planned.is_ok(), ones.is_some(), "{case}: covered or not");
        assert_eq!(order.len(), offsets(rows, tile[0], stride).len() * offsets(cols, tile[1], stride).len());
        let Ok(planned) = planned else { continue };
        let tiles: Vec<(usize, usize)> = planned.tiles.iter().map(|tile| (tile.window.row, tile.window.col)).collect();
        assert_eq!(tiles, order, "{case}");
        assert!(planned.tiles.iter().all(|planned| [planned.window.height, planned.window.width] == tile));
    }
}

/// Depends on the place in the tile, so that a tile laid down elsewhere shows; leaves 0…1 at both ends.
struct Ramp(ParameterSet);

fn ramp(value: f64, row: usize, col: usize) -> f64 {
    2.0 * value - 0.6 + 0.03 * row as f64 - 0.05 * col as f64
}

impl Model for Ramp {
    fn forward(&self, _: &Tape, inputs: &Inputs, _: Mode) -> Result<Outputs> {
        let input = inputs.only()?;
        let dims = input.shape().dims().to_vec();
        let (height, width) = (dims[2], dims[3]);
        let values = input.to_vec()?;
        let pixel = |(i, value): (usize, &f32)| ramp(f64::from(*value), i / width % height, i % width) as f32;
        let values: Vec<f32> = values.iter().enumerate().map(pixel).collect();
        Ok(Tensor::from_slice(input.gpu(), [dims[0], 1, height, width], &values)?.into())
    }

    fn parameters(&self) -> &ParameterSet {
        &self.0
    }
}

#[test]
fn maps_equal_the_naive_mosaic() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let scene = [23, 19];
    let [rows, cols] = scene;
    let mut noise = noise(5);
    let field: Vec<f32> = (0..rows * cols).map(|_| noise()).collect();
    let land: Vec<f32> = (0..rows * cols).map(|_| if noise() < 0.3 { -1.0 } else { 1.0 }).collect();
    let ocean: Vec<f64> = land.iter().map(|land| if *land < 0.0 { 1.0 } else { 0.0 }).collect();
    write_geotiff(root.join("sar/2019_07_04.tif"), rows, cols, &field, &albers(100.0)).unwrap();
    write_geotiff(root.join("land.tif"), rows, cols, &land, &albers(100.0)).unwrap();
    std::fs::write(root.join("days.csv"), "2019_07_04.tif\n").unwrap();
    let gpu = Gpu::open(None).unwrap();
    for (tile, stride, erode, masked) in [([8, 10], 5, 1, false), ([8, 8], 4, 2, true), ([23, 6], 3, 1, true), ([12, 12], 12, 0, false)] {
        let text = format!(
            "model_key: unet\ndata_root: {}\nin_keys: [time_interpolate_sar]\npath_time_interpolate_sar: sar\npath_landmask: land.tif\n\
             path_deploy_split_csv: {}/days.csv\nimg_size: {tile:?}\nprediction_stride: {stride}\nerode_size: {erode}\n\
             min_melt: 0.1\nmax_melt: 0.9\nprediction_batch_size: 3\napply_landmask_to_predictions: {masked}\n",
            root.display(),
            root.display()
        );
        let config = Config::from_yaml(&text, "run.yaml", &[]).unwrap();
        let dataset = Arc::new(Dataset::open(&config, Split::Deploy).unwrap());
        let model = Ramp(ParameterSet::default());
        let mut predictor = Predictor::new(&gpu, &config, &model, dataset.clone(), Options::default(), &mut |_| ()).unwrap();
        let mut got = Vec::new();
        let mut take = |_, map: Vec<f32>| {
            got = map;
            Ok(())
        };
        predictor.maps(&[0], &mut |_| (), &mut take).unwrap();
        let raster = dataset.input_raster(dataset.inputs()[0], 0).unwrap();
        let wanted = mosaic(scene, tile, stride, erode, [0.1, 0.9], masked.then_some(&ocean[..]), &mut |row, col| {
            let mut crop = vec![0.0; tile[0] * tile[1]];
            raster.read_window(Window { row, col, height: tile[0], width: tile[1] }, &mut crop).unwrap();
            f64s(&crop).iter().enumerate().map(|(i, value)| ramp(*value, i / tile[1], i % tile[1])).collect()
        });
        let error = apart(&got, &wanted.unwrap());
        assert!(error < 2e-7, "{tile:?} {stride} {erode} {masked}: {error}");
    }
}
