//! The vanilla UNet (Ronneberger, Fischer and Brox 2015, arXiv 1505.04597) in the reference's form: four levels, zero-padded 3×3
//! convolutions with batch norm, widths `base_channels` × 1, 2, 4, 8, 16, optional residual convolutions at full resolution, up-sampling by
//! transposed convolution or bilinearly.

use std::rc::Rc;

use serde_json::json;

use crate::autograd::Tape;
use crate::config::{Config, ModelKey};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::kernels::conv2d::Conv2dAttrs;
use crate::models::{Inputs, Model, Network, Outputs, Recognised, Shapes};
use crate::nn::{Builder, Conv2d, ConvNorm, ConvTranspose2d, Mode, ParameterSet};
use crate::ops::{self, Activation, Interpolation, Target, Window};
use crate::tensor::Tensor;

/// The network's entry in the table.
pub(super) const NETWORK: Network = Network {
    key: ModelKey::Unet,
    build: |gpu, config, channels| Ok(Box::new(UNet::new(gpu, config, channels.only()?)?)),
    recognise,
    first: Some("inc.double_conv.0.weight"),
    encoder: &["inc", "extraincs", "down1", "down2", "down3", "down4"],
    repeated: &["extraincs", "extraoutcs"],
    ..Network::PLAIN
};

fn recognise(dict: &Shapes) -> Option<Recognised> {
    let first = "inc.double_conv.0.weight";
    let keys = [
        ("base_channels", json!(dict.axis(first, 0)?)),
        ("bilinear", json!(!dict.has("up1.up.weight"))),
        ("num_extra_convs", json!(dict.modules("extraincs"))),
        ("out_channels", json!(dict.axis("outc.conv.0.weight", 0)?)),
    ];
    Some(Recognised::new("unet", dict.axis(first, 1)?, keys))
}

/// eps of the batch norms, PyTorch's default.
const EPS: f32 = 1e-5;
const SAME_3X3: Conv2dAttrs = Conv2dAttrs { padding: 1, ..Conv2dAttrs::PLAIN };

/// conv 3×3 → batch norm, under `name.{first}` and `name.{first + 1}`.
fn conv_norm(b: &mut Builder, name: &str, first: usize, c_in: usize, c_out: usize) -> Result<ConvNorm> {
    b.conv_norm([&format!("{name}.{first}"), &format!("{name}.{}", first + 1)], [c_in, c_out], 3, SAME_3X3, EPS)
}

/// Two of them, each with the activation behind it.
struct DoubleConv(ConvNorm, ConvNorm);

impl DoubleConv {
    fn new(b: &mut Builder, name: &str, c_in: usize, c_mid: usize, c_out: usize) -> Result<Self> {
        let name = format!("{name}.double_conv");
        Ok(DoubleConv(conv_norm(b, &name, 0, c_in, c_mid)?, conv_norm(b, &name, 3, c_mid, c_out)?))
    }

    /// Of tensors joined along the channels.
    fn forward(&self, tape: &Tape, pass: Pass, inputs: &[&Tensor]) -> Result<Tensor> {
        let x = self.0.follow_cat(tape, inputs, pass.mode, pass.activation)?;
        self.1.follow(tape, x, pass.mode, pass.activation)?.tensor(tape)
    }
}

/// One residual convolution applied several times with the same weights: x ← x + act(norm(conv(x))).
struct Repeated {
    block: Rc<ConvNorm>,
    times: usize,
}

impl Repeated {
    fn new(b: &mut Builder, name: &str, channels: usize, times: usize) -> Result<Option<Self>> {
        if times == 0 {
            return Ok(None);
        }
        b.repeated(name, times);
        let block = Rc::new(conv_norm(b, &format!("{name}.0.res_conv"), 0, channels, channels)?);
        Ok(Some(Repeated { block, times }))
    }

    fn forward(&self, tape: &Tape, pass: Pass, x: Tensor) -> Result<Tensor> {
        (0..self.times).try_fold(x, |x, _| {
            let block = self.block.clone();
            tape.segment(move |tape| ops::add(tape, &x, &block.forward(tape, &x, pass.mode, pass.activation)?))
        })
    }
}

/// Up-sampling by two, concatenation after the skip, two convolutions.
struct Up {
    up: Option<ConvTranspose2d>,
    conv: DoubleConv,
}

impl Up {
    fn new(b: &mut Builder, name: &str, c_in: usize, c_out: usize, bilinear: bool) -> Result<Self> {
        let up = if bilinear { None } else { Some(b.conv_transpose2d(&format!("{name}.up"), c_in, c_in / 2, 2, 2)?) };
        let c_mid = if bilinear { c_in / 2 } else { c_out };
        Ok(Up { up, conv: DoubleConv::new(b, &format!("{name}.conv"), c_in, c_mid, c_out)? })
    }

