//! A training that the processes of `mpirun` share (feature `mpi`): the bits of one process, and one end for all, whatever ends one.

mod runs;
mod trials;

use std::fs;
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::time::{Duration, Instant};

use runs::{FILES, Run, text};
use trials::needing;

/// Settings that two and three ranks can share each in its own way.
const SHARED: [&str; 2] = ["batch_size=2", "tensorboard=false"];
/// Most time until all ranks are gone.
const PATIENCE: Duration = Duration::from_secs(10);

fn missing() -> Option<String> {
    if !cfg!(feature = "mpi") {
        return Some("this build is without the feature `mpi`".into());
    }
    let there = Command::new("mpirun").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    (!there.is_ok_and(|status| status.success())).then(|| "mpirun is not installed".into())
}

/// `mpirun -n RANKS` before a command, on however few processors, as whoever runs the tests.
fn mpirun(ranks: usize, command: &Command) -> Command {
    let mut launched = launcher(ranks);
    launched.arg(command.get_program()).args(command.get_args());
    launched
}

fn launcher(ranks: usize) -> Command {
    let mut launcher = Command::new("mpirun");
    launcher.args(["-n", &ranks.to_string()]).stdout(Stdio::piped()).stderr(Stdio::piped()).env("MELTCORE_DEVICE", "host");
    for set in
        ["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "OMPI_MCA_rmaps_base_oversubscribe", "OMPI_MCA_mpi_yield_when_idle"]
    {
        launcher.env(set, "1");
    }
    launcher
}

impl Run {
    fn by_mpi(&self, ranks: usize, more: &[&str]) -> String {
        let output = mpirun(ranks, &self.command(&[&["--mpi"], more].concat())).output().unwrap();
        let said = text(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        said
    }

    fn equals(&self, other: &Run, what: &str) {
        FILES.iter().for_each(|file| assert!(self.bytes(file) == other.bytes(file), "{what}: {file}"));
    }
}

/// Process numbers of the ranks that train into the folder of a run.
fn ranks_of(run: &Run) -> Vec<u32> {
    let folder = run.checkpoints().display().to_string();
    let processes = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_rank = |process: &u32| {
        let command = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command);
        command.starts_with(env!("CARGO_BIN_EXE_meltcore")) && command.contains(&folder)
    };
    processes.filter(is_rank).collect()
}

fn signal(process: u32, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap().success());
}

