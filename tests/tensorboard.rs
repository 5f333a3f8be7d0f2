//! Event files as a run writes them, read by a small reader of its own: framing, checksums, messages, curves, pictures, and resuming.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use approx::assert_abs_diff_eq;
use meltcore::synth::{SynthOptions, write_dataset};

/// CRC-32C bit by bit, masked.
fn masked_crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 * (crc & 1));
        }
    }
    let crc = !crc;
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The records of a whole file, each with its end.
fn records(file: &[u8]) -> Vec<(usize, &[u8])> {
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    let (mut at, mut found) = (0, Vec::new());
    while at < file.len() {
        let length = u64::from_le_bytes(file[at..at + 8].try_into().unwrap()) as usize;
        assert_eq!(word(at + 8), masked_crc(&file[at..at + 8]));
        let record = &file[at + 12..at + 12 + length];
        assert_eq!(word(at + 12 + length), masked_crc(record));
        at += 16 + length;
        found.push((at, record));
    }
    found
}

/// A protobuf message's fields by number: numbers as their little-endian bytes, the rest as it is.
fn fields(mut message: &[u8]) -> BTreeMap<u64, Vec<Vec<u8>>> {
    fn varint(message: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = message[0];
            *message = &message[1..];
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    }
    let mut found: BTreeMap<u64, Vec<Vec<u8>>> = BTreeMap::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let length = match key & 7 {
            0 => {
                let value = varint(&mut message);
                found.entry(key >> 3).or_default().push(value.to_le_bytes().to_vec());
                continue;
            }
            1 => 8,
            2 => varint(&mut message) as usize,
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (value, rest) = message.split_at(length);
        found.entry(key >> 3).or_default().push(value.to_vec());
        message = rest;
    }
    found
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().unwrap())
}

/// Height, width and PNG.
type Picture = (u64, u64, Vec<u8>);

/// Curves and pictures by tag, each value with its step.
#[derive(Default)]
struct Events {
    scalars: BTreeMap<String, Vec<(u64, f32)>>,
    images: BTreeMap<String, Vec<(u64, Picture)>>,
    times: Vec<f64>,
}

fn event_files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let events = paths.filter(|path| path.file_name().unwrap().to_str().unwrap().contains("tfevents"));
    events.filter(|path| fs::metadata(path).unwrap().len() > 0).collect()
}

/// Everything in the one event file of a folder that is not empty.
fn events(folder: &Path) -> Events {
    let files = event_files(folder);
    assert_eq!(files.len(), 1, "{files:?}");
    let file = fs::read(&files[0]).unwrap();
    let records = records(&file);
    assert_eq!(fields(records[0].1)[&3], [b"brain.Event:2"]);
    // A restart at step 0.
    assert_eq!((fields(&fields(records[1].1)[&7][0])[&1][0][0], number(&fields(records[1].1)[&2][0])), (1, 0));
    let mut events = Events::default();
    for (_, record) in &records[2..] {
        let event = fields(record);
        assert_eq!(event.keys().copied().collect::<Vec<_>>(), [1, 2, 5]);
        events.times.push(f64::from_le_bytes(event[&1][0].as_slice().try_into().unwrap()));
        let step = number(&event[&2][0]);
        for value in fields(&event[&5][0]).remove(&1).unwrap() {
            let value = fields(&value);
            let tag = String::from_utf8(value[&1][0].clone()).unwrap();
            if let Some(scalar) = value.get(&2) {
                events.scalars.entry(tag).or_default().push((step, f32::from_le_bytes(scalar[0].as_slice().try_into().unwrap())));
            } else {
                let image = fields(&value[&4][0]);
                assert_eq!(number(&image[&3][0]), 3, "RGB");
                let picture = (number(&image[&1][0]), number(&image[&2][0]), image[&4][0].clone());
                events.images.entry(tag).or_default().push((step, picture));
            }
        }
    }
    events
}

struct Run<'a> {
    data: &'a Path,
    folder: PathBuf,
}

