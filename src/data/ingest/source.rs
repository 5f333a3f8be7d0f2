//! A source, opened once: by the crate's own readers where they know it, through GDAL where they do not and GDAL is built in.

use std::path::Path;
use std::sync::Arc;

use super::PackOptions;
#[cfg(feature = "gdal")]
use super::gdal_rasters::GdalSource;
use super::grid::Grid;
use super::own_source::{Found, OwnSource};
use super::positions::Positions;
use super::resample::Day;
use crate::error::Result;

/// An opened source.
pub(super) enum Source {
    Own(Box<OwnSource>),
    #[cfg(feature = "gdal")]
    Gdal(Box<GdalSource>),
}

/// The pixels that a file is made of.
pub(super) enum Pixels {
    /// To be resampled here.
    Own(Day, Arc<Positions>),
    /// To be warped by GDAL.
    #[cfg(feature = "gdal")]
    Gdal(gdal::Dataset),
}

impl Source {
    /// Opens a source.
    ///
    /// # Errors
    /// [`Error::Input`](crate::error::Error::Input) where it cannot be read or placed, or takes GDAL and this build has none;
    /// [`Error::Usage`](crate::error::Error::Usage) for options that make no sense.
    pub fn open(path: &Path, options: &PackOptions, grid: &Grid) -> Result<Source> {
        match OwnSource::open(path, options, grid)? {
            Found::Source(source) => Ok(Source::Own(source)),
            #[cfg(not(feature = "gdal"))]
            Found::Beyond(error) => Err(super::same_grid::needs_gdal(error)),
            #[cfg(feature = "gdal")]
            Found::Beyond(_) => {
                super::same_grid::refuse_for_gdal(path)?;
                Ok(Source::Gdal(Box::new(GdalSource::open(path, options, &super::warp::empty_map(grid)?)?)))
            }
        }
    }

    /// Its bands, where it is a raster of nothing else.
    pub fn bands(&self) -> Option<usize> {
        match self {
            Source::Own(source) => source.bands(),
            #[cfg(feature = "gdal")]
            Source::Gdal(source) => source.bands(),
        }
    }

    /// The files that it becomes, each with whether no time axis says its day, and the steps whose mean it is.
    ///
    /// # Errors
    /// [`Error::Input`](crate::error::Error::Input) where its steps are no days, or a level has to be chosen.
    pub fn files(&self, options: &PackOptions) -> Result<Vec<(String, bool, Vec<usize>)>> {
        match self {
            Source::Own(source) => source.files(options),
            #[cfg(feature = "gdal")]
            Source::Gdal(source) => source.files(options),
        }
    }
}

/// Reads sources in the order of their files, so that each is opened once, on one thread.
pub(super) struct Reader<'a> {
    options: &'a PackOptions,
    grid: &'a Grid,
    opened: Option<Source>,
    positions: Option<Arc<Positions>>,
}

impl<'a> Reader<'a> {
    pub fn new(options: &'a PackOptions, grid: &'a Grid) -> Reader<'a> {
        Reader { options, grid, opened: None, positions: None }
    }

    /// The mean of some steps of a source.
    ///
    /// # Errors
    /// Those of [`Source::open`]; a step that cannot be read.
    pub fn day(&mut self, path: &Path, steps: &[usize]) -> Result<Pixels> {
        let is_open = match &self.opened {
            Some(Source::Own(source)) => source.reads(path),
            #[cfg(feature = "gdal")]
            Some(Source::Gdal(source)) => source.reads(path),
            None => false,
        };
        if !is_open {
            self.opened = None;
            let mut source = Source::open(path, self.options, self.grid)?;
            #[allow(irrefutable_let_patterns)]
            if let Source::Own(own) = &mut source {
                self.positions = own.take_positions(self.positions.take());
            }
            self.opened = Some(source);
        }
        match (&self.opened, &self.positions) {
            (Some(Source::Own(source)), Some(positions)) => Ok(Pixels::Own(source.day(steps, self.options)?, positions.clone())),
            #[cfg(feature = "gdal")]
            (Some(Source::Gdal(source)), _) => Ok(Pixels::Gdal(source.day(steps, self.options)?)),
            _ => Err(crate::error::Error::input(path, "cannot be opened; start again")),
        }
    }
}
