//! Threads or processes that share the steps of a run: who this one is, how bytes reach the others, and a sum whose bits no number of ranks
//! changes.
//!
//! MPI leaves the order of the sums of `MPI_Allreduce` to its library, and they differ from one algorithm to the next. [`Ranks::sum`] adds
//! in one binary tree of rank numbers, at the least traffic that there is: 2·(ranks − 1)/ranks of the values a rank.
//! Everything rests on [`Transport::swap`].

pub mod launcher;
#[cfg(feature = "mpi")]
pub mod mpi;
pub mod threads;

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use crate::error::{Error, Result};

/// Values that are summed at once at least: more leave the caches, and need as much room again for the parts of others.
const BUCKET: usize = 1 << 20;
/// Values of a message at least, so that of many ranks none waits for the beginnings of messages alone.
const MESSAGE: usize = 1 << 16;
/// Values of a cache line.
const LINE: usize = 16;

/// How bytes reach another rank.
pub trait Transport {
    /// Sends `out` to rank `to` while `into` is filled from rank `from`; all know the lengths.
    ///
    /// # Errors
    /// [`Error::Elsewhere`] where the other rank is gone, as far as the transport can tell.
    fn swap(&mut self, out: &[u8], to: usize, into: &mut [u8], from: usize) -> Result<()>;
}

/// Where a rank stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Its number, from 0.
    pub rank: usize,
    /// All ranks.
    pub ranks: usize,
    /// Its number among those on this computer.
    pub local: usize,
    /// Those on this computer.
    pub locals: usize,
}

/// This rank among the others. Clones are the same rank; it belongs to one thread.
#[derive(Clone)]
pub struct Ranks(Rc<Inner>);

struct Inner {
    position: Position,
    transport: Option<RefCell<Box<dyn Transport>>>,
    /// Whether all ranks know that the work has ended.
    is_over: Cell<bool>,
}

impl Ranks {
    /// The only rank.
    pub fn alone() -> Ranks {
        Ranks::made(Position { rank: 0, ranks: 1, local: 0, locals: 1 }, None)
    }

    /// A rank among others.
    pub fn new(position: Position, transport: Box<dyn Transport>) -> Ranks {
        Ranks::made(position, Some(RefCell::new(transport)))
    }

    /// A rank that others are only thought of: for rehearsals, in which nothing is sent.
    pub fn imagined(position: Position) -> Ranks {
        Ranks::made(position, None)
    }

    fn made(position: Position, transport: Option<RefCell<Box<dyn Transport>>>) -> Ranks {
        Ranks(Rc::new(Inner { position, transport, is_over: Cell::new(false) }))
    }

    /// Where it stands.
    pub fn position(&self) -> Position {
        self.0.position
    }

    /// True where there are no others.
    pub fn are_one(&self) -> bool {
        self.0.position.ranks == 1
    }

    /// True for the rank that writes and speaks.
    pub fn leads(&self) -> bool {
        self.0.position.rank == 0
    }

    /// True once a failure or a signal has ended the work of all, which all ranks know: nobody waits for this one any more.
    pub fn is_over(&self) -> bool {
        self.0.is_over.get()
    }

    fn swap(&self, out: &[u8], to: usize, into: &mut [u8], from: usize) -> Result<()> {
        self.0.transport.as_ref().map_or(Ok(()), |transport| transport.borrow_mut().swap(out, to, into, from))
    }

    /// Adds the `values` of the first `summands` ranks in the tree ((0 + 1) + (2 + 3)) + … of their numbers, an odd one moving up as it is,
    /// and gives the sum to all ranks. All have as many values; those of further ranks are not looked at.
    ///
    /// # Errors
    /// Those of [`Transport::swap`].
    pub fn sum(&self, values: &mut [f32], summands: usize) -> Result<()> {
        if self.are_one() {
            return Ok(());
        }
        values.chunks_mut(bucket(self.0.position.ranks)).try_for_each(|bucket| self.sum_bucket(bucket, summands))
    }

