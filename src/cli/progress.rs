//! Progress of long work on stderr: a bar on a terminal, a plain line now and then elsewhere, nothing with `-q`.

use super::output::print_note;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Least time between two plain lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// Progress of one piece of work with a known number of steps; may be shared between threads.
#[derive(Debug)]
pub struct Progress {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Quiet,
    Bar(ProgressBar),
    Lines(Mutex<Lines>),
}

impl Progress {
    /// Starts at 0 of `total`; `label` says what is done, `unit` what is counted (plural).
    pub fn start(label: &str, total: usize, unit: &str, quiet: bool) -> Progress {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let kind = if quiet {
            Kind::Quiet
        } else if std::io::stderr().is_terminal() && !dumb {
            let template = format!("{{prefix}} [{{bar:30}}] {{pos}}/{{len}} {unit}  {{elapsed}} gone, {{eta}} left  {{msg}}");
            let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(total as u64).with_style(style.progress_chars("=> ")).with_prefix(label.to_owned());
            bar.tick();
            Kind::Bar(bar)
        } else {
            let lines = Lines::new(label, total, unit, Instant::now());
            print_note(&lines.text(lines.started));
            Kind::Lines(Mutex::new(lines))
        };
        Progress { kind }
    }

    /// Counts `steps` more as done.
    pub fn advance(&self, steps: usize) {
        match &self.kind {
            Kind::Quiet => {}
            Kind::Bar(bar) => bar.inc(steps as u64),
            Kind::Lines(lines) => with(lines, |lines| {
                if let Some(text) = lines.advance(steps, Instant::now()) {
                    print_note(&text);
                }
            }),
        }
    }

    /// Sets the words that follow the count, for example the loss.
    pub fn set_message(&self, message: &str) {
        match &self.kind {
            Kind::Quiet => {}
            Kind::Bar(bar) => bar.set_message(message.to_owned()),
            Kind::Lines(lines) => with(lines, |lines| lines.message = message.to_owned()),
        }
    }

    /// Prints a line of its own without tearing the bar; nothing with `-q`.
    pub fn note(&self, text: &str) {
        match &self.kind {
            Kind::Quiet => {}
            Kind::Bar(bar) => bar.suspend(|| print_note(text)),
            Kind::Lines(_) => print_note(text),
        }
    }

    /// Ends the progress and leaves its last state on the screen.
    pub fn finish(self) {
        match &self.kind {
            Kind::Quiet => {}
            Kind::Bar(bar) => {
                bar.abandon();
                // The bar leaves the cursor behind its last state.
                print_note("");
            }
            Kind::Lines(lines) => with(lines, |lines| print_note(&lines.text(Instant::now()))),
        }
    }
}

impl Drop for Progress {
    /// Work that failed leaves no half bar in front of the error.
    fn drop(&mut self) {
        if let Kind::Bar(bar) = &self.kind
            && !bar.is_finished()
        {
            bar.finish_and_clear();
        }
    }
}

/// Runs `act` on the lines; a thread that panicked while it held them does no harm here.
fn with(lines: &Mutex<Lines>, act: impl FnOnce(&mut Lines)) {
    act(&mut lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
}

/// State of the plain lines.
#[derive(Debug)]
struct Lines {
    label: String,
    unit: String,
    total: usize,
    done: usize,
    message: String,
    started: Instant,
    printed: Instant,
}

impl Lines {
    fn new(label: &str, total: usize, unit: &str, now: Instant) -> Lines {
        Lines { label: label.into(), unit: unit.into(), total, done: 0, message: String::new(), started: now, printed: now }
    }

    /// Counts, and returns a line where one is due.
    fn advance(&mut self, steps: usize, now: Instant) -> Option<String> {
        self.done += steps;
        // The last line is left to `finish`, which knows the final message.
        if self.done >= self.total || now.duration_since(self.printed) < INTERVAL {
            return None;
        }
        self.printed = now;
        Some(self.text(now))
    }

    fn text(&self, now: Instant) -> String {
        let percent = (100 * self.done).checked_div(self.total).unwrap_or(100);
        let seconds = now.duration_since(self.started).as_secs();
        let gap = if self.message.is_empty() { "" } else { "  " };
        let (label, done, total, unit, message) = (&self.label, self.done, self.total, &self.unit, &self.message);
        format!("{label}: {done}/{total} {unit} ({percent} %), {}:{:02} min{gap}{message}", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_come_at_a_sane_rate() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut lines = Lines::new("predict", 70, "days", start);
        assert_eq!(lines.text(start), "predict: 0/70 days (0 %), 0:00 min");
        let printed: Vec<_> = (1..=60).filter_map(|second| lines.advance(1, at(second))).collect();
        assert_eq!(printed.len(), 6);
        assert_eq!(printed[5], "predict: 60/70 days (85 %), 1:00 min");
        assert_eq!(lines.advance(10, at(100)), None);
        lines.message = "MAE 0.05".into();
        assert_eq!(lines.text(at(100)), "predict: 70/70 days (100 %), 1:40 min  MAE 0.05");
    }

    #[test]
    fn nothing_to_do_is_all_done() {
        let now = Instant::now();
        assert_eq!(Lines::new("eval", 0, "scenes", now).text(now), "eval: 0/0 scenes (100 %), 0:00 min");
    }
}
