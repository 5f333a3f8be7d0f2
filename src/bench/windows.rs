//! Group normalisation, and what attention in windows needs, at shapes of Swin transformers and of their decoders.

use crate::bench::case::{Case, Job, noisy};
use crate::bench::parts::{by_parts, by_planes, plane, wide};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::activation::Activation;
use crate::kernels::group_norm::{group_norm, group_norm_grad_input};
use crate::kernels::normalize::{normalize, normalize_grad_input};
use crate::kernels::relative_position_bias::{relative_position_bias, relative_position_bias_grad_table};
use crate::kernels::window_partition::{window_partition, window_reverse};
use crate::reference::activation::{silu, silu_grad_input};
use crate::reference::{
    group_norm as norm_definition, normalize as length_definition, relative_position_bias as bias_definition,
    window_partition as cut_definition, window_reverse as put_back_definition,
};
use crate::tensor::Tensor;

const EPS: f32 = 1e-6;
const GROUPS: usize = 32;
/// Rows and their values.
const ROWS: [usize; 2] = [64 * 3 * 256, 32];
/// A map of tokens; the side of a window, and by how much the map is rolled.
const TOKENS: [usize; 4] = [1, 128, 128, 96];
const WINDOW: [usize; 2] = [16, 8];
/// Heads, and tokens along a window.
const PLACES: [usize; 2] = [12, 16];

pub(super) fn cases(large: bool) -> Vec<Case> {
    let shapes: &[[usize; 3]] = if large { &[[1, 96, 512], [4, 384, 64]] } else { &[[1, 96, 128], [2, 768, 16]] };
    let mut cases = Vec::new();
    for &[n, c, side] in shapes {
        let name = |stem: &str| format!("{stem} {c} {n}x{side}x{side}");
        cases.push(Case::new(name("group_norm"), move |gpu| norm_job(gpu, [n, c, side, side], false)));
        cases.push(Case::new(name("group_norm_grad_input"), move |gpu| norm_job(gpu, [n, c, side, side], true)));
    }
    let [rows, c] = ROWS;
    let ([n, h, w, values], [window, shift], [heads, side]) = (TOKENS, WINDOW, PLACES);
    let of_windows = format!("{values} {n}x{h}x{w} w{window} s{shift}");
    cases.extend([
        Case::new(format!("normalize {c} {rows}"), |gpu| length_job(gpu, false)),
        Case::new(format!("normalize_grad_input {c} {rows}"), |gpu| length_job(gpu, true)),
        Case::new(format!("window_partition {of_windows}"), |gpu| windows_job(gpu, false)),
        Case::new(format!("window_reverse {of_windows}"), |gpu| windows_job(gpu, true)),
        Case::new(format!("relative_position_bias {heads} {side}x{side}"), |gpu| places_job(gpu, false)),
        Case::new(format!("relative_position_bias_grad_table {heads} {side}x{side}"), |gpu| places_job(gpu, true)),
    ]);
    cases
}

/// With a SiLU behind the norm.
fn norm_job(gpu: &Gpu, shape: [usize; 4], is_gradient: bool) -> Result<Job> {
    let [_, c, h, w] = shape;
    let ((x, input), (g, grad)) = (noisy(gpu, 1, shape)?, noisy(gpu, 2, shape)?);
    let ((weight, of_weight), (bias, of_bias)) = (noisy(gpu, 3, [c])?, noisy(gpu, 4, [c])?);
    let (per_group, size) = (c / GROUPS, c / GROUPS * h * w);
    // A group on its own: a normalisation knows nothing of the others.
    let of_group = move |group: usize| {
        let channels = group % GROUPS * per_group..(group % GROUPS + 1) * per_group;
        let (own, one) = (plane(&input, size, group), [1, per_group, h, w]);
        let (weight, bias) = (wide(&of_weight[channels.clone()]), wide(&of_bias[channels]));
        let z = norm_definition::group_norm(&own, one, 1, &weight, &bias, EPS.into());
        match is_gradient {
            false => silu(&z),
            true => {
                let dz = silu_grad_input(&plane(&grad, size, group), &z);
                norm_definition::group_norm_grad_input(&dz, &own, one, 1, &weight, EPS.into())
            }
        }
    };
    let expected = by_parts(move |i| (i / size, i % size), of_group);
    if !is_gradient {
        return Ok(Job::new(move || Ok(group_norm(&x, GROUPS, &weight, &bias, EPS, Activation::Silu)?.0), expected, 1e-5));
    }
    let (_, saved) = group_norm(&x, GROUPS, &weight, &bias, EPS, Activation::Silu)?;
    Ok(Job::new(move || Ok(group_norm_grad_input(&saved, &g)?.input), expected, 1e-4))
}

fn length_job(gpu: &Gpu, is_gradient: bool) -> Result<Job> {
    let [_, c] = ROWS;
    let ((x, input), (g, grad)) = (noisy(gpu, 1, ROWS)?, noisy(gpu, 2, ROWS)?);
    let expected = by_planes(c, move |row| {
        let own = plane(&input, c, row);
        match is_gradient {
            false => length_definition::normalize(&own, c, EPS.into()),
            true => length_definition::normalize_grad_input(&plane(&grad, c, row), &own, c, EPS.into()),
        }
    });
    let (output, lengths) = normalize(&x, EPS)?;
    Ok(match is_gradient {
        false => Job::new(move || Ok(normalize(&x, EPS)?.0), expected, 1e-5),
        true => Job::new(move || normalize_grad_input(&output, &lengths, &g, EPS), expected, 1e-5),
    })
}

fn windows_job(gpu: &Gpu, is_reverse: bool) -> Result<Job> {
    let ([_, h, w, _], [window, shift]) = (TOKENS, WINDOW);
    let (x, input) = noisy(gpu, 1, TOKENS)?;
    let input = wide(&input);
    if is_reverse {
        let windows = window_partition(&x, window, 0)?;
        let values = cut_definition::window_partition(&input, TOKENS, window, 0);
        let map = put_back_definition::window_reverse(&values, TOKENS, window, shift);
        return Ok(Job::new(move || window_reverse(&windows, window, shift, [h, w]), move |i| map[i], 0.0));
    }
    let windows = cut_definition::window_partition(&input, TOKENS, window, shift);
    Ok(Job::new(move || window_partition(&x, window, shift), move |i| windows[i], 0.0))
}

fn places_job(gpu: &Gpu, is_gradient: bool) -> Result<Job> {
    let [heads, side] = PLACES;
    let shape: [usize; 2] = [(2 * side - 1) * (2 * side - 1), heads];
    let tokens = side * side;
    if !is_gradient {
        let (table, values) = noisy(gpu, 1, shape)?;
        let bias = bias_definition::relative_position_bias(&wide(&values), heads, side);
        return Ok(Job::new(move || relative_position_bias(&table, side), move |i| bias[i], 0.0));
    }
    let (grad, values): (Tensor, Vec<f32>) = noisy(gpu, 1, [heads, tokens, tokens])?;
    let table = bias_definition::relative_position_bias_grad_table(&wide(&values), heads, side);
    Ok(Job::new(move || relative_position_bias_grad_table(&grad, side), move |i| table[i], 1e-5))
}
