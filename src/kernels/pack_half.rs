//! Launchers of `pack_half` and `unpack_half`: numbers as f16, two a word. Shaders: `shaders/pack_half.wgsl`, `shaders/unpack_half.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Buffer, Cost, Gpu, Launch, Plan};
use crate::host::pack_half::PackHalfParams;
use crate::kernels::operands::Operands;
use crate::tensor::{Shape, Tensor};

/// Numbers rounded to f16 as operands are.
///
/// # Shapes
/// Any; the result is `[2·⌈len / 4⌉]` words.
///
/// # Errors
/// Out of memory.
pub fn pack_half(input: &Tensor) -> Result<Tensor> {
    let output = Tensor::empty(input.gpu(), [2 * input.len().div_ceil(4)])?;
    by_parts("pack_half", input.gpu(), [(input, 4), (&output, 2)], input.len(), vec![Operands::F16.constant(input.gpu().capabilities())])?;
    Ok(output)
}

/// Numbers that [`pack_half`] packed.
///
/// # Shapes
/// packed as [`pack_half`] gives it for the elements of `shape`, the shape of the result.
///
/// # Errors
/// Another number of words; out of memory.
pub fn unpack_half(packed: &Tensor, shape: &Shape) -> Result<Tensor> {
    if packed.len() != 2 * shape.len().div_ceil(4) {
        return Err(Error::shape("unpack_half", format!("{} words are not those of {shape}", packed.len())));
    }
    let output = Tensor::empty(packed.gpu(), shape)?;
    by_parts("unpack_half", packed.gpu(), [(packed, 2), (&output, 4)], output.len(), Vec::new())?;
    Ok(output)
}

/// Launches a kernel over arrays of so many words a pack; in parts where they are larger than what a kernel sees at once.
fn by_parts(stem: &'static str, gpu: &Gpu, arrays: [(&Tensor, usize); 2], len: usize, consts: Vec<(&'static str, u32)>) -> Result<()> {
    let limit = gpu.capabilities().max_binding_bytes;
    let whole = arrays.iter().all(|(array, _)| array.buffer().bytes() <= limit);
    // Parts begin where a binding may, in the array of two words a pack, too.
    let step = Buffer::PART_ALIGNMENT / 2;
    let most = if whole { usize::MAX } else { ((limit / 16) as usize / step * step).max(step) };
    let packs = len.div_ceil(4);
    for first in (0..packs).step_by(most) {
        let count = most.min(packs - first);
        let part = |(array, words): &(&Tensor, usize)| match whole {
            true => Ok(array.buffer().clone()),
            false => {
                let part = array.buffer().part(first * words, (count * words).min(array.len() - first * words));
                part.ok_or_else(|| Error::shape(stem, format!("{count} packs of {} cannot be taken on their own", array.shape())))
            }
        };
        let [from, to] = [part(&arrays[0])?, part(&arrays[1])?];
        gpu.launch(&Launch {
            plan: Plan::each(stem, count).with(consts.iter().copied()),
            params: &PackHalfParams { packs: count as u32 },
            buffers: &[&from, &to],
            cost: Cost::new(count as f64 * 4.0, 6 * count),
        })?;
    }
    Ok(())
}
