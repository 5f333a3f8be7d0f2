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
}
