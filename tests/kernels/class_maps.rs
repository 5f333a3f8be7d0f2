//! The losses of class maps with their gradients in the middle of a graph, their confusion and their confidence.

use meltcore::autograd::Tape;
use meltcore::error::Result;
use meltcore::gpu::Gpu;
use meltcore::kernels::confidence::confidence;
use meltcore::kernels::conv2d::Conv2dAttrs;
use meltcore::kernels::segmentation_scores::{MOST_CLASSES, segmentation_scores};
use meltcore::ops::{self, Activation, CrossEntropyAttrs, FocalLossAttrs};
use meltcore::reference::{confidence as sure, cross_entropy as ce, dice_loss as dice, focal_loss as focal, segmentation_scores as scores};
use meltcore::tensor::Tensor;

use crate::case::{Case, Checked, close, ensure, extents};
use crate::gradcheck::slopes;
use crate::graphs::{Leaf, leaf, wrong_number};
use crate::graphs_in_f64::{Map, PLAIN};
use crate::on_device::{Shape, noise, poison, wide};

/// One pixel, odd, 41 and 47 wide, two classes and more, several images, longer than one workgroup's share.
const SHAPES: &[Shape] = &[[1, 2, 1, 1], [2, 4, 5, 4], [2, 3, 7, 5], [1, 2, 41, 47], [3, 4, 64, 64], [1, 5, 130, 47], [2, 2, 90, 101]];
/// Single images are small enough for the bounded device.
const SEVERAL: Shape = [7, 2, 31, 29];
/// Past 65 535 workgroups of 64 pixels.
const SCENE: Shape = [1, 2, 2863, 1633];
/// Tolerances of losses and gradients as shares of the largest value: a few roundings of exponentials and logarithms.
const RTOL: f64 = 3e-6;
/// Shares that the classes' targets divide, exponents of the focal loss, numbers of pixels added to Dice's quotients; one a case in turn.
const SMOOTHING: [f64; 2] = [0.0, 0.1];
const GAMMA: [f64; 4] = [2.0, 0.0, 1.5, 3.0];
const SMOOTH: [f64; 2] = [1.0, 1e-5];

/// Maps of a batch.
struct ClassMaps {
    shape: Shape,
    /// One plane a class.
    logits: Vec<f32>,
    probabilities: Vec<f32>,
    /// One plane a class, 1 at a pixel's class, all 0 at some pixels.
    one_hot: Vec<f32>,
    /// One plane: numbers of classes; under the mask no number, or one that is no class.
    target: Vec<f32>,
    mask: Vec<f32>,
    /// One a class.
    weights: Vec<f32>,
}

impl ClassMaps {
    /// A third of the pixels is masked, and all of the second image.
    fn new(shape: Shape) -> ClassMaps {
        let [n, classes, h, w] = shape;
        let (len, pixels) = (n * classes * h * w, n * h * w);
        let fraction = |seed, count| noise(seed, count).iter().map(|v| 0.5 * (v + 1.0)).collect::<Vec<f32>>();
        let mask: Vec<bool> =
            fraction(3, pixels).iter().enumerate().map(|(at, u)| pixels > 1 && (*u < 0.33 || at / (h * w) == 1)).collect();
        let class: Vec<usize> = fraction(4, pixels).iter().map(|u| ((u * classes as f32) as usize).min(classes - 1)).collect();
        let of_hidden = |at: usize| if at.is_multiple_of(2) { f32::NAN } else { 255.0 };
        let has = |at: usize| class[at / (classes * h * w) * h * w + at % (h * w)] == at / (h * w) % classes && at % 7 != 3;
        ClassMaps {
            shape,
            logits: noise(1, len).iter().map(|v| 3.0 * v).collect(),
            probabilities: noise(2, len).iter().map(|v| 0.5 + 0.48 * v).collect(),
            one_hot: (0..len).map(|at| f32::from(u8::from(has(at)))).collect(),
            target: (0..pixels).map(|at| if mask[at] { of_hidden(at) } else { class[at] as f32 }).collect(),
            mask: mask.iter().map(|hidden| f32::from(u8::from(*hidden))).collect(),
            weights: (0..classes).map(|class| 0.25 + 0.5 * class as f32).collect(),
        }
    }

    fn planes(&self, gpu: &Gpu, values: &[f32]) -> Result<Tensor> {
        Tensor::from_slice(gpu, self.shape, values)
    }

