//! The engine's ground floor on the device at hand: allocation, launch, tape.
use meltcore::{autograd::Tape, config::Config, error::Error, gpu::Gpu, kernels::conv2d::Conv2dAttrs, models, ops, tensor::Tensor, train};

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
fn a_warm_step_takes_the_same_buffers() {
    let gpu = Gpu::open(None).unwrap();
    let attrs = r#"{"model_key": "unet", "base_channels": 2, "optimizer": "adam", "learning_rate": 0.001, "loss_function": "l1"}"#;
    let config = Config::from_json(&serde_json::from_str(attrs).unwrap()).unwrap();
    let model = models::build(&gpu, &config, 1).unwrap();
    let mut optimizer = train::optimizer(&config);
    let [input, target, mask] = [0.5, 1.0, 0.0].map(|value| Tensor::full(&gpu, [2, 1, 32, 32], value).unwrap());
    let mut after = Vec::new();
    for _ in 0..5 {
        train::training_step(model.as_ref(), &mut optimizer, config.loss_function, 0, &input, &target, &mask).unwrap();
        after.push((gpu.bind_groups_made(), gpu.memory().allocated));
    }
    // The host makes no bind groups; elsewhere a step has far more launches than that.
    assert!(after[0].0 > 100 || gpu.capabilities().is_host(), "{after:?}");
    assert_eq!(after[3], after[4], "bind groups made and bytes allocated after each step: {after:?}");
    gpu.synchronize().unwrap();
}

#[test]
fn absurd_extents_are_errors() {
    let gpu = Gpu::open(None).unwrap();
    for shape in [[1, 1, 1 << 20, 1 << 20], [1 << 40, 1 << 40, 1 << 40, 2]] {
        assert!(matches!(Tensor::empty(&gpu, shape), Err(Error::OutOfMemory(_))), "{shape:?}");
    }
    let input = Tensor::full(&gpu, [1, 1, 4, 4], 1.0).unwrap();
    let weight = Tensor::full(&gpu, [1, 1, 1, 1], 1.0).unwrap();
    let far = Conv2dAttrs { padding: usize::MAX / 2, ..Default::default() };
    for attrs in [far, Conv2dAttrs { stride: 0, ..Default::default() }, Conv2dAttrs { dilation: 1 << 30, ..Default::default() }] {
        let refused = ops::conv2d(&Tape::off(), &input, &weight, None, &attrs, ops::Activation::None);
        assert!(matches!(refused, Err(Error::Shape { op: "conv2d", .. })), "{attrs:?}");
    }
}
