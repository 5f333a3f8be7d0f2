//! The engine's ground floor on the device at hand: allocation, launch, tape.
use meltcore::{autograd::Tape, gpu::Gpu, ops, tensor::Tensor};

#[test]
fn add_and_its_gradient_in_a_graph() {
    let gpu = Gpu::open(None).unwrap();
    let tape = Tape::recording();
    let a = Tensor::from_slice(&gpu, [3], &[1.0, 2.0, 3.0]).unwrap();
    tape.watch(&a);
    let b = ops::add(&tape, &a, &a).unwrap();
    let c = ops::add(&tape, &b, &a).unwrap();
    assert_eq!(c.to_vec().unwrap(), [3.0, 6.0, 9.0]);
    let seed = Tensor::full(&gpu, [3], 0.5).unwrap();
    let gradients = tape.backward(&[(&c, seed)]).unwrap();
    assert_eq!(gradients.get(&a).unwrap().to_vec().unwrap(), [1.5; 3]);
}
