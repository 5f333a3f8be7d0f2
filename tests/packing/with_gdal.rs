//! What only GDAL does: other formats, the stacks and copies that it writes; and its warper as what the own one is held against.

use std::path::{Path, PathBuf};
use std::process::Command;

use gdal::Metadata;
use libtest_mimic::Trial;
use meltcore::data::about::{About, BandAbout};
use meltcore::data::day::Day;
use meltcore::data::ingest::Resampling;
use meltcore::data::raster::Raster;
use meltcore::data::stack::{StackMeta, write_cog, write_netcdf, write_zarr};
use meltcore::data::writer::{write_geotiff, write_map};

use crate::trials::{needing, trials};
use crate::warping::{like, no_netcdf4, options, run, same, tiff, values};

/// What the stacks say of themselves.
fn meta() -> StackMeta {
    let [variable, long_name, units, title, source] =
        ["melt", "surface melt fraction", "1", "Daily maps of surface melt", "meltcore"].map(str::to_owned);
    StackMeta { variable, long_name, units, title, source, attributes: vec![("weights_sha256".into(), "0123abcd".into())] }
}

/// Three days of the sample pattern with gaps.
fn days(folder: &Path) -> Vec<(Day, PathBuf)> {
    let geo = Raster::open(tiff("float32.tif")).unwrap().geo().clone();
    let day = |(index, name): (usize, &str)| {
        let mut pixels: Vec<f32> = (0..240).map(|i| (i as f32 / 240.0).powi(index as i32 + 1)).collect();
        pixels[11 * index + 3] = f32::NAN;
        let path = folder.join(name);
        write_geotiff(&path, 12, 20, &pixels, &geo).unwrap();
        (Day::from_file_name(name).unwrap(), path)
    };
    ["2019_12_31.tif", "2020_01_01.tif", "2020_02_29.tif"].into_iter().enumerate().map(day).collect()
}

fn stacks_return_the_maps_that_they_were_made_of() {
    let folder = tempfile::tempdir().unwrap();
    let files = days(folder.path());
    let out = folder.path().join("melt.nc");
    write_netcdf(&files, &out, &meta()).unwrap();
    let mut back = options(&files[0].1, &folder.path().join("back"));
    for (resampling, variable) in [(Resampling::Nearest, None), (Resampling::Bilinear, Some("melt".to_owned()))] {
        (back.resampling, back.variable) = (resampling, variable);
        assert_eq!(run(&out, &back).unwrap().written, 3);
        for (day, path) in &files {
            assert!(same(&values(&back.out.join(day.file_name())), &values(path)), "{day}");
        }
    }
    back.variable = Some("snow".into());
    assert!(run(&out, &back).unwrap_err().to_string().contains("melt"));

    write_zarr(&files, &folder.path().join("melt.zarr"), &meta()).unwrap();
    assert!(folder.path().join("melt.zarr/melt/.zarray").is_file() && folder.path().join("melt.zarr/.zmetadata").is_file());
    assert_eq!(write_zarr(&files, &folder.path().join("melt.zarr"), &meta()).unwrap_err().exit_status(), 4);
    (back.variable, back.out) = (None, folder.path().join("of_zarr"));
    assert_eq!(run(&folder.path().join("melt.zarr"), &back).unwrap().written, 3);
    for (day, path) in &files {
        assert!(same(&values(&back.out.join(day.file_name())), &values(path)), "Zarr {day}");
    }
    let backwards = [files[1].clone(), files[0].clone()];
    assert_eq!(write_netcdf(&backwards, &out, &meta()).unwrap_err().exit_status(), 2);
    assert_eq!(write_netcdf(&[], &out, &meta()).unwrap_err().exit_status(), 2);
    let names: Vec<String> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| !name.contains(".part")), "{names:?}");
}

