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

/// An activation that was kept: as it is, or as [`pack_half`] packs it.
#[derive(Clone)]
pub enum Stored {
    /// As it is.
    Whole(Tensor),
    /// Packed.
    Half {
        /// The words.
        packed: Tensor,
        /// What they are of.
        shape: Shape,
    },
}

impl From<Tensor> for Stored {
    fn from(tensor: Tensor) -> Self {
        Stored::Whole(tensor)
    }
}

impl Stored {
    /// The shape of the activation.
    pub fn shape(&self) -> &Shape {
        match self {
            Stored::Whole(tensor) => tensor.shape(),
            Stored::Half { shape, .. } => shape,
        }
    }

    /// Its device.
    pub fn gpu(&self) -> &Gpu {
        match self {
            Stored::Whole(tensor) | Stored::Half { packed: tensor, .. } => tensor.gpu(),
        }
    }

    /// The activation.
    ///
    /// # Errors
    /// Those of [`unpack_half`].
    pub fn whole(&self) -> Result<Tensor> {
        match self {
            Stored::Whole(tensor) => Ok(tensor.clone()),
            Stored::Half { packed, shape } => unpack_half(packed, shape),
        }
    }

    /// The same, unpacked where kernels would have it unpacked each.
    ///
    /// # Errors
    /// Those of [`unpack_half`].
    pub(in crate::kernels) fn settled(&self) -> Result<Stored> {
        Ok(if self.is_readable() { self.clone() } else { Stored::Whole(self.whole()?) })
    }

    /// Whether kernels read it as it is: packed where the device runs shaders and every image begins with a word of its own.
    fn is_readable(&self) -> bool {
        match self {
            Stored::Whole(_) => true,
            Stored::Half { packed, shape } => {
                let is_of_packs = |rest: &[usize]| rest.iter().product::<usize>().is_multiple_of(4);
                !packed.gpu().capabilities().is_host() && matches!(shape.dims(), [n, rest @ ..] if *n > 0 && is_of_packs(rest))
            }
        }
    }

    /// What a kernel reads, images along the first axis, and its constant that says how: the words where kernels can, else the activation.
    ///
    /// # Errors
    /// Those of [`unpack_half`].
    pub(in crate::kernels) fn readable(&self) -> Result<(Tensor, (&'static str, u32))> {
        match self {
            Stored::Half { packed, shape } if self.is_readable() => {
                let (images, (_, by)) = (shape.dims()[0], Operands::F16.constant(packed.gpu().capabilities()));
                Ok((packed.reshaped([images, packed.len() / images])?, ("PACKED", by)))
            }
            _ => Ok((self.whole()?, ("PACKED", 0))),
        }
    }
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
