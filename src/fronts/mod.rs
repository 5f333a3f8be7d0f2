//! Calving fronts: the line between ocean and glacier, drawn from a map of zones.
//!
//! Reading order: [`zones`] (maps of zones as files).
//! Source: N. Gourmelon et al., "Calving fronts and where to find them", Earth System Science Data 14, 2022.

pub mod zones;
