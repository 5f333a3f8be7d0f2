//! A setting that the Vulkan loader needs in the environment before it is loaded.

use std::env;

/// Variable with which Mesa's device-select layer itself lets the Vulkan loader leave it out.
const NO_DEVICE_SELECT: &str = "NODEVICE_SELECT";

/// Leaves Mesa's device-select layer out where no desktop session runs. To be called from `main` before any thread starts.
///
/// The layer only moves the desktop's GPU to the head of the list. It looks for a Wayland compositor first, and libwayland prints an error
/// on stderr for every look where `XDG_RUNTIME_DIR` is unset, as on servers and in containers.
pub fn prepare_vulkan_loader() {
    if cfg!(target_os = "linux") && needs_no_device_select(|name| env::var_os(name).is_some()) {
        // SAFETY: called first thing in `main`, while this is the process's only thread, so that no other thread can read
        // the environment meanwhile; drivers are loaded later and read the final values.
        unsafe { env::set_var(NO_DEVICE_SELECT, "1") };
    }
}

/// Whether the layer has nothing to do here: it stays where the user steers it by a variable of its own, or a desktop may be there.
fn needs_no_device_select(is_set: impl Fn(&str) -> bool) -> bool {
    let reasons_to_keep = ["XDG_RUNTIME_DIR", "MESA_VK_DEVICE_SELECT", "DRI_PRIME", NO_DEVICE_SELECT];
    !reasons_to_keep.into_iter().any(is_set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_selection_stays_where_somebody_uses_it() {
        assert!(needs_no_device_select(|_| false));
        for name in ["XDG_RUNTIME_DIR", "MESA_VK_DEVICE_SELECT", "DRI_PRIME", "NODEVICE_SELECT"] {
            assert!(!needs_no_device_select(|asked| asked == name), "{name}");
        }
    }
}
