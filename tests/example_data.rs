//! `tools/data`: the example data sets, made from files in the form in which they are published.

mod trials;

use meltcore::data::class_map::{NO_CLASS, read_class_map};
use meltcore::data::raster::Raster;
use meltcore::data::writer::write_geotiff;
use meltcore::synth::georeference::albers;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const ROWS: usize = 332;
const COLS: usize = 316;
const BLOCK: usize = 8;
const DAILY: &str = "data/daily_melt_bin_files";
const ELEVATION: &str = "baseline_datasets/REMA_25km_resampled_TbGrid.tif";
const ICE_MASK: &str = "baseline_datasets/ice_mask.tif";
const LISTS: [&str; 6] = ["train", "val", "test", "eval", "all", "deploy"];

fn python() -> Command {
    Command::new(std::env::var("MELTCORE_PYTHON").unwrap_or_else(|_| "python3".into()))
}

fn no_python() -> Option<String> {
    let new_enough = ["-c", "import sys; sys.exit(sys.version_info < (3, 8))"];
    let found = python().args(new_enough).output().is_ok_and(|output| output.status.success());
    (!found).then(|| "no Python 3.8 or newer is here (python3, or MELTCORE_PYTHON)".to_owned())
}

/// Runs the maker of the antarctic data on a clone: whether it succeeded, and what it said.
fn make(clone: &Path, out: &Path) -> (bool, String) {
    run("antarctic_melt.py", &[clone, Path::new("--out"), out])
}

/// Runs a maker: whether it succeeded, and what it said.
fn run(maker: &str, arguments: &[&Path]) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/data").join(maker);
    let output = python().arg("-B").arg(script).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap().replace("\r\n", "\n"));
    (output.status.success(), said.concat())
}

