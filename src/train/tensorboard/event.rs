//! The messages of event files: an `Event` with its time, its step and a `Summary` of tagged scalars and pictures, as protobuf writes them.
//!
//! Sources: `event.proto` and `summary.proto` of TensorBoard (<https://github.com/tensorflow/tensorboard>, `tensorboard/compat/proto`);
//! <https://protobuf.dev/programming-guides/encoding/>. Fields in use: Event 1 wall_time, 2 step, 3 file_version, 5 summary, 7 session_log
//! (1 status, START = 1); Summary 1 value (1 tag, 2 simple_value, 4 image); Image 1 height, 2 width, 3 colorspace (3 = RGB), 4 PNG.

/// What a tag has at a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A point of a curve; files hold float32.
    Scalar(f64),
    /// A picture.
    Image {
        /// Height in pixels.
        rows: usize,
        /// Width in pixels.
        cols: usize,
        /// The encoded picture, RGB.
        png: Vec<u8>,
    },
}

/// Values that belong to one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Seconds since 1970.
    pub wall_time: f64,
    /// Optimizer steps since the start of the run.
    pub step: u64,
    /// Tags and values; a slash in a tag groups its charts.
    pub values: Vec<(String, Value)>,
}

impl Event {
    /// The message.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut summary = Vec::new();
        for (tag, value) in &self.values {
            let mut message = Vec::new();
            bytes(&mut message, 1, tag.as_bytes());
            match value {
                Value::Scalar(x) => {
                    key(&mut message, 2, FIXED32);
                    message.extend_from_slice(&(*x as f32).to_le_bytes());
                }
                Value::Image { rows, cols, png } => {
                    let mut image = Vec::with_capacity(png.len() + 32);
                    [(1, *rows as u64), (2, *cols as u64), (3, 3)].into_iter().for_each(|(field, n)| number(&mut image, field, n));
                    bytes(&mut image, 4, png);
                    bytes(&mut message, 4, &image);
                }
            }
            bytes(&mut summary, 1, &message);
        }
        encode(self.wall_time, self.step, |event| bytes(event, 5, &summary))
    }
}

/// The two messages that a file begins with: its version, and a restart at step 0, by which a program that follows the folder forgets
/// what it read from the file that this one takes the place of.
pub(super) fn opening(wall_time: f64) -> [Vec<u8>; 2] {
    let mut restart = Vec::new();
    number(&mut restart, 1, 1);
    [encode(wall_time, 0, |event| bytes(event, 3, b"brain.Event:2")), encode(wall_time, 0, |event| bytes(event, 7, &restart))]
}

fn encode(wall_time: f64, step: u64, what: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut event = Vec::new();
    key(&mut event, 1, FIXED64);
    event.extend_from_slice(&wall_time.to_le_bytes());
    number(&mut event, 2, step);
    what(&mut event);
    event
}

/// The step of a message with a summary; `None` of any other.
pub(super) fn summary_step(mut event: &[u8]) -> Option<u64> {
    let (mut step, mut has_summary) = (0, false);
    while !event.is_empty() {
        let key = take_varint(&mut event)?;
        match (key >> 3, key & 7) {
            (2, VARINT) => step = take_varint(&mut event)?,
            (_, VARINT) => drop(take_varint(&mut event)?),
            (_, FIXED64) => event = event.get(8..)?,
            (_, FIXED32) => event = event.get(4..)?,
            (field, LENGTH) => {
                let length = usize::try_from(take_varint(&mut event)?).ok()?;
                event = event.get(length..)?;
                has_summary |= field == 5;
            }
            _ => return None,
        }
    }
    has_summary.then_some(step)
}

/// Wire types.
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH: u64 = 2;
const FIXED32: u64 = 5;

fn key(out: &mut Vec<u8>, field: u64, wire: u64) {
    varint(out, field << 3 | wire);
}

fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    key(out, field, VARINT);
    varint(out, value);
}

fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    key(out, field, LENGTH);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// Seven bits a byte, the lowest first; the high bit says that more follow.
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take_varint(from: &mut &[u8]) -> Option<u64> {
    let length = 1 + from.iter().position(|byte| byte & 0x80 == 0)?;
    let (number, rest) = from.split_at(length);
    *from = rest;
    (length <= 10).then(|| number.iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_summaries_are_found_and_of_nothing_else() {
        for step in [0, 1, 127, 128, 300_000, u64::MAX] {
            let event = Event { wall_time: 1.5, step, values: vec![("loss".into(), Value::Scalar(0.5))] };
            assert_eq!(summary_step(&event.encode()), Some(step));
        }
        assert!(opening(0.0).iter().all(|event| summary_step(event).is_none()));
        let event = Event { wall_time: 1.5, step: 7, values: Vec::new() }.encode();
        assert!((1..event.len()).all(|end| summary_step(&event[..end]).is_none()));
    }
}
