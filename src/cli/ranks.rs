//! A training that ranks share: threads with a device each (`--devices`), or the processes of `mpirun` or `srun` (`--mpi`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::Globals;
use super::device::open_device;
use super::signals::Interrupt;
use super::watch::Watch;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::event::duration;
use crate::gpu::nth_of_best;
use crate::host;
use crate::ranks::{Ranks, launcher, threads};
use crate::train::{ChangedData, Start, Summary, Training, Watcher};

/// Exit status of a rank that panicked: that of Rust's programs.
const PANICKED: u8 = 101;
/// Time for the other ranks to end after one has failed: to say what they have to say.
const PATIENCE: Duration = Duration::from_millis(500);
/// Bytes of a rank's stack: those that a main thread has.
const STACK: usize = 8 << 20;

/// Who shares the run.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RankArgs {
    /// Devices that share the run, one rank each, as --device names them: 0,1,2,3 for four GPUs. No result depends on their number
    #[arg(long, value_name = "NAME|INDEX,…", value_delimiter = ',', conflicts_with = "mpi")]
    pub devices: Vec<String>,
    /// Share the run with the other processes that mpirun or srun has started (builds with the feature `mpi`)
    #[arg(long)]
    pub mpi: bool,
}

/// All that a rank needs to know.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) config: Config,
    pub(super) start: Start,
    pub(super) changed: ChangedData,
    pub(super) memory: Option<u64>,
}

/// Joins the ranks of MPI where that is asked for; else this process is alone.
///
/// # Errors
/// [`Error::Usage`] for a launcher that starts several processes which do not know each other, and without the feature; those of MPI.
pub fn join(by_mpi: bool) -> Result<Ranks> {
    let env = |name: &str| std::env::var(name).ok();
    if !by_mpi {
        launcher::check(env, None)?;
        return Ok(Ranks::alone());
    }
    #[cfg(feature = "mpi")]
    {
        let ranks = crate::ranks::mpi::start()?;
        launcher::check(env, Some(ranks.position().ranks))?;
        Ok(ranks)
    }
    #[cfg(not(feature = "mpi"))]
    Err(Error::Usage("this meltcore was built without MPI: build it where `mpicc` is, with cargo build --release --features mpi".into()))
}

/// Threads of this process: as many as are `given`; else, with other ranks on the same processors, its share of those.
///
/// # Errors
/// That another rank has failed.
pub fn threads_of(ranks: &Ranks, given: Option<usize>) -> Result<Option<usize>> {
    if ranks.are_one() {
        return Ok(given);
    }
    // Asked by all, as they wait for each other; threads may be given to some alone.
    let sharing = launcher::sharing(ranks, |file| std::fs::read_to_string(file).ok())?;
    if given.is_some() || std::env::var_os("RAYON_NUM_THREADS").is_some() {
        return Ok(given);
    }
    Ok(Some((std::thread::available_parallelism().map_or(1, usize::from) / sharing).max(1)))
}

/// Takes over the signals that stop a training, once a process.
///
/// # Errors
/// The system refuses a handler or a thread.
pub(super) fn interruptible() -> Result<Interrupt> {
    let interrupt = Interrupt::install()?;
    interrupt.end_unanswered("stopped at once; --resume auto goes on from the last finished epoch".into())?;
    Ok(interrupt)
}

/// Trains by the ranks that the arguments name, or as the rank that this process is.
///
/// # Errors
/// As [`Training::prepare_shared`] and [`Training::run`]; no device.
pub(super) fn train(job: &Job, args: &RankArgs, ranks: &Ranks, globals: &Globals, interrupt: &Interrupt) -> Result<Summary> {
    match args.devices.as_slice() {
        [] => by_processes(job, ranks, globals, interrupt),
        devices if devices.iter().any(|device| device.trim().is_empty()) => {
            Err(Error::Usage(format!("--devices {}: a part is empty; name a device for each rank, 0,1 for example", devices.join(","))))
        }
        _ if globals.device.is_some() => Err(Error::Usage("--device and --devices were both given: leave one out".into())),
        devices => by_threads(job, devices, globals, interrupt),
    }
}

