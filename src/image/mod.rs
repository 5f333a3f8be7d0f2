//! Maps as pictures: quicklooks of one field and panels of several, on a canvas with text and colour bars, encoded as PNG.
//!
//! Host only. A [`Field`] is a raster with the range, colour map and unit it is shown in; [`quicklook()`] and [`panel()`] lay fields out
//! on a [`Canvas`], and [`Canvas::to_png`] encodes it. Nothing here writes files.

pub mod canvas;
pub mod colorbar;
pub mod colormap;
pub mod font;
pub mod indexed;
pub mod panel;
pub mod png;
pub mod quicklook;
pub mod raster;
pub mod ticks;

pub use canvas::{Canvas, Rgb};
pub use colormap::{Colormap, class_colour};
pub use panel::{Panel, panel};
pub use png::{SOFTWARE, grey_to_png};
pub use quicklook::quicklook;
pub use raster::Field;
