//! What ranks tell each other: sums in one order, bytes in the order of ranks, failures that all hear of; and what launchers say.

mod tree;

use std::collections::BTreeMap;
use std::thread;

use meltcore::error::{Error, Result};
use meltcore::ranks::launcher::{check, sharing, tasks};
use meltcore::ranks::{Ranks, threads};
use tree::by_levels;

/// Runs `work` on so many ranks, each a thread, and gives what they came to.
fn on<T: Send>(ranks: usize, work: impl Fn(Ranks) -> T + Sync) -> Vec<T> {
    let work = &work;
    thread::scope(|scope| {
        let ends = threads::connected(ranks).into_iter();
        let handles: Vec<_> = ends.map(|(position, end)| scope.spawn(move || work(Ranks::new(position, Box::new(end))))).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    })
}

/// Values whose sums depend on their order.
fn values(rank: usize, len: usize) -> Vec<f32> {
    let mut state = rank as u64 * 7919 + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1 << 23) as f32 - 1.0) * 10f32.powi((state >> 33) as i32 % 5)
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn sums_have_the_bits_of_the_tree_on_every_rank() {
    for ranks in 1..=7 {
        // Beyond a bucket of 2²⁰ values, too.
        for len in [0, 1, 15, 16, 17, 1000, (1 << 20) + 37] {
            for summands in if len > 1000 { vec![ranks] } else { (1..=ranks).collect() } {
                let wanted = by_levels((0..summands).map(|rank| values(rank, len)).collect());
                let sums = on(ranks, |own| {
                    let mut values = values(own.position().rank, len);
                    own.sum(&mut values, summands).unwrap();
                    values
                });
                for sum in sums {
                    assert!(sum.iter().map(|x| x.to_bits()).eq(wanted.iter().map(|x| x.to_bits())), "{summands} of {ranks}, {len}");
                }
            }
        }
    }
}

#[test]
fn zeros_keep_their_sign_where_a_rank_has_no_summand() {
    for sum in on(3, |own| {
        let mut values = vec![if own.leads() { -0.0 } else { 0.0 }; 40];
        own.sum(&mut values, 1).unwrap();
        values
    }) {
        assert!(sum.iter().all(|value| value.to_bits() == (-0.0f32).to_bits()));
    }
}

#[test]
fn everybody_hears_everybody_in_order() {
    for ranks in 1..=9 {
        let wanted: Vec<Vec<u8>> = (0..ranks).map(|rank| vec![rank as u8; 3 * rank]).collect();
        for heard in on(ranks, |own| own.exchange(Ok(vec![own.position().rank as u8; 3 * own.position().rank])).unwrap()) {
            assert_eq!(heard, wanted);
        }
        assert!(on(ranks, |own| own.agree(Ok(own.position().rank)).unwrap()).into_iter().eq(0..ranks));
    }
}

#[test]
fn a_failure_is_said_once_and_known_to_all() {
    let ends = on(4, |own| {
        let rank = own.position().rank;
        let done: Result<()> = if rank % 2 == 1 { Err(Error::NotFinite(format!("of rank {rank}"))) } else { Ok(()) };
        (own.agree(done).unwrap_err(), own.is_over())
    });
    assert!(ends.iter().all(|(error, is_over)| error.exit_status() == 5 && *is_over));
    assert!(matches!(&ends[1].0, Error::NotFinite(message) if message == "of rank 1"));
    for rank in [0, 2, 3] {
        assert!(matches!(ends[rank].0, Error::Elsewhere { rank: 1, status: 5 }), "{rank}");
    }
    // A signal is everybody's.
    for error in on(3, |own| own.agree(if own.position().rank == 2 { Err(Error::Interrupted(15)) } else { Ok(()) }).unwrap_err()) {
        assert!(matches!(error, Error::Interrupted(15)));
    }
}

#[test]
fn a_rank_that_is_gone_keeps_nobody_waiting() {
    let ends = on(3, |own| if own.position().rank == 1 { None } else { Some((own.agree(Ok(())).unwrap_err(), own.is_over())) });
    for end in [&ends[0], &ends[2]] {
        let (error, is_over) = end.as_ref().unwrap();
        assert!(matches!(error, Error::Elsewhere { .. }) && error.exit_status() == 3 && !is_over, "{error}");
    }
}

/// The environment that these pairs make.
fn env(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    let pairs: BTreeMap<String, String> = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    move |name| pairs.get(name).cloned()
}

#[test]
fn launchers_are_told_by_their_variables() {
    for (pairs, wanted) in [
        (&[][..], None),
        // mpirun of Open MPI, alone and under an allocation whose srun started its daemons.
        (&[("OMPI_COMM_WORLD_SIZE", "4"), ("OMPI_COMM_WORLD_RANK", "1")], Some(4)),
        (&[("OMPI_COMM_WORLD_SIZE", "8"), ("SLURM_STEP_NUM_TASKS", "2"), ("SLURM_PROCID", "0")], Some(8)),
        // mpirun of MPICH or Intel MPI, and Cray PALS.
        (&[("PMI_SIZE", "2"), ("PMI_RANK", "0"), ("MPI_LOCALNRANKS", "2")], Some(2)),
        // srun; and the shell of salloc, which is no task of a step.
        (&[("SLURM_STEP_NUM_TASKS", "16"), ("SLURM_NTASKS", "16"), ("SLURM_PROCID", "3")], Some(16)),
        (&[("SLURM_NTASKS", "16"), ("SLURM_JOB_ID", "1")], None),
        (&[("PMI_SIZE", "many")], None),
    ] {
        assert_eq!(tasks(env(pairs)).map(|(count, ..)| count), wanted, "{pairs:?}");
    }
}

#[test]
fn processes_that_each_believe_to_be_alone_are_refused() {
    let two = || env(&[("PMI_SIZE", "2")]);
    for (ranks, word) in [(None, "--mpi"), (Some(1), "another MPI")] {
        let error = check(two(), ranks).unwrap_err();
        assert_eq!(error.exit_status(), 2);
        assert!(error.to_string().contains(word), "{error}");
    }
    check(two(), Some(2)).unwrap();
    check(env(&[("PMI_SIZE", "1")]), None).unwrap();
    // MPI without a launcher is one rank.
    check(env(&[]), Some(1)).unwrap();
}

#[test]
fn ranks_that_are_bound_to_the_same_processors_share_them() {
    let read = |allowed: &'static str, boot: &'static str| {
        move |file: &str| Some(if file.ends_with("boot_id") { boot.to_owned() } else { format!("Name:\tx\nCpus_allowed:\t{allowed}\n") })
    };
    let two_computers = |own: Ranks| match own.position().rank {
        0..3 => sharing(&own, read("ff", "a")).unwrap(),
        3 => sharing(&own, read("0f", "a")).unwrap(),
        _ => sharing(&own, read("ff", "b")).unwrap(),
    };
    assert_eq!(on(5, two_computers), [3, 3, 3, 1, 1]);
    // Where the system does not tell, all on the computer.
    assert_eq!(on(4, |own| sharing(&own, |_| None).unwrap()), [4; 4]);
}