fn the_calendar_of_a_stack_is_that_of_xarray() {
    let folder = tempfile::tempdir().unwrap();
    let files = days(folder.path());
    let out = folder.path().join("melt.nc");
    write_netcdf(&files, &out, &meta()).unwrap();
    let script = "import sys, netCDF4\nf = netCDF4.Dataset(sys.argv[1])\nt = f['time']\nv = f['melt']\n\
        print(' '.join(d.strftime('%Y-%m-%d') for d in netCDF4.num2date(t[:], t.units, t.calendar)), v.dimensions, v.dtype, v.units, \
        v.long_name, hasattr(f[v.grid_mapping], 'crs_wkt'), f[v.grid_mapping].grid_mapping_name, f.Conventions, v.chunking(), v.filters()['zlib'], f.weights_sha256)\n\
        print(f['x'].units, f['x'][0], f['y'].standard_name, f['y'][0], f['y'][1])";
    let read = Command::new("python3").args(["-c", script]).arg(&out).output().unwrap();
    let said = String::from_utf8(read.stdout).unwrap();
    let wanted = "2019-12-31 2020-01-01 2020-02-29 ('time', 'y', 'x') float32 1 surface melt fraction True polar_stereographic CF-1.8 [1, 12, 20] True 0123abcd\n\
        m 226550.0 projection_y_coordinate -263450.0 -263550.0\n";
    assert_eq!(said, wanted, "{}", String::from_utf8_lossy(&read.stderr));
}

fn cloud_optimized_copies_have_the_same_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let map = folder.path().join("map.tif");
    like(&map, 700, 900, 100.0);
    let geo = Raster::open(&map).unwrap().geo().clone();
    let pixels: Vec<f32> = (0..700 * 900).map(|i| if i % 1001 == 0 { f32::NAN } else { (i % 977) as f32 / 977.0 }).collect();
    let bands = vec![BandAbout { description: "surface melt & more".into(), unit: "1".into() }];
    let (software, day) = ("meltcore 1.2".into(), Day::new(2019, 7, 4).unwrap());
    let about = About { software, day, bands, items: vec![("TASK", "melt_fraction".into()), ("WEIGHTS_SHA256", "0123".into())] };
    write_map(&map, [700, 900], &pixels, &geo, &about).unwrap();
    let copy = folder.path().join("cog/map.tif");
    write_cog(&map, &copy).unwrap();
    assert!(same(&values(&copy), &pixels) && Raster::open(&copy).unwrap().same_grid(&Raster::open(&map).unwrap()));
    // Both say what they are.
    for file in [&map, &copy] {
        let opened = gdal::Dataset::open(file).unwrap();
        let item = |name: &str| opened.metadata_item(name, "").unwrap_or_default();
        let names = ["DATE", "TASK", "WEIGHTS_SHA256", "TIFFTAG_SOFTWARE", "TIFFTAG_DATETIME", "TIFFTAG_IMAGEDESCRIPTION"];
        let wanted = ["2019-07-04", "melt_fraction", "0123", "meltcore 1.2", "2019:07:04 00:00:00", "surface melt & more, 2019-07-04"];
        assert_eq!(names.map(item), wanted, "{}", file.display());
        let band = opened.rasterband(1).unwrap();
        assert_eq!((band.description().unwrap(), band.unit()), ("surface melt & more".into(), "1".into()), "{}", file.display());
    }
    let opened = gdal::Dataset::open(&copy).unwrap();
    assert_eq!(opened.metadata_item("LAYOUT", "IMAGE_STRUCTURE").as_deref(), Some("COG"));
    assert_eq!(opened.rasterband(1).unwrap().overview_count().unwrap(), 1);
}

