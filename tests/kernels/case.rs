//! A case, and how most of them compare an op with its definition.

use meltcore::autograd::Tape;
use meltcore::gpu::Gpu;
use meltcore::kernels::operands::Operands;
use meltcore::tensor::Tensor;

use crate::on_device::{noise, poison, wide, within};

/// What a case finds: nothing, or what is wrong.
pub type Checked = Result<(), Box<dyn std::error::Error>>;

/// One line of the table.
pub struct Case {
    /// Unique in its family, without spaces.
    pub name: String,
    /// Runs the kernels and compares.
    pub run: Box<dyn Fn(&Gpu) -> Checked + Send>,
    /// True where single images are small enough for the bounded device, and there are several.
    pub splits: bool,
}

impl Case {
    pub fn new(name: impl Into<String>, run: impl Fn(&Gpu) -> Checked + Send + 'static) -> Case {
        Case { name: name.into(), run: Box::new(run), splits: false }
    }

    /// Runs on the bounded device, too.
    pub fn splitting(self) -> Case {
        Case { splits: true, ..self }
    }
}

/// `Err` with a message unless the condition holds.
pub fn ensure(condition: bool, message: impl Into<String>) -> Checked {
    if condition { Ok(()) } else { Err(message.into().into()) }
}

/// Compares a tensor with what the definition gives: |got − want| ≤ atol + rtol·max |want|.
pub fn close(what: &str, got: &Tensor, want: &[f64], rtol: f64, atol: f64) -> Checked {
    Ok(within(what, &got.to_vec()?, want, rtol, atol)?)
}

/// A vector of noise on the device, one value a channel, and its values in f64.
pub fn per_channel(gpu: &Gpu, seed: u64, channels: usize) -> (Tensor, Vec<f64>) {
    let values = noise(seed, channels);
    (Tensor::from_slice(gpu, [channels], &values).unwrap(), wide(&values))
}

/// Extents of a case in its name: `2x1x41x47`.
pub fn extents(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

/// An op on the device.
type Op<'a> = &'a dyn Fn(&Tape, &[Tensor]) -> meltcore::error::Result<Tensor>;
/// Values and extents of the output for the values of the inputs.
type Forward<'a> = &'a dyn Fn(&[Vec<f64>]) -> (Vec<f64>, Vec<usize>);
/// Gradients of all inputs for that of the output and the values of the inputs.
type Backward<'a> = &'a dyn Fn(&[f64], &[Vec<f64>]) -> Vec<Vec<f64>>;

/// A differentiable op and its definition, over inputs of noise in −1…1.
pub struct Definition<'a> {
    /// Shapes of the inputs.
    pub inputs: &'a [&'a [usize]],
    /// Tolerances of the output and of the gradients as shares of the largest value of each.
    pub rtol: [f64; 2],
    pub op: Op<'a>,
    pub forward: Forward<'a>,
    pub backward: Backward<'a>,
}

impl Definition<'_> {
    /// Runs the op and its gradients in buffers that were poisoned, and compares both.
    pub fn check(&self, gpu: &Gpu) -> Checked {
        self.check_with(gpu, Operands::F32)
    }

    /// The same with such operands of products, of which the definitions know.
    pub fn check_with(&self, gpu: &Gpu, operands: Operands) -> Checked {
        let values: Vec<Vec<f32>> = self.inputs.iter().zip(1..).map(|(shape, seed)| noise(seed, shape.iter().product())).collect();
        let tensors: Vec<Tensor> =
            self.inputs.iter().zip(&values).map(|(shape, values)| Tensor::from_slice(gpu, *shape, values)).collect::<Result<_, _>>()?;
        let values: Vec<Vec<f64>> = values.iter().map(|values| wide(values)).collect();
        let (want, shape) = (self.forward)(&values);
        poison(gpu, want.len());
        let tape = Tape::recording();
        tensors.iter().for_each(|tensor| tape.watch(tensor));
        let output = tape.autocast(operands, || (self.op)(&tape, &tensors))?;
        ensure(output.shape().dims() == shape, format!("the output has shape {}, expected {shape:?}", output.shape()))?;
        close("output", &output, &want, self.rtol[0], 1e-30)?;
        let upstream = noise(99, want.len());
        let seed = Tensor::from_slice(gpu, output.shape(), &upstream)?;
        tensors.iter().for_each(|tensor| poison(gpu, tensor.len()));
        let gradients = tape.backward(&[(&output, seed)])?;
        for (i, (tensor, want)) in tensors.iter().zip((self.backward)(&wide(&upstream), &values)).enumerate() {
            let got = gradients.get(tensor).ok_or_else(|| format!("input {i} has no gradient"))?;
            close(&format!("gradient of input {i}"), got, &want, self.rtol[1], 1e-30)?;
        }
        Ok(())
    }
}
