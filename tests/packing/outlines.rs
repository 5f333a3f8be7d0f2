//! Outlines to class maps and class maps to polygons, slopes beside GDAL's: what takes GDAL.

use std::path::{Path, PathBuf};

use gdal::raster::{RasterizeOptions, rasterize};
use gdal::spatial_ref::SpatialRef;
use gdal::vector::{Feature, Geometry, LayerAccess, LayerOptions, OGRwkbGeometryType};
use gdal::{Dataset, DriverManager, Metadata};
use libtest_mimic::Trial;
use meltcore::data::Window;
use meltcore::data::class_map::{NO_CLASS, read_class_map};
use meltcore::data::geotags::GeoTags;
use meltcore::data::ingest::{Outlines, PackOptions, pack};
use meltcore::data::polygons::{PolygonSource, write_polygons};
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;

use crate::trials::{needing_data, trials};
use crate::warping::{like, options, values};

/// What is drawn of the outlines of Everest's surroundings is the mask that another program drew of them.
fn outlines_of_everest_are_the_mask_beside_them(data: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let image = data.join("LE71400412000304SGS00_B4.tif");
    let outlines = Outlines { file: data.join("15_rgi60_glacier_outlines.gpkg"), ignore: Vec::new() };
    let given = PackOptions { scene: Some("HMA-everest".into()), outlines: Some(outlines), ..options(&image, &folder.path().join("out")) };
    let packed = pack(&[], &given, &mut |_| ()).unwrap();
    let mask = values(&data.join("glacier_mask.tif"));
    let made = read_class_map(&given.out.join("HMA-everest.tif"), 2).unwrap();
    let different = made.classes.iter().zip(&mask).filter(|(own, other)| f32::from(**own) != **other).count();
    assert_eq!((different, packed.classes.map(|counts| counts[1])), (0, Some(282_802)));
    // Again: nothing is left to do. A part, with bright pixels ignored, is another map.
    assert_eq!(pack(&[], &given, &mut |_| ()).unwrap().unchanged, 1);
    let band = values(&image);
    let clouds = folder.path().join("clouds.tif");
    let bright: Vec<f32> = band.iter().map(|value| if *value >= 250.0 { 7.0 } else { 0.0 }).collect();
    write_geotiff(&clouds, made.rows, made.cols, &bright, Raster::open(&image).unwrap().geo()).unwrap();
    let window = Window { row: 100, col: 320, height: 300, width: 479 };
    let outlines = given.outlines.clone().map(|outlines| Outlines { ignore: vec![clouds], ..outlines });
    let part = PackOptions { window: Some(window), outlines, ..given };
    assert_eq!(pack(&[], &part, &mut |_| ()).unwrap().written, 1);
    let part = read_class_map(&part.out.join("HMA-everest.tif"), 2).unwrap();
    let mut ignored = 0;
    for (index, class) in part.classes.iter().enumerate() {
        let pixel = (window.row + index / window.width) * made.cols + window.col + index % window.width;
        let wanted = if bright[pixel] != 0.0 { NO_CLASS } else { mask[pixel] as u8 };
        assert_eq!(*class, wanted, "{index}");
        ignored += usize::from(wanted == NO_CLASS);
    }
    assert!(ignored > 100 && part.geo.transform().unwrap().at(0.0, 0.0) == made.geo.transform().unwrap().at(100.0, 320.0));
    // Of other programs: a palette, and what is no class.
    let opened = Dataset::open(folder.path().join("out/HMA-everest.tif")).unwrap();
    let palette = opened.rasterband(1).unwrap();
    assert_eq!((palette.no_data_value(), palette.color_table().map(|table| table.entry_count())), (Some(255.0), Some(256)));
    assert_eq!(opened.metadata_item("CLASSES", "").as_deref(), Some("0 background; 1 glacier; 255 no class"));
}

/// A vector file with these layers of geometries, in EPSG:3413 or without a system.
fn vectors(path: &Path, layers: &[(&str, &str)], is_placed: bool) {
    let mut file = DriverManager::get_driver_by_name("GPKG").unwrap().create_vector_only(path).unwrap();
    let crs = SpatialRef::from_epsg(3413).unwrap();
    for (name, wkt) in layers {
        let srs = is_placed.then_some(&crs);
        let layer = file.create_layer(LayerOptions { name, srs, ty: OGRwkbGeometryType::wkbUnknown, ..LayerOptions::default() }).unwrap();
        let mut feature = Feature::new(layer.defn()).unwrap();
        feature.set_geometry(Geometry::from_wkt(wkt).unwrap()).unwrap();
        feature.create(&layer).unwrap();
    }
    file.close().unwrap();
}