fn signed_bytes_of_rasters_are_signed() {
    let folder = tempfile::tempdir().unwrap();
    let grid = folder.path().join("grid.tif");
    like(&grid, 4, 5, 100.0);
    let path = folder.path().join("mask.tif");
    let words = gdal::cpl::CslStringList::from_iter(["PIXELTYPE=SIGNEDBYTE"]);
    let driver = gdal::DriverManager::get_driver_by_name("GTiff").unwrap();
    let mut made = driver.create_with_band_type_with_options::<u8, _>(&path, 5, 4, 1, &words).unwrap();
    made.set_geo_transform(&gdal::Dataset::open(&grid).unwrap().geo_transform().unwrap()).unwrap();
    let bytes: Vec<u8> = (0..20).map(|index| [255, 1, 128, 127][index % 4]).collect();
    made.rasterband(1).unwrap().write((0, 0), (5, 4), &mut gdal::raster::Buffer::new((5, 4), bytes)).unwrap();
    made.rasterband(1).unwrap().set_no_data_value(Some(-128.0)).unwrap();
    made.close().unwrap();
    let mut given = options(&grid, &folder.path().join("out"));
    given.source_crs = Some("EPSG:3413".into());
    run(&path, &given).unwrap();
    let found = values(&given.out.join("mask.tif"));
    assert!(same(&found[..4], &[-1.0, 1.0, f32::NAN, 127.0]), "{found:?}");
}

/// GDAL's warper without approximated positions, on float64.
fn gdalwarp(source: &Path, grid: &Path, method: &str) -> Vec<f64> {
    let like = gdal::Dataset::open(grid).unwrap();
    let (cols, rows) = like.raster_size();
    let memory = gdal::DriverManager::get_driver_by_name("MEM").unwrap();
    let mut map = memory.create_with_band_type::<f64, _>("", cols, rows, 1).unwrap();
    map.set_geo_transform(&like.geo_transform().unwrap()).unwrap();
    map.set_spatial_ref(&like.spatial_ref().unwrap()).unwrap();
    map.rasterband(1).unwrap().set_no_data_value(Some(f64::NAN)).unwrap();
    map.rasterband(1).unwrap().fill(f64::NAN, None).unwrap();
    let words = ["-r", method, "-et", "0", "-wt", "Float64", "-srcnodata", "nan", "-dstnodata", "nan", "-wo", "INIT_DEST=NO_DATA"];
    let words: gdal::cpl::CslStringList = words.into_iter().collect();
    let from = gdal::Dataset::open(source).unwrap();
    let mut misused = 0;
    // SAFETY: all handles live until the end of the call; the options are copied from the list and released once.
    let done = unsafe {
        let options = gdal_sys::GDALWarpAppOptionsNew(words.as_ptr(), std::ptr::null_mut());
        let mut handle = from.c_dataset();
        let done = gdal_sys::GDALWarp(std::ptr::null(), map.c_dataset(), 1, &mut handle, options, &mut misused);
        gdal_sys::GDALWarpAppOptionsFree(options);
        done
    };
    assert!(!done.is_null());
    map.rasterband(1).unwrap().read_as::<f64>((0, 0), (cols, rows), (cols, rows), None).unwrap().data().to_vec()
}

/// A raster on a system that GDAL knows by this name, its pixels `values` of (row, column).
fn raster(path: &Path, crs: &str, transform: [f64; 6], (rows, cols): (usize, usize), value: impl Fn(usize, usize) -> f32) {
    let driver = gdal::DriverManager::get_driver_by_name("GTiff").unwrap();
    let mut made = driver.create_with_band_type::<f32, _>(path, cols, rows, 1).unwrap();
    made.set_geo_transform(&transform).unwrap();
    made.set_spatial_ref(&gdal::spatial_ref::SpatialRef::from_definition(crs).unwrap()).unwrap();
    let pixels = (0..rows * cols).map(|index| value(index / cols, index % cols)).collect();
    made.rasterband(1).unwrap().set_no_data_value(Some(f64::NAN)).unwrap();
    made.rasterband(1).unwrap().write((0, 0), (cols, rows), &mut gdal::raster::Buffer::new((cols, rows), pixels)).unwrap();
    made.close().unwrap();
}

