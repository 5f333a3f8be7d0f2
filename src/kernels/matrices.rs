//! Tiles of kernels that multiply cooperative matrices: products of f16, added in f32, of which a whole subgroup holds one matrix each.
//! Shaders: `shaders/*_coop.wgsl`. The sums' order is their own, so that they are no choice among equals: a device takes them wherever they
//! fit, unless a choice of the kernels that they stand for is forced.

use crate::gpu::{Capabilities, DeviceKind, Plan, Selectable};
use crate::kernels::operands::Operands;

/// Matrices of a subgroup, below each other and beside each other; a workgroup has four subgroups.
const OF_SUBGROUP: [u32; 2] = [4, 2];
const SUBGROUPS: u32 = 4;
/// Terms of the sums that are brought into workgroup memory at once, and the padding of a row, both of f16.
const DEPTH: u32 = 32;
const PADDING: u32 = 8;
/// Terms of sums that are worth it.
const LEAST_TERMS: usize = 16;
/// Terms of a span at least, where sums are cut into spans: each one costs a partial result; and workgroups that fill a large GPU.
const LEAST_SPAN: usize = 4096;
const WORKGROUPS: usize = 2048;

/// A workgroup's tile of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::kernels) struct Tile {
    /// Rows of results.
    pub(in crate::kernels) rows: usize,
    /// Columns of results.
    pub(in crate::kernels) columns: usize,
    /// The constants of the kernels: a matrix' side, lanes of a subgroup at most, and subgroups below each other.
    pub(in crate::kernels) constants: [(&'static str, u32); 3],
}

/// The tile for results of so many rows by columns, whose sums have so many terms, and as many again for each of `times` (the taps); none
/// where the device has no such matrices, where the results are too few to fill one subgroup's, or where a choice of `of` is forced.
pub(in crate::kernels) fn tile(
    able: &Capabilities,
    of: &Selectable,
    operands: Operands,
    [rows, columns]: [usize; 2],
    [terms, times]: [usize; 2],
) -> Option<Tile> {
    // They convert by `f16(x)`, which is taken to round as the packed conversion that was tried; `doctor` compares what they compute.
    let is_wanted = operands == Operands::F16 && !able.choices.forces(of);
    let side = able.matrices.iter().max().copied().filter(|_| is_wanted && able.kind == DeviceKind::Gpu && able.f16_nearest)?;
    let [stack, beside] = OF_SUBGROUP.map(|matrices| (matrices * side) as usize);
    // Two tiles below each other where no row of tiles is left over.
    let stacked = if rows.div_ceil(stack).is_multiple_of(2) { 2 } else { 1 };
    let tile = Tile {
        rows: stacked as usize * stack,
        columns: (SUBGROUPS / stacked) as usize * beside,
        constants: constants(able, side, stacked),
    };
    let invocations = SUBGROUPS * able.subgroup[1];
    // A step's trips: through both tiles, and around.
    let trips = (DEPTH as usize * (tile.rows + tile.columns)).div_ceil(invocations as usize) + 16;
    // All invocations together bring whole rows of DEPTH terms.
    let fits = (DEPTH..=able.invocations).contains(&invocations) && tile.bytes(side) <= able.workgroup_bytes;
    let ends = able.loops(terms.div_ceil(DEPTH as usize) * times * trips);
    (rows >= stack && columns >= beside && terms >= LEAST_TERMS && fits && ends).then_some(tile)
}

fn constants(able: &Capabilities, side: u32, stacked: u32) -> [(&'static str, u32); 3] {
    [("SIZE", side), ("LANES", able.subgroup[1]), ("STACKED", stacked)]
}

/// One workgroup of each kernel of cooperative matrices in each of its ways on this device, for what it needs.
pub(in crate::kernels) fn samples(able: &Capabilities) -> Vec<Plan> {
    const STEMS: [&str; 5] = ["conv2d_coop", "conv2d_grad_input_coop", "conv2d_grad_weight_coop", "linear_coop", "linear_grad_weight_coop"];
    let Some(side) = able.matrices.iter().max() else { return Vec::new() };
    STEMS.iter().flat_map(|stem| [1, 2].map(|stacked| Plan::new(stem, 1).with(constants(able, *side, stacked)))).collect()
}

/// Spans that sums of so many terms are cut into, for so many tiles of results.
pub(in crate::kernels) fn spans(terms: usize, tiles: usize) -> usize {
    (terms / LEAST_SPAN).min(WORKGROUPS.div_ceil(tiles)).max(1)
}

impl Tile {
    /// Bytes of workgroup memory at most: both operands' tiles in f16, and one row of each subgroup's matrices in f32.
    fn bytes(&self, side: u32) -> u32 {
        2 * (self.rows + self.columns) as u32 * (DEPTH + PADDING) + 4 * SUBGROUPS * side * OF_SUBGROUP[1] * side
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::Needs;
    use crate::kernels::linear::FORWARD;

    #[test]
    fn tiles_fill_a_subgroup_and_fit_the_device() {
        let able = Capabilities {
            matrices: vec![8, 16],
            f16: true,
            f16_nearest: true,
            subgroup: [32, 32],
            workgroup_bytes: 32 << 10,
            ..Capabilities::webgpu("with matrices")
        };
        let of = |able: &Capabilities, extents| tile(able, &FORWARD, Operands::F16, extents, [64, 9]).map(|tile| [tile.rows, tile.columns]);
        assert_eq!(of(&able, [64, 1000]), Some([64, 128]));
        assert_eq!(of(&able, [128, 1000]), Some([128, 64]));
        assert_eq!(of(&able, [129, 1000]), Some([64, 128]));
        assert_eq!((of(&able, [63, 1000]), of(&able, [64, 31])), (None, None));
        let small = Capabilities { matrices: vec![8], ..able.clone() };
        assert_eq!((of(&small, [32, 16]), of(&small, [64, 16])), (Some([32, 64]), Some([64, 32])));
        let not = |less: Capabilities| assert_eq!(of(&less, [128, 1000]), None, "{less:?}");
        not(Capabilities { workgroup_bytes: 16 << 10, ..able.clone() });
        not(Capabilities { subgroup: [64, 128], ..able.clone() });
        not(Capabilities { kind: DeviceKind::Software, ..able.clone() });
        not(Capabilities { matrices: Vec::new(), ..able.clone() });
        not(Capabilities { loop_trips: Some(100), ..able.clone() });
        not(Capabilities { subgroup: [4, 4], ..able.clone() });
        let mut forced = able.clone();
        assert!(forced.choices.force(&FORWARD, FORWARD.values[0]));
        not(forced);
        // What is counted here is what the kernels take, at most.
        for side in [8, 16] {
            let able = Capabilities { matrices: vec![side], ..able.clone() };
            for plan in samples(&able) {
                let needs = Needs::of(&plan).unwrap();
                assert!(needs.beyond(&able).is_none() && needs.invocations == 128 && needs.matrices == side && needs.f16, "{needs:?}");
                let counted = [[64, 1000], [128, 1000]].map(|[rows, columns]| {
                    tile(&able, &FORWARD, Operands::F16, [rows * side as usize / 16, columns], [64, 9]).unwrap().bytes(side)
                });
                assert!(counted.iter().all(|counted| needs.workgroup_bytes <= *counted), "{plan}: {needs:?}, {counted:?}");
            }
        }
        assert_eq!(tile(&able, &FORWARD, Operands::F32, [128, 1000], [64, 9]), None);
        assert_eq!(tile(&able, &FORWARD, Operands::F16, [128, 1000], [15, 9]), None);
    }
}
