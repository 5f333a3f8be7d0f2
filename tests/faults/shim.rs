//! The shim of `shim.c`, compiled once a test run, and the settings that it reads.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The compiled shim, or why there is none.
pub fn shim() -> Result<&'static Path, &'static str> {
    static SHIM: OnceLock<Result<(PathBuf, tempfile::TempDir), String>> = OnceLock::new();
    let made = SHIM.get_or_init(|| {
        if !cfg!(all(target_os = "linux", target_env = "gnu")) {
            return Err("the shim stands between a program and the GNU C library of Linux".into());
        }
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("shim.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/shim.c");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
        let mut command = Command::new(&compiler);
        command.args(["-O1", "-Wall", "-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl");
        let output = command.output().map_err(|e| format!("there is no C compiler `{compiler}` ({e})"))?;
        assert!(output.status.success(), "{}: {}", source.display(), String::from_utf8_lossy(&output.stderr));
        Ok((library, folder))
    });
    made.as_ref().map(|(library, _)| library.as_path()).map_err(String::as_str)
}

/// What goes wrong at which operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process dies before it; of a write, in its middle.
    Kill,
    /// It fails with this error, and all that follow.
    Errno(i32),
    /// It fails with this error, alone.
    Once(i32),
    /// A signal comes before it.
    Signal(i32),
}

/// One setting of the shim.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The fault, and the number of its operation from 1.
    pub fault: Option<(Fault, usize)>,
    /// Where the operations are written down.
    pub log: Option<PathBuf>,
    /// What `flock` fails with.
    pub flock: Option<i32>,
    /// Whether reads count, too.
    pub reads: bool,
    /// Milliseconds that each operation takes longer.
    pub slow: Option<u32>,
}

impl Plan {
    /// A plan with a fault alone.
    pub fn at(fault: Fault, operation: usize) -> Plan {
        Plan { fault: Some((fault, operation)), ..Plan::default() }
    }

    /// Puts the shim before a command; operations on files below `folder` count.
    pub fn put_before(&self, command: &mut Command, shim: &Path, folder: &Path) {
        command.env("LD_PRELOAD", shim).env("FAULTS_UNDER", folder);
        if let Some((fault, operation)) = self.fault {
            let what = match fault {
                Fault::Kill => "kill".to_owned(),
                Fault::Errno(error) => format!("errno:{error}"),
                Fault::Once(error) => format!("once:{error}"),
                Fault::Signal(signal) => format!("signal:{signal}"),
            };
            command.env("FAULTS_DO", what).env("FAULTS_AT", operation.to_string());
        }
        let mut set = |key: &str, value: Option<String>| {
            value.into_iter().for_each(|value| {
                command.env(key, value);
            });
        };
        set("FAULTS_LOG", self.log.as_ref().map(|log| log.display().to_string()));
        set("FAULTS_FLOCK", self.flock.map(|error| error.to_string()));
        set("FAULTS_READS", self.reads.then(|| "1".to_owned()));
        set("FAULTS_SLOW", self.slow.map(|ms| ms.to_string()));
    }
}
