//! The engine's ground floor on the device at hand: allocation, launch, tape.
use meltcore::{autograd::Tape, error::Error, gpu::Gpu, kernels::conv2d::Conv2dAttrs, ops, tensor::Tensor};

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

#[test]
fn absurd_extents_are_errors() {
    let gpu = Gpu::open(None).unwrap();
    // The host has no limit but its memory, a GPU has both; sizes that cannot be counted are beyond any limit.
    let large = Tensor::empty(&gpu, [1, 1, 1 << 20, 1 << 20]);
    let refused =
        if gpu.capabilities().is_host() { matches!(large, Err(Error::OutOfMemory(_))) } else { matches!(large, Err(Error::Limit(_))) };
    assert!(refused, "{:?}", large.err());
    assert!(matches!(Tensor::empty(&gpu, [1 << 40, 1 << 40, 1 << 40, 2]), Err(Error::Limit(_))));
    let input = Tensor::full(&gpu, [1, 1, 4, 4], 1.0).unwrap();
    let weight = Tensor::full(&gpu, [1, 1, 1, 1], 1.0).unwrap();
    let far = Conv2dAttrs { padding: usize::MAX / 2, ..Default::default() };
    for attrs in [far, Conv2dAttrs { stride: 0, ..Default::default() }, Conv2dAttrs { dilation: 1 << 30, ..Default::default() }] {
        let refused = ops::conv2d(&Tape::off(), &input, &weight, None, &attrs, ops::Activation::None);
        assert!(matches!(refused, Err(Error::Shape { op: "conv2d", .. })), "{attrs:?}");
    }
}
