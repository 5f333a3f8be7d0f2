//! SIGINT, SIGTERM and SIGUSR1 (which SLURM sends ahead of a time limit) as a flag that training polls; a second signal ends the process at
//! once, and so does one that is not answered.
//! SIGXFSZ as an error.

use super::output::print_note;
use crate::error::{Error, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Time that work has to answer a signal: clusters kill soon after it.
const PATIENCE: Duration = Duration::from_millis(1400);
/// How often the flag is looked at for that.
const INTERVAL: Duration = Duration::from_millis(100);

/// Lets writes beyond a limit on the size of files (`ulimit -f`) fail with an error, which names the file, instead of ending the process.
///
/// SIGXFSZ ends a process that does not catch it (POSIX, `setrlimit`); caught, the write gives EFBIG.
pub fn outlive_file_limit() {
    #[cfg(unix)]
    // Where it cannot be caught all is as without it.
    let _ = flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// Signals that ask to stop.
#[cfg(unix)]
const STOP: [i32; 3] = [SIGINT, SIGTERM, signal_hook::consts::SIGUSR1];
#[cfg(not(unix))]
const STOP: [i32; 2] = [SIGINT, SIGTERM];

/// The first of these signals that arrived, if any.
#[derive(Debug, Clone)]
pub struct Interrupt {
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Takes over these signals for the rest of the process; commands that have no state to save keep the defaults.
    ///
    /// # Errors
    /// The system refuses a handler.
    pub fn install() -> Result<Interrupt> {
        let signal = Arc::new(AtomicUsize::new(0));
        let armed = Arc::new(AtomicBool::new(false));
        for number in STOP {
            // Handlers run in the order of their registration: the exit must see the state before this signal.
            flag::register_conditional_shutdown(number, 128 + number, armed.clone())
                .and_then(|_| flag::register(number, armed.clone()))
                .and_then(|_| flag::register_usize(number, signal.clone(), number as usize))
                .map_err(|e| Error::Usage(format!("signals cannot be caught here ({e}), so that no state could be saved")))?;
        }
        Ok(Interrupt { signal })
    }

    /// Ends the process with the signal's status where the work has not ended within two seconds of the signal: in a long step, in a long
    /// write, or before there is anything that polls. `note` says what that means. Only for work that survives a kill at any point.
    ///
    /// # Errors
    /// [`Error::Usage`] where the system starts no thread.
    pub fn end_unanswered(&self, note: String) -> Result<()> {
        let interrupt = self.clone();
        let watch = move || {
            let signal = loop {
                if let Some(signal) = interrupt.pending() {
                    break signal;
                }
                std::thread::sleep(INTERVAL);
            };
            std::thread::sleep(PATIENCE);
            print_note(&note);
            low_level::exit(128 + signal);
        };
        let thread = std::thread::Builder::new().name("signals".into()).spawn(watch);
        thread.map(drop).map_err(|e| Error::Usage(format!("a thread cannot be started ({e}); raise the limit of processes")))
    }

    /// The number of the signal that asked to stop.
    pub fn pending(&self) -> Option<i32> {
        match self.signal.load(Ordering::SeqCst) {
            0 => None,
            number => i32::try_from(number).ok(),
        }
    }
}
