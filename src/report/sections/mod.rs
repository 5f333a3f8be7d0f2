//! The page's sections, a file each: what was read goes in, its markup comes out.

pub mod classes;
pub mod extent;
pub mod fronts;
pub mod glaciers;
pub mod groups;
pub mod manifest;
pub mod maps;
pub mod reliability;
pub mod scores;
pub mod training;