impl Run<'_> {
    fn train(&self, more: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
        command.args(["train", "--config"]).arg(self.data.join("config.yaml")).args(["--set", "in_keys=[pmw, mar_wa1]"]);
        for set in [
            "img_size=[32, 32]",
            "base_channels=2",
            "batch_size=4",
            "epochs_between_periodical_evaluation=2",
            "periodical_evaluation=false",
        ] {
            command.args(["--set", set]);
        }
        command.args(["--set", &format!("path_checkpoints={}", self.folder.display())]).args(more);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn log(&self) -> Vec<serde_json::Value> {
        let log = fs::read_to_string(self.folder.join("log.jsonl")).unwrap();
        log.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// What does not depend on the clock.
fn timeless(events: &Events) -> BTreeMap<String, Vec<(u64, f32)>> {
    let mut scalars = events.scalars.clone();
    scalars.retain(|tag, _| !tag.starts_with("speed/") && !tag.starts_with("device/"));
    scalars
}

#[test]
fn curves_and_pictures_of_a_run_straight_resumed_and_torn() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    write_dataset(&data, &SynthOptions { rows: 64, cols: 64, days: 18, ..SynthOptions::default() }, |_, _| {}).unwrap();
    let run = |name: &str| Run { data: &data, folder: root.path().join(name) };

    let straight = run("straight");
    straight.train(&["--set", "epochs=4"]);
    let (whole, log) = (events(&straight.folder), straight.log());
    let steps: Vec<u64> = log.iter().map(|entry| entry["step"].as_u64().unwrap()).collect();
    assert_eq!(steps.len(), 4);
    for (tag, key) in [
        ("loss/train", "train_loss"),
        ("loss/val", "val_loss"),
        ("learning_rate", "learning_rate"),
        ("epoch", "epoch"),
        ("scene/mae", "val_mae"),
        ("scene/f1", "val_f1"),
        ("speed/crops_per_s", "crops_per_s"),
        ("speed/wait_share", "wait_share"),
        ("device/bytes", "device_bytes"),
    ] {
        let logged: Vec<(u64, f32)> = steps.iter().zip(&log).map(|(step, entry)| (*step, entry[key].as_f64().unwrap() as f32)).collect();
        assert_eq!(whole.scalars[tag], logged, "{tag}");
    }
    let share = |entry: &serde_json::Value| entry["wait_share"].as_f64().unwrap();
    assert!(log.iter().all(|entry| (0.0..0.9).contains(&share(entry)) && entry["device_bytes"].as_u64().unwrap() > 1000), "{log:?}");
    let of_steps = &whole.scalars["loss/step"];
    assert!(of_steps.iter().map(|(step, _)| *step).eq(1..=steps[3]));
    let first: f64 = of_steps.iter().filter(|(step, _)| *step <= steps[0]).map(|(_, loss)| f64::from(*loss)).sum::<f64>() / steps[0] as f64;
    assert_abs_diff_eq!(first, log[0]["train_loss"].as_f64().unwrap(), epsilon = 1e-12);
    assert!(whole.times.is_sorted() && whole.times[0] > 1.6e9);

    // Pictures at the first epoch, every second one after it, and at the end.
    assert!(whole.images.keys().eq(["scene/error", "scene/prediction", "scene/target"]));
    for (tag, pictures) in &whole.images {
        assert!(pictures.iter().map(|(step, _)| *step).eq([steps[0], steps[2], steps[3]]), "{tag}");
        for (_, (height, width, png)) in pictures {
            let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            assert_eq!((u64::from(info.height), u64::from(info.width), info.color_type), (*height, *width, png::ColorType::Rgb));
        }
    }
    let pictures = |tag: &str| whole.images[tag].iter().map(|(_, picture)| picture).collect::<Vec<_>>();
    assert_eq!(pictures("scene/target")[0], pictures("scene/target")[2], "one scene");
    assert_ne!(pictures("scene/prediction")[0], pictures("scene/prediction")[2]);

    // Stopped after two epochs, torn while the third was written, and resumed.
    let resumed = run("resumed");
    resumed.train(&["--set", "epochs=2"]);
    let before = event_files(&resumed.folder).remove(0);
    let mut torn = fs::read(&before).unwrap();
    let straight_file = fs::read(event_files(&straight.folder).remove(0)).unwrap();
    let ends: Vec<usize> = records(&straight_file).iter().map(|(end, _)| *end).collect();
    let third = &straight_file[ends[ends.len() - 3]..];
    torn.extend_from_slice(third);
    torn.truncate(torn.len() - 5);
    fs::write(&before, torn).unwrap();
    resumed.train(&["--set", "epochs=4", "--resume", "auto"]);
    let again = events(&resumed.folder);
    assert!(fs::read(before).unwrap().is_empty(), "the old file");
    assert_eq!(timeless(&again), timeless(&whole));
    let wanted: Vec<u64> = [steps[0], steps[1], steps[2], steps[3]].into();
    let drawn: Vec<u64> = again.images["scene/error"].iter().map(|(step, _)| *step).collect();
    assert_eq!(drawn, wanted, "the second epoch was a last one");

    // Not wanted: no file, the same log, and going on with it later is no other configuration.
    let without = run("without");
    without.train(&["--set", "epochs=1", "--set", "tensorboard=false"]);
    assert!(event_files(&without.folder).is_empty());
    assert_eq!(without.log()[0]["val_mae"], log[0]["val_mae"]);
    without.train(&["--set", "epochs=2", "--resume", "auto"]);
    assert_eq!(timeless(&events(&without.folder))["epoch"], [(steps[1], 2.0)]);
}