/// Waits for the end of all ranks, which must come soon.
fn end(run: &Run, child: Child, since: Instant) -> Output {
    let output = child.wait_with_output().unwrap();
    while !ranks_of(run).is_empty() {
        assert!(since.elapsed() < PATIENCE, "ranks are left");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(since.elapsed() < PATIENCE, "{:?}: {}", since.elapsed(), text(&output));
    println!("all ranks were gone after {:.2} s, status {:?}", since.elapsed().as_secs_f64(), output.status.code());
    output
}

fn bits_are_those_of_one_process() {
    for (ranks, more) in [(2, ["accumulate_steps=4", "epochs=2"]), (3, ["accumulate_steps=6", "recompute=true"])] {
        let overrides = [&SHARED[..], &more, &["epochs=2"]].concat();
        let alone = Run::new(&overrides);
        alone.trained(&[]);
        let shared = Run::new(&overrides);
        let said = shared.by_mpi(ranks, &[]);
        assert_eq!(said.matches("best epoch").count(), 1, "{said}");
        alone.equals(&shared, &format!("{ranks} ranks"));
    }
}

fn a_killed_rank_ends_all_and_the_run_goes_on() {
    let overrides = [&SHARED[..], &["accumulate_steps=2", "epochs=400"]].concat();
    let broken = Run::new(&overrides);
    let mut child = mpirun(2, &broken.command(&["--mpi"])).spawn().unwrap();
    broken.wait_for_epochs(&mut child, 3);
    let ranks = ranks_of(&broken);
    assert_eq!(ranks.len(), 2);
    let killed = Instant::now();
    signal(ranks[1], "KILL");
    let output = end(&broken, child, killed);
    assert_ne!(output.status.code(), Some(0));
    let more = format!("epochs={}", broken.logged().len() + 2);
    broken.by_mpi(2, &["--resume", "auto", "--set", &more]);
    let straight = Run::new(&overrides);
    straight.trained(&["--set", &more]);
    straight.equals(&broken, "killed and resumed");
}

fn stop_signals_to_mpirun_leave_a_state_to_go_on_from() {
    for name in ["TERM", "USR1"] {
        let run = Run::new(&[&SHARED[..], &["accumulate_steps=2", "epochs=400"]].concat());
        let mut child = mpirun(2, &run.command(&["--mpi"])).spawn().unwrap();
        run.wait_for_epochs(&mut child, 2);
        let asked = Instant::now();
        signal(child.id(), name);
        let output = end(&run, child, asked);
        assert_ne!(output.status.code(), Some(0));
        let more = format!("epochs={}", run.logged().len() + 1);
        run.by_mpi(2, &["--resume", "auto", "--set", &more]);
    }
}

/// Two ranks with different arguments behind the ones they share.
fn unlike(run: &Run, first: &[&str], second: &[&str]) -> Output {
    let mut command = launcher(1);
    for (index, more) in [first, second].into_iter().enumerate() {
        let own = run.command(&[&["--mpi"], more].concat());
        if index > 0 {
            command.args([":", "-n", "1"]);
        }
        command.arg(own.get_program()).args(own.get_args());
    }
    let begun = Instant::now();
    end(run, command.spawn().unwrap(), begun)
}

fn ranks_that_do_not_go_together_are_refused() {
    let run = Run::new(&[&SHARED[..], &["accumulate_steps=2"]].concat());
    let alone = Run::new(&["epochs=1"]);
    alone.trained(&[]);
    let weights = alone.checkpoints().join("best.safetensors");
    // With other epochs, too, one would wait for the other for ever.
    for (second, what) in [
        (["--set", "learning_rate=0.5"], "the configuration"),
        (["--set", "epochs=9"], "the configuration"),
        (["--set", "early_stopping=1"], "the configuration"),
        (["--weights", weights.to_str().unwrap()], "the file of weights that it begins with"),
    ] {
        let output = unlike(&run, &[], &second);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(&format!("rank 1 does not go with the others: {what} is another")), "{said}");
        assert_eq!(said.matches("error: ").count(), 1, "{said}");
    }
    // Threads are each rank's own.
    let threads = Run::new(&[&SHARED[..], &["accumulate_steps=2", "epochs=1"]].concat());
    let output = unlike(&threads, &[], &["--threads", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    // A misfit is said once, too.
    let output = mpirun(3, &run.command(&["--mpi"])).output().unwrap();
    let said = text(&output);
    assert!(output.status.code() == Some(2) && said.matches("error: ").count() == 1 && said.contains("accumulate_steps"), "{said}");
    // Without --mpi each would train the whole run.
    let output = mpirun(2, &run.command(&[])).output().unwrap();
    assert!(output.status.code() == Some(2) && text(&output).contains("give --mpi"), "{}", text(&output));
    // Under a launcher that MPI does not know each is rank 0 of 1.
    let output = run.command(&["--mpi"]).env("PMI_SIZE", "2").output().unwrap();
    assert!(output.status.code() == Some(2) && text(&output).contains("another MPI"), "{}", text(&output));
}

fn main() -> ExitCode {
    trials::run(vec![
        needing("bits_are_those_of_one_process", "mpi", missing, bits_are_those_of_one_process),
        needing("a_killed_rank_ends_all_and_the_run_goes_on", "mpi", missing, a_killed_rank_ends_all_and_the_run_goes_on),
        needing("stop_signals_to_mpirun_leave_a_state_to_go_on_from", "mpi", missing, stop_signals_to_mpirun_leave_a_state_to_go_on_from),
        needing("ranks_that_do_not_go_together_are_refused", "mpi", missing, ranks_that_do_not_go_together_are_refused),
    ])
}
