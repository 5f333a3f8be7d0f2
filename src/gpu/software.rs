//! Settings that the software adapter (Mesa's lavapipe) needs in the environment before it is loaded.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

const VECTOR_WIDTH: &str = "LP_NATIVE_VECTOR_WIDTH";
const CACHE_FOLDER: &str = "MESA_SHADER_CACHE_DIR";

/// Lets lavapipe use 512-bit vectors where the processor has AVX-512F, which it does not do by itself.
///
/// Mesa's shader cache does not record the vector width of what it holds, so the wider code gets a cache folder of
/// its own; without one (or where the user has set either variable) nothing is changed. To be called from `main`
/// before any thread starts.
pub fn prepare_software_device() {
    if !has_avx512() || env::var_os(VECTOR_WIDTH).is_some() || env::var_os(CACHE_FOLDER).is_some() {
        return;
    }
    let Some(folder) = cache_folder(env::var_os("XDG_CACHE_HOME"), env::var_os("HOME")) else { return };
    if std::fs::create_dir_all(&folder).is_err() {
        return;
    }
    // SAFETY: called first thing in `main`, while this is the process's only thread, so that no other thread can read
    // the environment meanwhile; drivers are loaded later and read the final values.
    unsafe {
        env::set_var(VECTOR_WIDTH, "512");
        env::set_var(CACHE_FOLDER, folder);
    }
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn has_avx512() -> bool {
    std::arch::is_x86_feature_detected!("avx512f")
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
fn has_avx512() -> bool {
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
}
