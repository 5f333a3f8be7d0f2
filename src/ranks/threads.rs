//! Ranks that are threads of one process, each with a device of its own: for computers with several GPUs, and for tests. Needs no MPI.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::{Position, Transport};
use crate::error::{Error, Result};

/// Exit status of a rank that ended without a word: that of a lost device.
const GONE: u8 = 3;

/// One end of the channels between all ranks.
pub struct Channels {
    to: Vec<SyncSender<Vec<u8>>>,
    from: Vec<Receiver<Vec<u8>>>,
}

impl Transport for Channels {
    fn swap(&mut self, out: &[u8], to: usize, into: &mut [u8], from: usize) -> Result<()> {
        let gone = |rank: usize| Error::Elsewhere { rank, status: GONE };
        self.to[to].send(out.to_vec()).map_err(|_| gone(to))?;
        let bytes = self.from[from].recv().map_err(|_| gone(from))?;
        if bytes.len() != into.len() {
            let message =
                format!("rank {from} sent {} bytes where {} were expected; this is a defect of meltcore", bytes.len(), into.len());
            return Err(Error::Usage(message));
        }
        into.copy_from_slice(&bytes);
        Ok(())
    }
}

/// Ends that are connected with each other, one for each of `ranks` threads.
pub fn connected(ranks: usize) -> Vec<(Position, Channels)> {
    let mut to: Vec<Vec<_>> = (0..ranks).map(|_| Vec::new()).collect();
    let mut from: Vec<Vec<_>> = (0..ranks).map(|_| Vec::new()).collect();
    for sender in &mut to {
        for receiver in &mut from {
            // One message may wait, so that two that swap do not wait for each other.
            let (into, out) = sync_channel(1);
            sender.push(into);
            receiver.push(out);
        }
    }
    let ends = to.into_iter().zip(from).enumerate();
    ends.map(|(rank, (to, from))| (Position { rank, ranks, local: rank, locals: ranks }, Channels { to, from })).collect()
}