    fn plane(&self, gpu: &Gpu, values: &[f32]) -> Result<Tensor> {
        let [n, _, h, w] = self.shape;
        Tensor::from_slice(gpu, [n, 1, h, w], values)
    }

    /// The loss of a map that is a sum, with an upstream gradient: the summand gets twice the loss's own gradient.
    fn check(&self, gpu: &Gpu, of: &[f32], op: Loss, want: f64, gradient: impl Fn(f64) -> Vec<f64>) -> Checked {
        let half = self.planes(gpu, &of.iter().map(|value| value / 2.0).collect::<Vec<_>>())?;
        let tape = Tape::recording();
        tape.watch(&half);
        let whole = ops::add(&tape, &half, &half)?;
        poison(gpu, of.len());
        let loss = op(&tape, &whole)?;
        close("loss", &loss, &[want], RTOL, 1e-12)?;
        poison(gpu, of.len());
        let gradients = tape.backward(&[(&loss, Tensor::full(gpu, [], -0.7)?)])?;
        close("gradient", gradients.get(&half).ok_or("no gradient")?, &gradient(2.0 * f64::from(-0.7f32)), RTOL, 1e-12)
    }
}

/// A loss on the device.
type Loss<'a> = &'a dyn Fn(&Tape, &Tensor) -> Result<Tensor>;
/// A family of cases over shapes, where `turn` picks the attributes.
type Family = fn(&Gpu, Shape, usize) -> Checked;

pub fn cases() -> Vec<Case> {
    let families: [(&str, Family); 5] = [
        ("cross_entropy", cross_entropy),
        ("dice_loss", dice_loss),
        ("focal_loss", focal_loss),
        ("segmentation_scores", confusion),
        ("confidence", confidences),
    ];
    let mut cases = Vec::new();
    for (name, family) in families {
        for (turn, &shape) in SHAPES.iter().chain(&[SEVERAL, SCENE]).enumerate() {
            let case = Case::new(format!("{name}_{}", extents(&shape)), move |gpu| family(gpu, shape, turn));
            cases.push(if shape == SEVERAL { case.splitting() } else { case });
        }
    }
    cases.push(Case::new("losses_of_nothing", nothing_counts));
    cases.push(Case::new("numbers_that_are_no_class", no_class));
    cases.push(Case::new("probabilities_that_are_clipped", clipped));
    cases.push(Case::new("confusion_of_more_pixels_than_float32_counts", many_pixels));
    cases.push(Case::new("graph_class_maps", graph_class_maps));
    cases.push(Case::new("refusals", refusals));
    cases
}

fn cross_entropy(gpu: &Gpu, shape: Shape, turn: usize) -> Checked {
    let maps = ClassMaps::new(shape);
    let (target, mask) = (maps.plane(gpu, &maps.target)?, maps.plane(gpu, &maps.mask)?);
    let weights = Tensor::from_slice(gpu, [shape[1]], &maps.weights)?;
    let weights = (turn % 3 == 1).then_some(&weights);
    let label_smoothing = SMOOTHING[turn % 2];
    let attrs = ce::CrossEntropyAttrs { label_smoothing, class_weights: weights.map(|_| wide(&maps.weights)) };
    let (x, t, m) = (wide(&maps.logits), wide(&maps.target), wide(&maps.mask));
    let op = |tape: &Tape, x: &Tensor| {
        ops::cross_entropy(tape, x, &target, &mask, CrossEntropyAttrs { label_smoothing, class_weights: weights })
    };
    let want = ce::cross_entropy(&x, &t, &m, shape, &attrs);
    maps.check(gpu, &maps.logits, &op, want, |seed| ce::cross_entropy_grad_logits(seed, &x, &t, &m, shape, &attrs))
}

fn dice_loss(gpu: &Gpu, shape: Shape, turn: usize) -> Checked {
    let maps = ClassMaps::new(shape);
    let (target, mask) = (maps.plane(gpu, &maps.target)?, maps.plane(gpu, &maps.mask)?);
    let smooth = SMOOTH[turn % 2];
    let (x, t, m) = (wide(&maps.logits), wide(&maps.target), wide(&maps.mask));
    let op = |tape: &Tape, x: &Tensor| ops::dice_loss(tape, x, &target, &mask, smooth);
    let want = dice::dice_loss(&x, &t, &m, shape, smooth);
    maps.check(gpu, &maps.logits, &op, want, |seed| dice::dice_loss_grad_logits(seed, &x, &t, &m, shape, smooth))
}

