//! Which kernel computes a depthwise convolution, and how its rows are cut into strips: pure functions of extents and kind of device.

use crate::kernels::conv2d::Conv2dDims;

/// An algorithm of the depthwise family; all run on every device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// 3×3 that keeps the size, at any dilation: strips of rows, every row loaded once.
    Strips,
    /// 3×3 at stride 2, padding 1: the same.
    StripsStride2,
    /// A tap at a time: every kernel, stride, padding and dilation.
    General,
}

/// Algorithm for the forward pass and both gradients.
pub fn select(dims: &Conv2dDims) -> Algorithm {
    let a = dims.attrs;
    match (dims.kernel_h, dims.kernel_w, a.stride) {
        (3, 3, 1) if a.padding == a.dilation => Algorithm::Strips,
        (3, 3, 2) if (a.padding, a.dilation) == (1, 1) => Algorithm::StripsStride2,
        _ => Algorithm::General,
    }
}

/// How `shared/beside4.wgsl` finds the columns beside a quad at this dilation: its constant `SIDES`.
pub(super) fn sides(dilation: usize) -> u32 {
    match dilation {
        1 | 2 => dilation as u32,
        d if d.is_multiple_of(4) => 4,
        _ => 0,
    }
}

/// Rows that an invocation walks down, and how many such strips cover a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Strips {
    pub(super) strip: usize,
    pub(super) strips: usize,
}

impl Strips {
    /// Longer strips load fewer rows twice, shorter ones give more invocations: as long as the device stays busy with `columns` of `rows`.
    pub(super) fn new(software: bool, rows: usize, columns: usize) -> Self {
        let (least, most, invocations) = if software { (8usize, 512, 512usize) } else { (4, 16, 1 << 17) };
        let strip = rows.div_ceil(invocations.div_ceil(columns.max(1))).clamp(least, most).min(rows.max(1));
        Strips { strip, strips: rows.div_ceil(strip) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::conv2d::Conv2dAttrs;

    fn dims(kernel: usize, stride: usize, padding: usize, dilation: usize) -> Conv2dDims {
        let attrs = Conv2dAttrs { stride, padding, dilation, groups: 8 };
        Conv2dDims { n: 1, c_in: 8, h_in: 9, w_in: 9, c_out: 8, h_out: 9, w_out: 9, kernel_h: kernel, kernel_w: kernel, attrs }
    }

    #[test]
    fn what_xception_needs_goes_by_strips_and_the_rest_tap_by_tap() {
        for dilation in [1, 2, 4, 18] {
            assert_eq!(select(&dims(3, 1, dilation, dilation)), Algorithm::Strips);
        }
        assert_eq!(select(&dims(3, 2, 1, 1)), Algorithm::StripsStride2);
        for other in
            [dims(3, 1, 0, 1), dims(3, 1, 1, 2), dims(3, 2, 0, 1), dims(3, 2, 2, 2), dims(3, 3, 1, 1), dims(5, 1, 2, 1), dims(1, 1, 0, 1)]
        {
            assert_eq!(select(&other), Algorithm::General);
        }
        assert_eq!([1, 2, 3, 4, 6, 12, 18].map(sides), [1, 2, 0, 4, 0, 4, 0]);
    }

    #[test]
    fn strips_cover_every_row_and_are_cut_where_columns_are_few() {
        for software in [false, true] {
            for rows in [1, 3, 9, 64, 2863] {
                for columns in [1, 7, 300, 100_000] {
                    let Strips { strip, strips } = Strips::new(software, rows, columns);
                    assert!(strip * strips >= rows && strip * (strips - 1) < rows, "{rows} rows, {columns} columns: {strip} × {strips}");
                }
            }
        }
        assert_eq!(Strips::new(true, 64, 4096), Strips { strip: 64, strips: 1 });
        assert_eq!(Strips::new(true, 64, 64).strips, 8);
    }
}