fn outlines_that_are_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let grid = folder.path().join("grid.tif");
    like(&grid, 8, 9, 100.0);
    let (x, y) = Raster::open(&grid).unwrap().geo().transform().unwrap().at(0.0, 0.0);
    let square = |left: f64, top: f64, side: f64| {
        let (right, bottom) = (left + side, top - side);
        format!("POLYGON(({left} {top},{right} {top},{right} {bottom},{left} {bottom},{left} {top}))")
    };
    let inside = square(x + 100.0, y - 100.0, 300.0);
    let line = format!("LINESTRING({x} {y},{} {})", x + 500.0, y - 500.0);
    let draw = |name: &str, crs: Option<&str>| {
        let outlines = Outlines { file: folder.path().join(name), ignore: Vec::new() };
        let source_crs = crs.map(str::to_owned);
        let given =
            PackOptions { scene: Some("a".into()), outlines: Some(outlines), source_crs, ..options(&grid, &folder.path().join("out")) };
        pack(&[], &given, &mut |_| ()).map(|packed| packed.classes.unwrap()).map_err(|e| e.to_string())
    };
    for (name, layers, is_placed, words) in [
        ("two.gpkg", vec![("a", &inside), ("b", &inside)], true, "has 2 layers (a, b)"),
        ("line.gpkg", vec![("a", &line)], true, "holds a LINESTRING (feature 1) where outlines are polygons"),
        ("nowhere.gpkg", vec![("a", &inside)], false, "has no coordinate system"),
    ] {
        let layers: Vec<(&str, &str)> = layers.iter().map(|(name, wkt)| (*name, wkt.as_str())).collect();
        vectors(&folder.path().join(name), &layers, is_placed);
        let refused = draw(name, None).unwrap_err();
        assert!(refused.contains(name) && refused.contains(words), "{refused}");
    }
    std::fs::write(folder.path().join("text.gpkg"), "no outlines").unwrap();
    assert!(draw("text.gpkg", None).unwrap_err().contains("GDAL cannot read its outlines"));
    // With a system given it is placed; far away nothing is inside.
    assert_eq!(draw("nowhere.gpkg", Some("EPSG:3413")), Ok([63, 9, 0]));
    vectors(&folder.path().join("far.gpkg"), &[("a", &square(x + 1e5, y, 300.0))], true);
    assert_eq!(draw("far.gpkg", None), Ok([72, 0, 0]));
}

/// A map of classes with holes, islands in them, corners that touch, and pixels without a class.
fn motley(rows: usize, cols: usize) -> Vec<u8> {
    let class = |index: usize| {
        let (row, col) = ((index / cols) as f64, (index % cols) as f64);
        let wave = (row / 2.1).sin() + (col / 2.7).cos() + ((row * col) / 31.0).sin();
        if index.is_multiple_of(97) { NO_CLASS } else { wave.round().clamp(0.0, 2.0) as u8 }
    };
    (0..rows * cols).map(class).collect()
}

/// Attributes of a polygon: id, class, area, confidence and source.
type Attributes = (i64, i32, f64, Option<f64>, String);

