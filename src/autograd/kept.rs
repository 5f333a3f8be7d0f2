//! Activations kept for the backward pass: as they are, or, where products have f16 operands, as f16, in half the memory.
//!
//! PyTorch's autocast keeps what its ops compute in f16, too. As operands of products the values lose nothing, for those are rounded
//! anyway; what else is computed of them in the backward pass (norms, activations) sees them rounded.

use std::rc::Rc;

use super::{Keep, Tape};
use crate::error::Result;
use crate::kernels::operands::Operands;
use crate::kernels::pack_half::{Stored, pack_half, unpack_half};
use crate::tensor::{Name, Named, Shape, Tensor, TensorId};

/// An activation that a closure of the tape holds.
#[derive(Clone)]
pub struct Kept {
    name: Name,
    values: Values,
}

#[derive(Clone)]
enum Values {
    Whole(Tensor),
    Half(Rc<Tensor>),
}

impl Kept {
    /// The activation under its own name.
    ///
    /// # Errors
    /// Out of memory.
    pub fn restored(&self) -> Result<Tensor> {
        match &self.values {
            Values::Whole(tensor) => Ok(tensor.clone()),
            Values::Half(packed) => unpack_half(packed, self.name.shape())?.named(&self.name),
        }
    }

    /// The activation for kernels that may read it as it was kept.
    pub fn stored(&self) -> Stored {
        match &self.values {
            Values::Whole(tensor) => Stored::Whole(tensor.clone()),
            Values::Half(packed) => Stored::Half { packed: (**packed).clone(), shape: self.name.shape().clone() },
        }
    }
}

impl Named for Kept {
    fn id(&self) -> TensorId {
        self.name.id()
    }

    fn shape(&self) -> &Shape {
        self.name.shape()
    }
}

impl Tape {
    /// Keeps an activation for a closure. Those who keep the same one share it.
    ///
    /// # Errors
    /// Out of memory.
    pub fn keep(&self, tensor: &Tensor) -> Result<Kept> {
        let name = tensor.name();
        if self.keep != Keep::All || self.operands() == Operands::F32 {
            return Ok(Kept { name, values: Values::Whole(tensor.clone()) });
        }
        let known = self.halves.borrow().get(&tensor.id()).and_then(|packed| packed.upgrade());
        let packed = match known {
            Some(packed) => packed,
            None => Rc::new(pack_half(tensor)?),
        };
        self.halves.borrow_mut().insert(tensor.id(), Rc::downgrade(&packed));
        Ok(Kept { name, values: Values::Half(packed) })
    }
}
