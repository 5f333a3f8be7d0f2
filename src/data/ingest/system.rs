//! Coordinate systems of sources: as `crs` understands them, and in the words that GDAL is given.

use super::PackOptions;
use crate::data::crs::Crs;
use crate::error::{Error, Result};

/// A coordinate system.
#[derive(Debug, Clone)]
pub(super) struct System {
    /// As it is understood.
    pub crs: Crs,
    /// Its definition: a code, WKT or a PROJ string.
    #[cfg_attr(not(feature = "gdal"), allow(dead_code))]
    pub words: String,
    /// Whether its coordinates are longitude and latitude.
    pub geographic: bool,
    /// Metres in its unit.
    pub metres: f64,
}

impl System {
    /// Of a definition; `None` where neither `crs` nor GDAL, where that is built in, understands it.
    pub fn of_words(words: &str) -> Option<System> {
        let crs = Crs::of_definition(words);
        if crs.is_understood() {
            return Some(System { words: words.to_owned(), geographic: crs.is_geographic(), metres: crs.metres(), crs });
        }
        #[cfg(feature = "gdal")]
        if let Ok(known) = gdal::spatial_ref::SpatialRef::from_definition(words) {
            let metres = if known.is_projected() { known.linear_units() } else { 1.0 };
            return Some(System { crs, words: words.to_owned(), geographic: known.is_geographic(), metres });
        }
        None
    }

    /// Of a system that is understood.
    pub fn of(crs: Crs) -> System {
        System { words: crs.words(), geographic: crs.is_geographic(), metres: crs.metres(), crs }
    }

    /// The one that the user gives.
    ///
    /// # Errors
    /// [`Error::Usage`] where it is not understood.
    pub fn given(options: &PackOptions) -> Result<Option<System>> {
        let Some(words) = &options.source_crs else { return Ok(None) };
        let unknown = || {
            let text = format!("--source-crs {words} is no coordinate system that this build knows; give it as a PROJ string");
            #[cfg(not(feature = "gdal"))]
            let text = format!("{text}, or for all of EPSG, WKT and PROJ {}", crate::data::GET_GDAL);
            Error::Usage(text)
        };
        System::of_words(words).map(Some).ok_or_else(unknown)
    }

    /// WGS 84.
    pub fn wgs84() -> Option<System> {
        System::of_words("EPSG:4326")
    }
}
