//! What commands leave for others: lists of maps, scores, records of packing, logs, event files, times of kernels.

use std::fs;
use std::path::{Path, PathBuf};

use meltcore::bench;
use meltcore::data::day::Split;
use meltcore::data::geotags::GeoTags;
use meltcore::data::ingest::{PackOptions, pack};
use meltcore::data::writer::write_geotiff;
use meltcore::evaluate::score_file::ScoreFile;
use meltcore::report::manifest::facts;
use meltcore::report::run_log::RunLog;
use meltcore::report::{Evidence, page};
use meltcore::synth::SynthOptions;
use meltcore::synth::claim::claim;
use meltcore::tasks::Subject;
use meltcore::train::log::{Header, Log};
use meltcore::train::tensorboard::{Event, EventFile, Value};

use crate::target::{Answer, Target};

/// Words of JSON.
const JSON: &[&[u8]] = &[
    b"null",
    b"true",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"<script>",
    b"1e400",
    b"-1",
    b"\"epoch\":",
    b"\"mae\":",
    b"\"models\":",
    b"\"scenes\":",
    b"\"2017_06_04.tif\":",
    b"\"days\":",
    b"\"files\":",
    b"\"config\":{}",
    b"\n",
];

/// The targets of this file.
pub const TARGETS: &[Target] = &[
    Target {
        name: "maps_json",
        extension: "json",
        more_seeds: &[],
        mebibytes: 64,
        dictionary: JSON,
        repair: None,
        reader: |folder| {
            let maps = folder.join("maps");
            fs::create_dir_all(&maps).unwrap();
            Box::new(move |path| {
                fs::copy(path, maps.join("maps.json")).unwrap();
                assert!(facts(None, "test", &[("a".to_owned(), maps.clone())], &[], None, &Subject::DAYS).len() > 1);
                Answer::Read
            })
        },
    },
    Target {
        name: "scores",
        extension: "json",
        more_seeds: &[],
        mebibytes: 64,
        dictionary: JSON,
        repair: None,
        reader: |_| Box::new(scores),
    },
    Target {
        name: "bench",
        extension: "json",
        more_seeds: &[],
        mebibytes: 64,
        dictionary: JSON,
        repair: None,
        reader: |_| Box::new(times),
    },
    Target {
        name: "log",
        extension: "jsonl",
        more_seeds: &[],
        mebibytes: 64,
        dictionary: JSON,
        repair: None,
        reader: |folder| {
            let copy = folder.join("log.jsonl");
            Box::new(move |path| log(path, &copy))
        },
    },
    Target {
        name: "pack_json",
        extension: "json",
        more_seeds: &[],
        mebibytes: 64,
        dictionary: JSON,
        repair: None,
        reader: |folder| {
            let like = folder.join("map.tif");
            write_geotiff(&like, 2, 3, &[1.0; 6], &GeoTags::default()).unwrap();
            let out = folder.join("out");
            Box::new(move |path| packed(path, &like, &out))
        },
    },
    Target {
        name: "synth_json",
        extension: "json",
        more_seeds: &[],
        mebibytes: 64,
        dictionary: JSON,
        repair: None,
        reader: |folder| {
            let set = folder.join("set");
            fs::create_dir_all(&set).unwrap();
            Box::new(move |path| {
                fs::copy(path, set.join("synth.json")).unwrap();
                let options = SynthOptions { rows: 64, cols: 64, days: 6, ..SynthOptions::default() };
                claim(&set, &options).map_or_else(|error| Answer::Refused(error.to_string()), |()| Answer::Read)
            })
        },
    },
    Target {
        name: "events",
        extension: "tfevents",
        more_seeds: &[],
        mebibytes: 64,
        dictionary: &[
            b"brain.Event:2",
            b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x2a\x00",
        ],
        repair: None,
        reader: |folder| {
            let run = folder.join("run");
            Box::new(move |path| events(path, &run))
        },
    },
];

