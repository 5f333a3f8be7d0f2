//! The one error type of the crate, with the exit status that each kind of failure gives.

use std::path::{Path, PathBuf};

/// Result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. Every message says what is wrong, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Command-line arguments that cannot be used together or name nothing known.
    #[error("{0}")]
    Usage(String),
    /// A configuration key or value that cannot be used.
    #[error("{file}: key `{key}`: {message}")]
    Config {
        /// The YAML file, or `--set` for an override.
        file: String,
        /// The key as written.
        key: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// An input file that is missing, unreadable or not what it should be.
    #[error("{path}: {message}", path = .path.display())]
    Input {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
    /// An output that cannot be written, or a folder that another process holds.
    #[error("{path}: {message}", path = .path.display())]
    Output {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
    /// A result that its format cannot hold.
    #[error("{0}")]
    Encoding(String),
    /// Shapes that do not fit together; raised before anything is dispatched.
    #[error("{op}: {message}")]
    Shape {
        /// The operation's stem, for example `conv2d`.
        op: &'static str,
        /// Expected and given shapes.
        message: String,
    },
    /// No device of that name or number, or one that cannot run these kernels.
    #[error("{0}")]
    Device(String),
    /// The device or the system has no more memory.
    #[error("{0}")]
    OutOfMemory(String),
    /// One array is larger than what the device takes at once, however much memory it has.
    #[error("{0}")]
    Limit(String),
    /// A shader that the device's compiler refuses: always a defect of meltcore or of a driver.
    #[error("kernel {stem} was refused by the device: {message}")]
    Kernel {
        /// The stem of the WGSL file.
        stem: String,
        /// The compiler's words.
        message: String,
    },
    /// A state dict that does not fit the model.
    #[error("{path}: {message}", path = .path.display())]
    Weights {
        /// The safetensors file.
        path: PathBuf,
        /// The tensor and what is wrong with it.
        message: String,
    },
    /// Training produced values that are not finite.
    #[error("{0}")]
    NotFinite(String),
    /// The job ran and its answer is no.
    #[error("{0}")]
    CheckFailed(String),
    /// One of the others with what lies behind it: the words of the system or of a library, which `--verbose` shows.
    #[error("{error}")]
    Caused {
        /// What went wrong.
        error: Box<Error>,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another rank of a shared run has failed.
    #[error("rank {rank} of this run has ended with status {status}; what it said itself is why")]
    Elsewhere {
        /// Its number.
        rank: usize,
        /// Its exit status.
        status: u8,
    },
    /// Stopped by a signal after the state was saved; the payload is the signal's number.
    #[error("interrupted by signal {0}")]
    Interrupted(i32),
}

impl Error {
    /// Exit status of the process: the contract with scripts.
    pub fn exit_status(&self) -> u8 {
        match self {
            Error::CheckFailed(_) => 1,
            Error::Usage(_) | Error::Config { .. } | Error::Input { .. } | Error::Shape { .. } | Error::Weights { .. } => 2,
            Error::Device(_) | Error::OutOfMemory(_) | Error::Limit(_) | Error::Kernel { .. } => 3,
            Error::Output { .. } | Error::Encoding(_) => 4,
            Error::NotFinite(_) => 5,
            Error::Caused { error, .. } => error.exit_status(),
            Error::Elsewhere { status, .. } => *status,
            Error::Interrupted(signal) => 128 + *signal as u8,
        }
    }

    /// The same error with its cause.
    pub fn because(self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error::Caused { error: Box::new(self), cause: cause.into() }
    }

    /// The same error with what to do where the device has too little memory or takes no such array: devices speak of bytes, and only
    /// who uses them knows which setting decides.
    pub fn with_remedy(self, remedy: &str) -> Self {
        match self {
            Error::OutOfMemory(message) => Error::OutOfMemory(format!("{message}: {remedy}")),
            Error::Limit(message) => Error::Limit(format!("{message}: {remedy}")),
            Error::Caused { error, cause } => Error::Caused { error: Box::new(error.with_remedy(remedy)), cause },
            other => other,
        }
    }

    /// The kind of the system's error behind this one; none where the system had none.
    pub fn io_kind(&self) -> Option<std::io::ErrorKind> {
        match self {
            Error::Caused { cause, .. } => cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind),
            _ => None,
        }
    }

    /// The same error without its cause, for whoever tells one kind from another.
    pub fn plain(self) -> Self {
        match self {
            Error::Caused { error, .. } => error.plain(),
            other => other,
        }
    }

    /// An input file's error.
    pub fn input(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Error::Input { path: path.as_ref().to_owned(), message: message.into() }
    }

    /// An output file's error.
    pub fn output(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Error::Output { path: path.as_ref().to_owned(), message: message.into() }
    }

    /// A shape error of the operation `op`.
    pub fn shape(op: &'static str, message: impl Into<String>) -> Self {
        Error::Shape { op, message: message.into() }
    }
}
