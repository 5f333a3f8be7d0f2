//! Pictures beside maps and panels of scored scenes, by the processes that write them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Grey of pixels without a value.
const NO_DATA: [u8; 3] = [0xc4, 0xc6, 0xc8];

fn meltcore(root: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_meltcore")).args(arguments).current_dir(root).output().unwrap()
}

/// Runs what must succeed.
fn done(root: &Path, arguments: &[&str]) -> String {
    let output = meltcore(root, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    said
}

/// A sample with its running means for every day, in `sample`.
fn sample(root: &Path) {
    done(root, &["synth", "--out", "sample", "--size", "80x64", "--days", "12", "-q"]);
    baseline(root, "sample/time_interpolate_sar", &["--no-png"]);
}

fn baseline(root: &Path, out: &str, more: &[&str]) {
    let arguments = ["baseline", "time-interpolate-sar", "--config", "sample/config.yaml", "--split", "all", "--out", out, "-q"];
    done(root, &[&arguments[..], more].concat());
}

/// Names in a folder with this extension, and the names of everything else in it but the list of maps and its lock.
fn files(folder: &Path, extension: &str) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let all = all.filter(|path| !path.ends_with("maps.json") && !path.ends_with(".maps.lock"));
    all.partition(|path| path.extension().is_some_and(|found| found == extension))
}

/// Height, width and pixels of an RGB PNG.
fn decode(path: &Path) -> (usize, usize, Vec<[u8; 3]>) {
    let mut reader = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path).unwrap())).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
    (info.height as usize, info.width as usize, bytes.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect())
}

#[test]
fn maps_have_pictures_unless_unwanted() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    sample(root);
    assert_eq!(files(&root.join("sample/time_interpolate_sar"), "tif").0.len(), 12);
    assert_eq!(files(&root.join("sample/time_interpolate_sar"), "tif").1, [root.join("sample/time_interpolate_sar/seen")], "--no-png");

    baseline(root, "maps", &[]);
    let (pictures, others) = files(&root.join("maps"), "png");
    assert_eq!((pictures.len(), others.len()), (12, 13), "maps and the folder of counts");
    for picture in pictures {
        assert!(picture.with_extension("tif").is_file());
        let (height, width, pixels) = decode(&picture);
        // 80 × 64 pixels five times enlarged, with margins, title and colour bar.
        assert!((430..600).contains(&height) && (330..420).contains(&width), "{height} × {width}");
        let grey = pixels.iter().filter(|pixel| **pixel == NO_DATA).count() as f64 / (400.0 * 320.0);
        assert!((0.2..0.4).contains(&grey), "the ocean is grey: {grey}");
    }

    // A picture that cannot be written ends the command, and leaves nothing unfinished.
    let day = files(&root.join("maps"), "tif").0.into_iter().min().unwrap();
    let blocked = day.with_extension("png");
    std::fs::remove_file(&blocked).unwrap();
    std::fs::create_dir(&blocked).unwrap();
    let arguments = ["baseline", "time-interpolate-sar", "--config", "sample/config.yaml", "--split", "all", "--out", "maps"];
    let refused = meltcore(root, &arguments);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(4) && said.contains(blocked.file_name().unwrap().to_str().unwrap()), "{said}");
    let hidden = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with('.');
    assert!(!files(&root.join("maps"), "tif").1.iter().any(hidden));
}

#[test]
fn panels_show_every_scene() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    sample(root);
    let eval = ["eval", "--config", "sample/config.yaml", "--split", "all", "--pred", "mean=sample/time_interpolate_sar"];
    let with = |more: &[&'static str]| [&eval[..], more].concat();
    let said = done(root, &with(&["--panels", "one"]));
    assert!(said.contains("pictures") && said.contains("one"), "{said}");
    let (one, others) = files(&root.join("one"), "png");
    assert_eq!((one.len(), others.len()), (12, 0));
    let (height, width, pixels) = decode(&one[0]);
    assert!(width > height && pixels.contains(&NO_DATA), "{height} × {width}");

    // A second model makes the page wider, by the target behind the inputs.
    done(root, &with(&["again=sample/time_interpolate_sar", "--out", "scores", "-q"]));
    for name in ["scores.json", "scores.csv"] {
        assert!(root.join("scores").join(name).is_file(), "{name}");
    }
    let two = files(&root.join("scores/panels"), "png").0;
    assert_eq!(two.len(), 12);
    assert!(decode(&two[0]).1 > width + 100);
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(root.join("scores/scores.json")).unwrap()).unwrap();
    assert!(json["models"]["again"]["weighted_mean"]["mae"].is_number());

    std::fs::write(root.join("occupied"), "").unwrap();
    for (more, status, wanted) in [
        (&["--panels", "occupied"][..], 4, "occupied"),
        (&["--out", "occupied"], 4, "occupied"),
        (&["--panels", "none", "--set", "path_pmw=gone"], 2, "gone"),
    ] {
        let refused = meltcore(root, &with(more));
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(refused.status.code() == Some(status) && said.contains(wanted), "{more:?}: {said}");
    }
    // Without pictures no input is needed.
    done(root, &with(&["--set", "path_pmw=gone", "-q"]));
}
