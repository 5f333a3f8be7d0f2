//! The working half of an open device: wgpu's, or the host's. A planner has none.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::gpu::buffer::{Buffer, Memory};
use crate::gpu::host_driver::HostDriver;
use crate::gpu::wgpu_driver::WgpuDriver;
use crate::gpu::{Cost, Launch, ProfileRow};

/// One of the drivers; chosen when the device is opened.
pub(super) enum Driver {
    Wgpu(Box<WgpuDriver>),
    Host(HostDriver),
}

impl Driver {
    pub(super) fn create(&self, bytes: u64) -> Result<Memory> {
        match self {
            Driver::Wgpu(driver) => driver.create(bytes).map(Memory::Wgpu),
            Driver::Host(driver) => driver.create(bytes).map(Memory::Host),
        }
    }

    pub(super) fn write(&self, buffer: &Buffer, values: &[f32]) {
        match self {
            Driver::Wgpu(driver) => driver.write(buffer, values),
            Driver::Host(driver) => driver.write(buffer, values),
        }
    }

    /// Copies `words` words, from and to the given words.
    pub(super) fn copy(&self, source: (&Buffer, usize), target: (&Buffer, usize), words: usize) {
        match self {
            Driver::Wgpu(driver) => driver.copy(source, target, words),
            Driver::Host(driver) => driver.copy(source, target, words),
        }
    }

    pub(super) fn launch(&self, launch: &Launch) -> Result<()> {
        match self {
            Driver::Wgpu(driver) => driver.launch(launch),
            Driver::Host(driver) => driver.launch(launch),
        }
    }

    pub(super) fn submit(&self) {
        // The host has done everything already.
        if let Driver::Wgpu(driver) = self {
            driver.submit();
        }
    }

    pub(super) fn synchronize(&self) -> Result<()> {
        match self {
            Driver::Wgpu(driver) => driver.synchronize(),
            Driver::Host(_) => Ok(()),
        }
    }

    pub(super) fn read(&self, buffer: &Buffer, words: usize) -> Result<Vec<f32>> {
        match self {
            Driver::Wgpu(driver) => driver.read(buffer, words),
            Driver::Host(driver) => Ok(driver.read(buffer, words)),
        }
    }

    /// Leaves no kernel and bind group made.
    pub(super) fn forget(&mut self) {
        if let Driver::Wgpu(driver) = self {
            driver.kernels.take();
        }
    }

    /// Bind groups made so far; the host has none.
    pub(super) fn bind_groups_made(&self) -> u64 {
        match self {
            Driver::Wgpu(driver) => driver.kernels.borrow().bind_groups_made,
            Driver::Host(_) => 0,
        }
    }

    pub(super) fn work(&self) -> Cost {
        match self {
            Driver::Wgpu(driver) => driver.stream.borrow().work,
            Driver::Host(driver) => driver.work(),
        }
    }

    pub(super) fn set_profiling(&self, on: bool) {
        match self {
            Driver::Wgpu(driver) => driver.set_profiling(on),
            Driver::Host(driver) => driver.set_profiling(on),
        }
    }

    pub(super) fn profile(&self) -> BTreeMap<&'static str, ProfileRow> {
        match self {
            Driver::Wgpu(driver) => driver.stream.borrow().profiler.as_ref().map(|p| p.rows.clone()).unwrap_or_default(),
            Driver::Host(driver) => driver.profile(),
        }
    }
}