    fn sum_bucket(&self, values: &mut [f32], summands: usize) -> Result<()> {
        let Position { rank, ranks, .. } = self.0.position;
        let slice = |of: usize| slice(values.len(), of, ranks);
        let own = slice(rank);
        // Every rank gets its slice from all that have a summand …
        let mut parts = vec![Vec::new(); ranks];
        parts[rank] = values[own.clone()].to_vec();
        for (to, from) in distances(rank, ranks) {
            let out = if rank < summands { &values[slice(to)] } else { &[] };
            parts[from].resize(if from < summands { own.len() } else { 0 }, 0.0);
            self.swap(bytemuck::cast_slice(out), to, bytemuck::cast_slice_mut(&mut parts[from]), from)?;
        }
        // … sums it …
        let mut width = 1;
        while width < summands {
            for first in (0..summands).step_by(2 * width).filter(|first| first + width < summands) {
                let (left, right) = parts.split_at_mut(first + width);
                left[first].iter_mut().zip(&right[0]).for_each(|(left, right)| *left += right);
            }
            width *= 2;
        }
        let sum = std::mem::take(&mut parts[0]);
        values[own].copy_from_slice(&sum);
        // … and gives it to all.
        for (to, from) in distances(rank, ranks) {
            let into = slice_mut(values, from, ranks);
            self.swap(bytemuck::cast_slice(&sum), to, bytemuck::cast_slice_mut(into), from)?;
        }
        Ok(())
    }

    /// Everybody's bytes in the order of ranks, where all have come so far.
    ///
    /// # Errors
    /// Where some come with an error: the first of them keeps its own, the others get [`Error::Elsewhere`] with its status, or, of a
    /// signal, [`Error::Interrupted`] as well; those of [`Transport::swap`].
    pub fn exchange(&self, own: Result<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        if self.are_one() {
            return own.map(|own| vec![own]);
        }
        let status = own.as_ref().map_or_else(|error| u64::from(error.exit_status()), |_| 0);
        let length = own.as_ref().map_or(0, |own| own.len() as u64);
        let heads = self.gather(&[status.to_le_bytes(), length.to_le_bytes()].concat())?;
        let number = |head: &[u8]| head.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let heads: Vec<(u64, usize)> = heads.iter().map(|head| (number(&head[..8]), number(&head[8..]) as usize)).collect();
        if let Some(rank) = heads.iter().position(|(status, _)| *status != 0) {
            self.0.is_over.set(true);
            let status = heads[rank].0 as u8;
            return Err(match own {
                Err(error) if rank == self.0.position.rank => error,
                _ if status > 128 => Error::Interrupted(i32::from(status) - 128),
                _ => Error::Elsewhere { rank, status },
            });
        }
        let most = heads.iter().map(|(_, length)| *length).max().unwrap_or_default();
        let mut own = own?;
        own.resize(most, 0);
        let mut all = self.gather(&own)?;
        all.iter_mut().zip(heads).for_each(|(bytes, (_, length))| bytes.truncate(length));
        Ok(all)
    }

    /// The result of this rank, where all others have one, too.
    ///
    /// # Errors
    /// Those of [`Ranks::exchange`].
    pub fn agree<T>(&self, own: Result<T>) -> Result<T> {
        let mut made = None;
        let own = own.map(|own| {
            made = Some(own);
            Vec::new()
        });
        self.exchange(own)?;
        made.ok_or_else(|| Error::Usage("ranks disagree; this is a defect of meltcore, please report it".into()))
    }

    /// Equally many bytes of all ranks in their order, in ⌈log₂ ranks⌉ rounds (Bruck et al. 1997, IEEE TPDS 8 (11)).
    fn gather(&self, own: &[u8]) -> Result<Vec<Vec<u8>>> {
        let Position { rank, ranks, .. } = self.0.position;
        // Those of this rank, of the next one, and so on around.
        let mut all = own.to_vec();
        let mut held = 1;
        while held < ranks && !own.is_empty() {
            let more = held.min(ranks - held);
            let mut into = vec![0; more * own.len()];
            self.swap(&all[..more * own.len()], (rank + ranks - held) % ranks, &mut into, (rank + held) % ranks)?;
            all.extend(into);
            held += more;
        }
        all.resize(ranks * own.len(), 0);
        Ok((0..ranks).map(|of| all[(of + ranks - rank) % ranks * own.len()..][..own.len()].to_vec()).collect())
    }
}

/// Values that so many ranks sum at once.
pub fn bucket(ranks: usize) -> usize {
    BUCKET.max(ranks * MESSAGE)
}

/// The part of `len` values that rank `of` sums; whole cache lines but for the last.
fn slice(len: usize, of: usize, ranks: usize) -> Range<usize> {
    let at = |rank: usize| (len * rank / ranks).next_multiple_of(LINE).min(len);
    at(of)..if of + 1 == ranks { len } else { at(of + 1) }
}

fn slice_mut(values: &mut [f32], of: usize, ranks: usize) -> &mut [f32] {
    let range = slice(values.len(), of, ranks);
    &mut values[range]
}

/// Whom `rank` sends to and whom it hears from, round by round, until it has met all others.
fn distances(rank: usize, ranks: usize) -> impl Iterator<Item = (usize, usize)> {
    (1..ranks).map(move |distance| ((rank + distance) % ranks, (rank + ranks - distance) % ranks))
}
