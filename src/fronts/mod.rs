//! Calving fronts: the line between ocean and glacier, drawn from a map of zones.
//!
//! Reading order: [`zones`] and [`stored`] (maps of zones and fronts as files) → [`pieces`] (what hangs together) → [`drawing`] (a map's
//! front, cut by a [`bounding_box`]) → [`lines`] (its pixels in order, and how long it is) → [`distances`] (two fronts beside each other)
//! → [`scores`] of many scenes and their [`groups`], as [`csv`]; [`series`] say how a front moves along a [`centre_line`], [`movement`]
//! where it is without one; [`line_check`] asks first whether the line goes with the scenes. [`scene_files`] finds the maps of a folder,
//! and a [`request`] asks all that of one of them. Source: N. Gourmelon et al., "Calving fronts and where to find them", Earth System
//! Science Data 14, 2022, and the programs published with it.

pub mod bounding_box;
pub mod centre_line;
pub mod csv;
pub mod distances;
pub mod drawing;
pub mod groups;
pub mod line_check;
pub mod lines;
pub mod movement;
pub mod pieces;
pub mod request;
pub mod scene_files;
pub mod scores;
pub mod series;
pub mod stored;
pub mod zones;
