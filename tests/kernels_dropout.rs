//! Dropout on the device: the reference's mask, its share and scale, one mask a draw, and the same mask for the gradient.

mod on_device;

use meltcore::autograd::Tape;
use meltcore::kernels::dropout::Draw;
use meltcore::nn::{Builder, Mode};
use meltcore::ops;
use meltcore::reference::dropout;
use meltcore::tensor::Tensor;
use on_device::{SHAPES, assert_close, gpu, noisy, poison};

/// More elements than 65 535 workgroups of 256 hold.
const MANY: [usize; 4] = [1, 1, 4097, 4099];

#[test]
fn dropout_follows_the_reference_and_so_does_its_gradient() {
    let gpu = gpu();
    for (&shape, p) in SHAPES.iter().chain(&[MANY]).zip([0.5, 0.1, 0.9, 0.25, 0.5, 0.5, 0.01, 0.5]) {
        let draw = Draw { p, seed: 42, draw: 7 };
        let (x, values) = noisy(&gpu, 1, shape);
        poison(&gpu, x.len());
        let tape = Tape::recording();
        tape.watch(&x);
        let y = ops::dropout(&tape, &x, p, draw.seed, draw.draw).unwrap();
        assert_close(&format!("dropout {shape:?} {p}"), &y, &dropout::dropout(&values, p, draw.key()), 1e-6);
        let (seed, upstream) = noisy(&gpu, 2, shape);
        let gradients = tape.backward(&[(&y, seed)]).unwrap();
        let want = dropout::dropout(&upstream, p, draw.key());
        assert_close(&format!("gradient of dropout {shape:?} {p}"), gradients.get(&x).unwrap(), &want, 1e-6);
    }
}

/// The mask of one draw over `count` elements: true where an element is kept.
fn mask(p: f64, seed: u64, draw: u64, count: usize) -> Vec<bool> {
    let ones = Tensor::full(&gpu(), [count], 1.0).unwrap();
    let y = ops::dropout(&Tape::off(), &ones, p, seed, draw).unwrap().to_vec().unwrap();
    let scale = (1.0 / (1.0 - p)) as f32;
    assert!(y.iter().all(|value| *value == 0.0 || *value == scale), "values are 0 or 1/(1 - p)");
    y.iter().map(|value| *value != 0.0).collect()
}

/// Share of elements for which a condition on two masks holds.
fn share(a: &[bool], b: &[bool], holds: impl Fn(bool, bool) -> bool) -> f64 {
    a.iter().zip(b).filter(|(a, b)| holds(**a, **b)).count() as f64 / a.len() as f64
}

#[test]
fn the_share_is_p_and_neighbours_and_draws_are_independent() {
    let count = 1 << 18;
    // Four standard deviations of a share of `count` independent draws.
    let slack = |q: f64| 4.0 * (q * (1.0 - q) / count as f64).sqrt();
    for p in [0.1, 0.5, 0.9] {
        let first = mask(p, 1, 0, count);
        let kept = 1.0 - p;
        assert!((share(&first, &first, |a, _| a) - kept).abs() < slack(kept), "p = {p}");
        let others = [mask(p, 1, 1, count), mask(p, 2, 0, count), mask(p, 1, 1 << 32, count), mask(p, 1 << 32, 0, count)];
        // The mask beside itself shifted: neighbours, the four lanes, rows of 64.
        let shifted = [1, 2, 3, 4, 64].map(|by| first[by..].iter().chain(&first[..by]).copied().collect::<Vec<_>>());
        for other in others.iter().chain(&shifted) {
            let both = share(&first, other, |a, b| a && b);
            assert!((both - kept * kept).abs() < 1.5 * slack(kept * kept), "p = {p}: {both} of elements are kept by both");
        }
    }
}

#[test]
fn equal_seed_and_draw_give_the_same_mask() {
    assert!(mask(0.5, 3, 9, 1000) == mask(0.5, 3, 9, 1000));
    // An element's fate does not depend on how many there are.
    assert!(mask(0.5, 3, 9, 1000)[..37] == mask(0.5, 3, 9, 37));
}

#[test]
fn layers_draw_by_pass_and_rest_in_evaluation() {
    let gpu = gpu();
    let x = Tensor::full(&gpu, [2, 3, 8, 8], 1.0).unwrap();
    let mut b = Builder::new(&gpu, 42);
    let (first, second) = (b.dropout(0.5), b.dropout(0.5));
    let run = |layer: &meltcore::nn::Dropout, mode| layer.forward(&Tape::off(), &x, mode).unwrap().to_vec().unwrap();
    let pass = |draw| Mode::Train { draw };
    assert_eq!(run(&first, Mode::Eval), x.to_vec().unwrap());
    assert_eq!(run(&first, pass(5)), run(&first, pass(5)));
    assert_ne!(run(&first, pass(5)), run(&first, pass(6)));
    assert_ne!(run(&first, pass(5)), run(&second, pass(5)));
    let again = Builder::new(&gpu, 42).dropout(0.5);
    assert_eq!(run(&first, pass(5)), run(&again, pass(5)));
    assert_eq!(run(&b.dropout(0.0), pass(5)), x.to_vec().unwrap());
}

#[test]
fn shares_that_leave_nothing_are_refused() {
    let x = Tensor::full(&gpu(), [4], 1.0).unwrap();
    for p in [1.0, -0.1, f64::NAN] {
        let error = ops::dropout(&Tape::off(), &x, p, 0, 0).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("dropout"), "{error}");
    }
}