/// A page of the scores has a beginning and an end, whatever the names in them.
fn scores(path: &Path) -> Answer {
    match ScoreFile::read(path) {
        Ok(scores) => a_page(Ok(scores), &[]),
        Err(error) => Answer::Refused(error.to_string()),
    }
}

fn a_page(scores: Result<ScoreFile, String>, logs: &[PathBuf]) -> Answer {
    let inputs = Evidence { title: "t".into(), config: None, split: Split::Test, models: &[], scores, device: None, logs, scenes: 2 };
    match page(inputs, &mut |_| ()) {
        Ok(html) => {
            assert!(html.trim_end().ends_with("</html>"));
            // The page has one script of its own.
            assert!(!html.contains("<script>alert"));
            Answer::Read
        }
        Err(error) => Answer::Refused(error.to_string()),
    }
}

/// Times of an earlier run of `bench`.
fn times(path: &Path) -> Answer {
    bench::load(path).map_or_else(|error| Answer::Refused(error.to_string()), |_| Answer::Read)
}

/// What matters of a line; an unknown key of it may hold a number that no float64 is.
#[derive(serde::Deserialize)]
struct Line {
    epoch: Option<u64>,
}

/// A log is shown, and gone on with from an epoch: what is kept then is whole lines up to it.
fn log(path: &Path, copy: &Path) -> Answer {
    fs::copy(path, copy).unwrap();
    let header = Header { meltcore: "0", device: "d".into(), parameters: 1, train_days: 2, val_days: 0, config: Default::default() };
    drop(Log::start(copy, &header, Some(2)).unwrap());
    for line in fs::read_to_string(copy).unwrap().lines() {
        let line: Line = serde_json::from_str(line).unwrap();
        assert!(line.epoch.is_none_or(|epoch| epoch <= 2));
    }
    match RunLog::read(path) {
        Ok(_) => a_page(Err("none".into()), &[path.to_owned()]),
        Err(error) => Answer::Refused(error.to_string()),
    }
}

/// The record of a folder says what is done there.
fn packed(path: &Path, like: &Path, out: &Path) -> Answer {
    let _ = fs::remove_dir_all(out);
    fs::create_dir_all(out).unwrap();
    fs::copy(path, out.join("pack.json")).unwrap();
    let options = PackOptions { like: like.to_owned(), out: out.to_owned(), workers: Some(1), ..PackOptions::default() };
    match pack(&[like.to_owned()], &options, &mut |_| ()) {
        Ok(packed) => {
            assert_eq!(packed.written + packed.unchanged, 1);
            assert!(out.join("map.tif").is_file());
            Answer::Read
        }
        Err(error) => Answer::Refused(error.to_string()),
    }
}

/// A run goes on after a step, from the file as it is and from one whose only record holds the file's bytes, with its checksums right.
fn events(path: &Path, run: &Path) -> Answer {
    let bytes = fs::read(path).unwrap();
    goes_on(&record(&bytes), run);
    goes_on(&bytes, run)
}

/// One file is left that holds something, and more can be added.
fn goes_on(earlier: &[u8], run: &Path) -> Answer {
    let _ = fs::remove_dir_all(run);
    fs::create_dir_all(run).unwrap();
    fs::write(run.join("events.out.tfevents.0000000007.meltcore"), earlier).unwrap();
    let mut file = match EventFile::start(run, Some(3)) {
        Ok((file, _)) => file,
        Err(error) => return Answer::Refused(error.to_string()),
    };
    file.append(&[Event { wall_time: 1.0, step: 4, values: vec![("loss".into(), Value::Scalar(0.5))] }]).unwrap();
    let full = fs::read_dir(run).unwrap().filter(|entry| entry.as_ref().unwrap().metadata().unwrap().len() > 0).count();
    assert_eq!(full, 1);
    Answer::Read
}

/// A record of TensorBoard's files: length, its checksum, the bytes, theirs.
fn record(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), bytes, &masked(bytes)].concat()
}

/// CRC-32C (Castagnoli, reflected) as TensorBoard masks it.
fn masked(bytes: &[u8]) -> [u8; 4] {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
    let crc = !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)));
    crc.rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}
