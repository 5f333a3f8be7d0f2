//! The table of twins. A stem without a file in this folder is a kernel for GPUs only, whose launcher chooses another on the host.

use super::job::{Inputs, Job, Outputs, Raw, Run};
use super::params::{Layout, Params};

/// A twin as a row of the table.
struct Twin {
    stem: &'static str,
    bindings: fn() -> [usize; 2],
    layout: fn() -> Layout,
    run: Run,
}

/// Buffers that a twin reads and writes.
fn bindings<P, const R: usize, const W: usize>(_: fn(&Job<P>, Inputs<R>, Outputs<W>)) -> [usize; 2] {
    [R, W]
}

/// The layout of a twin's parameters.
fn layout<P: Params, const R: usize, const W: usize>(_: fn(&Job<P>, Inputs<R>, Outputs<W>)) -> Layout {
    Layout::of::<P>()
}

macro_rules! twin {
    ($stem:ident) => {
        Twin {
            stem: stringify!($stem),
            bindings: || bindings(super::$stem::$stem),
            layout: || layout(super::$stem::$stem),
            run: |raw| raw.call(super::$stem::$stem),
        }
    };
}

/// `tools/build.rs` lists the files of this folder that are named as a shader.
const TWINS: &[Twin] = include!(concat!(env!("OUT_DIR"), "/twins.rs"));

/// Runs the twin of `stem`.
///
/// # Errors
/// Where there is none, or the launch's parameters or buffers are not those of the kernel.
pub(crate) fn run(raw: &Raw) -> Result<(), String> {
    match TWINS.binary_search_by_key(&raw.stem, |twin| twin.stem) {
        Ok(found) => (TWINS[found].run)(raw),
        Err(_) => Err(format!("the host device has no twin of this kernel (src/host/{}.rs)", raw.stem)),
    }
}

/// Stems that have a twin, sorted, each with the number of buffers that it reads and of those that it writes.
pub fn stems() -> impl Iterator<Item = (&'static str, [usize; 2])> {
    TWINS.iter().map(|twin| (twin.stem, (twin.bindings)()))
}

/// Layouts of the twins' parameters, by stem.
pub(crate) fn layouts() -> impl Iterator<Item = (&'static str, Layout)> {
    TWINS.iter().map(|twin| (twin.stem, (twin.layout)()))
}

#[cfg(test)]
mod tests {
    use rayon::ThreadPoolBuilder;

    use super::{TWINS, run};
    use crate::host::gaussian_blur::GaussianBlurParams;
    use crate::host::interpolate::InterpolateParams;
    use crate::host::job::Raw;
    use crate::host::masked_loss_stats::MaskedLossPixelParams;
    use crate::host::masked_metrics::{MaskedMetricsParams, WORDS};
    use crate::host::memory::Memory;

    #[test]
    fn the_table_is_sorted() {
        assert!(TWINS.is_sorted_by(|a, b| a.stem < b.stem));
    }

    /// Bits that a launch leaves in its last buffer; the others hold noise in 0…1, a quarter of it 0.
    fn bits(stem: &'static str, immediates: &[u8], mode: u32, words: &[usize]) -> Vec<u32> {
        let memories: Vec<Memory> = words.iter().map(|&words| Memory::new(4 * words as u64).unwrap()).collect();
        let spans: Vec<_> = memories.iter().zip(words).map(|(memory, &words)| memory.span(0, words as u64)).collect();
        let mut state = 1u32;
        for span in &spans[..spans.len() - 1] {
            // SAFETY: the memory lives on, and no other slice of it does.
            for value in unsafe { span.as_slice_mut() } {
                state = state.wrapping_mul(747_796_405).wrapping_add(1);
                *value = if state >> 30 == 0 { 0.0 } else { (state >> 8) as f32 / (1 << 24) as f32 };
            }
        }
        run(&Raw { stem, immediates, consts: &[("MODE", mode)], scalar: true, spans: &spans }).unwrap();
        // SAFETY: the memory lives on, and nobody writes to it any more.
        unsafe { spans[spans.len() - 1].as_slice() }.iter().map(|value| value.to_bits()).collect()
    }

    /// Fails where pools of one, two, three and seven threads do not leave the same bits.
    fn same_bits(stem: &'static str, immediates: &[u8], mode: u32, words: &[usize]) {
        let with = |threads: usize| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| bits(stem, immediates, mode, words))
        };
        let one = with(1);
        assert!(one.iter().any(|&bits| bits != 0), "{stem} wrote nothing");
        for threads in [2, 3, 7] {
            assert!(with(threads) == one, "{stem} with {threads} threads");
        }
    }

    #[test]
    fn bits_do_not_depend_on_the_number_of_threads() {
        // Planes of several tasks each.
        let (planes, h, w) = (3u32, 170u32, 161u32);
        for (mode, ratio_h, ratio_w) in [(0, 0.5, 0.5), (1, 0.5, 0.5), (2, 169.0 / 339.0, 160.0 / 321.0)] {
            let (h_out, w_out) = (2 * h, 2 * w);
            let params = InterpolateParams { planes, h_in: h, w_in: w, h_out, w_out, ratio_h, ratio_w, strip: 1, strips: 1 };
            let [input, output] = [h * w, h_out * w_out].map(|plane| (planes * plane) as usize);
            same_bits("interpolate", bytemuck::bytes_of(&params), mode, &[input, output]);
            same_bits("interpolate_grad_input", bytemuck::bytes_of(&params), mode, &[output, input]);
        }

        let (radius, blocks) = (6, h.div_ceil(16));
        let (pitch_out, taps) = (h, (2 * radius + 16) / 4);
        let params = GaussianBlurParams { rows: h, cols: w, packs: w, blocks, planes, pitch_out, radius, taps, offset: 0.0, scale: 1.0 };
        let plane = (planes * h * w) as usize;
        same_bits("gaussian_blur", bytemuck::bytes_of(&params), 0, &[plane, 4 * taps as usize, plane]);

        let (image, images) = (h * w, planes);
        let parts = image.div_ceil(1024);
        let params = MaskedLossPixelParams { packs: image, parts, images, shape: 0.0 };
        same_bits("masked_loss_stats", bytemuck::bytes_of(&params), 0, &[plane, plane, plane, (2 * images * parts) as usize]);
        let params = MaskedMetricsParams { packs: image, parts, images, threshold: 0.5 };
        same_bits("masked_metrics", bytemuck::bytes_of(&params), 0, &[plane, plane, plane, WORDS * (images * parts) as usize]);
    }
}
