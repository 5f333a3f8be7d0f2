//! Tensors: weight files, numerical fixtures, checkpoints.

use std::collections::HashMap;
use std::path::Path;

use meltcore::gpu::Gpu;
use meltcore::nn::state_dict;
use meltcore::train::checkpoint::State;
use meltcore::verify::replay;
use meltcore::weights::file::WeightFile;
use meltcore::weights::info::Info;

use crate::target::{Answer, Target};

/// Words of safetensors' headers and of fixtures.
const HEADER: &[&[u8]] = &[
    b"\"F32\"",
    b"\"F16\"",
    b"\"BF16\"",
    b"\"I64\"",
    b"\"BOOL\"",
    b"\"U8\"",
    b"\"shape\":[]",
    b"\"shape\":[0]",
    b"\"shape\":[4294967296,4294967296]",
    b"\"data_offsets\":[0,0]",
    b"\"__metadata__\":{",
    b"\"in.x\"",
    b"\"out.y\"",
    b"\"param.weight\"",
    b"\\\"stride\\\":",
    b"\\\"kernel_size\\\": ",
    b"\\\"sigma\\\": ",
    b"\\\"groups\\\": ",
    b"\\\"size\\\": [",
    b"0000000000",
    b"9999999999",
];

/// The targets of this file.
pub const TARGETS: &[Target] = &[
    Target {
        name: "weights",
        extension: "safetensors",
        more_seeds: &[("tests/fixtures", 2000)],
        mebibytes: 64,
        dictionary: HEADER,
        repair: Some(header_length),
        reader: |folder| {
            let copy = folder.join("copy.safetensors");
            Box::new(move |path| weights(path, &copy))
        },
    },
    Target {
        name: "fixture",
        extension: "safetensors",
        more_seeds: &[("tests/fixtures", 24_000)],
        mebibytes: 64,
        dictionary: HEADER,
        repair: Some(header_length),
        reader: |_| {
            let gpu = Gpu::open(Some("host")).unwrap();
            Box::new(move |path| match replay(&gpu, path, 1.0) {
                Ok(row) => {
                    assert_eq!(row.pass, row.ratio <= 1.0);
                    Answer::Read
                }
                Err(error) => Answer::Refused(error.to_string()),
            })
        },
    },
    Target {
        name: "state",
        extension: "json",
        more_seeds: &[],
        mebibytes: 64,
        dictionary: &[
            b"null",
            b"true",
            b"\"epoch\":",
            b"\"step\":",
            b"\"best\":",
            b"\"schedule\":",
            b"\"ReduceLROnPlateau\"",
            b"\"CosineAnnealingWarmRestarts\"",
            b"\"t_0\": 0",
            b"\"config\": {}",
            b"1e400",
            b"{",
            b"}",
            b"[",
            b"]",
        ],
        repair: None,
        reader: |folder| {
            let checkpoint = folder.join("last");
            std::fs::create_dir_all(&checkpoint).unwrap();
            Box::new(move |path| state(path, &checkpoint))
        },
    },
];

/// Makes the first eight bytes the length of the JSON object that follows them.
fn header_length(bytes: &mut [u8]) {
    let (mut depth, mut quoted, mut escaped) = (0i32, false, false);
    let ends = |(_, byte): &(usize, &u8)| {
        match (quoted, **byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => quoted = !quoted,
            (false, b'{') => depth += 1,
            (false, b'}') => depth -= 1,
            _ => {}
        }
        depth <= 0 && !quoted
    };
    if let Some((at, _)) = bytes.iter().enumerate().skip(8).find(ends) {
        bytes[..8].copy_from_slice(&(at as u64 - 7).to_le_bytes());
    }
}

/// What is read as weights is shown, and where it is all float32 it is written and read back.
fn weights(path: &Path, copy: &Path) -> Answer {
    let file = match WeightFile::open(path) {
        Ok(file) => file,
        Err(error) => return Answer::Refused(error.to_string()),
    };
    let info = match Info::of(&file) {
        Ok(info) => info,
        Err(error) => return Answer::Refused(error.to_string()),
    };
    serde_json::to_string(&info).unwrap();
    let converted = file.to_float32();
    let Ok(dict) = state_dict::read(path) else { return Answer::Read };
    if let Ok(converted) = converted {
        assert_eq!(converted.len(), dict.len());
    }
    state_dict::write(copy, &dict, HashMap::new()).unwrap();
    if !dict.is_empty() {
        let bits = |dict: &state_dict::HostDict| format!("{dict:?}");
        assert_eq!(bits(&state_dict::read(copy).unwrap()), bits(&dict));
    }
    Answer::Read
}

/// A state that is read has one form, which is read back to itself; its schedule can go on.
fn state(path: &Path, checkpoint: &Path) -> Answer {
    let file = checkpoint.join("state.json");
    std::fs::copy(path, &file).unwrap();
    let state = match State::read(checkpoint) {
        Ok(state) => state,
        Err(error) => return Answer::Refused(error.to_string()),
    };
    std::fs::write(&file, serde_json::to_vec(&state).unwrap()).unwrap();
    assert_eq!(State::read(checkpoint).unwrap(), state);
    let mut schedule = state.schedule.clone();
    schedule.observe(0.5);
    schedule.advance_to(state.epoch as f64 + 0.5);
    schedule.learning_rate();
    Answer::Read
}
