//! Launcher of `gaussian_blur`: a separable Gaussian window with borders reflected without repeating the edge (torchvision's
//! `gaussian_blur`), in two passes that each transpose. No gradient: it prepares inputs and scores. Shader: `shaders/gaussian_blur.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Gpu, Launch, Plan};
use crate::host::gaussian_blur::GaussianBlurParams;
use crate::tensor::Tensor;

/// Output rows of one invocation.
const ROWS: usize = 16;

/// A Gaussian window on the device.
pub struct Window {
    weights: Tensor,
    kernel_size: usize,
}

/// The normalised weights exp(−½ (x/σ)²) at x = −(k−1)/2 … (k−1)/2.
pub fn gaussian_window(kernel_size: usize, sigma: f64) -> Vec<f64> {
    let centre = (kernel_size as f64 - 1.0) / 2.0;
    let weights: Vec<f64> = (0..kernel_size).map(|tap| (-0.5 * ((tap as f64 - centre) / sigma).powi(2)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

impl Window {
    /// Largest size, pixels: that of the configuration's keys, and twice as wide as any scene.
    pub const LARGEST: usize = 99_999;

    /// The window of `kernel_size` pixels (odd) with standard deviation `sigma` pixels.
    ///
    /// # Errors
    /// An even size, or one above [`Window::LARGEST`]; a sigma that is not a positive number; out of memory.
    pub fn new(gpu: &Gpu, kernel_size: usize, sigma: f64) -> Result<Window> {
        if kernel_size.is_multiple_of(2) || kernel_size > Self::LARGEST {
            let message = format!("the kernel size must be an odd number up to {}, got {kernel_size}", Self::LARGEST);
            return Err(Error::shape("gaussian_blur", message));
        }
        if !(sigma > 0.0 && sigma.is_finite()) {
            return Err(Error::shape("gaussian_blur", format!("sigma must be a positive number of pixels, got {sigma}")));
        }
        let mut weights: Vec<f32> = gaussian_window(kernel_size, sigma).iter().map(|&w| w as f32).collect();
        // Each of the 16 rows of an invocation sees its own taps: the others are zeros behind the window.
        weights.resize((kernel_size + ROWS - 1).next_multiple_of(4), 0.0);
        Ok(Window { weights: Tensor::from_slice(gpu, [weights.len()], &weights)?, kernel_size })
    }
}

/// `input` blurred with a window of `kernel_size` pixels and standard deviation `sigma`; size 1 is the identity.
///
/// # Shapes
/// `[n, c, h, w]`.
///
/// # Errors
/// An even size, or a radius that is not smaller than rows and columns; out of memory.
pub fn gaussian_blur(input: &Tensor, kernel_size: usize, sigma: f64) -> Result<Tensor> {
    gaussian_blur_normalised(input, kernel_size, sigma, 0.0, 1.0)
}

/// scale·(`input` − offset), then blurred.
///
/// # Shapes
/// `[n, c, h, w]`.
///
/// # Errors
/// As [`gaussian_blur`].
pub fn gaussian_blur_normalised(input: &Tensor, kernel_size: usize, sigma: f64, offset: f64, scale: f64) -> Result<Tensor> {
    // Before the window is made, which would be as large as somebody asks.
    check_radius(input, kernel_size)?;
    blur_with(input, &Window::new(input.gpu(), kernel_size, sigma)?, offset, scale)
}

/// scale·(`input` − offset) blurred with a window that serves several tensors.
///
/// # Shapes
/// `[n, c, h, w]`.
///
/// # Errors
/// A radius that is not smaller than rows and columns; out of memory.
pub fn blur_with(input: &Tensor, window: &Window, offset: f64, scale: f64) -> Result<Tensor> {
    let [n, c, h, w] = input.nchw("gaussian_blur")?;
    let radius = check_radius(input, window.kernel_size)?;
    // Rows of the scratch plane start at multiples of four, whatever the image's height.
    let pitch = h.next_multiple_of(4);
    let turned = Tensor::empty(input.gpu(), [n * c, w, pitch])?;
    let output = Tensor::empty(input.gpu(), input.shape())?;
    let blocks = |rows: usize| rows.div_ceil(ROWS);
    let first = Pass { planes: n * c, rows: h, cols: w, blocks: blocks(h), radius, pitch_in: w, pitch_out: pitch, offset, scale };
    first.launch(input, window, &turned)?;
    let (offset, scale) = (0.0, 1.0);
    let second = Pass { planes: n * c, rows: w, cols: h, blocks: blocks(w), radius, pitch_in: pitch, pitch_out: w, offset, scale };
    second.launch(&turned, window, &output)?;
    Ok(output)
}

/// The radius of a window, which reflects the image's borders once.
fn check_radius(input: &Tensor, kernel_size: usize) -> Result<usize> {
    let [_, _, h, w] = input.nchw("gaussian_blur")?;
    let radius = kernel_size / 2;
    if radius < h.min(w) {
        return Ok(radius);
    }
    let message = format!("a window of {kernel_size} has radius {radius}, which must be smaller than the image's {h} rows and {w} columns");
    Err(Error::shape("gaussian_blur", message))
}

/// One pass without borders: each of the first `cols` columns convolved along the rows where the window lies inside, written transposed.
///
/// # Shapes
/// `input`: `[planes, rows, pitch]`; the result `[planes, cols, pitch_out]`, of which the first rows − kernel_size + 1 of each row count.
///
/// # Errors
/// Other shapes, fewer rows than the window has, more columns than the pitch; out of memory.
pub(crate) fn blur_inside(input: &Tensor, cols: usize, window: &Window) -> Result<Tensor> {
    let (planes, rows, pitch) = match *input.shape().dims() {
        [planes, rows, pitch] if rows >= window.kernel_size && (1..=pitch).contains(&cols) => (planes, rows, pitch),
        _ => {
            let message = format!("{cols} columns of {} cannot be blurred by a window of {}", input.shape(), window.kernel_size);
            return Err(Error::shape("gaussian_blur", message));
        }
    };
    let blocks = (rows + 1 - window.kernel_size).div_ceil(ROWS);
    let turned = Tensor::empty(input.gpu(), [planes, cols, blocks * ROWS])?;
    // Radius 0: the first tap of output row r is input row r.
    let pass = Pass { planes, rows, cols, blocks, radius: 0, pitch_in: pitch, pitch_out: blocks * ROWS, offset: 0.0, scale: 1.0 };
    pass.launch(input, window, &turned)?;
    Ok(turned)
}

struct Pass {
    planes: usize,
    rows: usize,
    cols: usize,
    /// Blocks of output rows.
    blocks: usize,
    /// How far the first tap of an output row lies before it.
    radius: usize,
    pitch_in: usize,
    pitch_out: usize,
    offset: f64,
    scale: f64,
}

impl Pass {
    fn launch(&self, input: &Tensor, window: &Window, output: &Tensor) -> Result<()> {
        let scalar = !self.pitch_in.is_multiple_of(4);
        let packs = if scalar { self.pitch_in } else { self.pitch_in / 4 };
        let params = GaussianBlurParams {
            rows: self.rows as u32,
            cols: self.cols as u32,
            packs: packs as u32,
            blocks: self.blocks as u32,
            planes: self.planes as u32,
            pitch_out: self.pitch_out as u32,
            radius: self.radius as u32,
            taps: (window.weights.len() / 4) as u32,
            offset: self.offset as f32,
            scale: self.scale as f32,
        };
        input.gpu().launch(&Launch {
            plan: Plan::each("gaussian_blur", self.planes * packs * self.blocks).scalar(scalar),
            params: &params,
            buffers: &[input.buffer(), window.weights.buffer(), output.buffer()],
            cost: Cost::new(2.0 * window.kernel_size as f64 * output.len() as f64, input.len() + output.len()),
        })
    }
}
