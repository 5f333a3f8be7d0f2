//! Fronts in `eval` and on the report's page.

use std::fs;

use meltcore::data::geotags::GeoTags;
use meltcore::data::writer::write_geotiff;
use serde_json::{Value, json};

use super::{SCENES, done, folder, zone};

/// Writes maps of the val scenes: the truth, some columns to the right.
fn put_maps(root: &std::path::Path, shift: usize) {
    for (name, size) in &SCENES[2..] {
        let value = |at: usize| zone(at / size[1], (at % size[1]).saturating_sub(shift), *size) as f32;
        let values: Vec<f32> = (0..size[0] * size[1]).map(value).collect();
        write_geotiff(root.join(format!("maps/{name}.tif")), size[0], size[1], &values, &GeoTags::default()).unwrap();
    }
}

#[test]
fn fronts_are_scored_beside_drawn_ones() {
    let folder = folder();
    let root = folder.path();
    let (maps, out) = (format!("moved={}", root.join("maps").display()), root.join("scores"));
    put_maps(root, 3);
    let arguments = ["--split", "val", "--pred", &maps, "--out", out.to_str().unwrap()];
    let table = done(root, "eval", &arguments, &[]);
    assert!(table.contains("mde_m") && table.contains("zone") && !table.contains("glaciers"), "{table}");
    let json: Value = serde_json::from_slice(&fs::read(out.join("scores.json")).unwrap()).unwrap();
    let model = &json["models"]["moved"];
    assert_eq!((&model["missing"], &model["images"]), (&json!(0), &json!(2)));
    // Pixels of 100 m by their names; stairs are nearer than their columns are apart.
    let mde = model["mde"].as_f64().unwrap();
    assert!((200.0..=300.0).contains(&mde), "{mde}");
    assert!(model["groups"]["glacier"]["SI"]["mde"].is_number() && model["zones"]["mean"]["iou"].as_f64().unwrap() < 1.0);
    let scene = format!("{}.tif", SCENES[2].0);
    assert!(model["scenes"][&scene]["iou"].is_number() && model["fronts"][&scene]["predicted_px"].as_u64().unwrap() > 20);
    let fronts = fs::read_to_string(out.join("fronts.csv")).unwrap();
    assert!(fronts.lines().nth(1).unwrap().starts_with(&format!("moved,{},false,", SCENES[2].0)), "{fronts}");
    let groups = fs::read_to_string(out.join("fronts_by_group.csv")).unwrap();
    assert!(groups.lines().nth(1).unwrap().starts_with("moved,all,all,2,0,"), "{groups}");
    assert!(!out.join("glaciers.csv").exists());
    // A front is its own truth, where true ones are drawn from the zones.
    put_maps(root, 0);
    let json: Value = serde_json::from_str(&done(root, "eval", &["--split", "val", "--pred", &maps, "--json"], &["path_fronts="])).unwrap();
    assert_eq!(json["models"]["moved"]["mde"], json!(0.0));
}

#[test]
fn the_page_shows_fronts() {
    let folder = folder();
    let root = folder.path();
    put_maps(root, 3);
    let (maps, page) = (format!("moved={}", root.join("maps").display()), root.join("page.html"));
    done(root, "report", &["--split", "val", "--pred", &maps, "--out", page.to_str().unwrap()], &[]);
    let text = fs::read_to_string(&page).unwrap();
    for words in ["Fronts, moved", "true front", "How far fronts are from the true ones", "id=\"fronts\"", "TSX+TDX"] {
        assert!(text.contains(words), "{words}");
    }
}
