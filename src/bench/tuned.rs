//! The file of `meltcore tune`: which variants are fastest on one device with one driver.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::write_atomically;
use crate::gpu::Capabilities;
use crate::gpu::Selectable;
use crate::kernels::variants;

/// What was chosen on a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tuned {
    /// The version of meltcore, whose kernels these are.
    meltcore: String,
    device: String,
    backend: String,
    driver: String,
    /// When it was last written, `2026-11-26`.
    date: String,
    choices: Vec<Choice>,
}

/// The variant of one kernel for one set of parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    kernel: String,
    /// The kernel's parameters, 4 bytes each.
    params: Vec<u32>,
    /// Names and values of its constants.
    constants: Vec<(String, u32)>,
    /// Its time, and that of the variant that runs without a choice, ms.
    ms: f64,
    usual_ms: f64,
}

impl Tuned {
    /// Nothing chosen yet on this device.
    pub fn of(able: &Capabilities) -> Tuned {
        Tuned {
            meltcore: env!("CARGO_PKG_VERSION").into(),
            device: able.name.clone(),
            backend: able.backend.clone(),
            driver: able.driver.clone(),
            date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
            choices: Vec::new(),
        }
    }

    /// How many launches it decides.
    pub fn len(&self) -> usize {
        self.choices.len()
    }

    /// True where every kernel is left as it is.
    pub fn is_empty(&self) -> bool {
        self.choices.is_empty()
    }

    /// Chooses `values` of a kernel with these bytes of parameters, with the times of this choice and the usual one, ms.
    pub fn choose(&mut self, of: &Selectable, params: &[u8], values: &[u32], [ms, usual_ms]: [f64; 2]) {
        let params = params.chunks_exact(4).map(bytemuck::pod_read_unaligned).collect::<Vec<u32>>();
        let constants = of.names.iter().map(|name| (*name).to_owned()).zip(values.iter().copied()).collect();
        self.choices.push(Choice { kernel: of.stem.into(), params, constants, ms, usual_ms });
    }

