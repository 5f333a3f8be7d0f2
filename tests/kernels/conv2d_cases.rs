//! The convolutions of the table, as data.

use meltcore::kernels::activation::Activation::{self, Gelu, Relu, Sigmoid, Sigmoidcutoff, Tanhshelf};

use crate::on_device::Shape;

/// Input shape, output channels, sides of the kernel, and stride, padding, dilation, groups.
#[derive(Clone, Copy)]
pub struct Row(pub Shape, pub usize, pub [usize; 2], pub [usize; 4]);

const SAME: [usize; 4] = [1, 1, 1, 1];
const PLAIN: [usize; 4] = [1, 0, 1, 1];

pub const ROWS: &[Row] = &[
    // 3×3 that keeps the size: one pixel, odd, 41 and 47 wide, whole packs, channels in every tile and beyond it.
    Row([1, 1, 1, 1], 1, [3, 3], SAME),
    Row([5, 3, 1, 2], 5, [3, 3], SAME),
    Row([2, 1, 41, 47], 3, [3, 3], SAME),
    Row([1, 5, 47, 41], 1, [3, 3], SAME),
    Row([5, 17, 9, 7], 33, [3, 3], SAME),
    Row([1, 65, 5, 3], 17, [3, 3], SAME),
    Row([2, 3, 33, 132], 5, [3, 3], SAME),
    Row([1, 9, 7, 12], 33, [3, 3], SAME),
    // 1×1: planes of whole packs or not, channels in every tile and beyond the largest.
    Row([1, 1, 1, 1], 1, [1, 1], PLAIN),
    Row([5, 3, 1, 3], 5, [1, 1], PLAIN),
    Row([2, 17, 41, 47], 1, [1, 1], PLAIN),
    Row([1, 33, 47, 3], 65, [1, 1], PLAIN),
    Row([1, 3, 9, 44], 17, [1, 1], PLAIN),
    Row([5, 65, 2, 6], 33, [1, 1], PLAIN),
    Row([1, 130, 4, 4], 9, [1, 1], PLAIN),
    // Windows that tile the input, or leave rows over.
    Row([1, 1, 2, 2], 1, [2, 2], [2, 0, 1, 1]),
    Row([5, 3, 6, 8], 5, [2, 2], [2, 0, 1, 1]),
    Row([2, 5, 82, 94], 3, [2, 2], [2, 0, 1, 1]),
    Row([1, 17, 10, 16], 33, [2, 2], [2, 0, 1, 1]),
    Row([2, 4, 9, 12], 3, [3, 3], [3, 0, 1, 1]),
    Row([1, 2, 8, 20], 5, [4, 4], [4, 0, 1, 1]),
    Row([2, 2, 7, 9], 4, [2, 2], [2, 0, 1, 1]),
    Row([1, 2, 7, 8], 4, [2, 2], [3, 0, 1, 1]),
    // Other strides, dilations, paddings and sides; windows that see zeros only.
    Row([1, 1, 1, 1], 4, [1, 1], [2, 0, 1, 1]),
    Row([1, 1, 1, 1], 4, [5, 5], [1, 2, 1, 1]),
    Row([2, 3, 41, 47], 5, [3, 3], [2, 1, 1, 1]),
    Row([1, 4, 18, 24], 32, [3, 3], [2, 1, 1, 1]),
    Row([1, 5, 47, 41], 7, [1, 1], [2, 0, 1, 1]),
    Row([2, 17, 8, 16], 33, [1, 1], [2, 0, 1, 1]),
    Row([1, 3, 13, 12], 6, [3, 3], [1, 6, 6, 1]),
    Row([1, 4, 20, 23], 6, [3, 3], [3, 2, 2, 1]),
    Row([2, 3, 8, 9], 4, [5, 3], [1, 1, 1, 1]),
    Row([1, 2, 9, 10], 4, [1, 7], [4, 3, 1, 1]),
    Row([1, 2, 9, 10], 3, [1, 7], [1, 3, 1, 1]),
    Row([1, 2, 65, 140], 4, [3, 3], [1, 0, 1, 1]),
    Row([1, 4, 5, 6], 2, [3, 3], [1, 5, 1, 1]),
    Row([1, 2, 65, 140], 2, [3, 3], [1, 6, 6, 1]),
    // Groups, down to one channel each.
    Row([1, 4, 20, 23], 6, [3, 3], [3, 2, 2, 2]),
    Row([5, 17, 9, 7], 17, [3, 3], [1, 1, 1, 17]),
    Row([1, 3, 47, 41], 9, [3, 3], [2, 1, 1, 3]),
    Row([1, 33, 11, 12], 33, [3, 3], [1, 4, 4, 33]),
    Row([2, 18, 8, 9], 10, [5, 3], [1, 1, 1, 2]),
    Row([1, 3, 8, 9], 65, [2, 2], [1, 0, 3, 1]),
    // Channels and pixels of several tiles of a workgroup, and some beyond them.
    Row([2, 65, 9, 11], 70, [3, 3], SAME),
    Row([3, 34, 13, 9], 66, [3, 3], [2, 1, 1, 1]),
    Row([2, 72, 7, 9], 96, [1, 3], [1, 1, 2, 2]),
    Row([2, 129, 5, 7], 64, [1, 1], PLAIN),
    Row([3, 40, 9, 13], 37, [3, 3], [1, 0, 1, 1]),
    Row([1, 33, 6, 5], 34, [3, 3], [1, 2, 1, 1]),
    Row([1, 512, 8, 9], 33, [3, 3], SAME),
    // Few channels, and pixels of several patches of a workgroup.
    Row([2, 12, 11, 68], 10, [3, 3], [1, 2, 1, 1]),
    Row([2, 5, 19, 71], 12, [3, 3], [1, 0, 1, 1]),
    // So many channels of so few pixels that a GPU sums parts of them.
    Row([2, 300, 3, 4], 40, [1, 1], PLAIN),
    Row([1, 40, 3, 5], 520, [1, 1], PLAIN),
    Row([2, 280, 5, 4], 300, [3, 3], SAME),
    Row([2, 260, 6, 7], 40, [3, 3], [2, 1, 1, 1]),
];

