//! What the variables of a launcher (`mpirun`, `srun`) say about the processes that it started, to be compared with what MPI says: under
//! the launcher of another MPI every process is rank 0 of 1, and all would train the same run.

use super::Ranks;
use crate::error::{Error, Result};

/// The launchers' counts of the processes of a job step, in the order in which they are believed: `mpirun` may have been started by `srun`,
/// whose variables are then those of its daemons. Open MPI; MPICH, Intel MPI and Cray PALS; SLURM's `srun`. (SLURM_NTASKS is none of them:
/// it is in the shells of `salloc`, too.)
const COUNTS: [(&str, &str); 3] = [("OMPI_COMM_WORLD_SIZE", "Open MPI's mpirun"), ("PMI_SIZE", "mpirun"), ("SLURM_STEP_NUM_TASKS", "srun")];

/// How many processes the launcher started, with the variable that says so and the launcher; none without one.
pub fn tasks(env: impl Fn(&str) -> Option<String>) -> Option<(usize, &'static str, &'static str)> {
    let count = |(name, launcher)| Some((env(name)?.trim().parse().ok()?, name, launcher));
    COUNTS.into_iter().find_map(count)
}

/// Refuses a process that is one of several and does not know it; `ranks` are those that MPI counts, none where it was not asked for.
///
/// # Errors
/// [`Error::Usage`].
pub fn check(env: impl Fn(&str) -> Option<String>, ranks: Option<usize>) -> Result<()> {
    let Some((tasks, variable, launcher)) = tasks(env) else { return Ok(()) };
    match ranks {
        None if tasks > 1 => Err(Error::Usage(format!(
            "{launcher} started {tasks} processes ({variable}), and each would train the whole run by itself: give --mpi, so that they share \
             it, or start one process"
        ))),
        Some(ranks) if ranks < tasks => Err(Error::Usage(format!(
            "{launcher} started {tasks} processes ({variable}), and MPI knows of {ranks}: it is the launcher of another MPI than the one \
             that this meltcore was built with, so that each process would train the whole run; start it with the mpirun of that MPI (srun: \
             with the --mpi=… that it needs)"
        ))),
        _ => Ok(()),
    }
}

/// How many ranks have the same processors as this one, itself among them: launchers may bind each to its own, or none. `read` gives the
/// text of a file of the system.
///
/// # Errors
/// That another rank has failed.
pub fn sharing(ranks: &Ranks, read: impl Fn(&str) -> Option<String>) -> Result<usize> {
    // Which computer, and which of its processors: the kernel's own words on Linux.
    let computer = read("/proc/sys/kernel/random/boot_id");
    let allowed = read("/proc/self/status").and_then(|text| Some(text.lines().find(|line| line.starts_with("Cpus_allowed:"))?.to_owned()));
    let processors = computer.zip(allowed).map(|(computer, allowed)| computer + &allowed);
    let own = processors.clone().unwrap_or_default().into_bytes();
    let all = ranks.exchange(Ok(own.clone()))?;
    Ok(if processors.is_some() { all.iter().filter(|other| **other == own).count().max(1) } else { ranks.position().locals })
}
