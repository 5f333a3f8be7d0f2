//! NetCDF files of many kinds through `pack`: every map as the file means it, or the file refused by what is wrong with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use meltcore::data::ingest::PackOptions;
use meltcore::data::raster::Raster;

use crate::classic::{Classic, Values, Variable};
use crate::trials::trials;
use crate::warping::{like, options, root, run, same, tiff, values};

const ROWS: usize = 4;
const COLS: usize = 5;
const DAYS: [&str; 2] = ["2000_02_28.tif", "2000_02_29.tif"];
const NAN: f32 = f32::NAN;

/// The value of a pixel: no two are equal, and 0 is among them.
fn pixel(day: usize, row: usize, col: usize) -> i32 {
    (20 * day + 5 * row + col) as i32 - 7
}

/// The maps of the two days.
fn maps() -> [Vec<f32>; 2] {
    [0, 1].map(|day| (0..ROWS * COLS).map(|index| pixel(day, index / COLS, index % COLS) as f32).collect())
}

fn coordinate(name: &'static str, values: Vec<f64>, attributes: &[(&'static str, &'static str)]) -> Variable {
    let attributes = attributes.iter().map(|(name, text)| (*name, Values::Text(text))).collect();
    Variable { name, axes: vec![name], attributes, values: Values::F64(values) }
}

/// Two days of `melt` (int16) on the grid of [`like`], its axes in this order.
fn cube(order: [&'static str; 3]) -> Classic {
    let lengths = BTreeMap::from([("time", 2), ("y", ROWS), ("x", COLS)]);
    let mut samples = Vec::new();
    let sizes = order.map(|axis| lengths[axis]);
    for index in 0..sizes.iter().product() {
        let at = [index / (sizes[1] * sizes[2]), index / sizes[2] % sizes[1], index % sizes[2]];
        let of = |wanted: &str| at[order.iter().position(|axis| *axis == wanted).unwrap()];
        samples.push(pixel(of("time"), of("y"), of("x")) as i16);
    }
    let number = |value: f64| Values::F64(vec![value]);
    let crs = vec![
        ("grid_mapping_name", Values::Text("polar_stereographic")),
        ("straight_vertical_longitude_from_pole", number(-45.0)),
        ("latitude_of_projection_origin", number(90.0)),
        ("standard_parallel", number(70.0)),
        ("false_easting", number(0.0)),
        ("false_northing", number(0.0)),
        ("semi_major_axis", number(6_378_137.0)),
        ("inverse_flattening", number(298.257_223_563)),
    ];
    // Centres of the first pixel of the sample files.
    let axis = |first: f64, step: f64, count: usize| (0..count).map(|index| first + step * index as f64).collect::<Vec<f64>>();
    Classic {
        version: 1,
        dimensions: vec![("time", 2), ("y", ROWS), ("x", COLS)],
        records: None,
        variables: vec![
            coordinate("time", vec![58.25, 59.5], &[("units", "days since 2000-01-01"), ("calendar", "standard")]),
            coordinate("y", axis(-263_450.0, -100.0, ROWS), &[("units", "m"), ("axis", "Y")]),
            coordinate("x", axis(226_550.0, 100.0, COLS), &[("units", "m"), ("axis", "X")]),
            Variable { name: "crs", axes: vec![], attributes: crs, values: Values::I32(vec![0]) },
            Variable {
                name: "melt",
                axes: order.to_vec(),
                attributes: vec![("grid_mapping", Values::Text("crs"))],
                values: Values::I16(samples),
            },
        ],
    }
}

const ORDER: [&str; 3] = ["time", "y", "x"];

/// Files to pack and what they become.
struct Bench {
    folder: tempfile::TempDir,
    options: PackOptions,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let grid = folder.path().join("grid.tif");
        like(&grid, ROWS, COLS, 100.0);
        let mut options = options(&grid, &folder.path().join("out"));
        options.variable = Some("melt".into());
        Bench { folder, options }
    }

    fn write(&self, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join("source.nc");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The maps that a source becomes, by file name; an error is its message.
    fn pack(&self, source: &Path) -> Result<BTreeMap<String, Vec<f32>>, String> {
        if self.options.out.exists() {
            std::fs::remove_dir_all(&self.options.out).unwrap();
        }
        run(source, &self.options).map_err(|error| {
            assert_eq!(error.exit_status(), 2, "{error}");
            assert!(!self.options.out.exists(), "something was written before {error}");
            error.to_string()
        })?;
        let names = std::fs::read_dir(&self.options.out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        Ok(names.filter(|name| name.ends_with(".tif")).map(|name| (name.clone(), values(&self.options.out.join(name)))).collect())
    }

    fn days(&self, file: &Classic) -> [Vec<f32>; 2] {
        let found = self.pack(&self.write(&file.bytes())).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), DAYS);
        DAYS.map(|day| found[day].clone())
    }

    fn refusal(&self, file: &Classic, wanted: &[&str]) {
        let message = self.pack(&self.write(&file.bytes())).unwrap_err();
        assert!(wanted.iter().all(|words| message.contains(words)), "{message}");
    }
}

