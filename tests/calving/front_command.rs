//! `meltcore front`: fronts of zone maps as pixels and lines, scores, and positions along a centre line.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use meltcore::data::grey_png::{read_grey_png, write_grey_png};
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use meltcore::synth::georeference::albers;
use serde_json::{Value, json};

const ROWS: usize = 20;
const COLS: usize = 40;

/// Ocean left of a column, glacier from it on, in the greys of CaFFe; an iceberg in the ocean.
fn zones(front: usize) -> Vec<u8> {
    let grey = |at: usize| match (at / COLS, at % COLS) {
        (10, 3) => 127,
        (_, col) if col < front => 254,
        _ => 127,
    };
    (0..ROWS * COLS).map(grey).collect()
}

/// A column as front.
fn column(col: usize) -> Vec<u8> {
    (0..ROWS * COLS).map(|at| if at % COLS == col { 255 } else { 0 }).collect()
}

const SCENES: [(&str, usize); 3] =
    [("COL_2011-01-01_TDX_100_1_092", 20), ("COL_2011-01-11_TSX_100_1_092", 25), ("COL_2011-07-01_S1_100_1_092", 0)];

fn make() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, front) in SCENES {
        let put = |kind: &str, values: &[u8]| {
            fs::create_dir_all(folder.path().join(kind)).unwrap();
            write_grey_png(&folder.path().join(kind).join(format!("{name}_{kind}.png")), [ROWS, COLS], values).unwrap();
        };
        put("zones", &zones(front));
        put("front", &column(22));
    }
    folder
}

fn front(root: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_meltcore")).arg("front").args(arguments).current_dir(root).output().unwrap()
}

fn done(root: &Path, arguments: &[&str]) -> [String; 2] {
    let output = front(root, arguments);
    let [out, notes] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{notes}");
    [out, notes]
}

fn refused(root: &Path, arguments: &[&str]) -> String {
    let output = front(root, arguments);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn fronts_are_drawn_and_scored() {
    let folder = make();
    let root = folder.path();
    let [table, notes] = done(root, &["zones", "--out", "out", "--truth", "front", "--csv", "scores.csv"]);
    assert_eq!(read_grey_png(&root.join("out/COL_2011-01-01_TDX_100_1_092_front.png")).unwrap().values, column(19));
    assert_eq!(read_grey_png(&root.join("out/COL_2011-07-01_S1_100_1_092_front.png")).unwrap().values, vec![0; ROWS * COLS]);
    assert!(notes.contains("1 of 3 scenes have no front: COL_2011-07-01_S1_100_1_092"), "{notes}");
    let row = |begin: &str| {
        let found = table.lines().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("{begin}: {table}"));
        found.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("COL_2011-01-01")[1..], ["2011-01-01", "20", "1", "2000", "300.0"]);
    assert_eq!(row("COL_2011-07-01")[1..], ["2011-07-01", "0", "0", "–", "–"]);
    assert_eq!(row("all")[1..], ["3", "1", "250.0", "50.0", "250.0", "250.0"]);
    assert_eq!(
        (&row("S1")[1..4], &row("TSX+TDX")[1..4]),
        (&["1", "1", "–"].map(String::from)[..], &["2", "0", "250.0"].map(String::from)[..])
    );
    let csv = fs::read_to_string(root.join("scores.csv")).unwrap();
    assert_eq!(csv.lines().nth(1), Some("COL_2011-01-01_TDX_100_1_092,false,20,20,6000,6000,300,2000"));
    assert_eq!(csv.lines().nth(3), Some("COL_2011-07-01_S1_100_1_092,true,0,20,,,,0"));
    let [json, _] = done(root, &["zones", "--out", "out", "--truth", "front", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["scores"]["mde"], &json["scores"]["missing"]), (&json!(250.0), &json!(1)));
    assert_eq!(json["groups"]["glacier_season"]["COL winter"]["images"], json!(2));
}

#[test]
fn pieces_and_boxes_cut_fronts() {
    let folder = make();
    let root = folder.path();
    fs::create_dir(root.join("boxes")).unwrap();
    fs::write(root.join("boxes/COL_2011-01-01_TDX_100_1.txt"), "x,y\n5,12\n5,3\n30,3\n30,12\n").unwrap();
    let [table, notes] = done(root, &["zones", "--out", "out", "--bounding-boxes", "boxes"]);
    assert!(table.contains("2011-01-01       9") && table.contains("2011-01-11      20"), "{table}");
    assert!(notes.contains("no bounding box is there for COL_2011-01-11_TSX_100_1_092, COL_2011-07-01_S1_100_1_092"), "{notes}");
    let [table, _] = done(root, &["zones", "--out", "out", "--shortest-piece", "20.5"]);
    assert!(table.contains("2011-01-01       0"), "{table}");
    // 750 m are 25 pixels of 30 m.
    let [table, _] = done(root, &["zones", "--out", "out", "--resolution", "30"]);
    assert!(table.contains("2011-01-01       0"), "{table}");
}