/// Draws polygons back: their classes by pixel, their attributes.
fn drawn(path: &Path, grid: &Path) -> (Vec<u8>, Vec<Attributes>) {
    let (dataset, like) = (Dataset::open(path).unwrap(), Dataset::open(grid).unwrap());
    let (cols, rows) = like.raster_size();
    let mut map = DriverManager::get_driver_by_name("MEM").unwrap().create_with_band_type::<u8, _>("", cols, rows, 1).unwrap();
    map.set_geo_transform(&like.geo_transform().unwrap()).unwrap();
    let mut layer = dataset.layer(0).unwrap();
    assert_eq!(layer.spatial_ref().unwrap().auth_code().ok(), like.spatial_ref().unwrap().auth_code().ok());
    let mut rows_of = Vec::new();
    for feature in layer.features() {
        let class = feature.field_as_integer(1).unwrap().unwrap();
        let geometry = feature.geometry().unwrap().clone();
        assert!(geometry.is_valid(), "{}", geometry.wkt().unwrap());
        let name = feature.field_as_string(2).unwrap();
        assert!(name.is_none_or(|name| name == "ice" && class == 1), "only the class 1 has a name");
        let number = |index: usize| feature.field_as_double(index).unwrap();
        rows_of.push((
            feature.field_as_integer64(0).unwrap().unwrap(),
            class,
            number(3).unwrap(),
            number(4),
            feature.field_as_string(5).unwrap().unwrap(),
        ));
        if like.spatial_ref().unwrap().is_projected() {
            assert!((geometry.area() - number(3).unwrap()).abs() < 1e-3, "{} {:?}", geometry.area(), number(3));
        }
        rasterize(&mut map, &[1], &[geometry], &[f64::from(class)], Some(RasterizeOptions::default())).unwrap();
    }
    (map.rasterband(1).unwrap().read_as::<u8>((0, 0), (cols, rows), (cols, rows), None).unwrap().data().to_vec(), rows_of)
}

fn polygons_drawn_back_are_the_map_that_they_were_made_of() {
    let folder = tempfile::tempdir().unwrap();
    let (grid, out) = (folder.path().join("grid.tif"), folder.path().join("maps/outlines.gpkg"));
    let (rows, cols) = (40, 57);
    like(&grid, rows, cols, 30.0);
    let geo = Raster::open(&grid).unwrap().geo().clone();
    let classes = motley(rows, cols);
    let confidence: Vec<f32> = (0..rows * cols).map(|index| if index < cols { f32::NAN } else { index as f32 / 1e4 }).collect();
    let source = "unet, weights 0123";
    let (scene, names) = ([rows, cols], &["rock", "ice"][..]);
    let of = PolygonSource { scene, classes: &classes, names, confidence: Some(&confidence), geo: &geo, source, smallest_area: 0.0 };
    let count = write_polygons(&out, &of).unwrap();
    let (back, polygons) = drawn(&out, &grid);
    let wanted: Vec<u8> = classes.iter().map(|class| if *class == NO_CLASS { 0 } else { *class }).collect();
    assert_eq!((back == wanted, polygons.len()), (true, count));
    assert!(count > 20 && polygons.iter().enumerate().all(|(index, (id, .., source))| *id == index as i64 + 1 && source == of.source));
    // The mean over all polygons, weighted by their pixels, is the mean over all pixels; the first row says nothing.
    let pixels = wanted.iter().filter(|class| **class > 0).count() as f64;
    assert!((polygons.iter().map(|polygon| polygon.2).sum::<f64>() - pixels * 900.0).abs() < 1e-3);
    assert!(polygons.iter().any(|polygon| polygon.3.is_none()) || wanted[..cols].iter().any(|class| *class > 0));
    let last = polygons.iter().find(|polygon| polygon.2 == 900.0 && polygon.3.is_some()).unwrap();
    assert!((0.0..0.3).contains(&last.3.unwrap()));
    // The same bytes again, and without what is small.
    let before = std::fs::read(&out).unwrap();
    write_polygons(&out, &of).unwrap();
    assert!(std::fs::read(&out).unwrap() == before);
    let large = PolygonSource { smallest_area: 5.0 * 900.0, confidence: None, ..of.clone() };
    let kept = write_polygons(&out, &large).unwrap();
    let (_, polygons) = drawn(&out, &grid);
    assert!(kept < count && kept == polygons.len() && polygons.iter().all(|polygon| polygon.2 >= 4500.0 && polygon.3.is_none()));
    let names: Vec<PathBuf> = std::fs::read_dir(out.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names, std::slice::from_ref(&out));
    // Nothing to be placed, nothing to be counted.
    let nowhere = PolygonSource { geo: &GeoTags::default(), ..of.clone() };
    assert!(write_polygons(&out, &nowhere).unwrap_err().to_string().contains("no georeference"));
    assert!(write_polygons(&out, &PolygonSource { scene: [rows, cols + 1], ..of }).is_err());
}

