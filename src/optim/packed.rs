//! Parameters that share an array (small ones of a model do) have their gradients and state in arrays beside it, all at the same places,
//! so that one launch updates a whole run of them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::error::Result;
use crate::gpu::Buffer;
use crate::tensor::Tensor;

/// An array of parameters and those beside it; what lies between parameters is 0 in these and stays so.
pub(super) struct Packed {
    parameters: Tensor,
    pub(super) gradients: Tensor,
    states: Vec<Tensor>,
}

/// Arrays of parameters by the identity of their buffers, which they keep.
#[derive(Default)]
pub(super) struct Arrays(BTreeMap<u64, Packed>);

/// One parameter in an array, and how often it has been updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Member {
    pub(super) first: usize,
    pub(super) len: usize,
    pub(super) steps: u64,
}

/// What one launch updates.
pub(super) struct Run {
    pub(super) parameter: Tensor,
    pub(super) gradient: Tensor,
    pub(super) states: Vec<Tensor>,
    pub(super) steps: u64,
}

impl Arrays {
    /// The array of a parameter and its place there, made with so many states of zeros where it is a new one; `None` where the parameter
    /// has a buffer of its own.
    ///
    /// # Errors
    /// Out of memory.
    pub(super) fn beside(&mut self, parameter: &Tensor, states: usize) -> Result<Option<(&Packed, usize)>> {
        let Some((whole, first)) = parameter.within() else { return Ok(None) };
        let packed = match self.0.entry(whole.buffer().id()) {
            Entry::Occupied(packed) => packed.into_mut(),
            Entry::Vacant(place) => {
                let zeros = || Tensor::full(whole.gpu(), whole.shape(), 0.0);
                let (gradients, states) = (zeros()?, (0..states).map(|_| zeros()).collect::<Result<_>>()?);
                place.insert(Packed { parameters: whole, gradients, states })
            }
        };
        Ok(Some((packed, first)))
    }

    /// As [`Arrays::beside`], of a parameter that was there.
    pub(super) fn of(&self, parameter: &Tensor) -> Option<(&Packed, usize)> {
        let (whole, first) = parameter.within()?;
        self.0.get(&whole.buffer().id()).map(|packed| (packed, first))
    }

    /// Neighbours that have been updated equally often, each time as many as there are.
    ///
    /// # Errors
    /// None of members that are in the array.
    pub(super) fn runs(&self, id: u64, mut members: Vec<Member>) -> Result<Vec<Run>> {
        let Some(packed) = self.0.get(&id) else { return Ok(Vec::new()) };
        members.sort_unstable();
        let next = |member: &Member| member.first + member.len.next_multiple_of(Buffer::PART_ALIGNMENT);
        let runs = members.chunk_by(|left, right| left.steps == right.steps && next(left) == right.first);
        let of = |run: &[Member]| {
            let ([start, ..], [.., last]) = (run, run) else { return Ok(None) };
            let part = |array: &Tensor| array.part(start.first, [last.first + last.len - start.first]);
            let (parameter, gradient) = (part(&packed.parameters)?, part(&packed.gradients)?);
            let states = packed.states.iter().map(part).collect::<Result<_>>()?;
            Ok(Some(Run { parameter, gradient, states, steps: start.steps }))
        };
        runs.filter_map(|run| of(run).transpose()).collect()
    }
}

impl Packed {
    /// The states of the parameter that has this place.
    ///
    /// # Errors
    /// None of a parameter that is in the array.
    pub(super) fn states_of(&self, parameter: &Tensor, first: usize) -> Result<Vec<Tensor>> {
        self.states.iter().map(|array| array.part(first, parameter.shape())).collect()
    }
}
