//! Attributes and extents of a convolution, checked once.

use crate::error::{Error, Result};
use crate::gpu::Cost;
use crate::kernels::operands::Operands;
use crate::tensor::{Shape, Tensor};

/// Attributes of `torch.nn.functional.conv2d`, the same along both axes, and how operands are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2dAttrs {
    /// Step of the window, pixels.
    pub stride: usize,
    /// Zeros around the input, pixels a side.
    pub padding: usize,
    /// Distance of the taps, pixels.
    pub dilation: usize,
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Of input, weight and the output's gradient.
    pub operands: Operands,
}

impl Default for Conv2dAttrs {
    fn default() -> Self {
        Conv2dAttrs::PLAIN
    }
}

impl Conv2dAttrs {
    /// PyTorch's defaults.
    pub const PLAIN: Conv2dAttrs = Conv2dAttrs { stride: 1, padding: 0, dilation: 1, groups: 1, operands: Operands::F32 };

    /// True where `weight` has one filter a channel and there are several channels: work for `depthwise_conv2d`.
    pub fn is_depthwise(&self, weight: &Tensor) -> bool {
        self.groups > 1 && matches!(*weight.shape().dims(), [c_out, 1, _, _] if c_out == self.groups)
    }
}

impl Conv2dAttrs {
    /// Attributes of the same meaning for an input of this size that ask kernels for no more memory than it has pixels: a stride past
    /// the padded input is never made, and taps of a centred window that lie further away than the input is long meet zeros anyway.
    fn within(self, input: [usize; 2], kernel: [usize; 2]) -> Self {
        let side = input[0].max(input[1]);
        let centred = kernel.iter().all(|&k| k % 2 == 1 && self.padding == self.dilation * (k / 2));
        let dilation = if centred { self.dilation.min(side) } else { self.dilation };
        let padding = if centred { dilation * (kernel[0] / 2) } else { self.padding };
        Conv2dAttrs { stride: self.stride.min(side + 2 * padding), padding, dilation, ..self }
    }
}

/// All extents of one convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names are those of the architecture's dimension list
pub struct Conv2dDims {
    pub n: usize,
    pub c_in: usize,
    pub h_in: usize,
    pub w_in: usize,
    pub c_out: usize,
    pub h_out: usize,
    pub w_out: usize,
    pub kernel_h: usize,
    pub kernel_w: usize,
    pub attrs: Conv2dAttrs,
}

impl Conv2dDims {
    /// Extents of a forward pass.
    ///
    /// # Errors
    /// [`Error::Shape`] where channels, groups or the window do not fit.
    pub fn forward(input: &Tensor, weight: &Tensor, attrs: &Conv2dAttrs) -> Result<Self> {
        let ([n, c_in, h_in, w_in], [c_out, in_per_group, kernel_h, kernel_w]) = (input.nchw("conv2d")?, weight.nchw("conv2d")?);
        let groups = attrs.groups;
        if groups == 0 || in_per_group.checked_mul(groups) != Some(c_in) || c_out % groups != 0 {
            let message = format!("weight {} with {groups} groups does not fit an input with {c_in} channels", weight.shape());
            return Err(Error::shape("conv2d", message));
        }
        let extent = |size, kernel| Shape::conv_output("conv2d", size, kernel, attrs.stride, attrs.padding, attrs.dilation);
        let (h_out, w_out) = (extent(h_in, kernel_h)?, extent(w_in, kernel_w)?);
        let attrs = attrs.within([h_in, w_in], [kernel_h, kernel_w]);
        Ok(Conv2dDims { n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, attrs })
    }

    /// Extents of the convolution whose input gradient is this transposed convolution: its output is `input` here.
    ///
    /// # Errors
    /// [`Error::Shape`] where channels or the window do not fit.
    pub fn transposed(input: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Result<Self> {
        let ([n, c, h, w], [c_weight, c_in, kernel_h, kernel_w]) = (input.nchw("conv_transpose2d")?, weight.nchw("conv_transpose2d")?);
        if c != c_weight {
            let message = format!("weight {} does not fit an input with {c} channels", weight.shape());
            return Err(Error::shape("conv_transpose2d", message));
        }
        let h_in = Shape::conv_transpose_output(h, kernel_h, stride, padding)?;
        let w_in = Shape::conv_transpose_output(w, kernel_w, stride, padding)?;
        let attrs = Conv2dAttrs { stride, padding, ..Default::default() }.within([h_in, w_in], [kernel_h, kernel_w]);
        Ok(Conv2dDims { n, c_in, h_in, w_in, c_out: c, h_out: h, w_out: w, kernel_h, kernel_w, attrs })
    }

    /// The extents for some of the images: those of `part`, the input or the output.
    pub(in crate::kernels) fn of_images(&self, part: &Tensor) -> Self {
        Conv2dDims { n: part.shape().dims().first().copied().unwrap_or(self.n), ..*self }
    }

    pub(in crate::kernels) fn expect_input(&self, op: &'static str, shape: &Shape) -> Result<()> {
        expect(op, shape, [self.n, self.c_in, self.h_in, self.w_in])
    }

    pub(in crate::kernels) fn expect_output(&self, op: &'static str, tensor: &Tensor) -> Result<()> {
        expect(op, tensor.shape(), [self.n, self.c_out, self.h_out, self.w_out])
    }

    pub(in crate::kernels) fn expect_weight(&self, op: &'static str, tensor: &Tensor) -> Result<()> {
        expect(op, tensor.shape(), [self.c_out, self.in_per_group(), self.kernel_h, self.kernel_w])
    }

    /// Input channels that one output channel sees.
    pub fn in_per_group(&self) -> usize {
        self.c_in / self.attrs.groups
    }

    /// Elements of the weight.
    pub fn weight_len(&self) -> usize {
        self.c_out * self.in_per_group() * self.kernel_h * self.kernel_w
    }

    /// What parameter structs hold: n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, groups.
    pub(in crate::kernels) fn words(&self) -> [u32; 13] {
        let Conv2dDims { n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, attrs } = *self;
        let Conv2dAttrs { stride, padding, dilation, groups, operands: _ } = attrs;
        [n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, groups].map(|v| v as u32)
    }

    /// Arithmetic and traffic of the forward pass or of either gradient.
    pub fn cost(&self) -> Cost {
        let output = self.n * self.c_out * self.h_out * self.w_out;
        let flops = 2.0 * output as f64 * (self.in_per_group() * self.kernel_h * self.kernel_w) as f64;
        Cost::new(flops, self.n * self.c_in * self.h_in * self.w_in + output + self.weight_len())
    }
}

fn expect(op: &'static str, shape: &Shape, dims: [usize; 4]) -> Result<()> {
    if *shape != Shape::from(dims) {
        return Err(Error::shape(op, format!("expected shape {}, got {shape}", Shape::from(dims))));
    }
    Ok(())
}