#[test]
fn lines_go_into_one_file_and_positions_along_a_centre_line() {
    let folder = make();
    let root = folder.path();
    // From the ocean inland: positions count from its other end, at column 40.
    fs::write(root.join("line.csv"), "x,y\n0.5,10.2\n40,10.2\n").unwrap();
    let arguments = ["zones", "--out", "fronts.geojson", "--centre-line", "line.csv", "--series", "series.csv"];
    let [_, notes] = done(root, &arguments);
    assert!(notes.contains("the centre line begins in the ocean"), "{notes}");
    let csv = fs::read_to_string(root.join("series.csv")).unwrap();
    let rows: Vec<&str> = csv.lines().skip(1).collect();
    assert!(rows[0].starts_with("COL_2011-01-01_TDX_100_1_092,2011-01-01,front,2000,2050,2050,2050,1,,,"), "{csv}");
    let cells: Vec<f64> = rows[1].split(',').skip(8).map(|cell| cell.parse().unwrap()).collect();
    assert!(cells.iter().zip([-500.0, 10.0, -50.0]).all(|(cell, wanted)| (cell - wanted).abs() < 1e-6), "{csv}");
    assert_eq!(rows[2], "COL_2011-07-01_S1_100_1_092,2011-07-01,no front,,,,,0,,,");
    let json: Value = serde_json::from_slice(&fs::read(root.join("fronts.geojson")).unwrap()).unwrap();
    assert_eq!((&json["crs"], json["features"].as_array().unwrap().len()), (&Value::Null, 3));
    // The ocean on the right hand: from the bottom to the top.
    let line = &json["features"][0]["geometry"]["coordinates"];
    assert_eq!((&line[0][0], &line[0][19]), (&json!([19.5, 0.5]), &json!([19.5, 19.5])));
    assert_eq!(json["features"][0]["properties"]["length_m"], json!(2000.0));
    assert_eq!(json["features"][2]["geometry"], Value::Null);
    // Files of its own are replaced.
    done(root, &arguments);
    let message = refused(root, &["zones", "--out", "fronts.geojson", "--centre-line", "line.csv"]);
    assert!(message.contains("name it with --series FILE.csv"), "{message}");
}

#[test]
fn maps_with_a_place_keep_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let values: Vec<f32> = zones(20).iter().map(|grey| if *grey == 254 { 3.0 } else { 2.0 }).collect();
    fs::create_dir(root.join("maps")).unwrap();
    let geo = albers(100.0);
    write_geotiff(root.join("maps/2011_01_01.tif"), ROWS, COLS, &values, &geo).unwrap();
    done(root, &["maps", "--out", "out", "--format", "tif,geojson"]);
    let raster = Raster::open(root.join("out/2011_01_01_front.tif")).unwrap();
    assert_eq!(raster.geo().transform(), geo.transform());
    assert_eq!(raster.read_all().unwrap(), column(19).into_iter().map(f32::from).collect::<Vec<f32>>());
    let json: Value = serde_json::from_slice(&fs::read(root.join("out/2011_01_01_front.geojson")).unwrap()).unwrap();
    let (x, y) = geo.transform().unwrap().at(0.5, 19.5);
    assert_eq!(json["features"][0]["geometry"]["coordinates"][0][0], json!([x, y]));
    assert_eq!(json["features"][0]["properties"]["date"], json!("2011-01-01"));
    assert!(json["crs"]["properties"]["name"].as_str().unwrap().starts_with("+proj=aea"), "{}", json["crs"]);
}

