//! Launchers of `gather_tokens` and `scatter_tokens`, each of which the other's gradient needs. Shaders: `shaders/gather_tokens.wgsl`,
//! `shaders/scatter_tokens.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Gpu, Launch, Plan};
use crate::host::gather_tokens::GatherTokensParams;
use crate::host::scatter_tokens::ScatterTokensParams;
use crate::kernels::image_groups::for_images;
use crate::tensor::Tensor;

/// Numbers that a float32 counts exactly.
const MOST_TOKENS: usize = 1 << 24;

/// Which tokens of every sample are meant: as many of each, none twice.
#[derive(Clone)]
pub struct Picked {
    /// `[n, picked]`, whole numbers.
    index: Tensor,
    tokens: usize,
}

impl Picked {
    /// Those of `lists`, one list a sample, of samples of so many tokens.
    ///
    /// # Errors
    /// Lists of different lengths, or of nothing; tokens that there are not, or twice; out of memory.
    pub fn new(gpu: &Gpu, lists: &[Vec<usize>], tokens: usize) -> Result<Picked> {
        let picked = lists.first().map_or(0, Vec::len);
        let wrong = |message: String| Error::shape("gather_tokens", message);
        if picked == 0 || lists.iter().any(|list| list.len() != picked) {
            let lengths: Vec<usize> = lists.iter().map(Vec::len).collect();
            return Err(wrong(format!("lists of {lengths:?} tokens; as many of each sample, and one at least, were expected")));
        }
        if tokens > MOST_TOKENS {
            return Err(wrong(format!("samples of {tokens} tokens; {MOST_TOKENS} can be counted")));
        }
        for list in lists {
            let mut seen = vec![false; tokens];
            for &token in list {
                match seen.get_mut(token) {
                    None => return Err(wrong(format!("token {token} of {tokens}"))),
                    Some(seen) if *seen => return Err(wrong(format!("token {token} is named twice"))),
                    Some(seen) => *seen = true,
                }
            }
        }
        let numbers: Vec<f32> = lists.iter().flatten().map(|token| *token as f32).collect();
        let shape = [lists.len(), picked];
        let index = if gpu.is_planner() { Tensor::empty(gpu, shape)? } else { Tensor::from_slice(gpu, shape, &numbers)? };
        Ok(Picked { index, tokens })
    }

    /// Samples and picked tokens of each.
    fn extents(&self) -> [usize; 2] {
        let dims = self.index.shape().dims();
        [dims[0], dims[1]]
    }

    /// Values of a token, where `x` has these samples and tokens.
    fn values_of(&self, op: &'static str, x: &Tensor) -> Result<usize> {
        let [n, picked] = self.extents();
        match *x.shape().dims() {
            [samples, tokens, c] if samples == n && tokens == self.tokens && c > 0 => Ok(c),
            _ => {
                let message = format!("{picked} tokens of each of {n} samples of {} were picked, and {} was given", self.tokens, x.shape());
                Err(Error::shape(op, message))
            }
        }
    }
}

/// The picked tokens of every sample, in the order of their list.
///
/// # Shapes
/// input `[n, tokens, c]`; output `[n, picked, c]`.
///
/// # Errors
/// Other samples or tokens than those that were picked from; out of memory.
pub fn gather_tokens(input: &Tensor, picked: &Picked) -> Result<Tensor> {
    let (c, [n, count]) = (picked.values_of("gather_tokens", input)?, picked.extents());
    let output = Tensor::empty(input.gpu(), [n, count, c])?;
    for_images("gather_tokens", [input, &picked.index, &output], |[input, index, output]| {
        let [len, tokens, picked, c] = [output.len(), picked.tokens, count, c].map(|number| number as u32);
        input.gpu().launch(&Launch {
            plan: Plan::each("gather_tokens", output.len()),
            params: &GatherTokensParams { len, tokens, picked, c },
            buffers: &[input, index, output].map(Tensor::buffer),
            cost: Cost::new(0.0, 2 * output.len() + index.len()),
        })
    })?;
    Ok(output)
}

/// Writes over the picked tokens of every sample of `output`, each with its own row of `source` or all with the only one.
///
/// # Shapes
/// source `[n, picked, c]` or `[c]`, output `[n, tokens, c]`.
///
/// # Errors
/// Shapes that do not fit; out of memory.
pub fn scatter_tokens(source: &Tensor, picked: &Picked, output: &Tensor) -> Result<()> {
    let (c, [n, count]) = (picked.values_of("scatter_tokens", output)?, picked.extents());
    let is_one = source.shape().dims() == [c];
    if !is_one && source.shape().dims() != [n, count, c] {
        let message = format!("rows {} for {count} tokens of each of {n} samples, of {c} values", source.shape());
        return Err(Error::shape("scatter_tokens", message));
    }
    let launch = |source: &Tensor, index: &Tensor, output: &Tensor| {
        let written = index.len() * c;
        let [len, tokens, picked, c] = [written, picked.tokens, count, c].map(|number| number as u32);
        output.gpu().launch(&Launch {
            plan: Plan::each("scatter_tokens", written),
            params: &ScatterTokensParams { len, tokens, picked, c, is_one: u32::from(is_one) },
            buffers: &[source, index, output].map(Tensor::buffer),
            cost: Cost::new(0.0, 2 * written + index.len()),
        })
    };
    match is_one {
        true => for_images("scatter_tokens", [&picked.index, output], |[index, output]| launch(source, index, output)),
        false => for_images("scatter_tokens", [source, &picked.index, output], |[source, index, output]| launch(source, index, output)),
    }
}
