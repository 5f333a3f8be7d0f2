//! Launchers of `clip_grad_norm`: the norm of many gradients and the factor that clips them, without reading anything back.
//!
//! scale = min(1, max_norm / (√ΣΣ g² + 1e-6)), as PyTorch's `clip_grad_norm_`; of gradients of a scaled loss also what undoes the scale.
//! Shaders: `shaders/clip_grad_norm_stats.wgsl`, `shaders/clip_grad_norm_gather.wgsl`,
//! `shaders/clip_grad_norm.wgsl`, `shaders/clip_grad_norm_scale.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Buffer, Cost, Launch, Plan};
use crate::host::clip_grad_norm::ClipGradNormParams;
use crate::host::clip_grad_norm_gather::{ClipGradNormGatherParams, SOURCES};
use crate::host::clip_grad_norm_scale::ClipGradNormScaleParams;
use crate::host::clip_grad_norm_stats::{ClipGradNormStatsParams, VALUES_A_PART};
use crate::tensor::Tensor;

/// A gradient and, where it is to be copied, the array and the place in it, a multiple of [`Buffer::PART_ALIGNMENT`] values.
pub type Placed<'a> = (&'a Tensor, Option<(&'a Tensor, usize)>);

/// The clipping factor and the norm of all gradients together.
///
/// # Shapes
/// Any; both results are `[]`.
///
/// # Errors
/// No gradient at all; out of memory.
pub fn clip_grad_norm(gradients: &[&Tensor], max_norm: f64) -> Result<(Tensor, Tensor)> {
    let all: Vec<Placed> = gradients.iter().map(|gradient| (*gradient, None)).collect();
    clip_gathered_grad_norm(&all, max_norm, 1.0)
}

/// As [`clip_grad_norm`] to the bit, of gradients that are first to be multiplied by `unscale`, 1 / the factor of their loss: the norm is
/// that of the products, and the clipping factor has `unscale` in it. A norm that is not finite tells of a gradient that is not. Gradients
/// that have a place are copied there on the way.
///
/// # Errors
/// Those of [`clip_grad_norm`] and [`gather`].
pub fn clip_gathered_grad_norm(gradients: &[Placed], max_norm: f64, unscale: f32) -> Result<(Tensor, Tensor)> {
    let Some(gpu) = gradients.first().map(|(gradient, _)| gradient.gpu()) else {
        return Err(Error::shape("clip_grad_norm", "there are no gradients"));
    };
    let squares = gather(gradients)?;
    let parts = squares.len();
    let (scale, total_norm) = (Tensor::empty(gpu, [])?, Tensor::empty(gpu, [])?);
    gpu.launch(&Launch {
        plan: Plan::new("clip_grad_norm", 1),
        params: &ClipGradNormParams { parts: parts as u32, max_norm: max_norm as f32, unscale },
        buffers: &[squares.buffer(), scale.buffer(), total_norm.buffer()],
        cost: Cost::new(parts as f64, parts),
    })?;
    Ok((scale, total_norm))
}

/// Copies gradients that have a place to it, and gives the sums of squares of runs of all gradients, in their order. Neighbours that are to
/// be neighbours in one array share a launch.
///
/// # Errors
/// A place that is not aligned or not in its array; out of memory. [`Error::Shape`] without a gradient.
pub fn gather(gradients: &[Placed]) -> Result<Tensor> {
    let Some(gpu) = gradients.first().map(|(gradient, _)| gradient.gpu()) else {
        return Err(Error::shape("clip_grad_norm", "there are no gradients"));
    };
    let parts_of = |gradient: &Tensor| gradient.len().div_ceil(VALUES_A_PART);
    let squares = Tensor::empty(gpu, [gradients.iter().map(|(gradient, _)| parts_of(gradient)).sum::<usize>()])?;
    let mut first = 0;
    let mut open: Option<Group> = None;
    for (gradient, place) in gradients.iter().filter(|(gradient, _)| !gradient.is_empty()) {
        let parts = parts_of(gradient);
        match place {
            None => gpu.launch(&Launch {
                plan: Plan::new("clip_grad_norm_stats", parts),
                params: &ClipGradNormStatsParams { len: gradient.len() as u32, parts: parts as u32, first: first as u32 },
                buffers: &[gradient.buffer(), squares.buffer()],
                cost: Cost::new(2.0 * gradient.len() as f64, gradient.len()),
            })?,
            Some((array, at)) => {
                if !open.as_ref().is_some_and(|group| group.has_room(array, *at))
                    && let Some(full) = open.replace(Group { array, start: *at, end: *at, sources: Vec::with_capacity(SOURCES) })
                {
                    full.launch(&squares)?;
                }
                if let Some(group) = &mut open {
                    group.sources.push((gradient, first));
                    group.end = at + gradient.len().next_multiple_of(Buffer::PART_ALIGNMENT);
                }
            }
        }
        first += parts;
    }
    open.map_or(Ok(()), |group| group.launch(&squares))?;
    Ok(squares)
}

/// Gradients that one launch lays side by side.
struct Group<'a> {
    array: &'a Tensor,
    /// The place of the first one, and that of the next.
    start: usize,
    end: usize,
    /// Each with its first partial sum.
    sources: Vec<(&'a Tensor, usize)>,
}

impl Group<'_> {
    fn has_room(&self, array: &Tensor, at: usize) -> bool {
        self.array.id() == array.id() && self.end == at && self.sources.len() < SOURCES
    }

    fn launch(&self, squares: &Tensor) -> Result<()> {
        let &Group { array, start, ref sources, .. } = self;
        let Some((last, last_first)) = sources.last() else { return Ok(()) };
        let words: usize = sources.iter().map(|(gradient, _)| gradient.len()).sum();
        if !start.is_multiple_of(Buffer::PART_ALIGNMENT) || self.end > array.len() {
            let message = format!("gradients have no place from {start} to {} of an array {}", self.end, array.shape());
            return Err(Error::shape("clip_grad_norm_gather", message));
        }
        // What the launch has too few of is the last one again, without a value.
        let source = |k: usize| sources.get(k).map_or((*last, 0, *last_first), |(gradient, first)| (*gradient, gradient.len(), *first));
        let all: [_; SOURCES] = std::array::from_fn(source);
        let [len0, len1, len2, len3, len4, len5] = all.map(|(_, len, _)| len as u32);
        let [first0, first1, first2, first3, first4, first5] = all.map(|(_, _, first)| first as u32);
        let mut buffers: Vec<&Buffer> = all.iter().map(|(gradient, ..)| gradient.buffer()).collect();
        buffers.extend([array.buffer(), squares.buffer()]);
        let start = (start / 4) as u32;
        array.gpu().launch(&Launch {
            plan: Plan::new("clip_grad_norm_gather", sources.iter().map(|(gradient, _)| gradient.len().div_ceil(VALUES_A_PART)).sum()),
            params: &ClipGradNormGatherParams { len0, len1, len2, len3, len4, len5, first0, first1, first2, first3, first4, first5, start },
            buffers: &buffers,
            cost: Cost::new(2.0 * words as f64, 2 * words),
        })
    }
}

/// `gradient` times the factor `scale` of shape `[]`, in a new tensor (gradients may share a buffer).
///
/// # Errors
/// A scale of several values; out of memory.
pub fn clip_grad_norm_scale(gradient: &Tensor, scale: &Tensor) -> Result<Tensor> {
    if scale.len() != 1 {
        return Err(Error::shape("clip_grad_norm_scale", format!("the scale is one value, got {}", scale.shape())));
    }
    let output = Tensor::empty(gradient.gpu(), gradient.shape())?;
    let packs = gradient.len().div_ceil(4);
    gradient.gpu().launch(&Launch {
        plan: Plan::each("clip_grad_norm_scale", packs),
        params: &ClipGradNormScaleParams { packs: packs as u32 },
        buffers: &[gradient.buffer(), scale.buffer(), output.buffer()],
        cost: Cost::new(gradient.len() as f64, 2 * gradient.len()),
    })?;
    Ok(output)
}
