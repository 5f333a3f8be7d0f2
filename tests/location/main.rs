//! Networks that see where a scene lies: which numbers they get, that they learn from them, and that a location is found without labels.

#[path = "../on_device/mod.rs"]
mod on_device;

mod networks;
mod numbers;
mod runs;
mod scenes;
