//! What a twin gets of a launch: its parameters, the variant's constants, and its buffers as slices.

use super::memory::Span;
use super::params::Params;

/// Buffers that a twin reads, in binding order.
pub(crate) type Inputs<'a, const N: usize> = [&'a [f32]; N];
/// Buffers that a twin writes, in binding order; they follow those that it reads.
pub(crate) type Outputs<'a, const N: usize> = [&'a mut [f32]; N];

/// Calls a twin.
pub(crate) type Run = fn(&Raw) -> Result<(), String>;

/// A launch before its buffers are slices.
pub(crate) struct Raw<'a> {
    /// The kernel.
    pub(crate) stem: &'static str,
    /// The parameter struct's bytes.
    pub(crate) immediates: &'a [u8],
    /// Constants of the variant.
    pub(crate) consts: &'a [(&'static str, u32)],
    /// True: lengths are in elements, else in packs of four.
    pub(crate) scalar: bool,
    /// Buffers in binding order.
    pub(crate) spans: &'a [Span],
}

/// Parameters and constants of a launch.
pub(crate) struct Job<'a, P> {
    /// The parameter struct that the shader sees, too.
    pub(crate) params: P,
    consts: &'a [(&'static str, u32)],
    scalar: bool,
}

impl<P> Job<'_, P> {
    /// Value of a constant of the variant; 0 where the launch does not set it.
    pub(crate) fn constant(&self, name: &str) -> u32 {
        self.consts.iter().find(|(own, _)| *own == name).map_or(0, |(_, value)| *value)
    }

    /// Whether operands of products are rounded to f16.
    pub(crate) fn is_half(&self) -> bool {
        self.constant("HALF") != 0
    }

    /// Elements of a length that the launch gives in packs.
    pub(crate) fn elements(&self, packs: u32) -> usize {
        packs as usize * if self.scalar { 1 } else { 4 }
    }
}

impl Raw<'_> {
    /// Calls `twin` with the launch's parameters and buffers.
    ///
    /// # Errors
    /// Parameters of another length, another number of buffers, or one that is written and bound a second time.
    pub(crate) fn call<P: Params, const R: usize, const W: usize>(&self, twin: fn(&Job<P>, Inputs<R>, Outputs<W>)) -> Result<(), String> {
        if !P::STEMS.contains(&self.stem) {
            return Err("its parameters are those of another kernel".into());
        }
        let params: P = bytemuck::try_pod_read_unaligned(self.immediates).map_err(|e| format!("its parameters do not fit: {e}"))?;
        if self.spans.len() != R + W {
            return Err(format!("{} buffers in the launch, {} in the twin", self.spans.len(), R + W));
        }
        let (read, written) = self.spans.split_at(R);
        for (i, span) in written.iter().enumerate() {
            if read.iter().chain(&written[..i]).any(|other| span.overlaps(other)) {
                return Err("a buffer is written and bound a second time".into());
            }
        }
        // SAFETY: the launch holds the buffers' memory for as long as it runs, it is the only one that runs (a device belongs to one
        // thread, and launches return when they are done), and no written span overlaps another by the check above.
        let inputs: Inputs<R> = std::array::from_fn(|i| unsafe { read[i].as_slice() });
        // SAFETY: as above.
        let outputs: Outputs<W> = std::array::from_fn(|i| unsafe { written[i].as_slice_mut() });
        let job = Job { params, consts: self.consts, scalar: self.scalar };
        super::threads::run(|| twin(&job, inputs, outputs));
        Ok(())
    }
}
