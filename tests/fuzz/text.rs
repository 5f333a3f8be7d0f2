//! What people write: configurations, their overrides, split lists, time axes.

use std::path::Path;

use meltcore::config::Config;
use meltcore::data::day::read_split_csv;
use meltcore::data::split::write_split_csv;
use meltcore::data::time_axis::TimeAxis;
use meltcore::domains::Unit;
use meltcore::synth::runoff::Runoff;

use crate::target::{Answer, Target};

/// Words of YAML and of configurations.
const YAML: &[&[u8]] = &[
    b": ",
    b"\n- ",
    b"\n---\n",
    b"...\n",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!float ",
    b"!!binary ",
    b"{",
    b"}",
    b"[",
    b"]",
    b"| \n",
    b"> \n",
    b"\"\\u0000\"",
    b".inf",
    b".nan",
    b"~",
    b"0x10",
    b"1_000",
    b"\xef\xbb\xbf",
    b"\nseed: ",
    b"\nimg_size: ",
    b"\nepochs: ",
    b"\nmodel_key: ",
    b"\nbatch_size: ",
    b"\nmean_pmw: ",
    b"\nin_keys: ",
    b"\ndecoder_channels: ",
];

/// The targets of this file.
pub const TARGETS: &[Target] = &[
    Target {
        name: "config",
        extension: "yaml",
        more_seeds: &[("tests/config", 4096)],
        mebibytes: 64,
        dictionary: YAML,
        repair: None,
        reader: |_| Box::new(config),
    },
    Target {
        name: "override",
        extension: "txt",
        more_seeds: &[],
        mebibytes: 64,
        dictionary: YAML,
        repair: None,
        reader: |_| Box::new(set),
    },
    Target {
        name: "split_csv",
        extension: "csv",
        more_seeds: &[],
        mebibytes: 64,
        dictionary: &[b".tif\n", b"_02_29.tif", b"\r\n", b"\xef\xbb\xbf", b"0000_00_00.tif", b"9999_12_31.tif", b",", b"\0"],
        repair: None,
        reader: |folder| {
            let copy = folder.join("copy.csv");
            Box::new(move |path| split_csv(path, &copy))
        },
    },
    Target {
        name: "cf_time",
        extension: "txt",
        more_seeds: &[],
        mebibytes: 64,
        dictionary: &[
            b" since ",
            b"days",
            b"hours",
            b"milliseconds",
            b"0001-01-01",
            b"9999-12-31",
            b"1582-10-15",
            b"24:00:00",
            b"23:59:60",
            b" +14:00",
            b" -12:00",
            b" UTC",
            b"Z",
            b"T",
            b"\nnoleap\n",
            b"\nproleptic_gregorian\n",
            b"\nstandard\n",
            b"1e300",
        ],
        repair: None,
        reader: |_| Box::new(cf_time),
    },
    Target {
        name: "runoff",
        extension: "DD.csv",
        more_seeds: &[],
        mebibytes: 64,
        dictionary: &[b"-", b", ", b"NaN", b"inf", b"#", b"\n", b"1e308"],
        repair: None,
        reader: |folder| {
            let record = folder.join("record");
            std::fs::create_dir_all(&record).unwrap();
            Box::new(move |path| runoff(path, &record))
        },
    },
];

fn config(path: &Path) -> Answer {
    match Config::load(path, &[]) {
        Ok(config) => reads_back(&config),
        Err(error) => Answer::Refused(error.to_string()),
    }
}

/// The first line is an override of the configuration.
fn set(path: &Path) -> Answer {
    let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    match Config::from_yaml("model_key: unet\nin_keys: [pmw]\nmean_pmw: 1.0\nstd_pmw: 2.0\n", "base.yaml", &[text]) {
        Ok(config) => reads_back(&config),
        Err(error) => Answer::Refused(error.to_string()),
    }
}

/// A configuration has one form in JSON, which is read back to itself.
fn reads_back(config: &Config) -> Answer {
    let json = config.to_json();
    let again = Config::from_json(&json).unwrap_or_else(|error| panic!("{json:?} is refused: {error}"));
    assert_eq!(again.to_json(), json);
    assert_eq!(again.digest(), config.digest());
    Answer::Read
}

/// A list that is read is written and read back.
fn split_csv(path: &Path, copy: &Path) -> Answer {
    let days = match read_split_csv(path, Unit::Day) {
        Ok(days) => days,
        Err(error) => return Answer::Refused(error.to_string()),
    };
    write_split_csv(copy, &days).unwrap();
    assert_eq!(read_split_csv(copy, Unit::Day).unwrap(), days);
    Answer::Read
}

/// Three lines: units, calendar, a value. A later value is no earlier day.
fn cf_time(path: &Path) -> Answer {
    let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    let mut lines = text.lines();
    let (units, calendar) = (lines.next().unwrap_or_default(), lines.next());
    let value = lines.next().and_then(|line| line.parse().ok()).unwrap_or(0.0);
    let axis = match TimeAxis::parse(units, calendar) {
        Ok(axis) => axis,
        Err(message) => return Answer::Refused(message),
    };
    if let (Some(day), Some(later)) = (axis.day(value), axis.day(value + value.abs() * 1e-3 + 1.0)) {
        assert!(day <= later, "{day} is after {later}");
        assert!((1..=12).contains(&day.month) && (1..=31).contains(&day.day));
        day.number();
    }
    Answer::Read
}

/// A record of runoff is found in a folder.
fn runoff(path: &Path, record: &Path) -> Answer {
    std::fs::copy(path, record.join("runoff.DD.csv")).unwrap();
    match Runoff::find(record) {
        Ok(found) => {
            assert!(found.is_some());
            Answer::Read
        }
        Err(error) => Answer::Refused(error.to_string()),
    }
}
