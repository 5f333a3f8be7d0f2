//! Transposed convolutions, which run the kernels of conv2d the other way round, against their own definition.

use meltcore::gpu::Gpu;
use meltcore::ops;
use meltcore::reference::conv_transpose2d as definition;
use meltcore::reference::conv2d::conv2d_grad_bias;

use crate::case::{Case, Checked, Definition, extents};
use crate::on_device::Shape;

/// Input shape, output channels, side of the kernel, stride, padding.
type Row = (Shape, usize, usize, usize, usize);

const ROWS: &[Row] = &[
    ([1, 1, 1, 1], 1, 2, 2, 0),
    ([2, 5, 21, 23], 3, 2, 2, 0),
    ([5, 3, 6, 8], 5, 2, 2, 0),
    // Windows that overlap, leave gaps, and are cut off.
    ([2, 3, 9, 12], 4, 3, 2, 1),
    ([1, 4, 7, 5], 2, 2, 3, 0),
    ([3, 2, 8, 9], 3, 5, 3, 2),
];

pub fn cases() -> Vec<Case> {
    let case = |&row: &Row| {
        let (shape, c_out, kernel, stride, padding) = row;
        Case::new(format!("{kernel}x{kernel}_{}_to_{c_out}_s{stride}_p{padding}", extents(&shape)), move |gpu| check(gpu, row))
    };
    // The last has three images of 4 KiB at most.
    ROWS.iter().map(|row| if row.0[0] == 3 { case(row).splitting() } else { case(row) }).collect()
}

fn check(gpu: &Gpu, (shape, c_out, kernel, stride, padding): Row) -> Checked {
    let weight_shape = [shape[1], c_out, kernel, kernel];
    let attrs = definition::ConvTranspose2dAttrs { stride, padding };
    let output_shape = definition::conv_transpose2d_output_shape(shape, weight_shape, &attrs);
    Definition {
        inputs: &[&shape, &weight_shape, &[c_out]],
        rtol: [4e-7, 1.2e-6],
        op: &|tape, inputs| ops::conv_transpose2d(tape, &inputs[0], &inputs[1], Some(&inputs[2]), stride, padding),
        forward: &|values| {
            let (output, shape) = definition::conv_transpose2d(&values[0], shape, &values[1], weight_shape, Some(&values[2]), &attrs);
            (output, shape.to_vec())
        },
        backward: &|grad, values| {
            vec![
                definition::conv_transpose2d_grad_input(grad, shape, &values[1], weight_shape, &attrs),
                definition::conv_transpose2d_grad_weight(grad, &values[0], shape, weight_shape, &attrs),
                conv2d_grad_bias(grad, output_shape),
            ]
        },
    }
    .check(gpu)
}