/// One rank's training, from its preparation to its end.
fn one(job: &Job, ranks: &Ranks, globals: &Globals, interrupt: &Interrupt) -> Result<Summary> {
    // One speaks for all.
    let globals = &Globals { quiet: globals.quiet || !ranks.leads(), ..globals.clone() };
    let mut training = Training::prepare_shared(&job.config, &job.start, job.changed, ranks)?;
    training.limit_memory(job.memory);
    let gpu = ranks.agree(open_device(globals))?;
    let started = Instant::now();
    let mut watch = Watch::new(globals);
    let mut observe = |event| {
        if ranks.leads() {
            watch.observe(event);
        }
    };
    let summary = training.run(&gpu, &mut Watcher { stop: &|| interrupt.pending(), observe: &mut observe })?;
    watch.finish();
    let [peak, held] = [gpu.memory().peak, gpu.memory().allocated].map(|bytes| bytes as f64 / f64::from(1 << 20));
    let each = if ranks.are_one() { "on the device".to_owned() } else { format!("on the first of {} devices", ranks.position().ranks) };
    globals.note(&format!(
        "{} epochs in {}, at most {peak:.1} MiB {each} in use and {held:.1} MiB held",
        summary.epochs,
        duration(started.elapsed().as_secs_f64())
    ));
    Ok(summary)
}

fn by_processes(job: &Job, ranks: &Ranks, globals: &Globals, interrupt: &Interrupt) -> Result<Summary> {
    // Ranks of one computer take one device after the other.
    let is_free = !ranks.are_one() && globals.device.is_none() && std::env::var_os("MELTCORE_DEVICE").is_none();
    let device = if is_free { Some(nth_of_best(ranks.position().local).to_string()) } else { globals.device.clone() };
    let globals = &Globals { device, ..globals.clone() };
    let done = one(job, ranks, globals, interrupt);
    match done {
        #[cfg(feature = "mpi")]
        Err(error) if !ranks.are_one() && !ranks.is_over() => {
            // The others do not know, and wait.
            if !matches!(error, Error::Elsewhere { .. }) {
                super::output::print_error(&error, globals.verbose > 0);
            }
            crate::ranks::mpi::abort(error.exit_status())
        }
        // One speaks for all.
        Err(Error::Interrupted(signal)) if !ranks.leads() => Err(Error::Elsewhere { rank: 0, status: 128 + signal as u8 }),
        done => done,
    }
}

fn by_threads(job: &Job, devices: &[String], globals: &Globals, interrupt: &Interrupt) -> Result<Summary> {
    let (sender, results) = channel();
    let all = rayon::current_num_threads();
    for ((position, channels), device) in threads::connected(devices.len()).into_iter().zip(devices) {
        let (job, sender, interrupt) = (job.clone(), sender.clone(), interrupt.clone());
        let globals = Globals { device: Some(device.clone()), ..globals.clone() };
        let work = move || {
            let ranks = Ranks::new(position, Box::new(channels));
            // Ranks of one computer share its threads.
            let count = (all + position.ranks - 1 - position.rank) / position.ranks;
            let trained = catch_unwind(AssertUnwindSafe(|| host::threads::with(count, || one(&job, &ranks, &globals, &interrupt))));
            let done = trained.unwrap_or(Err(Error::Elsewhere { rank: position.rank, status: PANICKED }));
            // Before anybody hears that this rank's channels are closed.
            let _ = sender.send((position.rank, done));
        };
        let thread = std::thread::Builder::new().name(format!("rank {}", position.rank)).stack_size(STACK).spawn(work);
        thread.map_err(|e| Error::Usage(format!("a thread cannot be started ({e}); raise the limit of processes")))?;
    }
    drop(sender);
    let (mut summary, mut failed): (_, Option<Error>) = (None, None);
    let mut until = None::<Instant>;
    for _ in devices {
        let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        let (rank, done) = match results.recv_timeout(left) {
            Ok(result) => result,
            // The process ends, and with it threads that go on.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        };
        match done {
            Ok(done) if rank == 0 => summary = Some(done),
            Ok(_) => {}
            Err(error) => {
                until.get_or_insert_with(|| Instant::now() + PATIENCE);
                // That another has failed is said where that one does not say why.
                if failed.as_ref().is_none_or(|failed| matches!(failed, Error::Elsewhere { .. })) {
                    failed = Some(error);
                }
            }
        }
    }
    failed.map_or_else(|| summary.ok_or(Error::Elsewhere { rank: 0, status: PANICKED }), Err)
}