    /// Takes over the choices of an earlier file for the same device, but for the launches that were raced again, which are those of a
    /// kernel with bytes of parameters.
    pub fn keep(&mut self, earlier: Tuned, raced: &[(&'static str, Vec<u8>)]) {
        let again = |choice: &Choice| raced.iter().any(|(stem, params)| *stem == choice.kernel && params == choice.bytes());
        self.choices.extend(earlier.choices.into_iter().filter(|choice| !again(choice)));
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Input`] for a file that cannot be read, is not of `meltcore tune`, or names a variant that is not there.
    pub fn load(file: &Path) -> Result<Tuned> {
        let hint = "`meltcore tune` makes it anew; or remove it, or set MELTCORE_TUNED=off";
        let text = std::fs::read_to_string(file).map_err(|e| Error::input(file, format!("cannot be read ({e}); {hint}")).because(e))?;
        let tuned: Tuned = serde_json::from_str(&text)
            .map_err(|e| Error::input(file, format!("is no file of `meltcore tune` ({e}); {hint}")).because(e))?;
        if tuned.meltcore == env!("CARGO_PKG_VERSION")
            && let Some(choice) = tuned.choices.iter().find(|choice| choice.known().is_none())
        {
            let named: Vec<String> = choice.constants.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let message = format!("there is no variant {} of `{}`; {hint}", named.join(" "), choice.kernel);
            return Err(Error::input(file, message));
        }
        Ok(tuned)
    }

    /// What keeps it from being of use on a device, if anything.
    pub fn foreign_to(&self, able: &Capabilities) -> Option<String> {
        let now = [&able.name, &able.backend, &able.driver];
        if self.meltcore != env!("CARGO_PKG_VERSION") {
            return Some(format!("it is of meltcore {}", self.meltcore));
        }
        let differs = [&self.device, &self.backend, &self.driver].into_iter().zip(now).find(|(then, now)| then != now);
        differs.map(|(then, now)| format!("it was made on `{then}`, and this is `{now}`"))
    }

    /// Makes a device's launches take these choices.
    pub fn apply(&self, able: &mut Capabilities) {
        for choice in &self.choices {
            if let Some((of, values)) = choice.known() {
                able.choices.tune(of, choice.bytes(), &values);
            }
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn save(&self, file: &Path) -> Result<()> {
        write_atomically(file, |out| Ok(serde_json::to_writer(out, self)?))
    }
}

impl Choice {
    /// The parameters' bytes.
    fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.params)
    }

    /// The choice among those of this version.
    fn known(&self) -> Option<(&'static Selectable, Vec<u32>)> {
        let of = variants::of(&self.kernel)?;
        let names: Vec<&str> = self.constants.iter().map(|(name, _)| name.as_str()).collect();
        let values: Vec<u32> = self.constants.iter().map(|(_, value)| *value).collect();
        (names == of.names && of.has(&values)).then_some((of, values))
    }
}

/// Where a device's file is kept: in the user's folder for caches; none where the system names no such folder.
pub fn cache_file(able: &Capabilities) -> Option<PathBuf> {
    let folder = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let caches = if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Caches"))
    } else {
        folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))
    };
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let words: String = able.name.chars().map(plain).collect();
    let name = words.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    caches.map(|caches| caches.join("meltcore").join(format!("tuned-{name}.json")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::Parameters;
    use crate::host::linear::LinearParams;

    const OF: &str = "linear";

    fn device() -> Capabilities {
        Capabilities { driver: "1.2".into(), ..Capabilities::webgpu("A card") }
    }

    fn tuned() -> (Tuned, LinearParams) {
        let params = LinearParams { rows: 64, depth: 32, columns: 16, has_bias: 1 };
        let mut tuned = Tuned::of(&device());
        tuned.choose(variants::of(OF).unwrap(), params.bytes(), &[8, 8], [1.0, 2.0]);
        (tuned, params)
    }

    #[test]
    fn what_is_written_is_read_and_chosen_on_the_same_device_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("caches/tuned.json");
        let (tuned, params) = tuned();
        tuned.save(&file).unwrap();
        let read = Tuned::load(&file).unwrap();
        assert_eq!(read, tuned);
        let mut able = device();
        assert_eq!(read.foreign_to(&able), None);
        read.apply(&mut able);
        let of = variants::of(OF).unwrap();
        assert_eq!(able.choices.of(of, &params, [4, 4]), [8, 8]);
        assert_eq!(able.choices.of(of, &LinearParams { rows: 65, ..params }, [4, 4]), [4, 4]);
        for other in [Capabilities { driver: "1.3".into(), ..device() }, Capabilities { name: "Another".into(), ..device() }] {
            assert!(read.foreign_to(&other).is_some_and(|why| why.starts_with("it was made on `")));
        }
    }

    #[test]
    fn a_file_of_another_kind_or_with_an_unknown_variant_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tuned.json");
        let whole = serde_json::to_string(&tuned().0).unwrap();
        for (text, words) in [
            ("{}", "is no file of `meltcore tune`"),
            (&whole[..whole.len() / 2], "is no file of `meltcore tune`"),
            (&whole.replace("[\"ROWS\",8]", "[\"ROWS\",7]"), "there is no variant ROWS=7 COLUMNS=8 of `linear`"),
        ] {
            std::fs::write(&file, text).unwrap();
            let message = Tuned::load(&file).unwrap_err().to_string();
            assert!(message.contains(words) && message.contains("MELTCORE_TUNED=off"), "{message}");
        }
    }

    #[test]
    fn a_later_race_replaces_what_it_raced_and_keeps_the_rest() {
        let (mut later, params) = tuned();
        let of = variants::of(OF).unwrap();
        let mut earlier = Tuned::of(&device());
        earlier.choose(of, params.bytes(), &[2, 2], [1.0, 2.0]);
        earlier.choose(of, LinearParams { rows: 3, ..params }.bytes(), &[2, 2], [1.0, 2.0]);
        later.keep(earlier, &[(OF, params.bytes().to_vec())]);
        let mut able = device();
        later.apply(&mut able);
        assert_eq!((later.len(), able.choices.of(of, &params, [4, 4])), (2, [8, 8]));
        assert_eq!(able.choices.of(of, &LinearParams { rows: 3, ..params }, [4, 4]), [2, 2]);
    }
}
