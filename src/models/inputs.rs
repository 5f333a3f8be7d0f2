//! What goes into a network and what comes out: named tensors, each of its own shape.

use crate::domains::Variable;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// An input of a network, as its configuration asks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct InputSpec {
    /// Its name.
    pub name: String,
    /// The variables that it is made of, in the order of its channels.
    pub variables: Vec<&'static Variable>,
    /// How they are laid out.
    pub form: Form,
}

/// How the variables of an input are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `[n, channels, h, w]`; a number a sample fills its plane.
    Planes,
    /// `[n, channels]`: numbers only.
    Numbers,
}

/// Name and channels of each input, which is all that a network's layers depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputChannels(pub Vec<(String, usize)>);

impl InputChannels {
    /// Those of inputs that a configuration asks for.
    pub fn of(inputs: &[InputSpec]) -> InputChannels {
        InputChannels(inputs.iter().map(|input| (input.name.clone(), input.variables.len())).collect())
    }

    /// Channels of the only input.
    ///
    /// # Errors
    /// [`Error::Shape`] where there are several or none.
    pub fn only(&self) -> Result<usize> {
        match self.0.as_slice() {
            [(_, channels)] => Ok(*channels),
            several => Err(Error::shape("inputs", format!("a network of one input was given {}", several.len()))),
        }
    }
}

impl From<usize> for InputChannels {
    /// One input of so many channels.
    fn from(channels: usize) -> InputChannels {
        InputChannels(vec![(ONLY.to_owned(), channels)])
    }
}

/// The name of an input that has no other beside it.
pub const ONLY: &str = "x";

/// The name of an input that says which tokens are seen, `[n, tokens]`, 1 or 0.
pub const SEEN: &str = "seen";

/// Bands of an optical scene that a pretraining asks for.
pub const OPTICAL_BANDS: usize = 14;

/// A tensor under its name, with what the host knows of it.
#[derive(Clone)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its values on the device.
    pub tensor: Tensor,
    /// Of each channel the one value of every sample, where it has one and the host knows it; empty where it knows none.
    pub constants: Vec<Option<Vec<f32>>>,
}

/// The inputs of one pass.
#[derive(Clone)]
pub struct Inputs(pub Vec<Input>);

impl Inputs {
    /// The only tensor.
    ///
    /// # Errors
    /// [`Error::Shape`] where there are several or none.
    pub fn only(&self) -> Result<&Tensor> {
        match self.0.as_slice() {
            [input] => Ok(&input.tensor),
            several => Err(Error::shape("inputs", format!("a network of one input was given {}", several.len()))),
        }
    }

    /// The tensor of this name.
    ///
    /// # Errors
    /// [`Error::Shape`] where there is none.
    pub fn get(&self, name: &str) -> Result<&Tensor> {
        let found = self.0.iter().find(|input| input.name == name).map(|input| &input.tensor);
        found.ok_or_else(|| Error::shape("inputs", format!("the network needs the input `{name}`, which was not given")))
    }

    /// The value of every sample in a channel of the first input, where the channel has one a sample and the host knows it.
    pub fn constant(&self, channel: usize) -> Option<&[f32]> {
        self.0.first()?.constants.get(channel)?.as_deref()
    }
}

impl From<&Tensor> for Inputs {
    /// One input, of which the host knows nothing.
    fn from(tensor: &Tensor) -> Inputs {
        Inputs(vec![Input { name: ONLY.to_owned(), tensor: tensor.clone(), constants: Vec::new() }])
    }
}

/// What a network gives.
pub struct Outputs {
    /// `[n, out_channels, h, w]`, what maps are made of.
    pub map: Tensor,
    /// Further outputs that only training looks at, such as those of auxiliary heads, each with its weight in the loss.
    pub auxiliary: Vec<(f32, Tensor)>,
}

impl From<Tensor> for Outputs {
    /// The map alone.
    fn from(map: Tensor) -> Outputs {
        Outputs { map, auxiliary: Vec::new() }
    }
}