fn focal_loss(gpu: &Gpu, shape: Shape, turn: usize) -> Checked {
    let maps = ClassMaps::new(shape);
    let (target, mask) = (maps.planes(gpu, &maps.one_hot)?, maps.plane(gpu, &maps.mask)?);
    let weights = Tensor::from_slice(gpu, [shape[1]], &maps.weights)?;
    let (weights, mask) = ((turn % 3 == 1).then_some(&weights), (turn % 4 > 1).then_some(&mask));
    let (gamma, label_smoothing) = (GAMMA[turn % 4], SMOOTHING[(turn + 1) % 2]);
    let attrs = focal::FocalLossAttrs { gamma, label_smoothing, class_weights: weights.map(|_| wide(&maps.weights)) };
    let (p, t, m) = (wide(&maps.probabilities), wide(&maps.one_hot), mask.map(|_| wide(&maps.mask)));
    let op = |tape: &Tape, p: &Tensor| {
        ops::focal_loss(tape, p, &target, mask, FocalLossAttrs { gamma, label_smoothing, class_weights: weights })
    };
    let want = focal::focal_loss(&p, &t, m.as_deref(), shape, &attrs);
    let gradient = |seed| focal::focal_loss_grad_probabilities(seed, &p, &t, m.as_deref(), shape, &attrs);
    maps.check(gpu, &maps.probabilities, &op, want, gradient)
}

/// Numbers of classes as the class maps of `shape` say, and those of other noise in place of a prediction.
fn confusion(gpu: &Gpu, shape: Shape, turn: usize) -> Checked {
    // The definition counts once a pair of classes: all classes that there is room for only where there are few pixels.
    let classes = if turn == 3 { MOST_CLASSES } else { shape[1] };
    let maps = ClassMaps::new([shape[0], classes, shape[2], shape[3]]);
    let found: Vec<f32> =
        noise(8, maps.mask.len()).iter().map(|v| (0.5 * (v + 1.0) * classes as f32).floor().min(classes as f32 - 1.0)).collect();
    let [pred, target, mask] = [&found, &maps.target, &maps.mask].map(|values| maps.plane(gpu, values));
    let got = segmentation_scores(&pred?, &target?, &mask?, classes)?;
    let want = scores::segmentation_scores(&wide(&found), &wide(&maps.target), &wide(&maps.mask), classes);
    let counts: Vec<f64> = got.counts.iter().flatten().map(|&count| count as f64).collect();
    ensure(counts == want.confusion, format!("{counts:?}, expected {:?}", want.confusion))?;
    ensure((got.iou(), got.f1(), got.accuracy()) == (want.iou, want.f1, want.accuracy), "scores of the same counts differ")
}

fn confidences(gpu: &Gpu, shape: Shape, turn: usize) -> Checked {
    let maps = ClassMaps::new(shape);
    // With steep logits in turn, where a class is nearly certain.
    let logits: Vec<f32> = maps.logits.iter().map(|x| x * [1.0, 6.0][turn % 2]).collect();
    let probabilities = ops::softmax(&Tape::off(), &maps.planes(gpu, &logits)?, 1)?;
    poison(gpu, maps.mask.len());
    let got = confidence(&probabilities)?;
    ensure(got.shape().dims() == [shape[0], 1, shape[2], shape[3]], format!("the confidence has shape {}", got.shape()))?;
    // 1 less the entropy: near 0 the two cancel.
    close("confidence", &got, &sure::confidence(&wide(&probabilities.to_vec()?), shape), 0.0, 1e-6)
}

/// Losses are 0 where no pixel counts, and so is every gradient.
fn nothing_counts(gpu: &Gpu) -> Checked {
    let maps = ClassMaps::new([1, 3, 4, 5]);
    let (hidden, nan) = (maps.plane(gpu, &[1.0; 20])?, maps.plane(gpu, &[f32::NAN; 20])?);
    let one_hot = maps.planes(gpu, &maps.one_hot)?;
    let attrs = || CrossEntropyAttrs { label_smoothing: 0.1, class_weights: None };
    let focal = || FocalLossAttrs { gamma: 2.0, label_smoothing: 0.1, class_weights: None };
    let losses: [Loss; 3] = [
        &|tape, x| ops::cross_entropy(tape, x, &nan, &hidden, attrs()),
        &|tape, x| ops::dice_loss(tape, x, &nan, &hidden, 1e-5),
        &|tape, p| ops::focal_loss(tape, p, &one_hot, Some(&hidden), focal()),
    ];
    for (loss, of) in losses.into_iter().zip([&maps.logits, &maps.logits, &maps.probabilities]) {
        maps.check(gpu, of, loss, 0.0, |_| vec![0.0; of.len()])?;
    }
    Ok(())
}

