//! Weight files as files: what they hold, whether they fit a model, how two differ, and foreign ones made usable.
//!
//! Reading order: [`mod@file`] (any floating-point safetensors file on the host) → [`info`] (which model it is of) → [`fit`] and [`diff`] →
//! [`encoder`] (pretrained encoders under timm's names) → [`guard`] (whether a file is the one that was written) → [`provenance`] (under
//! which configuration it was trained) → [`transfer`] and [`adapt`] (what a network takes of another's weights). [`open`] and [`save`] are
//! those of a network with its configuration; parameters load their own state dicts through [`crate::nn::state_dict`].

pub mod adapt;
pub mod diff;
pub mod encoder;
pub mod file;
pub mod fit;
pub mod guard;
pub mod info;
mod open;
pub mod provenance;
mod swin;
pub mod transfer;

pub use file::{WeightFile, intact_weight_file, intact_weight_files, weight_file};
pub use open::{open, save};