/// The own resampling beside GDAL's on the same sources: nearest is equal, the others to 1e-6 of the values' range (8).
fn other_grids_give_what_gdalwarp_gives() {
    let folder = tempfile::tempdir().unwrap();
    let (source, grid) = (folder.path().join("source.tif"), folder.path().join("grid.tif"));
    // Waves with holes, between -4 and 4.
    let wave = |row: usize, col: usize| {
        let hole = (row * 31 + col * 17).is_multiple_of(47);
        if hole { f32::NAN } else { ((row as f32 / 5.0).cos() + (col as f32 / 7.0).sin()) * 2.0 }
    };
    let polar = |size: f64| ("EPSG:3413", [80e3, size, 0.0, -2565e3, 0.0, -size]);
    for ((crs, transform, rows, cols), (map_crs, map, map_rows, map_cols)) in [
        (("EPSG:4326", [-48.0, 0.02, 0.0, 68.0, 0.0, -0.01], 300, 600), (polar(500.0), 90, 110)),
        (("EPSG:4326", [-180.0, 0.25, 0.0, 90.0, 0.0, -0.25], 160, 1440), (polar(2000.0), 90, 110)),
        (("EPSG:32624", [300e3, 100.0, 0.0, 7400e3, 0.0, -100.0], 600, 700), (polar(100.0), 200, 300)),
        (("EPSG:32624", [300e3, 100.0, 0.0, 7400e3, 0.0, -100.0], 600, 700), (polar(1000.0), 40, 40)),
        (("+proj=stere +lat_0=70.5 +lon_0=-40 +R=6371229", [-300e3, 15e3, 0.0, 100e3, 0.0, -15e3], 60, 60), (polar(500.0), 90, 110)),
        (("EPSG:3411", [-3850e3, 25e3, 0.0, 5850e3, 0.0, -25e3], 448, 304), (polar(12_500.0), 30, 50)),
    ]
    .map(|(from, ((crs, transform), rows, cols))| (from, (crs, transform, rows, cols)))
    {
        raster(&source, crs, transform, (rows, cols), wave);
        raster(&grid, map_crs, map, (map_rows, map_cols), |_, _| 0.0);
        for (resampling, name, most) in
            [(Resampling::Nearest, "near", 0.0), (Resampling::Bilinear, "bilinear", 1e-6), (Resampling::Average, "average", 1e-6)]
        {
            let mut given = options(&grid, &folder.path().join("out"));
            given.resampling = resampling;
            if resampling == Resampling::Bilinear && crs == "EPSG:32624" {
                // Pixels of the map are turned, or longer than those of the source: GDAL's triangles are wider there than the own ones.
                continue;
            }
            run(&source, &given).unwrap();
            let (own, gdal) = (values(&given.out.join("source.tif")), gdalwarp(&source, &grid, name));
            assert!(gdal.iter().filter(|value| !value.is_nan()).count() > gdal.len() / 2, "{crs} {name}: hardly anything is there");
            for (index, (own, gdal)) in own.iter().zip(&gdal).enumerate() {
                let apart = (f64::from(*own) - gdal).abs();
                assert!(own.is_nan() == gdal.is_nan() && (own.is_nan() || apart <= most * 8.0), "{crs} {name} {index}: {own}, not {gdal}");
            }
            std::fs::remove_dir_all(&given.out).unwrap();
        }
    }
}

pub fn trials() -> Vec<Trial> {
    let mut trials = trials![
        other_grids_give_what_gdalwarp_gives,
        signed_bytes_of_rasters_are_signed,
        stacks_return_the_maps_that_they_were_made_of,
        cloud_optimized_copies_have_the_same_pixels
    ];
    trials.push(needing("the_calendar_of_a_stack_is_that_of_xarray", "netcdf4", no_netcdf4, the_calendar_of_a_stack_is_that_of_xarray));
    trials
}
