//! Shows the events of long work as progress and notes on stderr.

use super::Globals;
use super::progress::Progress;
use crate::data::notices;
use crate::event::Event;

/// Watches one piece of work at a time.
pub struct Watch<'a> {
    globals: &'a Globals,
    progress: Option<Progress>,
}

impl<'a> Watch<'a> {
    /// A watch that has seen nothing yet.
    pub fn new(globals: &'a Globals) -> Self {
        Watch { globals, progress: None }
    }

    /// Shows one event.
    pub fn observe(&mut self, event: Event) {
        for text in notices::take() {
            self.note(text);
        }
        match (event, &self.progress) {
            (Event::Start { label, total, unit }, _) => {
                self.finish();
                self.progress = Some(Progress::start(label, total, unit, self.globals.quiet));
            }
            (Event::Done(steps), Some(progress)) => progress.advance(steps),
            (Event::Done(_), None) => {}
            (Event::Message(text), Some(progress)) => progress.set_message(&text),
            (Event::Message(_), None) => {}
            (Event::Note(text), _) => self.note(text),
            (Event::Detail(text), _) if self.globals.verbose > 0 => self.note(text),
            (Event::Detail(_), _) => {}
        }
    }

    fn note(&self, text: String) {
        match &self.progress {
            Some(progress) => progress.note(&text),
            None => self.globals.note(&text),
        }
    }

    /// Ends the progress with its last state on the screen.
    pub fn finish(&mut self) {
        if let Some(progress) = self.progress.take() {
            progress.finish();
        }
    }
}