/// A counted pixel of no class is seen: losses are NaN, scores refuse it.
fn no_class(gpu: &Gpu) -> Checked {
    let shape = [1, 2, 1, 3];
    let (x, all) = (Tensor::from_slice(gpu, shape, &noise(1, 6))?, Tensor::full(gpu, [1, 1, 1, 3], 0.0)?);
    for number in [2.0, -1.0, 0.5, 255.0, f32::NAN, f32::INFINITY] {
        let target = Tensor::from_slice(gpu, [1, 1, 1, 3], &[0.0, number, 1.0])?;
        let losses = [
            ops::cross_entropy(&Tape::off(), &x, &target, &all, CrossEntropyAttrs { label_smoothing: 0.0, class_weights: None })?,
            ops::dice_loss(&Tape::off(), &x, &target, &all, 1.0)?,
        ];
        for loss in losses {
            ensure(loss.to_vec()?[0].is_nan(), format!("{number} is a class of two"))?;
        }
        let said = segmentation_scores(&all, &target, &all, 2).err().map_or("nothing".into(), |error| error.to_string());
        ensure(said.contains("1 counted pixels have a number that is no class"), format!("{number}: {said}"))?;
    }
    Ok(())
}

/// No gradient outside the bounds, and finite losses; NaN stays NaN.
fn clipped(gpu: &Gpu) -> Checked {
    let p = Tensor::from_slice(gpu, [1, 2, 1, 4], &[0.0, 1e-9, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0])?;
    let target = Tensor::full(gpu, [1, 2, 1, 4], 1.0)?;
    let attrs = || FocalLossAttrs { gamma: 1.5, label_smoothing: 0.1, class_weights: None };
    let tape = Tape::recording();
    tape.watch(&p);
    let loss = ops::focal_loss(&tape, &p, &target, None, attrs())?;
    ensure(loss.to_vec()?[0].is_finite(), "the loss is not finite")?;
    let gradients = tape.backward(&[(&loss, Tensor::full(gpu, [], 1.0)?)])?;
    let moved: Vec<bool> = gradients.get(&p).ok_or("no gradient")?.to_vec()?.iter().map(|slope| *slope != 0.0).collect();
    ensure(moved == [false, false, true, false, false, false, true, false], format!("{moved:?}"))?;
    let nan = Tensor::full(gpu, [1, 2, 1, 4], f32::NAN)?;
    ensure(ops::focal_loss(&Tape::off(), &nan, &target, None, attrs())?.to_vec()?[0].is_nan(), "the loss hides NaN")?;
    ensure(confidence(&nan)?.to_vec()?.iter().all(|sure| sure.is_nan()), "the confidence hides NaN")
}

/// Past 2^24, from which on a float32 no longer counts by one.
fn many_pixels(gpu: &Gpu) -> Checked {
    let shape = [1, 1, 4096, 4097];
    let (zeros, ones) = (Tensor::full(gpu, shape, 0.0)?, Tensor::full(gpu, shape, 1.0)?);
    let got = segmentation_scores(&ones, &zeros, &zeros, 2)?;
    ensure(got.counts == [[0, 4096 * 4097], [0, 0]], format!("{:?}", got.counts))
}

const CLASS_MAPS: &[Leaf] =
    &[leaf(71, "x", &[2, 2, 5, 6], 0.0, 1.0), leaf(72, "weight", &[3, 2, 1, 1], 0.2, 1.0), leaf(73, "bias", &[3], 0.0, 0.5)];
/// As of the sum of the losses.
const GRAPH: (f64, f64, f64) = (0.1, 1.5, 1.0);

