//! Host twin of `ceiling_copy`: output = input.

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::copy;

params!(
    /// Length in packs of four.
    CeilingCopyParams for "ceiling_copy" { packs: u32 }
);

pub(super) fn ceiling_copy(job: &Job<CeilingCopyParams>, [input]: Inputs<1>, [output]: Outputs<1>) {
    let len = job.elements(job.params.packs);
    copy(&input[..len], &mut output[..len]);
}