fn put(path: PathBuf, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A day's file as published: int16, little-endian.
fn put_day(clone: &Path, folder: &str, day: &str, code: impl Fn(usize) -> i16) {
    let bytes: Vec<u8> = (0..ROWS * COLS).flat_map(|i| code(i).to_le_bytes()).collect();
    put(clone.join(DAILY).join(folder).join(format!("antarctica_melt_{day}_S3B_20210129.bin")), &bytes);
}

/// An uncompressed GeoTIFF in one strip, as GDAL writes it; `format` as in tag 339.
fn put_tiff(path: PathBuf, format: u32, bits: u32, pixels: &[u8]) {
    let doubles = [25e3, 25e3, 0.0, 0.0, 0.0, 0.0, -3_950e3, 4_350e3, 0.0_f64];
    let after = 8 + 2 + 11 * 12 + 4;
    let first = after + 8 * doubles.len() as u32;
    let entries: [(u16, u16, u32, u32); 11] = [
        (256, 3, 1, COLS as u32),
        (257, 3, 1, ROWS as u32),
        (258, 3, 1, bits),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, first),
        (278, 3, 1, ROWS as u32),
        (279, 4, 1, pixels.len() as u32),
        (339, 3, 1, format),
        (33550, 12, 3, after),
        (33922, 12, 6, after + 24),
    ];
    let mut file = b"II\x2a\0\x08\0\0\0\x0b\0".to_vec();
    for (tag, kind, count, value) in entries {
        file.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        file.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    file.extend([0; 4]);
    file.extend(doubles.iter().flat_map(|v| v.to_le_bytes()));
    file.extend(pixels);
    put(path, &file);
}

/// Ice in a disc whose middle is high.
fn is_ice(i: usize) -> bool {
    let (row, col) = ((i / COLS) as i64 - 160, (i % COLS) as i64 - 150);
    row * row + col * col < 90 * 90
}

fn height(i: usize) -> f32 {
    match i {
        0 => f32::NAN,
        1 => f32::INFINITY,
        2 => -9999.0,
        3 => -1000.0,
        _ => 2000.0 - (i % COLS) as f32 * 7.5,
    }
}

/// Codes of the n-th day of a season: no ice −1, here and there unobserved, dry or melt.
fn code(n: usize, i: usize) -> i16 {
    match (i * 31 + n * 17) % 97 {
        _ if !is_ice(i) => -1,
        0 => 0,
        1..=60 => 1,
        _ => 2,
    }
}

/// The days kept of the small clone, by season: fourteen, eleven and three times eight.
fn small_days() -> BTreeMap<u16, Vec<String>> {
    let season = |year: u16, days: &[(u16, u16)]| {
        let name = |&(month, day): &(u16, u16)| format!("{}{month:02}{day:02}", year + u16::from(month < 6));
        (year, days.iter().map(name).collect())
    };
    let december: Vec<(u16, u16)> = (1..=14).map(|day| (12, day)).collect();
    let around = [(12, 1), (12, 30), (12, 31), (1, 1), (1, 2), (1, 31), (2, 1), (2, 2), (2, 9), (2, 10), (2, 12)];
    let few = &december[..8];
    BTreeMap::from([season(2015, &december), season(2016, &around), season(2017, few), season(2018, few), season(2019, few)])
}

/// A clone with few days in the form of the published one, and days that are to be left out.
fn small_clone(root: &Path) {
    for days in small_days().values() {
        for (n, day) in days.iter().enumerate() {
            // Folders inside count, too.
            put_day(root, if n % 2 == 0 { "" } else { "more/of them" }, day, |i| code(n, i));
        }
    }
    for day in ["20141201", "20150115", "20151130", "20160213", "20160229", "20190701", "20201201", "20210115"] {
        put_day(root, "", day, |i| code(0, i));
    }
    // A fortieth of the ice unobserved.
    put_day(root, "", "20161215", |i| if i % 40 == 7 { 0 } else { code(1, i).max(1) });
    let heights: Vec<u8> = (0..ROWS * COLS).flat_map(|i| height(i).to_le_bytes()).collect();
    put_tiff(root.join(ELEVATION), 3, 32, &heights);
    let ice: Vec<u8> = (0..ROWS * COLS).map(|i| u8::from(is_ice(i))).collect();
    put_tiff(root.join(ICE_MASK), 1, 8, &ice);
}

fn pixels(path: PathBuf) -> Vec<f32> {
    let raster = Raster::open(path).unwrap();
    let place = raster.geo().transform().unwrap();
    assert_eq!((raster.rows(), raster.cols(), place.at(0.0, 0.0), place.at(1.0, 1.0)), {
        (ROWS, COLS, (-3_950e3, 4_350e3), (-3_925e3, 4_325e3))
    });
    raster.read_all().unwrap()
}

fn bits(pixels: &[f32]) -> Vec<u32> {
    pixels.iter().map(|v| v.to_bits()).collect()
}

/// `20151201` as the file name in the lists.
fn file_name(day: &str) -> String {
    format!("{}_{}_{}.tif", &day[..4], &day[4..6], &day[6..])
}

fn the_antarctic_data_follow_their_rules() {
    let folder = tempfile::tempdir().unwrap();
    let (clone, out) = (folder.path().join("a clone"), folder.path().join("out/antarctic-melt"));
    small_clone(&clone);
    let (done, said) = make(&clone, &out);
    assert!(done && said.contains("2016-12-15, 2.5 % unobserved") && said.contains("8 of 74 days; 66 without a file"), "{said}");

    let seasons = small_days();
    let is_split = |n: usize, wanted: usize| n % 6 == wanted;
    let mut wanted: BTreeMap<&str, Vec<&String>> = BTreeMap::from(LISTS.map(|name| (name, Vec::new())));
    for days in seasons.values() {
        for (n, day) in days.iter().enumerate() {
            let list = if is_split(n, 2) {
                "val"
            } else if is_split(n, 5) {
                "test"
            } else {
                "train"
            };
            let lists = [list, "all", "deploy"].into_iter().chain((n % 24 == 2).then_some("eval"));
            lists.for_each(|name| wanted.get_mut(name).unwrap().push(day));
        }
    }
    for (name, days) in wanted {
        let text: String = days.iter().map(|day| file_name(day) + "\n").collect();
        assert_eq!(fs::read_to_string(out.join(format!("splits/{name}.csv"))).unwrap(), text, "{name}");
    }
    for (n, day) in seasons.values().flat_map(|days| days.iter().enumerate()) {
        let melt: Vec<f32> = (0..ROWS * COLS).map(|i| [f32::NAN, f32::NAN, 0.0, 1.0][(code(n, i) + 1) as usize]).collect();
        assert_eq!(bits(&pixels(out.join("melt").join(file_name(day)))), bits(&melt), "{day}");
        let coarse = pixels(out.join("coarse").join(file_name(day)));
        for (i, &found) in coarse.iter().enumerate() {
            let (row, col) = (i / COLS / BLOCK * BLOCK, i % COLS / BLOCK * BLOCK);
            let block = (row..(row + BLOCK).min(ROWS)).flat_map(|r| (col..(col + BLOCK).min(COLS)).map(move |c| r * COLS + c));
            let seen: Vec<f32> = block.map(|k| melt[k]).filter(|v| !v.is_nan()).collect();
            assert_eq!(found, seen.iter().sum::<f32>() / seen.len().max(1) as f32, "{day}, pixel {i}");
        }
    }
    assert_eq!(fs::read_dir(out.join("melt")).unwrap().count(), seasons.values().map(Vec::len).sum::<usize>());
    let heights: Vec<f32> = (0..ROWS * COLS).map(|i| if i < 3 { 0.0 } else { height(i) }).collect();
    assert_eq!(pixels(out.join("dem.tif")), heights);
    let land: Vec<f32> = (0..ROWS * COLS).map(|i| if is_ice(i) && heights[i] < 1200.0 { 1.0 } else { -1.0 }).collect();
    assert!(land.contains(&1.0) && pixels(out.join("landmask.tif")) == land);

    // Again: only what is missing or other is written.
    fs::remove_file(out.join("melt/2015_12_03.tif")).unwrap();
    fs::write(out.join("splits/val.csv"), "2015_12_03.tif\n").unwrap();
    let (done, said) = make(&clone, &out);
    assert!(done && said.contains("; 2 files written, "), "{said}");
    assert!(fs::read_to_string(out.join("splits/val.csv")).unwrap().lines().count() > 1 && out.join("melt/2015_12_03.tif").exists());
    fs::write(out.join("melt/2015_12_20.tif"), "of another").unwrap();
    let (done, said) = make(&clone, &out);
    assert!(!done && said.contains("2015_12_20.tif: not one of the files that are made here"), "{said}");
}

fn wrong_files_are_refused_in_one_paragraph() {
    let folder = tempfile::tempdir().unwrap();
    let clone = folder.path().join("clone");
    let day = |name: &str| clone.join(DAILY).join(format!("antarctica_melt_{name}_S3B_20210129.bin"));
    let refused = |word: &str| {
        let (done, said) = make(&clone, &folder.path().join("out"));
        assert!(!done && said.contains(word) && said.trim_end().lines().filter(|line| line.starts_with("antarctic_melt.py:")).count() == 1);
        assert!(said.ends_with('\n') && !said.contains("Traceback") && !folder.path().join("out").exists(), "{said}");
    };
    refused("no such folder");
    small_clone(&clone);
    let changed = |path: PathBuf, bytes: &[u8], word: &str| {
        let before = fs::read(&path).ok();
        put(path.clone(), bytes);
        refused(word);
        match before {
            Some(before) => fs::write(&path, before).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
    };
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 209824\n";
    let whole = fs::read(day("20151201")).unwrap();
    changed(day("20151201"), pointer, "git lfs pull");
    changed(day("20151201"), &whole[2..], "209822 bytes");
    changed(day("20151201"), &[&[3, 0], &whole[2..]].concat(), "holds 3");
    changed(day("20151201"), &[&[1, 1], &whole[2..]].concat(), "holds 257");
    changed(day("20151201").with_file_name("antarctica_melt_20151201_S3B_2.bin"), &whole, "a second file of 2015-12-01");
    changed(day("20151340"), &whole, "holds no day");
    let (elevation, mask) = (clone.join(ELEVATION), clone.join(ICE_MASK));
    changed(elevation.clone(), pointer, "git lfs pull");
    changed(elevation.clone(), b"no raster", "no TIFF file");
    let tiff = fs::read(&elevation).unwrap();
    changed(elevation.clone(), &tiff[..9000], "holds");
    changed(elevation.clone(), &tiff[..100], "no whole GeoTIFF");
    // Compression 5 is LZW, in the fourth entry.
    let lzw = [&tiff[..10 + 3 * 12 + 8], &[5], &tiff[10 + 3 * 12 + 9..]].concat();
    changed(elevation, &lzw, "meltcore pack");
    let sea = fs::read(&mask).unwrap().iter().enumerate().map(|(i, &v)| if i < 300 { v } else { 0 }).collect::<Vec<u8>>();
    changed(mask, &sea, "no pixel as ice");
    fs::read_dir(clone.join(DAILY)).unwrap().map(|entry| entry.unwrap().path()).for_each(|path| {
        if path.to_string_lossy().contains("_2017") {
            fs::remove_file(path).unwrap();
        }
    });
    fs::remove_dir_all(clone.join(DAILY).join("more")).unwrap();
    refused("seasons that began in 2017");
}

/// The published form of the real data, from which the same data must come.
fn the_real_data_come_out_again(data: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let (clone, out) = (folder.path().join("clone"), folder.path().join("out"));
    let dem = Raster::open(data.join("dem.tif")).unwrap();
    let read = |name: &str| Raster::open(data.join(name)).unwrap().read_all().unwrap();
    let days = fs::read_to_string(data.join("splits/all.csv")).unwrap();
    let maps: Vec<(String, Vec<f32>)> = days.lines().map(|name| (name.to_owned(), read(&format!("melt/{name}")))).collect();
    let mut ice: Vec<f32> = read("landmask.tif").iter().map(|v| v.max(0.0)).collect();
    for (_, map) in &maps {
        ice.iter_mut().zip(map).filter(|(_, v)| !v.is_nan()).for_each(|(ice, _)| *ice = 1.0);
    }
    for (name, map) in &maps {
        let code = |i: usize| if map[i].is_nan() { -i16::from(ice[i] == 0.0) } else { map[i] as i16 + 1 };
        put_day(&clone, "", &name[..10].replace('_', ""), code);
    }
    put_day(&clone, "", "20161228", |i| -i16::from(ice[i] == 0.0));
    fs::create_dir_all(clone.join("baseline_datasets")).unwrap();
    let nothing = |v: f32| if v == 0.0 { -9999.0 } else { v };
    let heights: Vec<f32> = dem.read_all().unwrap().into_iter().map(nothing).collect();
    write_geotiff(clone.join(ELEVATION), ROWS, COLS, &heights, dem.geo()).unwrap();
    write_geotiff(clone.join(ICE_MASK), ROWS, COLS, &ice, dem.geo()).unwrap();

    let (done, said) = make(&clone, &out);
    assert!(done && said.ends_with("\nthe data that the README's scores were measured on\n"), "{said}");
    for name in LISTS.map(|list| format!("splits/{list}.csv")) {
        assert_eq!(fs::read(out.join(&name)).unwrap(), fs::read(data.join(&name)).unwrap(), "{name}");
    }
    let rasters = days.lines().flat_map(|day| [format!("melt/{day}"), format!("coarse/{day}")]);
    for name in rasters.chain(["dem.tif".to_owned(), "landmask.tif".to_owned()]) {
        assert_eq!(bits(&pixels(out.join(&name))), bits(&read(&name)), "{name}");
        let made = Raster::open(out.join(&name)).unwrap();
        assert_eq!(format!("{:?}", made.geo()), format!("{:?}", Raster::open(data.join(&name)).unwrap().geo()), "{name}");
    }
}

fn the_drawn_helheim_carries_a_scene() {
    let folder = tempfile::tempdir().unwrap();
    let (out, clone) = (folder.path().join("helheim"), folder.path().join("clone"));
    let arguments = [Path::new("--out"), &out, Path::new("--runoff"), &clone];
    let (done, said) = run("helheim.py", &arguments);
    assert!(!done && said.contains("cannot be read") && !out.exists(), "{said}");
    let record = "runoff._.BN_RACMO2.3p2_ERA5_3h_FGRN055.1km.DD.csv";
    put(clone.join(record), b"version https://git-lfs.github.com/spec/v1\n");
    assert!(run("helheim.py", &arguments).1.contains("git lfs pull"));
    // A season that rises and falls.
    let days = (4..=9).flat_map(|month| (1..=30 + (month + month / 8) % 2).map(move |day| (month, day)));
    let lines = days.map(|(month, day)| format!("2017-{month:02}-{day:02} 00:00:00, {}\n", 1000 * (6 - i32::abs(7 - month)) + day));
    put(clone.join(record), format!("#date, runoffcorr (m3WE)\n{}", lines.collect::<String>()).as_bytes());
    let (done, said) = run("helheim.py", &arguments);
    assert!(done && said.contains("4 files written, 0 as they were"), "{said}");
    assert!(run("helheim.py", &arguments).1.contains("0 files written, 4 as they were"));

    let read = |name: &str| Raster::open(out.join(name)).unwrap();
    let [land, ice, dem] = ["landMask_100m.tif", "iceMask_100m.tif", "dem_coarse_etopo_1km.tif"].map(read);
    assert_eq!([land.rows(), land.cols(), dem.rows(), dem.cols()], [2863, 1633, 286, 163]);
    assert!(land.same_grid(&ice) && land.geo().same_crs(&albers(100.0)) == Some(true) && dem.geo().same_crs(land.geo()) == Some(true));
    let corner = |raster: &Raster| raster.geo().transform().unwrap().at(0.0, 0.0);
    assert_eq!((corner(&land), corner(&dem)), ((226_500.0, -263_400.0), (226_500.0, -263_400.0)));
    let (land, ice) = (land.read_all().unwrap(), ice.read_all().unwrap());
    assert!(land.iter().zip(&ice).all(|(&land, &ice)| land == if ice == 0.0 { -1.0 } else { 1.0 }));
    let share = |code: f32| ice.iter().filter(|&&v| v == code).count() as f64 / ice.len() as f64;
    assert!((share(0.0) - 0.28).abs() < 0.02 && (share(1.0) - 0.14).abs() < 0.02, "{} {}", share(0.0), share(1.0));

    let scene = folder.path().join("scene");
    let arguments = ["--geography", out.to_str().unwrap(), "--out", scene.to_str().unwrap(), "--size", "128x73", "--days", "6", "-q"];
    let output = Command::new(env!("CARGO_BIN_EXE_meltcore")).arg("synth").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mask = Raster::open(scene.join("landmask.tif")).unwrap();
    assert!((mask.rows(), mask.cols()) == (128, 73) && mask.geo().same_crs(&albers(100.0)) == Some(true));
}

fn no_h5py() -> Option<String> {
    let found = python().args(["-c", "import h5py, numpy"]).output().is_ok_and(|output| output.status.success());
    (!found).then(|| "no Python with h5py and numpy is here (python3, or MELTCORE_PYTHON)".to_owned())
}

/// Makes an HDF5 file of tiles of 20 × 30 pixels in 32 × 48 in the published form: its path, and name, region and features of each tile.
/// Values are row · 100 + column + channel / 10 within the tile; a pixel is glacier, not, or of no class by (row + column) mod 3.
const TILES: &str = "
import sys, h5py, numpy as np
row, col = np.mgrid[:20, :30]
def padded(values):
    out = np.zeros((32, 48, values.shape[2]))
    out[3:23, 5:35] = values
    return out
with h5py.File(sys.argv[1], 'w') as file:
    for word in sys.argv[2:]:
        name, region, *features = word.split(',')
        tile = file.create_group(name)
        for feature in features:
            key, channels = feature.split(':')
            tile[key] = padded(np.stack([row * 100 + col + c / 10 for c in range(int(channels))], 2))
        tile['outlines'] = padded(np.stack([(row + col) % 3 == 1, (row + col) % 3 == 0], 2))
        numbers = dict(height=32, width=48, original_height=20, original_width=30, padding_height=3, padding_width=5, epsg=4326)
        bounds = dict(xmin=7.0, xmax=7.03, ymin=46.0, ymax=46.04)
        tile.attrs.update(region=region, subregion=region + '1', tile_name=name, **numbers, **bounds)
";

fn put_tiles(path: &Path, tiles: &[&str]) {
    let output = python().args(["-c", TILES]).arg(path).args(tiles).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn glacier_tiles_become_scenes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    put_tiles(&at("train.hdf5"), &["ALP-28-23,ALP,optical:6,dem:2", "SC2-5-6,SC,optical:6,dem:2,thermal:1"]);
    put_tiles(&at("val.hdf5"), &["ALP-1-1,ALP,optical:6,dem:2"]);
    let make = |out: &Path, options: &[&str]| {
        let (train, val) = (at("train.hdf5"), at("val.hdf5"));
        let files = [Path::new("--train"), &train, Path::new("--val"), &val, Path::new("--out"), out];
        run("glavitu_hdf5.py", &files.into_iter().chain(options.iter().map(Path::new)).collect::<Vec<_>>())
    };
    let out = at("scenes");
    let (made, said) = make(&out, &[]);
    assert!(made && said.contains("3 tiles (2 train, 1 val), 10 files written, 0 left as they were, 0 tiles left out"), "{said}");
    let text = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    assert_eq!(text("splits/train.csv"), "ALP-28-23\nSC-SC2-5-6\n");
    assert_eq!(text("scenes.csv"), "name,region,subregion\nALP-28-23,ALP,ALP1\nSC-SC2-5-6,SC,SC1\nALP-1-1,ALP,ALP1\n");
    let optical = Raster::open_band(out.join("optical/SC-SC2-5-6.tif"), 5).unwrap();
    assert!(optical.is_mapped() && (optical.rows(), optical.cols()) == (20, 30));
    let wanted: Vec<f32> = (0..600).map(|i| ((i / 30 * 100 + i % 30) as f64 + 0.5) as f32).collect();
    assert_eq!(optical.read_all().unwrap(), wanted);
    let (x, y) = optical.geo().transform().unwrap().at(20.0, 30.0);
    assert!((x - 7.03).abs() < 1e-9 && (y - 46.0).abs() < 1e-9, "{x} {y}");
    let classes = read_class_map(&out.join("classes/ALP-1-1.tif"), 2).unwrap().classes;
    let class = |i: usize| [1, 0, NO_CLASS][(i / 30 + i % 30) % 3];
    assert_eq!(classes, (0..600).map(class).collect::<Vec<_>>());
    // Again: nothing to do. As the published program sees them: unlabelled is not glacier, zeros around; only what has a thermal image.
    assert!(make(&out, &[]).1.contains("0 files written, 10 left as they were"));
    let (made, said) = make(&at("all"), &["--reference-labels", "--keep-padding", "--feature", "optical"]);
    assert!(made, "{said}");
    let padded = read_class_map(&at("all/classes/ALP-1-1.tif"), 2).unwrap();
    assert_eq!((padded.rows, padded.cols, padded.classes[0], padded.classes[3 * 48 + 5]), (32, 48, 0, 1));
    let (x, y) = padded.geo.transform().unwrap().at(3.0, 5.0);
    assert!((x - 7.0).abs() < 1e-9 && (y - 46.04).abs() < 1e-9, "{x} {y}");
    assert!(!at("all/dem").exists());
    for (options, words) in [
        (&["--feature", "thermal"][..], "val.hdf5: holds no tile with these features and regions"),
        (&["--test", "nowhere.hdf5"], "nowhere.hdf5: cannot be read as HDF5"),
        (&["--test", at("val.hdf5").to_str().unwrap()], "tile ALP-1-1 is in"),
    ] {
        let (made, said) = make(&at("refused"), options);
        assert!(!made && said.contains(words), "{said}");
    }
}

fn main() -> ExitCode {
    let needing = |name: &str, trial: fn()| trials::needing(name, "python", no_python, trial);
    let mut trials = vec![
        needing("the_antarctic_data_follow_their_rules", the_antarctic_data_follow_their_rules),
        needing("wrong_files_are_refused_in_one_paragraph", wrong_files_are_refused_in_one_paragraph),
        needing("the_drawn_helheim_carries_a_scene", the_drawn_helheim_carries_a_scene),
    ];
    trials.push(trials::needing("glacier_tiles_become_scenes", "h5py", no_h5py, glacier_tiles_become_scenes));
    let (real, data) = ("the_real_data_come_out_again", "data/antarctic-melt");
    trials.push(trials::needing_data_and(real, data, "python", no_python, the_real_data_come_out_again));
    trials::run(trials)
}
