//! Builds layers under state_dict names, with first values from a seed.
//!
//! Convolutions follow an [`Init`] rule, PyTorch's default unless another is set; batch norm: weight 1, bias 0, mean 0, variance 1.

use std::cell::Cell;
use std::rc::Rc;

use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::conv2d::Conv2dAttrs;
use crate::nn::layers::MOMENTUM;
use crate::nn::shared_arrays::SharedArrays;
use crate::nn::state_dict::HostTensor;
use crate::nn::{BatchNorm2d, Conv2d, ConvNorm, ConvTranspose2d, Dropout, GroupNorm, Init, LayerNorm, Linear, ParameterSet, Value};
use crate::ops::RunningVariance;
use crate::random::Draw;
use crate::tensor::{Shape, Tensor};

/// Collects the entries of a model while its layers are made.
pub struct Builder {
    gpu: Gpu,
    draw: Draw,
    init: Init,
    momentum: f32,
    seed: u64,
    dropouts: u64,
    arrays: SharedArrays,
    set: ParameterSet,
}

impl Builder {
    /// A builder whose random values depend on `seed` and on the order of the calls alone.
    pub fn new(gpu: &Gpu, seed: u64) -> Self {
        let draw = Draw::weights(seed);
        let (arrays, set) = (SharedArrays::default(), ParameterSet::default());
        Builder { gpu: gpu.clone(), draw, init: Init::Default, momentum: MOMENTUM, seed, dropouts: 0, arrays, set }
    }

    /// Sets the rule for the convolutions made from here on.
    pub fn initialise(&mut self, rule: Init) {
        self.init = rule;
    }

    /// Sets the share of a batch in the running statistics of the norms made from here on, 0.1 before.
    pub fn momentum(&mut self, momentum: f32) {
        self.momentum = momentum;
    }

    /// The finished set.
    pub fn finish(self) -> ParameterSet {
        self.set
    }

    /// Says that the module list `name` holds one module `times` times; its entries are made under `name.0.`.
    pub fn repeated(&mut self, name: &str, times: usize) {
        self.set.repeats.push((name.to_owned(), times));
    }

    /// A parameter of values that are made in order, with what draws them.
    fn parameter(&mut self, name: String, shape: impl Into<Shape>, mut value: impl FnMut(&mut Draw) -> f32) -> Result<Tensor> {
        let tensor = self.arrays.tensor(&self.gpu, shape.into())?;
        if !self.gpu.is_planner() {
            let mut values = Tensor::host_values(tensor.len())?;
            values.extend((0..tensor.len()).map(|_| value(&mut self.draw)));
            tensor.write(&values)?;
        }
        self.set.entries.push((name, Value::Parameter(tensor.clone())));
        Ok(tensor)
    }

    fn uniform(&mut self, name: String, shape: Shape, bound: f64) -> Result<Tensor> {
        // 24 random bits: every value is exact in f32, on every platform.
        self.parameter(name, shape, |draw| ((f64::from(draw.bits() >> 8) / f64::from(1 << 24) * 2.0 - 1.0) * bound) as f32)
    }

    fn running(&mut self, name: String, len: usize, value: f32) -> Result<Tensor> {
        let tensor = Tensor::full(&self.gpu, [len], value)?;
        self.set.entries.push((name, Value::Buffer(tensor.clone())));
        Ok(tensor)
    }

    /// A convolution `c_in → c_out` with a square kernel.
    ///
    /// # Errors
    /// Out of memory.
    pub fn conv2d(&mut self, name: &str, c_in: usize, c_out: usize, kernel: usize, attrs: Conv2dAttrs, bias: bool) -> Result<Conv2d> {
        let in_per_group = c_in / attrs.groups.max(1);
        self.conv2d_of_fans(name, [c_in, c_out], kernel, attrs, bias, [in_per_group * kernel * kernel, c_out * kernel * kernel])
    }

    /// As [`Builder::conv2d`], with what its rule takes for fan_in and fan_out.
    ///
    /// # Errors
    /// Out of memory.
    pub fn conv2d_of_fans(
        &mut self,
        name: &str,
        [c_in, c_out]: [usize; 2],
        kernel: usize,
        attrs: Conv2dAttrs,
        bias: bool,
        [fan_in, fan_out]: [usize; 2],
    ) -> Result<Conv2d> {
        let in_per_group = c_in / attrs.groups.max(1);
        let bound = self.init.weight_bound(fan_in, fan_out);
        let weight = self.uniform(format!("{name}.weight"), Shape::from([c_out, in_per_group, kernel, kernel]), bound)?;
        let bias = match (bias, self.init.bias_bound(fan_in)) {
            (false, _) => None,
            (true, Some(bound)) => Some(self.uniform(format!("{name}.bias"), Shape::from([c_out]), bound)?),
            (true, None) => Some(self.filled(&format!("{name}.bias"), [c_out], 0.0)?),
        };
        Ok(Conv2d { weight, bias, attrs })
    }

