//! Progress of long work on stderr: a bar on a terminal, a plain line now and then elsewhere, nothing with `-q`.

use super::output::print_note;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;
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
            // What a narrow terminal cuts off stands last.
            let template = format!("{{prefix}} [{{bar:20}}] {{pos}}/{{len}} {unit}{{pace}}  {{msg}}");
            let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let unit = unit.to_owned();
            let style = style.with_key("pace", move |state: &ProgressState, out: &mut dyn Write| {
                let _ = out.write_str(&pace(state, &unit));
            });
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
        let gone = now.duration_since(self.started);
        let (label, done, total, unit) = (&self.label, self.done, self.total, &self.unit);
        let mut text = format!("{label}: {done}/{total} {unit} ({percent} %), {} gone", clock(gone));
        if self.done > 0 && !gone.is_zero() {
            let per_second = self.done as f64 / gone.as_secs_f64();
            text += &format!(", {}", rate(per_second, unit));
            if self.done < self.total {
                text += &format!(", {} left", clock(Duration::from_secs_f64((self.total - self.done) as f64 / per_second)));
            }
        }
        if !self.message.is_empty() {
            text += &format!("  {}", self.message);
        }
        text
    }
}

/// Speed and time left of a bar; at its end the mean speed and the time that it took.
fn pace(state: &ProgressState, unit: &str) -> String {
    match (state.pos(), state.len()) {
        (0, _) => String::new(),
        (done, Some(total)) if done >= total => {
            let gone = state.elapsed();
            format!(", {} in {}", rate(done as f64 / gone.as_secs_f64().max(1e-3), unit), clock(gone))
        }
        _ => format!(", {}, {} left", rate(state.per_sec(), unit), clock(state.eta())),
    }
}

/// `3:20 min`, `1:02:09 h` or `4 d 01 h`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02} min"),
        1..=47 => format!("{hours}:{minutes:02}:{seconds:02} h"),
        _ => format!("{} d {:02} h", hours / 24, hours % 24),
    }
}

/// `12.3 tiles/s`, or `0.5 days/min` where they are slow.
fn rate(per_second: f64, unit: &str) -> String {
    match per_second {
        100.0.. => format!("{per_second:.0} {unit}/s"),
        0.95.. => format!("{per_second:.1} {unit}/s"),
        _ => format!("{:.1} {unit}/min", 60.0 * per_second),
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
        assert_eq!(lines.text(start), "predict: 0/70 days (0 %), 0:00 min gone");
        let printed: Vec<_> = (1..=60).filter_map(|second| lines.advance(1, at(second))).collect();
        assert_eq!(printed.len(), 6);
        assert_eq!(printed[5], "predict: 60/70 days (85 %), 1:00 min gone, 1.0 days/s, 0:10 min left");
        assert_eq!(lines.advance(10, at(100)), None);
        lines.message = "MAE 0.05".into();
        assert_eq!(lines.text(at(100)), "predict: 70/70 days (100 %), 1:40 min gone, 42.0 days/min  MAE 0.05");
    }

    #[test]
    fn nothing_to_do_is_all_done() {
        let now = Instant::now();
        assert_eq!(Lines::new("eval", 0, "scenes", now).text(now), "eval: 0/0 scenes (100 %), 0:00 min gone");
    }

    #[test]
    fn times_and_rates_are_short() {
        let times = [0, 59, 3599, 3600, 47 * 3600, 49 * 3600 + 59].map(|seconds| clock(Duration::from_secs(seconds)));
        assert_eq!(times, ["0:00 min", "0:59 min", "59:59 min", "1:00:00 h", "47:00:00 h", "2 d 01 h"]);
        assert_eq!([0.01, 1.0, 250.0].map(|per_second| rate(per_second, "tiles")), ["0.6 tiles/min", "1.0 tiles/s", "250 tiles/s"]);
    }
}