/// The first row of the first day with these samples and attributes.
fn decoded(samples: Values, attributes: &[(&'static str, Values)]) -> Vec<f32> {
    let bench = Bench::new();
    let mut file = cube(ORDER);
    if matches!(samples, Values::U16(_)) {
        file.version = 5;
    }
    let melt = file.variable("melt");
    melt.attributes.extend(attributes.iter().cloned());
    fn filled<T: Copy>(some: Vec<T>) -> Vec<T> {
        let last = some[some.len() - 1];
        some.into_iter().chain(std::iter::repeat(last)).take(2 * ROWS * COLS).collect()
    }
    melt.values = match samples {
        Values::I8(some) => Values::I8(filled(some)),
        Values::I16(some) => Values::I16(filled(some)),
        Values::I32(some) => Values::I32(filled(some)),
        Values::F32(some) => Values::F32(filled(some)),
        Values::F64(some) => Values::F64(filled(some)),
        Values::U16(some) => Values::U16(filled(some)),
        Values::Text(_) => unreachable!("samples are numbers"),
    };
    bench.days(&file)[0][..COLS].to_vec()
}

fn check(samples: Values, attributes: &[(&'static str, Values)], wanted: [f32; COLS]) {
    let found = decoded(samples.clone(), attributes);
    let near = |a: f32, b: f32| (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-6 * b.abs();
    assert!(found.iter().zip(wanted).all(|(a, b)| near(*a, b)), "{samples:?} {attributes:?}: {found:?}, not {wanted:?}");
}

fn bytes_are_signed_unless_said_otherwise() {
    let bytes = || Values::I8(vec![-1, 1, -128, 127, 0]);
    check(bytes(), &[], [-1.0, 1.0, -128.0, 127.0, 0.0]);
    check(bytes(), &[("_FillValue", Values::I8(vec![-128]))], [-1.0, 1.0, NAN, 127.0, 0.0]);
    let packed =
        [("scale_factor", Values::F64(vec![0.5])), ("add_offset", Values::F64(vec![10.0])), ("missing_value", Values::I8(vec![1]))];
    check(bytes(), &packed, [9.5, NAN, -54.0, 73.5, 10.0]);
    let unsigned = [("_Unsigned", Values::Text("true"))];
    check(bytes(), &unsigned, [255.0, 1.0, 128.0, 127.0, 0.0]);
    check(bytes(), &[unsigned[0].clone(), ("_FillValue", Values::I8(vec![-1]))], [NAN, 1.0, 128.0, 127.0, 0.0]);
    check(bytes(), &[("_Unsigned", Values::Text("false"))], [-1.0, 1.0, -128.0, 127.0, 0.0]);
    check(Values::I16(vec![-1, 1, -32768, 0, 5]), &unsigned, [65535.0, 1.0, 32768.0, 0.0, 5.0]);
    check(Values::I32(vec![-1, 1, 0, 0, 5]), &unsigned, [4_294_967_295.0, 1.0, 0.0, 0.0, 5.0]);
    check(Values::U16(vec![65534, 1, 0, 0, 5]), &[("_Unsigned", Values::Text("FALSE"))], [-2.0, 1.0, 0.0, 0.0, 5.0]);
}

fn every_missing_value_is_missing() {
    let both = [("_FillValue", Values::I16(vec![-32768])), ("missing_value", Values::I16(vec![-9999, 7]))];
    check(Values::I16(vec![-32768, -9999, 7, 8, 0]), &both, [NAN, NAN, NAN, 8.0, 0.0]);
    // The type of the attribute may be another than that of the samples.
    let floats = || Values::F32(vec![1e20, -9999.9, 9.969_21e36, 0.5, f32::NAN]);
    check(floats(), &[("missing_value", Values::F64(vec![1e20, -9999.9]))], [NAN, NAN, NAN, 0.5, NAN]);
    check(floats(), &[("_FillValue", Values::F32(vec![1e20]))], [NAN, -9999.9, 9.969_21e36, 0.5, NAN]);
    check(floats(), &[("missing_value", Values::Text("-9999.9"))], [1e20, NAN, NAN, 0.5, NAN]);
    // What the library fills with where nothing is said; a byte has no such value.
    check(Values::I16(vec![-32767, -32768, 1, 2, 3]), &[], [NAN, -32768.0, 1.0, 2.0, 3.0]);
    check(Values::I8(vec![-127, 1, 2, 3, 4]), &[], [-127.0, 1.0, 2.0, 3.0, 4.0]);
    let mut file = cube(ORDER);
    file.variable("melt").attributes.push(("missing_value", Values::Text("none at all")));
    Bench::new().refusal(&file, &["variable melt: its attribute missing_value is the text `none at all`", "ncatted"]);
}

fn what_lies_outside_the_valid_range_is_missing() {
    let samples = || Values::I16(vec![-5, 0, 50, 100, 101]);
    let pair = |low: i16, high: i16| ("valid_range", Values::I16(vec![low, high]));
    check(samples(), &[pair(0, 100)], [NAN, 0.0, 50.0, 100.0, NAN]);
    check(samples(), &[("valid_min", Values::I16(vec![0]))], [NAN, 0.0, 50.0, 100.0, 101.0]);
    check(samples(), &[("valid_max", Values::I16(vec![100]))], [-5.0, 0.0, 50.0, 100.0, NAN]);
    check(Values::F32(vec![0.1, 0.2, 1e6, -0.1, 0.0]), &[("valid_max", Values::F64(vec![0.2]))], [0.1, 0.2, NAN, -0.1, 0.0]);
    // A range of the packed type counts packed samples, one of the unpacked type values.
    let scale = ("scale_factor", Values::F32(vec![0.1]));
    check(samples(), &[scale.clone(), pair(0, 100)], [NAN, 0.0, 5.0, 10.0, NAN]);
    check(samples(), &[scale, ("valid_range", Values::F32(vec![0.0, 10.0]))], [NAN, 0.0, 5.0, 10.0, NAN]);
}

fn classic_files_cut_short_are_refused() {
    let bench = Bench::new();
    for version in [1, 2, 5] {
        for records in [None, Some("time")] {
            let mut file = cube(ORDER);
            (file.version, file.records) = (version, records);
            let bytes = file.bytes();
            assert!(bench.days(&file).iter().zip(maps()).all(|(a, b)| same(a, &b)), "CDF-{version} {records:?}");
            for cut in [1, 2, 40, 79] {
                let message = bench.pack(&bench.write(&bytes[..bytes.len() - cut])).unwrap_err();
                let wanted =
                    format!("ends before its data: its header describes {} bytes, and there are {}", bytes.len(), bytes.len() - cut);
                assert!(message.contains(&wanted), "CDF-{version} {records:?} {cut}: {message}");
            }
            let message = bench.pack(&bench.write(&bytes[..200])).unwrap_err();
            assert!(message.contains("ends within its NetCDF header"), "{message}");
        }
    }
}

fn axes_may_come_in_any_order_and_direction() {
    let bench = Bench::new();
    let orders = [ORDER, ["time", "x", "y"], ["y", "x", "time"], ["y", "time", "x"], ["x", "time", "y"], ["x", "y", "time"]];
    for order in orders {
        assert!(bench.days(&cube(order)).iter().zip(maps()).all(|(a, b)| same(a, &b)), "{order:?}");
    }
    for (axis, flip) in [("x", [true, false]), ("y", [false, true])] {
        let mut file = cube(ORDER);
        if let Values::F64(values) = &mut file.variable(axis).values {
            values.reverse();
        }
        let found = bench.days(&file);
        let turned = |day: usize, index: usize| {
            let (row, col) = (index / COLS, index % COLS);
            pixel(day, if flip[1] { ROWS - 1 - row } else { row }, if flip[0] { COLS - 1 - col } else { col }) as f32
        };
        for (day, map) in found.iter().enumerate() {
            assert!((0..ROWS * COLS).all(|index| map[index] == turned(day, index)), "{axis} {map:?}");
        }
    }
    // As the grid of others, too: rows that go up in the file are at the bottom of the map.
    let mut file = cube(["x", "y", "time"]);
    if let Values::F64(values) = &mut file.variable("y").values {
        values.reverse();
    }
    let grid = bench.folder.path().join("grid.nc");
    std::fs::write(&grid, file.bytes()).unwrap();
    let mut onto = bench.options.clone();
    (onto.like, onto.out) = (grid, bench.folder.path().join("onto"));
    run(&bench.write(&cube(ORDER).bytes()), &onto).unwrap();
    assert!(same(&values(&onto.out.join(DAYS[0])), &maps()[0]));
    assert!(Raster::open(onto.out.join(DAYS[0])).unwrap().same_grid(&Raster::open(&bench.options.like).unwrap()));
}

fn axes_with_gaps_are_refused() {
    let bench = Bench::new();
    for (axis, at) in [("x", 2), ("x", 4), ("y", 1), ("y", 3)] {
        let mut file = cube(ORDER);
        if let Values::F64(values) = &mut file.variable(axis).values {
            let step = values[1] - values[0];
            values[at..].iter_mut().for_each(|value| *value += step);
        }
        bench.refusal(&file, &[&format!("its axis `{axis}` is not evenly spaced"), &format!("at index {at}")]);
        let grid = bench.folder.path().join("grid.nc");
        std::fs::write(&grid, file.bytes()).unwrap();
        let message = run(&tiff("float32.tif"), &options(&grid, &bench.options.out)).unwrap_err().to_string();
        assert!(message.contains("not evenly spaced"), "{message}");
    }
    let mut file = cube(ORDER);
    file.variable("x").values = Values::F64(vec![226_550.0; COLS]);
    bench.refusal(&file, &["not evenly spaced"]);
    // A single column has no width.
    let mut file = cube(ORDER);
    file.dimensions[2].1 = 1;
    file.variable("x").values = Values::F64(vec![226_550.0]);
    file.variable("melt").values = Values::I16(vec![0; 2 * ROWS]);
    bench.refusal(&file, &["its axis `x` has a single value and no bounds"]);
}

fn days_are_never_lost_in_silence() {
    let mut bench = Bench::new();
    let mut bare = cube(ORDER);
    bare.variables.remove(0);
    let mut unitless = cube(ORDER);
    unitless.variable("time").attributes.clear();
    let mut short = cube(ORDER);
    short.variable("time").attributes.push(("_FillValue", Values::F64(vec![59.5])));
    for level in [None, Some(0), Some(1)] {
        bench.options.level = level;
        bench.refusal(&bare, &["its axis `time` has no coordinate variable of numbers, so the days of its steps are unknown"]);
        bench.refusal(&unitless, &["its axis `time` has no units such as `days since 2000-01-01`"]);
    }
    bench.options.level = None;
    bench.refusal(&short, &["step 1 of its time axis time is NaN"]);
    // Level 0 of a variable without levels is all of it.
    bench.options.level = Some(0);
    assert!(bench.days(&cube(ORDER)).iter().zip(maps()).all(|(a, b)| same(a, &b)));
    bench.options.level = Some(1);
    bench.refusal(&cube(ORDER), &["no axis besides time and space"]);
    // The coordinates of an axis may be under another name, which the variable's attribute gives.
    let mut other = cube(ORDER);
    (other.dimensions[0].0, other.variables[0].axes) = ("step", vec!["step"]);
    other.variable("melt").axes[0] = "step";
    other.variable("melt").attributes.push(("coordinates", Values::Text("time")));
    bench.options.level = None;
    assert!(bench.days(&other).iter().zip(maps()).all(|(a, b)| same(a, &b)));
}

fn what_lacks_for_a_place_is_named() {
    let mut bench = Bench::new();
    let mut plain = cube(ORDER);
    plain.variable("melt").attributes.clear();
    bench.refusal(&plain, &["has no coordinate system; give it with --source-crs"]);
    for axis in ["x", "y"] {
        plain.variable(axis).attributes.clear();
    }
    bench.refusal(&plain, &["has no coordinate system; give it with --source-crs"]);
    bench.options.source_crs = Some("EPSG:3413".into());
    assert!(bench.days(&plain).iter().zip(maps()).all(|(a, b)| same(a, &b)));
    // Kilometres, as the attribute says, in a coordinate system of metres.
    let mut km = plain.clone();
    for axis in ["x", "y"] {
        km.variable(axis).attributes.push(("units", Values::Text("km")));
        if let Values::F64(values) = &mut km.variable(axis).values {
            values.iter_mut().for_each(|value| *value /= 1000.0);
        }
    }
    assert!(bench.days(&km).iter().zip(maps()).all(|(a, b)| same(a, &b)));
    let mut unnamed = plain.clone();
    unnamed.dimensions[2].0 = "across";
    unnamed.variable("melt").axes[2] = "across";
    unnamed.variables.iter_mut().filter(|variable| variable.name == "x").for_each(|x| (x.name, x.axes) = ("across", vec!["across"]));
    bench.refusal(&unnamed, &["none of its axes (time, y, across) is marked as x", "standard_name projection_x_coordinate or axis X"]);
    let mut without = plain;
    without.variables.retain(|variable| variable.name != "x");
    bench.refusal(&without, &["its axis `x` has no coordinate variable of numbers"]);
}

fn variables_of_groups_are_named_by_their_groups() {
    // Made by netCDF4: melt (y, x) of 4 x 5 outside all groups is 1 everywhere, in `a` 2, in `b/c` 3; snow is only in `b/c`, 4 everywhere.
    let source = root().join("tests/data/netcdf/groups.nc");
    let mut bench = Bench::new();
    for (name, file, value) in [
        ("/melt", "groups_melt.tif", 1.0),
        ("a/melt", "groups_a_melt.tif", 2.0),
        ("/b/c/melt", "groups_b_c_melt.tif", 3.0),
        ("snow", "groups_snow.tif", 4.0),
    ] {
        bench.options.variable = Some(name.into());
        assert_eq!(bench.pack(&source).unwrap(), BTreeMap::from([(file.to_owned(), vec![value; ROWS * COLS])]));
    }
    for (name, wanted) in [
        (Some("melt"), "has the variable `melt` in several groups; choose one with --variable: /melt [4x5], a/melt [4x5], b/c/melt [4x5]"),
        (Some("c/melt"), "has no variable `c/melt`; there are /melt [4x5], a/melt [4x5], b/c/melt [4x5], b/c/snow [4x5]"),
        (Some("y"), "has no map in its variable `y`"),
        (None, "has several variables; choose one with --variable: /melt [4x5]"),
    ] {
        bench.options.variable = name.map(str::to_owned);
        let message = bench.pack(&source).unwrap_err();
        assert!(message.contains(wanted), "{message}");
    }
}

fn files_of_no_known_kind_are_described() {
    let bench = Bench::new();
    let whole = std::fs::read(root().join("tests/data/netcdf/groups.nc")).unwrap();
    for (bytes, wanted) in [
        (&b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n"[..], "begins with \"<!DOCTYPE html>\": a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "a pointer of Git LFS"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "compressed with gzip"),
        (b"<Error><Code>AccessDenied</Code></Error>", "begins with \"<Error><Code>AccessDenied</Code>\""),
        (b"", "it is empty"),
        (&[0; 4096], "begins with zeros"),
        (&whole[..whole.len() / 2], "ends after"),
    ] {
        let message = bench.pack(&bench.write(bytes)).unwrap_err();
        assert!(message.contains(wanted) && !message.contains("GDALOpen") && !message.contains("NULL"), "{message}");
    }
}

pub fn trials() -> Vec<Trial> {
    trials![
        bytes_are_signed_unless_said_otherwise,
        every_missing_value_is_missing,
        what_lies_outside_the_valid_range_is_missing,
        classic_files_cut_short_are_refused,
        axes_may_come_in_any_order_and_direction,
        axes_with_gaps_are_refused,
        days_are_never_lost_in_silence,
        what_lacks_for_a_place_is_named,
        variables_of_groups_are_named_by_their_groups,
        files_of_no_known_kind_are_described,
    ]
}
