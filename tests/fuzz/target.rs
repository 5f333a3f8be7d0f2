//! One parser under mutants, for a time: what is a finding, and where it is left.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};

use crate::memory::watch;
use crate::mutate::{Choices, mutant};

/// Longer than this on one mutant is a hang.
const HANG: Duration = Duration::from_secs(20);
/// Memory that each byte of a file may take.
const MOST_PER_BYTE: usize = 4096;

/// What a parser said to a file.
pub enum Answer {
    /// It was read.
    Read,
    /// It was refused, with this message.
    Refused(String),
}

/// Reads a file; a panic in it is a finding, be it of the parser or of what is asserted about what was read.
pub type Reader = Box<dyn FnMut(&Path) -> Answer>;

/// A parser and what it is fed with.
pub struct Target {
    /// Its name, and that of its folder of seeds.
    pub name: &'static str,
    /// Extension of the files that it gets.
    pub extension: &'static str,
    /// Further seeds in the repository: folders, and the largest file that is taken.
    pub more_seeds: &'static [(&'static str, usize)],
    /// Memory that any file may take, MiB.
    pub mebibytes: usize,
    /// Words of the format.
    pub dictionary: &'static [&'static [u8]],
    /// Puts right what every mutant breaks (a length before a header), for half of them; `None` where there is no such thing.
    pub repair: Option<fn(&mut [u8])>,
    /// Makes the reader, which is used on the thread that it is made on; the folder is its own.
    pub reader: fn(&Path) -> Reader,
}

impl Target {
    /// The seeds with their names; those from elsewhere, which may be refused, have the folder in theirs.
    fn seeds(&self) -> Vec<(String, Vec<u8>)> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let own = (root.join("tests/fuzz/seeds").join(self.name), "", usize::MAX);
        let folders = [own].into_iter().chain(self.more_seeds.iter().map(|(folder, most)| (root.join(folder), *folder, *most)));
        let mut seeds = Vec::new();
        for (folder, prefix, most) in folders {
            for path in std::fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let wanted = path.is_file() && !name.starts_with("README") && !name.ends_with(".py");
                let bytes = if wanted { std::fs::read(&path).unwrap() } else { Vec::new() };
                if wanted && bytes.len() <= most {
                    seeds.push((if prefix.is_empty() { name } else { format!("{prefix}/{name}") }, bytes));
                }
            }
        }
        seeds.sort();
        seeds
    }

    /// The trial: every seed as it is, then mutants until the time is over.
    pub fn trial(&'static self) -> Trial {
        Trial::test(self.name, move || self.run())
    }

    fn run(&self) -> Result<(), Failed> {
        let seeds = self.seeds();
        assert!(!seeds.is_empty(), "no seeds");
        let folder = work_folder(self.name);
        let path = folder.join(format!("mutant.{}", self.extension));
        let mut reader = (self.reader)(&folder);
        let clock = Clock::start(self.name, path.clone());
        let (mut read, mut refused) = (0u64, 0u64);
        for (name, bytes) in &seeds {
            match self.feed(&mut reader, &path, bytes, &clock)? {
                // Findings become seeds under the name `found…`, and may be refused, as may what other tests have for that.
                Answer::Refused(message) if !name.starts_with("found") && !name.starts_with("tests/") => {
                    return Err(format!("the seed {name} is refused: {message}").into());
                }
                Answer::Refused(_) => refused += 1,
                Answer::Read => {}
            }
        }
        let time = Duration::from_secs_f64(seconds());
        let started = Instant::now();
        let mut number = 0;
        while started.elapsed() < time {
            let mut choices = Choices::of(self.name, number);
            let (seed, other) = (choices.below(seeds.len()), choices.below(seeds.len()));
            let mut bytes = mutant(&mut choices, &seeds[seed].1, &seeds[other].1, self.dictionary);
            if let Some(repair) = self.repair.filter(|_| number % 2 == 0) {
                repair(&mut bytes);
            }
            match self.feed(&mut reader, &path, &bytes, &clock)? {
                Answer::Read => read += 1,
                Answer::Refused(message) => {
                    refused += 1;
                    assert!(!message.trim().is_empty(), "a refusal without words");
                }
            }
            number += 1;
        }
        eprintln!(
            "{}: {number} mutants of {} seeds in {:.1} s: {read} read, {refused} refused",
            self.name,
            seeds.len(),
            time.as_secs_f64()
        );
        let _ = std::fs::remove_dir_all(folder);
        if read == 0 { Err("no mutant was read: the mutants reach nothing behind the first check".into()) } else { Ok(()) }
    }

    /// Lets the parser read these bytes.
    fn feed(&self, reader: &mut Reader, path: &Path, bytes: &[u8], clock: &Clock) -> Result<Answer, Failed> {
        std::fs::write(path, bytes).unwrap();
        clock.begin();
        let (answer, most) = watch(|| catch_unwind(AssertUnwindSafe(|| reader(path))));
        clock.end();
        let found = |what: String| Failed::from(format!("{what}\nThe file is {}", keep(self, bytes).display()));
        match answer {
            Err(panic) => Err(found(format!("panics: {}", words(&*panic)))),
            Ok(_) if most > (self.mebibytes << 20) + MOST_PER_BYTE * bytes.len() => {
                Err(found(format!("{} MiB for a file of {} bytes", most >> 20, bytes.len())))
            }
            Ok(answer) => Ok(answer),
        }
    }
}

/// What a panic said.
fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without words".into())
}

/// Leaves a finding where it can be looked at, and made a seed of.
fn keep(target: &Target, bytes: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    std::fs::create_dir_all(&folder).unwrap();
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    let path = folder.join(format!("found_{}_{:08x}.{}", target.name, sum as u32, target.extension));
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A folder for the mutants of a target; in memory where the system has such a place.
fn work_folder(name: &str) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let folder = base.join(format!("meltcore-fuzz-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Seconds that each target gets.
fn seconds() -> f64 {
    match std::env::var("MELTCORE_FUZZ_SECONDS") {
        Ok(text) => text.parse().expect("MELTCORE_FUZZ_SECONDS is a number"),
        Err(_) => 3.0,
    }
}

/// Ends the process where a mutant takes too long; the mutant's file is still there then, as it is after an abort.
struct Clock(Arc<AtomicU64>);

/// Where nothing is being read.
const IDLE: u64 = u64::MAX;

impl Clock {
    fn start(name: &'static str, path: PathBuf) -> Clock {
        let began = Arc::new(AtomicU64::new(IDLE));
        let watched = Arc::downgrade(&began);
        std::thread::spawn(move || {
            while let Some(began) = watched.upgrade() {
                let began = began.load(Ordering::SeqCst);
                if began != IDLE && now().saturating_sub(began) > HANG.as_millis() as u64 {
                    eprintln!("{name}: hangs on {}", path.display());
                    std::process::abort();
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        Clock(began)
    }

    fn begin(&self) {
        self.0.store(now(), Ordering::SeqCst);
    }

    fn end(&self) {
        self.0.store(IDLE, Ordering::SeqCst);
    }
}

/// Milliseconds since the first call.
fn now() -> u64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_millis() as u64
}
