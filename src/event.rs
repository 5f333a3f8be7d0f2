//! What long work tells whoever watches it, so that no room below the command line prints anything.

/// One piece of news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Work begins.
    Start {
        /// What is done.
        label: &'static str,
        /// Steps in all.
        total: usize,
        /// What the steps are, plural.
        unit: &'static str,
    },
    /// So many steps more are done.
    Done(usize),
    /// The words that follow the count, for example the loss.
    Message(String),
    /// Something the user should know.
    Note(String),
    /// Something for whoever asks for details.
    Detail(String),
}

/// Seconds as a reader says them: `1 h 2 min`, `3 min 20 s`, `42 s`, `4.2 s`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, ..10) => format!("{seconds:.1} s"),
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}
