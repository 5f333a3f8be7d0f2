//! Ranks that are processes of MPI (feature `mpi`), through the few C functions of `mpi_shim.c`.
//!
//! MPI's own answer to an error is to end all ranks (`MPI_ERRORS_ARE_FATAL`), which is what a run wants.

use std::ffi::{c_int, c_void};

use super::{Position, Ranks, Transport};
use crate::error::{Error, Result};

unsafe extern "C" {
    fn melt_mpi_start(rank: *mut c_int, ranks: *mut c_int, local: *mut c_int, locals: *mut c_int) -> c_int;
    fn melt_mpi_swap(out: *const c_void, out_bytes: c_int, to: c_int, into: *mut c_void, in_bytes: c_int, from: c_int) -> c_int;
    fn melt_mpi_abort(status: c_int);
    fn melt_mpi_end() -> c_int;
}

/// Bytes of a message at most: counts are C ints.
const MOST: usize = 1 << 30;
/// Exit status of a rank that panicked: that of Rust's programs.
const PANICKED: c_int = 101;

/// All ranks of MPI. Dropped, it leaves them; a rank that panics ends them.
struct World;

impl Transport for World {
    fn swap(&mut self, out: &[u8], to: usize, into: &mut [u8], from: usize) -> Result<()> {
        // Only messages of one length on all ranks are as long as that, so that all make as many of each.
        let pieces = out.len().max(into.len()).div_ceil(MOST).max(1);
        for piece in 0..pieces {
            let range = |len: usize| (piece * MOST).min(len)..((piece + 1) * MOST).min(len);
            let (out, range) = (&out[range(out.len())], range(into.len()));
            let into = &mut into[range];
            // SAFETY: both slices live through the call, and MPI reads and writes no more than their lengths.
            let status = unsafe {
                melt_mpi_swap(
                    out.as_ptr().cast(),
                    out.len() as c_int,
                    to as c_int,
                    into.as_mut_ptr().cast(),
                    into.len() as c_int,
                    from as c_int,
                )
            };
            if status != 0 {
                return Err(Error::Device(format!("MPI failed with its code {status} between this rank and the ranks {to} and {from}")));
            }
        }
        Ok(())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // SAFETY: it was started, and this is its only owner. Others may wait for a rank that panics, so that it must not wait for them.
        unsafe {
            if std::thread::panicking() {
                melt_mpi_abort(PANICKED);
            } else {
                melt_mpi_end();
            }
        }
    }
}

/// Joins the other ranks; to be called once, by the main thread, which alone uses what it gives.
///
/// # Errors
/// [`Error::Device`] where MPI cannot be started.
pub fn start() -> Result<Ranks> {
    let [mut rank, mut ranks, mut local, mut locals]: [c_int; 4] = [0, 1, 0, 1];
    // SAFETY: plain out-parameters.
    let status = unsafe { melt_mpi_start(&mut rank, &mut ranks, &mut local, &mut locals) };
    if status != 0 {
        return Err(Error::Device(format!("MPI could not be started (its code {status}); check that `mpirun hostname` works here")));
    }
    let [rank, ranks, local, locals] = [rank, ranks, local, locals].map(|number| number as usize);
    Ok(Ranks::new(Position { rank, ranks, local, locals }, Box::new(World)))
}

/// Ends all ranks with this exit status, wherever they are.
pub fn abort(status: u8) -> ! {
    // SAFETY: MPI was started by whoever knows of other ranks.
    unsafe { melt_mpi_abort(c_int::from(status)) };
    std::process::exit(i32::from(status))
}
