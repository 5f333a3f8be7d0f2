//! `meltcore train --members`: networks that differ in their seeds, for maps that are means over them.

use std::io::Write;

use super::Globals;
use super::ranks::{interruptible, train};
use super::train::{Args, Resume};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::write_atomically;
use crate::predict::Shard;
use crate::ranks::Ranks;
use std::path::PathBuf;

/// The folder of the members' weights, in `path_checkpoints`.
const MEMBERS: &str = "members";

/// How many networks are trained, and which of them here.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct MemberArgs {
    /// Train N networks of the seeds seed, seed + 1, …, each in path_checkpoints/seed-S, and put their best weights into
    /// path_checkpoints/members; processes of MPI share a single run only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000), conflicts_with_all = ["plan", "mpi"])]
    pub members: Option<u64>,
    /// Train a part of the members: those with position mod N = I, or `slurm` for the part of a task of a job array
    #[arg(long, value_name = "I/N|slurm", requires = "members")]
    pub shard: Option<String>,
}

/// Trains members one after the other.
///
/// # Errors
/// As [`super::train::run`] of each; [`Error::Usage`] for a checkpoint to begin at, which is of one run.
pub(super) fn run(config: &Config, count: u64, args: &Args, globals: &Globals) -> Result<()> {
    let shard = args.members.shard.as_ref().map(|text| Shard::named(text, |name| std::env::var(name).ok())).transpose()?;
    if let Some(Resume::Folder(folder)) = &args.run.resume {
        let message = "is one checkpoint, and --members trains several networks; give --resume auto, which takes the newest of each";
        return Err(Error::Usage(format!("--resume {} {message}", folder.display())));
    }
    let folder = config.require_path("path_checkpoints")?;
    let Some(last) = config.seed.checked_add(count - 1) else {
        return Err(
            config.key_error("seed", format!("is {}, and {count} seeds from there on are too large; give a smaller one", config.seed))
        );
    };
    let interrupt = interruptible()?;
    let members = folder.join(MEMBERS);
    for (position, seed) in (config.seed..=last).enumerate().filter(|(position, _)| shard.is_none_or(|shard| shard.has(*position))) {
        globals.note(&format!("member {} of {count}: seed {seed}", position + 1));
        let member = member(config, seed);
        let summary = train(&args.run.job(&member), &args.run.ranks, &Ranks::alone(), globals, &interrupt)?;
        let Some(best) = summary.best else { continue };
        let weights = &summary.best_weights;
        let bytes = std::fs::read(weights)
            .map_err(|e| Error::input(weights, format!("the best weights cannot be read ({e}); train this member again")).because(e))?;
        let file = members.join(format!("seed-{seed}.safetensors"));
        if std::fs::read(&file).ok().as_ref() != Some(&bytes) {
            write_atomically(&file, |out| out.write_all(&bytes))?;
        }
        globals.note(&format!(
            "best epoch: {} with {}; its weights are in {}",
            best.epoch,
            best.criterion.words(best.loss),
            file.display()
        ));
    }
    let is_there = |seed: &u64| members.join(format!("seed-{seed}.safetensors")).is_file();
    let there = (config.seed..=last).filter(is_there).count();
    globals.note(&format!("{there} of {count} members are in {}", members.display()));
    let own: Vec<PathBuf> = (config.seed..=last).map(|seed| members.join(format!("seed-{seed}.safetensors"))).collect();
    let foreign = std::fs::read_dir(&members).into_iter().flatten().flatten().map(|entry| entry.path());
    let foreign: Vec<String> = foreign
        .filter(|path| path.extension().is_some_and(|ending| ending == "safetensors") && !own.contains(path))
        .map(|path| path.display().to_string())
        .collect();
    if !foreign.is_empty() {
        globals.note(&format!("predict averages all networks of the folder, these of other runs, too: {}", foreign.join(", ")));
    }
    let config = args.run.config.config.display();
    globals.note(&format!("next: meltcore predict --config {config} --weights {} --split test", members.display()));
    Ok(())
}

/// The configuration of the member of a seed: that of a plain run with other folders.
fn member(config: &Config, seed: u64) -> Config {
    let mut member = config.clone();
    (member.seed, _) = (seed, member.given.insert("seed".into()));
    let name = format!("seed-{seed}");
    for (key, path) in [("path_checkpoints", &mut member.path_checkpoints), ("path_eval", &mut member.path_eval)] {
        if let Some(path) = path {
            *path = path.join(&name);
            member.beside.remove(key);
        }
    }
    member
}
