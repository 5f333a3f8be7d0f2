//! The commands that write, on a scene of 64 × 64 pixels, and what they read.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A command that writes below the folder `out` of the folder it runs in.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// Its name in those of the trials.
    pub name: &'static str,
    /// Its arguments; `{data}` is the folder of what it reads, `{here}` the one it runs in.
    pub arguments: &'static str,
    /// What the next run of it has beside these.
    pub again: &'static str,
    /// Parts of names of files that change while it runs.
    pub growing: &'static [&'static str],
}

/// Keys of the tiny network.
const NETWORK: &str = "--config {data}/set/config.yaml --set in_keys=[pmw] --set in_keys_static=[dem] --set in_keys_aux=[] \
    --set img_size=[16,16] --set base_channels=1 --set batch_size=4 \
    --set prediction_stride=16 --set erode_size=0 --set prediction_batch_size=4";

/// A job with nothing but a name and arguments.
const fn job(name: &'static str, arguments: &'static str) -> Job {
    Job { name, arguments, again: "", growing: &[] }
}

/// Training: two epochs, each with a kept checkpoint and maps.
pub const TRAIN: Job = Job {
    again: "--resume auto",
    growing: &["last", "previous", "best", "epoch_", "json"],
    ..job(
        "train",
        "train {network} --set epochs=2 --set epochs_between_checkpoint_save=1 --set path_checkpoints=out/run \
         --set periodical_evaluation=true --set epochs_between_periodical_evaluation=1 --set path_eval=out/maps \
         --set learning_rate=0.01 --set seed=5",
    )
};

/// The other commands.
pub const COMMANDS: &[Job] = &[
    job("synth", "synth --out out --size 64x64 --days 6"),
    job("split", "split --config {data}/set/config.yaml --set split_cfg=day --set val_percent=0.2 --set test_percent=0.2 --out out"),
    job("pack", "pack --like {data}/set/dem.tif --out out {data}/set/melt --workers 1"),
    job(
        "winter_mean",
        "stats winter-mean --config {data}/set/config.yaml --set path_pmw={data}/winter --set path_pmw_winter_mean={here}/out",
    ),
    Job {
        growing: &["maps.json"],
        ..job("baseline", "baseline time-interpolate-sar --config {data}/set/config.yaml --split all --out out")
    },
    Job { growing: &["maps.json"], ..job("predict", "predict {network} --weights {data}/run/best.safetensors --split test --out out") },
    job("eval", "eval --config {data}/set/config.yaml --split test --pred a={data}/maps --out out"),
    job(
        "report",
        "report --config {data}/set/config.yaml --split test --pred a={data}/maps --log {data}/run/log.jsonl --out out/report.html",
    ),
    Job { again: "--force", ..job("convert", "weights convert {data}/run/last/model.safetensors --out out/converted.safetensors") },
    Job { again: "--force", ..job("init", "weights init {network} --out out/fresh.safetensors") },
    Job {
        growing: &["last", "previous", "best", "epoch_", "json"],
        ..job(
            "ablate",
            "ablate {network} --weights {data}/run/best.safetensors --split test --keys pmw --retrain --set epochs=1 \
             --set path_checkpoints=out",
        )
    },
];

/// The folder of what the commands read, made by the program itself: a dataset, a run, maps.
pub fn data() -> &'static Path {
    static DATA: OnceLock<tempfile::TempDir> = OnceLock::new();
    let made = DATA.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let winter = folder.path().join("winter");
        for arguments in [
            "synth --out {data}/set --size 64x64 --days 12",
            "baseline time-interpolate-sar --config {data}/set/config.yaml --split all --out {data}/set/time_interpolate_sar --no-png",
            "train {network} --set epochs=1 --set path_checkpoints={data}/run --set periodical_evaluation=false",
            "predict {network} --weights {data}/run/best.safetensors --split test --out {data}/maps",
        ] {
            let output = meltcore(arguments, folder.path(), folder.path()).output().unwrap();
            assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        }
        std::fs::create_dir(&winter).unwrap();
        let day = std::fs::read_dir(folder.path().join("set/pmw")).unwrap().next().unwrap().unwrap().path();
        for name in ["2019_01_05.tif", "2019_02_10.tif", "2020_01_20.tif"] {
            std::fs::copy(&day, winter.join(name)).unwrap();
        }
        folder
    });
    made.path()
}

/// The program with these arguments, in the folder `here`, on the processor; `MELTCORE_FAULT_PROGRAM` names another build of it.
pub fn meltcore(arguments: &str, here: &Path, data: &Path) -> Command {
    let text = arguments.replace("{network}", NETWORK).replace("{data}", data.to_str().unwrap()).replace("{here}", here.to_str().unwrap());
    let program = std::env::var_os("MELTCORE_FAULT_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_meltcore").into());
    let mut command = Command::new(program);
    command.args(text.split_whitespace()).args(["--threads", "1"]).current_dir(here);
    command.env("MELTCORE_DEVICE", "host").env_remove("RAYON_NUM_THREADS");
    command
}

impl Job {
    /// The command in `here`, for the first time or once more.
    pub fn command(&self, here: &Path, again: bool) -> Command {
        let more = if again { self.again } else { "" };
        meltcore(&format!("{} {more}", self.arguments), here, data())
    }

    /// Where it writes.
    pub fn out(&self, here: &Path) -> PathBuf {
        here.join("out")
    }
}
