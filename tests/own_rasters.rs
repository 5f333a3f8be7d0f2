//! The walk of somebody with rasters of their own, typed as README has it: a wet-snow fraction in percent at 500 m under names of its own,
//! brightness temperature at 5 km with gaps, liquid water as NetCDF in degrees, elevation, a mask of 0 and 1. Nothing is renamed, filled
//! or written by hand.

#[path = "packing/classic.rs"]
#[allow(dead_code)]
mod classic;

use std::path::Path;
use std::process::Command;

use classic::{Classic, Values, Variable};
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use meltcore::synth::georeference::albers;

const SIDE: usize = 60;
const DAYS: usize = 10;

/// Wet snow of a pixel on a day, 0…1: wetter low down (to the right) and later.
fn wetness(row: usize, col: usize, day: usize) -> f32 {
    let hills = ((row as f32 / 9.0).sin() + (col as f32 / 7.0).cos()) * 0.2;
    (0.02 * col as f32 + 0.06 * day as f32 - 0.6 + hills).clamp(0.0, 1.0)
}

/// A raster of `side` × `side` pixels of `metres` from the corner of the scene.
fn save(path: &Path, side: usize, metres: f64, pixel: impl Fn(usize, usize) -> f32) {
    let pixels: Vec<f32> = (0..side * side).map(|i| pixel(i / side, i % side)).collect();
    write_geotiff(path, side, side, &pixels, &albers(metres)).unwrap();
}

/// Daily liquid water of 0…40 kg/m² by latitude and longitude, around the scene.
fn water() -> Vec<u8> {
    let (latitudes, longitudes): (Vec<f64>, Vec<f64>) =
        ((0..13).map(|i| 62.0 + f64::from(i)).collect(), (0..31).map(|i| -55.0 + f64::from(i)).collect());
    let values = (0..DAYS * 13 * 31).map(|i| 4.0 * (i / (13 * 31)) as f32 + (i % 31) as f32 * 0.1).collect();
    let axis = |name: &'static str, units: &'static str, values: Vec<f64>| Variable {
        name,
        axes: vec![name],
        attributes: vec![("units", Values::Text(units))],
        values: Values::F64(values),
    };
    let file = Classic {
        version: 1,
        dimensions: vec![("time", DAYS), ("lat", 13), ("lon", 31)],
        records: Some("time"),
        variables: vec![
            axis("time", "days since 2019-05-01 12:00:00", (0..DAYS).map(|day| day as f64).collect()),
            axis("lat", "degrees_north", latitudes),
            axis("lon", "degrees_east", longitudes),
            Variable {
                name: "lwc",
                axes: vec!["time", "lat", "lon"],
                attributes: vec![("units", Values::Text("kg m-2")), ("long_name", Values::Text("liquid water"))],
                values: Values::F32(values),
            },
        ],
    };
    file.bytes()
}

fn make(root: &Path) {
    for day in 0..DAYS {
        let date = format!("2019-05-{:02}", day + 1);
        let percent = |row: usize, col: usize| {
            if (row + 2 * col + day).is_multiple_of(17) { f32::NAN } else { (wetness(row, col, day) * 100.0).round() }
        };
        save(&root.join(format!("wetsnow/wetsnow_{date}.tif")), SIDE, 500.0, percent);
        // A swath has a gap that moves, and leaves one day out almost wholly.
        let temperature = |row: usize, col: usize| match day {
            4 if row > 0 => f32::NAN,
            _ if col == day % 8 => f32::NAN,
            _ => 220.0 + 40.0 * wetness(row * 10, col * 10, day),
        };
        save(&root.join(format!("AMSR2/AMSR2_TB36V_{}.tif", date.replace('-', ""))), 8, 5000.0, temperature);
    }
    std::fs::write(root.join("lwc.nc"), water()).unwrap();
    save(&root.join("dem.tif"), SIDE, 500.0, |row, col| 2000.0 - 30.0 * col as f32 + 5.0 * row as f32);
    save(&root.join("land.tif"), SIDE, 500.0, |_, col| if col < 6 { 0.0 } else { 1.0 });
}

/// Types a line in the folder; what it says on stdout and on stderr.
fn typed(root: &Path, line: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    let output = command.current_dir(root).args(line.split_whitespace()).env("MELTCORE_DEVICE", "host").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && !said.contains("panicked"), "{line}: {said}");
    String::from_utf8(output.stdout).unwrap() + &said
}

#[test]
fn from_a_folder_of_files_to_a_report_without_renaming_a_thing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let like = "--like wetsnow/wetsnow_2019-05-01.tif --resampling bilinear";
    let said = typed(root, &format!("pack {like} --out tb36 AMSR2"));
    assert!(said.contains("AMSR2_TB36V_20190505.tif") && said.contains("2019-05-05"), "the days are shown: {said}");
    typed(root, &format!("pack {like} --out lwc --variable lwc lwc.nc"));
    for (name, days) in [("tb36", DAYS), ("lwc", DAYS)] {
        let found = std::fs::read_dir(root.join(name))
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|e| e == "tif"));
        assert_eq!(found.count(), days, "{name}");
    }
    // Day 7 of the water is 24 … 27 kg/m² everywhere, whatever the projection.
    let water = Raster::open(root.join("lwc/2019_05_07.tif")).unwrap().read_all().unwrap();
    assert!(water.iter().all(|value| (24.0..27.1).contains(value)), "{} … ", water[0]);

    let drafted = typed(root, "config new --target wetsnow --input tb36 --input lwc --static dem.tif --mask land.tif --out run.yaml");
    let next: Vec<&str> = drafted.lines().filter_map(|line| line.trim().strip_prefix("meltcore ")).collect();
    assert_eq!(next.iter().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>(), ["train", "predict", "eval", "report"]);
    let yaml = std::fs::read_to_string(root.join("run.yaml")).unwrap();
    for line in
        ["target: wetsnow", "max_wetsnow: 100", "in_keys: [tb36, lwc]", "in_keys_static: [dem]", "fill_tb36: mean", "mask_outputs: true"]
    {
        assert!(yaml.contains(&format!("\n{line}  # ")), "{line} in {yaml}");
    }
    for line in next {
        let epochs = if line.starts_with("train") { " --set epochs=3" } else { "" };
        typed(root, &format!("{line}{epochs}"));
    }
    let scores: serde_json::Value = serde_json::from_slice(&std::fs::read(root.join("run/scores/scores.json")).unwrap()).unwrap();
    let mae = scores["models"]["unet"]["weighted_mean"]["mae"].as_f64().unwrap();
    assert!(mae > 0.0 && mae < 0.6, "three epochs learn a fraction: {mae}");
    let page = std::fs::read_to_string(root.join("run/report.html")).unwrap();
    assert!(page.contains("data:image/png;base64,") && page.contains("wetsnow"));

    // The map of a scene that no list names needs the weights alone, and knows no value on the ocean.
    let scene = "tb36=tb36/2019_05_03.tif lwc=lwc/2019_05_03.tif dem=dem.tif landmask=land.tif";
    typed(root, &format!("predict --weights run/checkpoints/best.safetensors {scene} --out alone"));
    let map = std::fs::read_dir(root.join("alone"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|e| e == "tif"));
    let values = Raster::open_band(map.unwrap(), 0).unwrap().read_all().unwrap();
    assert!(values.iter().enumerate().all(|(i, value)| value.is_nan() == (i % SIDE < 6)), "no value on the ocean, and one on land");
}
