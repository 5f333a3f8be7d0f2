//! Scenes: all bands of one or several files as the bands of one file.

use std::path::PathBuf;

use super::record::Entry;
use super::source::Source;
use super::{Job, PackOptions, Work, grid::Grid};
use crate::data::day::Day;
use crate::error::{Error, Result};

/// The file that the bands of the sources become, in the order of the sources; of each all bands, or the one of `--level`.
///
/// # Errors
/// [`Error::Usage`] for a name that is none, and for several bands where slopes are wanted; those of [`Source::open`]; a source with a time
/// axis.
pub(super) fn plan(name: &str, sources: &[PathBuf], options: &PackOptions, grid: &Grid) -> Result<Job> {
    let file = file_name(name)?;
    let mut bands = Vec::new();
    for source in sources {
        let opened = Source::open(source, options, grid)?;
        let chosen = match (options.level, opened.bands()) {
            (Some(level), Some(count)) if level >= count => {
                let message = format!("has {count} band(s); --level takes 0 to {}", count.saturating_sub(1));
                return Err(Error::input(source, message));
            }
            (Some(level), _) => level + 1..level + 2,
            (None, Some(count)) => 1..count + 1,
            (None, None) => {
                let message =
                    "is no file of bands, of which a scene is made; pack it without --scene, or choose one of its fields with --level";
                return Err(Error::input(source, message));
            }
        };
        bands.extend(chosen.map(|band| (source.clone(), band)));
    }
    if options.slope && bands.len() != 1 {
        let message = format!("--slope takes one band, elevations, and there are {} here; choose one with --level", bands.len());
        return Err(Error::Usage(message));
    }
    let source = sources.first().cloned().unwrap_or_default();
    Ok(Job { file, source, is_timeless: true, work: Work::Stack(bands) })
}

/// The name of the file of a scene.
///
/// # Errors
/// [`Error::Usage`] for a name that is none.
pub(super) fn file_name(name: &str) -> Result<String> {
    let scene = Day::from_scene_name(name).filter(|scene| scene.scene.is_none() || scene.file_name() == format!("{name}.tif"));
    scene.map(|scene| scene.file_name()).ok_or_else(|| {
        Error::Usage(format!(
            "--scene {name} is no name of a file; give letters, digits, - and _, without folder and ending, for example ALP-1"
        ))
    })
}

/// What decides the contents of a file beside its first source: of a scene the others, too.
///
/// # Errors
/// A source that cannot be examined.
pub(super) fn recipe(job: &Job, mut words: String) -> Result<String> {
    match &job.work {
        Work::Stack(bands) => {
            for (source, band) in bands {
                words.push_str(&format!("; band {band} of {}", Entry::of(source, String::new())?.words()));
            }
        }
        Work::Outlines(masks) => {
            words.push_str("; outlines");
            for mask in masks {
                words.push_str(&format!("; without {}", Entry::of(mask, String::new())?.words()));
            }
        }
        Work::SameGrid | Work::Warp(_) => {}
    }
    Ok(words)
}