#[test]
fn what_cannot_be_is_refused() {
    let folder = make();
    let root = folder.path();
    fs::write(root.join("mine.geojson"), "{}").unwrap();
    let refuse = |arguments: &[&str], words: &str| {
        let message = refused(root, arguments);
        assert!(message.contains(words) && !message.contains("panicked"), "{message}");
    };
    refuse(&["zones", "--out", "mine.geojson"], "mine.geojson is there already and is no front of meltcore");
    refuse(&["zones", "--out", "all.png"], "a .png file holds one front, and there are 3 scenes");
    refuse(&["none", "--out", "out"], "is not there");
    refuse(&["boxes.png", "zones", "--out", "out"], "boxes.png");
    refuse(
        &["zones", "--out", "out", "--truth", "zones/COL_2011-01-01_TDX_100_1_092_zones.png"],
        "is one true front, and there are 3 scenes",
    );
    let one = "zones/COL_2011-01-01_TDX_100_1_092_zones.png";
    refuse(&[one, "--out", one], "is one of the inputs and would be overwritten");
    refuse(&[one, "--out", "front", "--truth", "front"], "is one of the inputs and would be overwritten");
    fs::copy(root.join(one), root.join("scene.png")).unwrap();
    refuse(&["scene.png", "--out", "out"], "nothing says how large its pixels are");
    refuse(&["front/COL_2011-01-01_TDX_100_1_092_front.png", "--out", "out"], "holds 255 at row 0, column 22");
    fs::copy(root.join(one), root.join("JAC_2011-01-01_TDX_100_1_092.png")).unwrap();
    fs::write(root.join("line.csv"), "0,0\n1,1\n").unwrap();
    refuse(&[one, "--out", "fronts.shp"], "--out fronts.shp: fronts are written as .geojson or .gpkg (lines), .png or .tif (pixels)");
    refuse(&[one, "--out", "out", "--classes", "ocean,ice"], "--classes ocean,ice: a front lies between the classes glacier and ocean");
    refuse(&[one, "--out", "out", "--classes", "ocean,glacier,ocean"], "`ocean` is named twice");
    let two = [one, "JAC_2011-01-01_TDX_100_1_092.png", "--out", "out", "--centre-line", "line.csv"];
    refuse(&two, "a centre line is that of one glacier, and the scenes are of COL, JAC");
}

#[test]
fn numbers_mean_what_is_said_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("maps")).unwrap();
    // Ocean is 0 and the glacier 1.
    let values: Vec<f32> = zones(20).into_iter().map(|grey| f32::from(u8::from(grey == 127))).collect();
    write_geotiff(root.join("maps/a.tif"), ROWS, COLS, &values, &albers(100.0)).unwrap();
    let pixels = |more: &[&str]| {
        let [json, _] = done(root, &[&["maps", "--out", "out", "--json"], more].concat());
        serde_json::from_str::<Value>(&json).unwrap()["scenes"]["a"]["pixels"].clone()
    };
    assert_eq!((pixels(&[]), pixels(&["--classes", "ocean,glacier"])), (json!(0), json!(20)));
    fs::write(root.join("maps/maps.json"), r#"{ "task": "calving_front", "classes": ["ocean", "glacier", "stone"], "days": {} }"#).unwrap();
    assert_eq!((pixels(&[]), pixels(&["--classes", "glacier,ocean"])), (json!(20), json!(20)));
    let [json, _] = done(root, &["maps", "--out", "out", "--json", "--classes", "stone,glacier,ocean"]);
    assert!(json.contains("\"pixels\": 0"), "{json}");
}

#[test]
fn centre_lines_are_refused_where_they_say_nothing() {
    let folder = make();
    let root = folder.path();
    let line = |text: &str| fs::write(root.join("line.csv"), text).unwrap();
    let arguments = ["zones", "--out", "out", "--centre-line", "line.csv"];
    line("100,10\n200,10\n");
    let message = refused(root, &arguments);
    assert!(message.contains("line.csv lies on none of the scenes (COL_2011-01-01_TDX_100_1_092, "), "{message}");
    assert!(message.contains("columns and rows of pixels") && !root.join("out").exists(), "{message}");
    line("5,10\n5,10\n");
    assert!(refused(root, &arguments).contains("line.csv: has no length"));
    // Scenes of another size are another grid.
    line("0.5,10.2\n40,10.2\n");
    done(root, &arguments);
    write_grey_png(&root.join("zones/COL_2012-01-01_TDX_100_1_092_zones.png"), [10, 10], &[127; 100]).unwrap();
    let message = refused(root, &arguments);
    assert!(message.contains("has 20 × 40 pixels of 100 m") && message.contains("has 10 × 10 pixels of 100 m"), "{message}");
    fs::rename(root.join("zones/COL_2012-01-01_TDX_100_1_092_zones.png"), root.join("zones/COL_2012-01-01_TDX_100_1_092_zones.other"))
        .unwrap();
    fs::copy(root.join("zones/COL_2011-01-01_TDX_100_1_092_zones.png"), root.join("zones/COL_2012-01-01_S1_20_1_092_zones.png")).unwrap();
    let message = refused(root, &arguments);
    assert!(message.contains("these are not of one grid") && message.contains("pixels of 20 m"), "{message}");
    // One size said of all is one grid.
    done(root, &[&arguments[..], &["--resolution", "100"]].concat());
}
