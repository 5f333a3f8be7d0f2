//! Settings that Mesa, which brings the software adapter lavapipe, needs in the environment before it is loaded.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

const VECTOR_WIDTH: &str = "LP_NATIVE_VECTOR_WIDTH";
const CACHE_FOLDER: &str = "MESA_SHADER_CACHE_DIR";
/// Variable with which the layer itself lets the Vulkan loader leave it out.
const NO_DEVICE_SELECT: &str = "NODEVICE_SELECT";

/// Prepares the environment for Mesa's drivers. To be called from `main` before any thread starts.
///
/// Lavapipe gets 512-bit vectors, which it does not use by itself, where they pay: on AMD's processors with AVX-512F. On Intel's a
/// training step takes half as long again with them (benches/REJECTED.md). Mesa's shader cache does not record the vector width of what
/// it holds, so the wider code gets a cache folder of its own; without one (or where the user has set either variable) the width stays.
/// Where no desktop session runs, the layer that asks it for its GPU is left out.
pub fn prepare_software_device() {
    let mut settings = Vec::new();
    if gains_from_avx512()
        && env::var_os(VECTOR_WIDTH).is_none()
        && env::var_os(CACHE_FOLDER).is_none()
        && let Some(folder) = cache_folder(env::var_os("XDG_CACHE_HOME"), env::var_os("HOME"))
        && std::fs::create_dir_all(&folder).is_ok()
    {
        settings.extend([(VECTOR_WIDTH, "512".into()), (CACHE_FOLDER, folder.into_os_string())]);
    }
    if cfg!(target_os = "linux") && needs_no_device_select(|name| env::var_os(name).is_some()) {
        settings.push((NO_DEVICE_SELECT, "1".into()));
    }
    for (name, value) in settings {
        // SAFETY: called first thing in `main`, while this is the process's only thread, so that no other thread can read
        // the environment meanwhile; drivers are loaded later and read the final values.
        unsafe { env::set_var(name, value) };
    }
}

/// Whether Mesa's device-select layer, which only moves the desktop's GPU to the head of the list, has nothing to do here.
///
/// It looks for a Wayland compositor first, and libwayland prints an error on stderr for every look where `XDG_RUNTIME_DIR` is unset,
/// as on servers and in containers. The layer stays where the user steers it by a variable of its own or a desktop may be there.
fn needs_no_device_select(is_set: impl Fn(&str) -> bool) -> bool {
    let reasons_to_keep = ["XDG_RUNTIME_DIR", "MESA_VK_DEVICE_SELECT", "DRI_PRIME", NO_DEVICE_SELECT];
    !reasons_to_keep.into_iter().any(is_set)
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn gains_from_avx512() -> bool {
    let amd = || std::fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| text.contains("AuthenticAMD"));
    std::arch::is_x86_feature_detected!("avx512f") && amd()
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
fn gains_from_avx512() -> bool {
    false
}

/// This crate's folder in the user's cache: under `XDG_CACHE_HOME` where that is absolute, else under `~/.cache`.
fn cache_folder(xdg_cache_home: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    let base = xdg_cache_home.and_then(absolute).or_else(|| Some(home.and_then(absolute)?.join(".cache")))?;
    Some(base.join("meltcore").join("mesa-512"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_folder_follows_the_user_s_settings() {
        let some = |s: &str| Some(OsString::from(s));
        let under = |s: &str| Some(PathBuf::from(s).join("meltcore/mesa-512"));
        if cfg!(unix) {
            assert_eq!(cache_folder(some("/c"), some("/h")), under("/c"));
            assert_eq!(cache_folder(some("relative"), some("/h")), under("/h/.cache"));
            assert_eq!(cache_folder(None, some("/h")), under("/h/.cache"));
        }
        assert_eq!(cache_folder(None, None), None);
        assert_eq!(cache_folder(some(""), some("")), None);
    }

    #[test]
    fn device_selection_stays_where_somebody_uses_it() {
        assert!(needs_no_device_select(|_| false));
        for name in ["XDG_RUNTIME_DIR", "MESA_VK_DEVICE_SELECT", "DRI_PRIME", "NODEVICE_SELECT"] {
            assert!(!needs_no_device_select(|asked| asked == name), "{name}");
        }
    }
}