fn areas_on_longitude_and_latitude_are_those_of_their_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (grid, out) = (folder.path().join("grid.tif"), folder.path().join("outlines.gpkg"));
    let mut made = DriverManager::get_driver_by_name("GTiff").unwrap().create_with_band_type::<f32, _>(&grid, 10, 20, 1).unwrap();
    made.set_geo_transform(&[7.0, 0.001, 0.0, 46.0, 0.0, -0.001]).unwrap();
    made.set_spatial_ref(&SpatialRef::from_epsg(4326).unwrap()).unwrap();
    made.close().unwrap();
    let geo = Raster::open(&grid).unwrap().geo().clone();
    let (scene, classes) = ([20, 10], &[1; 200]);
    let of = PolygonSource { scene, classes, names: &[], confidence: None, geo: &geo, source: "", smallest_area: 0.0 };
    assert_eq!(write_polygons(&out, &of).unwrap(), 1);
    let (back, polygons) = drawn(&out, &grid);
    assert_eq!(back, [1; 200]);
    // On the ellipsoid of equal area around there, by GDAL.
    let dataset = Dataset::open(&out).unwrap();
    let geometry = dataset.layer(0).unwrap().features().next().unwrap().geometry().unwrap().clone();
    let mut from = SpatialRef::from_epsg(4326).unwrap();
    from.set_axis_mapping_strategy(gdal::spatial_ref::AxisMappingStrategy::TraditionalGisOrder);
    let to = SpatialRef::from_definition("+proj=laea +lat_0=46 +lon_0=7 +datum=WGS84").unwrap();
    let there = gdal::spatial_ref::CoordTransform::new(&from, &to).unwrap();
    let area = geometry.transform(&there).unwrap().area();
    assert!((polygons[0].2 / area - 1.0).abs() < 1e-5, "{} {area}", polygons[0].2);
}

/// Horn's slopes beside GDAL's, inside.
fn slopes_are_those_of_gdaldem() {
    let folder = tempfile::tempdir().unwrap();
    let dem = folder.path().join("dem.tif");
    let (rows, cols) = (31, 43);
    like(&dem, rows, cols, 25.0);
    let geo = Raster::open(&dem).unwrap().geo().clone();
    let pixels: Vec<f32> = (0..rows * cols).map(|index| ((index * 7919) % 1009) as f32 / 7.0).collect();
    write_geotiff(&dem, rows, cols, &pixels, &geo).unwrap();
    let given = PackOptions { scene: Some("a".into()), slope: true, ..options(&dem, &folder.path().join("out")) };
    pack(std::slice::from_ref(&dem), &given, &mut |_| ()).unwrap();
    let own = Raster::open_band(given.out.join("a.tif"), 1).unwrap().read_all().unwrap();
    let opened = Dataset::open(&dem).unwrap();
    let mut misused = 0;
    // SAFETY: the texts and the dataset live until the end of the call; null options are the usual ones, which are Horn's. The result is
    // closed once, as the dataset that it is given to.
    let gdal = unsafe {
        let made = gdal_sys::GDALDEMProcessing(
            c"/vsimem/slope.tif".as_ptr(),
            opened.c_dataset(),
            c"slope".as_ptr(),
            std::ptr::null(),
            std::ptr::null(),
            &mut misused,
        );
        assert!(!made.is_null());
        Dataset::from_c_dataset(made)
    };
    let gdal = gdal.rasterband(1).unwrap().read_as::<f32>((0, 0), (cols, rows), (cols, rows), None).unwrap();
    let inside = |index: usize| (1..rows - 1).contains(&(index / cols)) && (1..cols - 1).contains(&(index % cols));
    for (index, (own, other)) in own.iter().zip(gdal.data()).enumerate().filter(|(index, _)| inside(*index)) {
        assert!((own - other).abs() < 1e-4, "{index}: {own}, not {other}");
    }
}

pub fn trials() -> Vec<Trial> {
    let mut trials = trials![
        outlines_that_are_none_are_refused,
        polygons_drawn_back_are_the_map_that_they_were_made_of,
        areas_on_longitude_and_latitude_are_those_of_their_rows,
        slopes_are_those_of_gdaldem
    ];
    trials.push(needing_data("outlines_of_everest_are_the_mask_beside_them", "data/everest", outlines_of_everest_are_the_mask_beside_them));
    trials
}
