//! Whether a folder may be written: it is empty, or holds a dataset of the same options, which `synth.json` in it says.

use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::files::write_atomically;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The options that a dataset was made with, in its folder.
pub const OPTIONS_FILE: &str = "synth.json";

/// Takes a folder for the dataset of these options, by leaving them in it before anything else is written. They display
/// as on the command line.
///
/// # Errors
/// [`Error::Usage`] where the folder holds anything but an earlier dataset of the same options (complete or not);
/// [`Error::Output`] where it cannot be read or written.
pub fn claim<T: Display + PartialEq + Serialize + DeserializeOwned>(folder: &Path, options: &T) -> Result<()> {
    let marker = folder.join(OPTIONS_FILE);
    let earlier = std::fs::read(&marker).ok().and_then(|bytes| serde_json::from_slice::<T>(&bytes).ok());
    match earlier {
        Some(earlier) if earlier == *options => return Ok(()),
        Some(earlier) => {
            let text = format!(
                "--out {} holds a dataset made with {earlier}; give the same options to write it again, choose another folder, or remove this \
                 one",
                folder.display()
            );
            return Err(Error::Usage(text));
        }
        None => {}
    }
    if let Some(found) = content(folder)? {
        let message = format!(
            "--out {} already holds something else ({found}); choose a folder that does not exist yet, or an empty one",
            folder.display()
        );
        return Err(Error::Usage(message));
    }
    let text = serde_json::to_string_pretty(options)
        .map_err(|e| Error::output(&marker, format!("the options have no JSON form ({e})")).because(e))?;
    write_atomically(&marker, |file| writeln!(file, "{text}"))
}

/// The name of something in a folder, hidden files aside; none where the folder does not exist.
fn content(folder: &Path) -> Result<Option<String>> {
    let unreadable = |e: std::io::Error| Error::output(folder, format!("this folder cannot be used ({e}); choose another")).because(e);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(unreadable(e)),
    };
    for entry in entries {
        let name = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            return Ok(Some(name));
        }
    }
    Ok(None)
}