/// A 1×1 convolution whose logits have three losses.
fn graph_class_maps(gpu: &Gpu) -> Checked {
    let maps = ClassMaps::new([2, 3, 5, 6]);
    let (label_smoothing, gamma, smooth) = GRAPH;
    let (target, mask, one_hot) = (maps.plane(gpu, &maps.target)?, maps.plane(gpu, &maps.mask)?, maps.planes(gpu, &maps.one_hot)?);
    let graph = |tape: &Tape, leaves: &[Tensor]| {
        let [x, weight, bias] = leaves else { return Err(wrong_number(leaves)) };
        let logits = ops::conv2d(tape, x, weight, Some(bias), &Conv2dAttrs::default(), Activation::None)?;
        let entropy = ops::cross_entropy(tape, &logits, &target, &mask, CrossEntropyAttrs { label_smoothing, class_weights: None })?;
        let overlap = ops::dice_loss(tape, &logits, &target, &mask, smooth)?;
        let attrs = FocalLossAttrs { gamma, label_smoothing, class_weights: None };
        let focal = ops::focal_loss(tape, &ops::softmax(tape, &logits, 1)?, &one_hot, Some(&mask), attrs)?;
        ops::add(tape, &ops::add(tape, &entropy, &overlap)?, &focal)
    };
    let (t, m, y) = (wide(&maps.target), wide(&maps.mask), wide(&maps.one_hot));
    slopes(gpu, CLASS_MAPS, &graph, &|leaves: &[Map]| {
        let [x, weight, bias] = leaves else { panic!("3 leaves, not {}", leaves.len()) };
        let Map { values: logits, shape } = x.conv2d(weight, Some(bias), PLAIN);
        let p = meltcore::reference::softmax::softmax(&logits, [shape[0], shape[1], shape[2] * shape[3]]);
        let attrs = focal::FocalLossAttrs { gamma, label_smoothing, class_weights: None };
        ce::cross_entropy(&logits, &t, &m, shape, &ce::CrossEntropyAttrs { label_smoothing, class_weights: None })
            + dice::dice_loss(&logits, &t, &m, shape, smooth)
            + focal::focal_loss(&p, &y, Some(&m), shape, &attrs)
    })
}

fn refusals(gpu: &Gpu) -> Checked {
    let off = Tape::off();
    let of = |shape: &[usize]| Tensor::full(gpu, shape, 0.0).unwrap();
    let (maps, plane, pair) = (of(&[1, 2, 3, 4]), of(&[1, 1, 3, 4]), of(&[2]));
    let entropy = |x: &Tensor, t: &Tensor, m: &Tensor, label_smoothing: f64, weights: Option<&Tensor>| {
        ops::cross_entropy(&off, x, t, m, CrossEntropyAttrs { label_smoothing, class_weights: weights }).is_ok()
    };
    ensure(entropy(&maps, &plane, &plane, 0.0, Some(&pair)), "a loss that fits")?;
    ensure(!entropy(&maps, &maps, &plane, 0.0, None), "a target of two planes")?;
    ensure(!entropy(&maps, &plane, &of(&[1, 1, 4, 3]), 0.0, None), "a mask of another size")?;
    ensure(!entropy(&maps, &plane, &plane, 1.1, None), "a smoothing above 1")?;
    ensure(!entropy(&maps, &plane, &plane, f64::NAN, None), "a smoothing that is no number")?;
    ensure(!entropy(&maps, &plane, &plane, 0.0, Some(&of(&[3]))), "three weights of two classes")?;
    ensure(!entropy(&of(&[0, 2, 3, 4]), &of(&[0, 1, 3, 4]), &of(&[0, 1, 3, 4]), 0.0, None), "no image")?;
    let overlap = |t: &Tensor, smooth: f64| ops::dice_loss(&off, &maps, t, &plane, smooth).is_ok();
    ensure(overlap(&plane, 1.0) && !overlap(&maps, 1.0) && !overlap(&plane, 0.0) && !overlap(&plane, f64::NAN), "Dice losses")?;
    let focal = |t: &Tensor, m: Option<&Tensor>, gamma: f64| {
        ops::focal_loss(&off, &maps, t, m, FocalLossAttrs { gamma, label_smoothing: 0.0, class_weights: None }).is_ok()
    };
    ensure(focal(&maps, Some(&plane), 2.0) && focal(&maps, None, 0.0), "focal losses that fit")?;
    ensure(!focal(&plane, None, 2.0) && !focal(&maps, Some(&maps), 2.0) && !focal(&maps, None, -1.0), "focal losses that do not")?;
    ensure(segmentation_scores(&plane, &plane, &plane, MOST_CLASSES + 1).is_err(), "more classes than there is room for")?;
    ensure(segmentation_scores(&plane, &plane, &plane, 0).is_err(), "scores of no class")?;
    ensure(segmentation_scores(&maps, &plane, &plane, 2).is_err(), "a prediction of two planes")?;
    ensure(confidence(&plane).is_err() && confidence(&of(&[1, 2, 0, 4])).is_err(), "the confidence of one class, and of nothing")
}