    fn forward(&self, tape: &Tape, pass: Pass, x: &Tensor, skip: &Tensor) -> Result<Tensor> {
        let up = match &self.up {
            Some(up) => up.forward(tape, x)?,
            None => {
                let [_, _, h, w] = x.nchw("interpolate")?;
                ops::interpolate(tape, x, Target::Size([2 * h, 2 * w]), Interpolation::BilinearAligned)?
            }
        };
        self.conv.forward(tape, pass, &[skip, &up])
    }
}

/// What every layer needs to know of a forward pass.
#[derive(Clone, Copy)]
struct Pass {
    mode: Mode,
    activation: Activation,
}

/// The network. Each block is a [`Tape::segment`].
pub struct UNet {
    inc: Rc<DoubleConv>,
    extra_in: Option<Repeated>,
    down: Vec<Rc<DoubleConv>>,
    up: Vec<Rc<Up>>,
    extra_out: Option<Repeated>,
    outc: Conv2d,
    activation: Activation,
    out_activation: Activation,
    parameters: ParameterSet,
}

impl UNet {
    /// Builds the network of a configuration: `base_channels`, `bilinear`, `num_extra_convs`, `activation`, `out_activation`,
    /// `out_channels`.
    ///
    /// # Errors
    /// [`Error::Config`] for a width of 0; out of memory.
    pub fn new(gpu: &Gpu, config: &Config, in_channels: usize) -> Result<Self> {
        let (base, bilinear, times) = (config.base_channels, config.bilinear, config.num_extra_convs);
        if base == 0 {
            let message = "0 leaves no network; 64 is the reference's width, 8 a small one".into();
            return Err(Error::Config { file: config.file.clone(), key: "base_channels".into(), message });
        }
        let shrink = if bilinear { 2 } else { 1 };
        let widths = [base, 2 * base, 4 * base, 8 * base, 16 * base / shrink];
        let mut b = Builder::new(gpu, config.seed);
        let inc = Rc::new(DoubleConv::new(&mut b, "inc", in_channels, base, base)?);
        let extra_in = Repeated::new(&mut b, "extraincs", base, times)?;
        let mut down = Vec::new();
        for level in 1..5 {
            let name = format!("down{level}.maxpool_conv.1");
            down.push(Rc::new(DoubleConv::new(&mut b, &name, widths[level - 1], widths[level], widths[level])?));
        }
        let mut up = Vec::new();
        for level in 1..5 {
            let below = (16 * base) >> (level - 1);
            let above = if level == 4 { base } else { below / 2 / shrink };
            up.push(Rc::new(Up::new(&mut b, &format!("up{level}"), below, above, bilinear)?));
        }
        let extra_out = Repeated::new(&mut b, "extraoutcs", base, times)?;
        let outc = b.conv2d("outc.conv.0", base, config.out_channels, 1, Conv2dAttrs::default(), true)?;
        let (activation, out_activation) = (config.activation, config.out_activation);
        Ok(UNet { inc, extra_in, down, up, extra_out, outc, activation, out_activation, parameters: b.finish() })
    }
}

impl Model for UNet {
    fn forward(&self, tape: &Tape, inputs: &Inputs, mode: Mode) -> Result<Outputs> {
        let input = inputs.only()?;
        let [_, _, h, w] = input.nchw("unet")?;
        if h < 16 || w < 16 {
            return Err(Error::shape(
                "unet",
                format!("tiles of {h} × {w} pixels are too small for four halvings; set img_size to at least 16"),
            ));
        }
        let pass = Pass { mode, activation: self.activation };
        let (block, image) = (self.inc.clone(), input.clone());
        let mut x = tape.segment(move |tape| block.forward(tape, pass, &[&image]))?;
        if let Some(extra) = &self.extra_in {
            x = extra.forward(tape, pass, x)?;
        }
        let mut skips = Vec::new();
        for down in &self.down {
            skips.push(x.clone());
            let down = down.clone();
            x = tape.segment(move |tape| {
                let pooled = ops::max_pool2d(tape, &x, Window { kernel: 2, stride: 2, padding: 0 })?;
                down.forward(tape, pass, &[&pooled])
            })?;
        }
        for up in &self.up {
            let skip = skips.pop().ok_or_else(|| Error::shape("unet", "more up-samplings than levels"))?;
            let up = up.clone();
            x = tape.segment(move |tape| up.forward(tape, pass, &x, &skip))?;
        }
        if let Some(extra) = &self.extra_out {
            x = extra.forward(tape, pass, x)?;
        }
        Ok(self.outc.forward(tape, &x, self.out_activation)?.into())
    }

    fn parameters(&self) -> &ParameterSet {
        &self.parameters
    }
}