/// More than 65 535 groups: one pixel an image and many images, or many channels of one a group.
pub const MANY: &[Row] = &[
    Row([1, 66_001, 2, 3], 66_001, [1, 1], [1, 0, 1, 66_001]),
    Row([70_001, 1, 1, 1], 1, [1, 1], PLAIN),
    Row([70_001, 1, 1, 1], 1, [3, 3], SAME),
];

/// Several images that are small enough to be split: their bytes begin where a kernel's view may, or not.
pub const SPLIT: &[Row] = &[
    Row([7, 4, 32, 32], 6, [3, 3], SAME),
    Row([5, 3, 13, 11], 8, [3, 3], [2, 1, 1, 1]),
    Row([7, 8, 16, 16], 9, [1, 1], PLAIN),
    Row([3, 5, 18, 14], 3, [2, 2], [2, 0, 1, 1]),
];

/// In mixed precision, enough channels and pixels for cooperative matrices: tiles one below the other or not, some rows or columns beyond
/// the last whole one, sums that end within a step, groups, every stride and dilation.
pub const WIDE: &[Row] = &[
    Row([2, 65, 9, 11], 70, [3, 3], SAME),
    Row([1, 33, 13, 9], 129, [3, 3], [2, 1, 1, 1]),
    Row([2, 144, 7, 9], 192, [1, 3], [1, 1, 2, 2]),
    Row([2, 129, 5, 7], 64, [1, 1], PLAIN),
    Row([1, 16, 12, 20], 128, [3, 3], [1, 2, 2, 1]),
    Row([3, 64, 17, 8], 32, [2, 2], [2, 0, 1, 1]),
];

/// Convolutions with an activation behind them.
pub const FUSED: &[(Row, &[Activation])] = &[
    (Row([1, 2, 5, 7], 1, [1, 1], PLAIN), &[Relu, Gelu, Sigmoid, Tanhshelf, Sigmoidcutoff]),
    (Row([2, 3, 9, 12], 3, [3, 3], SAME), &[Relu, Gelu]),
    (Row([1, 3, 6, 16], 4, [2, 2], [2, 0, 1, 1]), &[Relu, Gelu]),
];

/// Convolutions with a scale behind them, one of each way through the kernels: shifted rows, products of patches, few pixels of many
/// channels, groups, other strides.
pub const SCALED: &[(Row, Activation)] = &[
    (Row([5, 17, 9, 7], 33, [3, 3], SAME), Relu),
    (Row([2, 1, 41, 47], 3, [3, 3], SAME), Activation::None),
    (Row([1, 65, 5, 3], 17, [3, 3], SAME), Gelu),
    (Row([2, 17, 41, 47], 1, [1, 1], PLAIN), Relu),
    (Row([5, 65, 2, 6], 33, [1, 1], PLAIN), Activation::None),
    (Row([5, 3, 6, 8], 5, [2, 2], [2, 0, 1, 1]), Relu),
    (Row([2, 3, 41, 47], 5, [3, 3], [2, 1, 1, 1]), Sigmoid),
    (Row([1, 4, 20, 23], 6, [3, 3], [3, 2, 2, 2]), Relu),
    (Row([1, 1, 1, 1], 1, [1, 1], PLAIN), Relu),
    (Row([2, 300, 3, 4], 40, [1, 1], PLAIN), Relu),
    (Row([1, 300, 5, 5], 33, [3, 3], SAME), Gelu),
];
