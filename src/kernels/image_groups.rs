//! Launches over parts of a batch, for arrays that are larger than what a kernel sees at once.
//!
//! A device limits the bytes of one binding (128 MiB on lavapipe, 2 to 4 GiB on GPUs), not those of a buffer. Where an array of a launch
//! exceeds the limit, the launch is repeated for runs of images whose parts of all arrays fit. Where images of odd sizes begin at words
//! at which no binding may, the parts are copied into arrays of their own and back. Results that are one an image have the bits of the
//! whole launch; sums over images are added run by run.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::gpu::Buffer;
use crate::kernels::add::add;
use crate::tensor::{Shape, Tensor};

/// Runs `launch` on all images at once, or on runs of images of all `tensors` (first axis: images) where one of them is too large.
///
/// # Errors
/// [`Error::Limit`] where not even single images fit; those of `launch`.
pub(super) fn for_images<const N: usize>(
    op: &'static str,
    tensors: [&Tensor; N],
    launch: impl FnMut([&Tensor; N]) -> Result<()>,
) -> Result<()> {
    for_images_of_parts(op, tensors, [1; N], launch)
}

/// As [`for_images`] where a launch has arrays besides, each `parts` times as large as one of the tensors.
///
/// # Errors
/// As [`for_images`].
pub(super) fn for_images_of_parts<const N: usize>(
    op: &'static str,
    tensors: [&Tensor; N],
    parts: [usize; N],
    mut launch: impl FnMut([&Tensor; N]) -> Result<()>,
) -> Result<()> {
    let Some(runs) = runs(op, &tensors, &parts)? else { return launch(tensors) };
    for run in (0..runs.images).step_by(runs.length).map(|at| at..runs.images.min(at + runs.length)) {
        let mut parts = Vec::with_capacity(N);
        for tensor in tensors {
            parts.push(if runs.aligned { tensor.images(run.clone())? } else { copied(tensor, &run)? });
        }
        launch(std::array::from_fn(|i| &parts[i]))?;
        if !runs.aligned {
            // Which of them the launch wrote is not known here; the others go back as they came.
            for (tensor, part) in tensors.iter().zip(&parts) {
                let first = run.start * (tensor.len() / runs.images);
                tensor.gpu().copy_words((part.buffer(), 0), (tensor.buffer(), first), part.len())?;
            }
        }
    }
    Ok(())
}

/// As [`for_images`] for a launch that makes its output: the outputs of all runs, one behind the other, under the shape `shape`.
///
/// # Errors
/// As [`for_images`]; out of memory.
pub(super) fn of_images<const N: usize>(
    op: &'static str,
    tensors: [&Tensor; N],
    shape: &Shape,
    mut launch: impl FnMut([&Tensor; N]) -> Result<Tensor>,
) -> Result<Tensor> {
    let mut parts = Vec::new();
    for_images(op, tensors, |tensors| {
        parts.push(launch(tensors)?);
        Ok(())
    })?;
    if let [only] = parts.as_slice() {
        return only.reshaped(shape);
    }
    let output = Tensor::empty(tensors[0].gpu(), shape)?;
    let mut first = 0;
    for part in parts {
        output.gpu().copy_words((part.buffer(), 0), (output.buffer(), first), part.len())?;
        first += part.len();
    }
    Ok(output)
}

/// As [`for_images`] for a launch that sums over images: the sum of its results, in the images' order.
///
/// # Errors
/// As [`for_images`].
pub(super) fn sum_over_images<const N: usize>(
    op: &'static str,
    tensors: [&Tensor; N],
    mut launch: impl FnMut([&Tensor; N]) -> Result<Tensor>,
) -> Result<Tensor> {
    let mut sum: Option<Tensor> = None;
    for_images(op, tensors, |parts| {
        let part = launch(parts)?;
        sum = Some(match sum.take() {
            None => part,
            Some(earlier) => add(&earlier, &part)?,
        });
        Ok(())
    })?;
    sum.ok_or_else(|| Error::shape(op, "a batch without images"))
}

/// The images of a run in an array of their own.
fn copied(tensor: &Tensor, run: &Range<usize>) -> Result<Tensor> {
    let mut dims = tensor.shape().dims().to_vec();
    let each = tensor.len() / dims[0];
    dims[0] = run.len();
    let part = Tensor::empty(tensor.gpu(), dims.as_slice())?;
    tensor.gpu().copy_words((tensor.buffer(), run.start * each), (part.buffer(), 0), part.len())?;
    Ok(part)
}

/// How a launch over `images` is divided.
struct Runs {
    images: usize,
    length: usize,
    /// Every run begins where a binding may.
    aligned: bool,
}

/// The runs of images that are launched one after the other, where arrays `parts` times as large as the tensors fit, too; `None` where one
/// launch does it.
fn runs(op: &'static str, tensors: &[&Tensor], parts: &[usize]) -> Result<Option<Runs>> {
    let Some(first) = tensors.first() else { return Ok(None) };
    let limit = first.gpu().capabilities().max_binding_bytes;
    let n = first.shape().dims().first().copied().unwrap_or(1);
    let largest = tensors.iter().zip(parts).map(|(tensor, parts)| tensor.buffer().bytes() * *parts as u64).max().unwrap_or(0);
    if largest <= limit {
        return Ok(None);
    }
    if n == 0 || tensors.iter().any(|t| t.shape().dims().first() != Some(&n)) {
        let shapes: Vec<String> = tensors.iter().map(|t| t.shape().to_string()).collect();
        return Err(Error::shape(op, format!("the numbers of images of {} differ", shapes.join(", "))));
    }
    let images: Vec<usize> = tensors.iter().map(|t| t.len() / n).collect();
    let words = (limit / 4) as usize;
    let most = |words: usize| images.iter().zip(parts).map(|(image, parts)| words / (image * parts).max(1)).min().unwrap_or(0);
    if let Some(length) = run_length(&images, most(words)) {
        return Ok(Some(Runs { images: n, length, aligned: true }));
    }
    // Copies lie in buffers of a size class above theirs: a quarter more at most.
    let length = most(words - words / 5);
    if length > 0 {
        return Ok(Some(Runs { images: n, length, aligned: false }));
    }
    Err(Error::Limit(format!(
        "{op}: the part of one image in an array of {} MiB exceeds the {} MiB that this device's kernels see at once",
        largest >> 20,
        limit >> 20
    )))
}

/// Images of a run: at most `most`, and a number that makes every run begin where a binding may, given each array's words an image; `None`
/// without such a number.
fn run_length(images: &[usize], most: usize) -> Option<usize> {
    // A power of two, as the alignment is one.
    let step = images.iter().map(|&words| Buffer::PART_ALIGNMENT >> words.trailing_zeros().min(Buffer::PART_ALIGNMENT.ilog2())).max()?;
    Some(most / step * step).filter(|&length| length > 0)
}

#[cfg(test)]
mod tests {
    use super::run_length;

    #[test]
    fn runs_fit_and_begin_at_aligned_words() {
        assert_eq!(run_length(&[64 * 256 * 256, 256 * 256], 8), Some(8));
        assert_eq!(run_length(&[3 * 64], 5), Some(5));
        // 24 words an image: eight of them are three times 64.
        assert_eq!(run_length(&[24, 64], 15), Some(8));
        assert_eq!(run_length(&[7, 64], 64), Some(64));
        assert_eq!(run_length(&[7, 64], 63), None);
        assert_eq!(run_length(&[64], 0), None);
    }
}