    /// A fully connected layer `c_in → c_out` with bias; its rule takes these for fan_in and fan_out.
    ///
    /// # Errors
    /// Out of memory.
    pub fn linear(&mut self, name: &str, [c_in, c_out]: [usize; 2], [fan_in, fan_out]: [usize; 2]) -> Result<Linear> {
        let bound = self.init.weight_bound(fan_in, fan_out);
        let weight = self.uniform(format!("{name}.weight"), Shape::from([c_out, c_in]), bound)?;
        let bias = match self.init.bias_bound(fan_in) {
            Some(bound) => self.uniform(format!("{name}.bias"), Shape::from([c_out]), bound)?,
            None => self.filled(&format!("{name}.bias"), [c_out], 0.0)?,
        };
        Ok(Linear { weight, bias })
    }

    /// Layer normalisation of `channels` channels.
    ///
    /// # Errors
    /// Out of memory.
    pub fn layer_norm(&mut self, name: &str, channels: usize, eps: f32) -> Result<LayerNorm> {
        let weight = self.filled(&format!("{name}.weight"), [channels], 1.0)?;
        let bias = self.filled(&format!("{name}.bias"), [channels], 0.0)?;
        Ok(LayerNorm { weight, bias, eps })
    }

    /// Group normalisation of `channels` channels.
    ///
    /// # Errors
    /// Out of memory.
    pub fn group_norm(&mut self, name: &str, groups: usize, channels: usize, eps: f32) -> Result<GroupNorm> {
        let weight = self.filled(&format!("{name}.weight"), [channels], 1.0)?;
        let bias = self.filled(&format!("{name}.bias"), [channels], 0.0)?;
        Ok(GroupNorm { weight, bias, groups, eps })
    }

    /// A parameter by itself, the same value everywhere.
    ///
    /// # Errors
    /// Out of memory.
    pub fn filled(&mut self, name: &str, shape: impl Into<Shape>, value: f32) -> Result<Tensor> {
        self.parameter(name.to_owned(), shape, |_| value)
    }

    /// Values that follow from the settings, and are no entry.
    ///
    /// # Errors
    /// Values that do not fill the shape; out of memory.
    pub fn constant_of(&self, shape: impl Into<Shape>, values: &[f32]) -> Result<Tensor> {
        match self.gpu.is_planner() {
            true => Tensor::empty(&self.gpu, shape),
            false => Tensor::from_slice(&self.gpu, shape, values),
        }
    }

    /// An entry that follows from the settings: written to files, and not read from them.
    pub fn derived(&mut self, name: &str, value: impl Fn() -> HostTensor + 'static) {
        self.set.entries.push((name.to_owned(), Value::Derived(Rc::new(value))));
    }

    /// A parameter by itself, drawn from a normal distribution around 0.
    ///
    /// # Errors
    /// Out of memory.
    pub fn normal(&mut self, name: &str, shape: impl Into<Shape>, std: f32) -> Result<Tensor> {
        self.parameter(name.to_owned(), shape, |draw| std * draw.noise())
    }

    /// A transposed convolution `c_in → c_out` with bias; PyTorch counts `c_out` as its fan-in.
    ///
    /// # Errors
    /// Out of memory.
    pub fn conv_transpose2d(&mut self, name: &str, c_in: usize, c_out: usize, kernel: usize, stride: usize) -> Result<ConvTranspose2d> {
        let bound = 1.0 / ((c_out * kernel * kernel) as f64).sqrt();
        let weight = self.uniform(format!("{name}.weight"), Shape::from([c_in, c_out, kernel, kernel]), bound)?;
        let bias = self.uniform(format!("{name}.bias"), Shape::from([c_out]), bound)?;
        Ok(ConvTranspose2d { weight, bias, stride })
    }

    /// Batch normalisation of `channels` channels.
    ///
    /// # Errors
    /// Out of memory.
    pub fn batch_norm2d(&mut self, name: &str, channels: usize, eps: f32) -> Result<BatchNorm2d> {
        let weight = self.filled(&format!("{name}.weight"), [channels], 1.0)?;
        let bias = self.filled(&format!("{name}.bias"), [channels], 0.0)?;
        let running_mean = self.running(format!("{name}.running_mean"), channels, 0.0)?;
        let running_var = self.running(format!("{name}.running_var"), channels, 1.0)?;
        let batches = Rc::new(Cell::new(0));
        self.set.entries.push((format!("{name}.num_batches_tracked"), Value::Counter(batches.clone())));
        let frozen = Rc::new(Cell::new(false));
        self.set.norms.push((name.to_owned(), frozen.clone()));
        let (momentum, variance) = (self.momentum, RunningVariance::Unbiased);
        Ok(BatchNorm2d { weight, bias, running_mean, running_var, batches, eps, momentum, variance, frozen })
    }

    /// A convolution without bias named `conv`, and batch normalisation of its output named `norm`.
    ///
    /// # Errors
    /// Out of memory.
    pub fn conv_norm(
        &mut self,
        [conv, norm]: [&str; 2],
        [c_in, c_out]: [usize; 2],
        kernel: usize,
        attrs: Conv2dAttrs,
        eps: f32,
    ) -> Result<ConvNorm> {
        let conv = self.conv2d(conv, c_in, c_out, kernel, attrs, false)?;
        Ok(ConvNorm { conv, norm: Some(self.batch_norm2d(norm, c_out, eps)?) })
    }

    /// Dropout of the share `p`; its seed is the builder's plus the number of dropouts made before.
    pub fn dropout(&mut self, p: f64) -> Dropout {
        let seed = self.seed.wrapping_add(self.dropouts);
        self.dropouts += 1;
        self.set.drops |= p > 0.0;
        Dropout { p, seed }
    }
}
