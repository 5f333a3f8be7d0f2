//! Areas of glaciers and distances of outlines, by hand and from the program.

use std::fs;

use meltcore::data::dataset::HostSample;
use meltcore::data::geotags::GeoTags;
use meltcore::evaluate::glaciers::{Compared, Truth};
use meltcore::evaluate::{GlacierScores, ScoreFile};
use meltcore::tasks::segmentation::Segmentation;

use super::{MAP, TRUTH, done, drawn, place, scored_scenes, utm};

/// A map beside the truth, of two classes.
fn compared(truth: &[&str], map: &[&str], geo: &GeoTags) -> Compared {
    let ((target, size), (map, _)) = (drawn(truth), drawn(map));
    let sample = HostSample { ocean: vec![0.0; target.len()], target, channels: Vec::new() };
    let mut truth = Truth::of(&Segmentation::default(), &sample, size, geo).unwrap();
    let mut classes = truth.compare(&map);
    assert_eq!(classes.len(), 1, "each class but the first");
    classes.remove(0)
}

#[test]
fn areas_and_distances_are_those_computed_by_hand() {
    let found = compared(&TRUTH, &MAP, &utm());
    let areas: Vec<(f64, f64)> = found.glaciers.iter().map(|glacier| (glacier.area, glacier.mapped)).collect();
    assert_eq!(areas, [(6.0 * 900.0, 6.0 * 900.0), (2.0 * 900.0, 0.0)]);
    assert_eq!((found.glaciers[1].first, found.glaciers[1].place), ([6, 7], Some((480_225.0, 3_099_805.0))));
    assert_eq!((found.false_regions, found.false_area), (1, 900.0));
    // Of the second glacier 4 rows up and 3 or 4 columns left to the first one's map.
    let wanted = [30.0, 0.0, 0.0, 30.0, 0.0, 0.0, 150.0, 30.0 * 32f32.sqrt()];
    assert_eq!(found.to_map, wanted);
    // Of the false region 4 rows up and 1 column right.
    assert_eq!(found.to_truth, [0.0, 0.0, 30.0, 0.0, 0.0, 30.0, 30.0 * 17f32.sqrt()]);
    let scores = GlacierScores::of([&found, &found].into_iter());
    assert_eq!((scores.glaciers, scores.missed, scores.false_regions), (4, 2, 2));
    assert_eq!((scores.area_m2, scores.map_area_m2, scores.false_area_m2), (14_400.0, 12_600.0, 1800.0));
    assert_eq!((scores.area_deviation, scores.median_deviation, scores.median_abs_deviation), (Some(-0.125), Some(-0.5), Some(0.5)));
    let mean: f32 = wanted.iter().sum::<f32>() / 8.0;
    assert!((scores.to_map.mean_m.unwrap() - f64::from(mean)).abs() < 1e-4 && scores.to_map.median_m == Some(15.0), "{scores:?}");
}

#[test]
fn mapped_pixels_go_to_the_nearest_glacier_of_those_that_their_region_meets() {
    // One region over both glaciers and beyond; a pixel in the middle is as near to both, and the left one has it.
    let found = compared(&["00100000100", "00100000100"], &["11111111111", "00000000000"], &utm());
    let mapped: Vec<f64> = found.glaciers.iter().map(|glacier| glacier.mapped / 900.0).collect();
    assert_eq!((mapped, found.false_regions), (vec![6.0, 5.0], 0));
    let found = compared(&["0010010"], &["0010110"], &utm());
    assert_eq!(found.glaciers.iter().map(|glacier| glacier.mapped / 900.0).collect::<Vec<_>>(), [1.0, 2.0]);
    // Everything counted once: glaciers and false regions are all that is mapped.
    let found = compared(&["0110000", "0000000", "0000001"], &["1101101", "0001001", "1100001"], &utm());
    let all: f64 = found.glaciers.iter().map(|glacier| glacier.mapped).sum::<f64>() + found.false_area;
    assert_eq!((all, found.false_regions), (10.0 * 900.0, 2));
}

#[test]
fn what_has_no_class_counts_nowhere_and_makes_no_boundary() {
    let found = compared(&["??1100", "??1100"], &["111100", "111100"], &utm());
    assert_eq!((found.glaciers[0].area, found.glaciers[0].mapped), (3600.0, 3600.0));
    // The side to what nobody knows is no boundary, and neither is the edge of the scene.
    assert_eq!((found.to_map, found.to_truth), (vec![0.0; 2], vec![0.0; 2]));
    let found = compared(&["11", "11"], &["01", "11"], &utm());
    assert_eq!((found.to_map.len(), found.to_truth.len()), (0, 0), "the truth has no boundary, and the map's leads nowhere");
    let none = GlacierScores::of([&compared(&["00"], &["01"], &utm())].into_iter());
    assert_eq!((none.glaciers, none.area_deviation, none.median_deviation, none.to_map.mean_m), (0, None, None, None));
    assert_eq!((none.false_regions, none.map_area_m2), (1, 900.0));
}

#[test]
fn on_longitude_and_latitude_metres_are_those_of_the_rows() {
    // At 60° N a thousandth of a degree is 111.4 m from south to north and 55.8 m from west to east (Snyder 1987, table 5: 111 412 m and
    // 55 800 m a degree on Clarke 1866, of which WGS 84 differs by some 10 m).
    let geo = place("EPSG:4326", [7.0, 60.0005], 0.001);
    let found = compared(&["0100000", "0000000"], &["0010000", "0000000"], &geo);
    assert!((found.to_map[0] - 55.8).abs() < 0.05, "{:?}", found.to_map);
    let (area, wanted) = (found.glaciers[0].area, 111.412 * 55.8);
    assert!((area / wanted - 1.0).abs() < 1e-3, "{area}");
    // Three columns are further than one row.
    let down = compared(&["0100000", "0000000"], &["0000100", "0100000"], &geo);
    assert!((down.to_map[0] - 111.41).abs() < 0.05, "{:?}", down.to_map);
    let unplaced = compared(&TRUTH, &MAP, &GeoTags::default());
    assert_eq!((unplaced.glaciers[0].area, unplaced.glaciers[0].place, unplaced.to_map[0]), (6.0, None, 1.0));
}

#[test]
fn scores_know_glaciers_and_write_them_down() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    scored_scenes(root);
    let said = done(root, &["eval", "--config", "run.yaml", "--split", "test", "--pred", "net=maps", "--out", "scores"]);
    let line = said.lines().find(|line| line.contains("ice") && line.contains("-0.1250")).expect("a line of glaciers");
    let cells: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(cells[..8], ["net", "ice", "4", "2", "2", "-0.1250", "-0.5000", "0.5000"], "{said}");
    let csv = fs::read_to_string(root.join("scores/glaciers.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[0], "model,scene,class,glacier,row,col,x,y,area_m2,map_area_m2,deviation");
    assert_eq!(lines[2], "net,A-1.tif,ice,2,6,7,480225,3099805,1800,0,-1");
    let scores = ScoreFile::read(&root.join("scores")).unwrap();
    let (class, glaciers) = &scores.models.0[0].1.glaciers.0[0];
    assert_eq!((class.as_str(), glaciers.glaciers, glaciers.false_area_m2, glaciers.to_map.median_m), ("ice", 4, 1800.0, Some(15.0)));
    done(root, &["report", "--config", "run.yaml", "--split", "test", "--pred", "net=maps", "--scores", "scores", "--out", "page.html"]);
    let page = fs::read_to_string(root.join("page.html")).unwrap();
    assert!(page.contains("Areas and outlines") && page.contains("−12.5 %"));
}
