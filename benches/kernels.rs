//! A few kernels through their public launchers, on the device that MELTCORE_DEVICE names or the best one: `cargo bench --bench kernels`.
//!
//! For the eye while one kernel is being worked on: criterion tells the change since its last run. `meltcore bench` has every kernel,
//! checks the results, and knows the ceilings. Names are those of its rows: `cargo bench --bench kernels -- conv2d`.

use std::time::{Duration, Instant};

use criterion::{Bencher, Criterion, criterion_group, criterion_main};
use meltcore::error::Result;
use meltcore::gpu::Gpu;
use meltcore::kernels::activation::{Activation, activation};
use meltcore::kernels::batch_norm::{batch_norm, batch_norm_stats};
use meltcore::kernels::conv2d::{Conv2dAttrs, Conv2dDims, conv2d, conv2d_grad_input, conv2d_grad_weight};
use meltcore::kernels::epilogue::Epilogue;
use meltcore::kernels::gaussian_blur::gaussian_blur;
use meltcore::kernels::interpolate::{Interpolation, Target, interpolate};
use meltcore::kernels::max_pool2d::{Window, max_pool2d};
use meltcore::kernels::optimizer::{Coefficients, Decay, EpsMode, adam};
use meltcore::tensor::{Shape, Tensor};

/// A tensor of values in −1…1 without a pattern.
fn noise(gpu: &Gpu, shape: impl Into<Shape>) -> Result<Tensor> {
    let shape = shape.into();
    let values: Vec<f32> = (0..shape.len() as u32).map(|i| (i.wrapping_mul(2_654_435_769) >> 8) as f32 / (1 << 23) as f32 - 1.0).collect();
    Tensor::from_slice(gpu, shape, &values)
}

/// Wall time between two synchronisations with all iterations in between: a launch alone only queues.
fn time<T>(bencher: &mut Bencher, gpu: &Gpu, mut launch: impl FnMut() -> Result<T>) {
    let mut timed = |runs: u64| -> Result<Duration> {
        gpu.synchronize()?;
        let start = Instant::now();
        for _ in 0..runs {
            launch()?;
        }
        gpu.synchronize()?;
        Ok(start.elapsed())
    };
    bencher.iter_custom(|runs| timed(runs).expect("launches that the device takes"));
}

fn convolutions(criterion: &mut Criterion, gpu: &Gpu) -> Result<()> {
    for [n, channels, side, kernel] in [[8, 8, 128, 3], [1, 64, 128, 3], [1, 256, 64, 1]] {
        let attrs = Conv2dAttrs { padding: kernel / 2, ..Default::default() };
        let (x, w) = (noise(gpu, [n, channels, side, side])?, noise(gpu, [channels, channels, kernel, kernel])?);
        let dims = Conv2dDims::forward(&x, &w, &attrs)?;
        let name = |stem: &str| format!("{stem} {kernel}x{kernel} {channels}>{channels} {n}x{side}x{side}");
        criterion.bench_function(&name("conv2d"), |b| time(b, gpu, || conv2d(&x, &w, &attrs, &Epilogue::default())));
        // The gradient of the output has the input's shape here.
        criterion.bench_function(&name("conv2d_grad_input"), |b| time(b, gpu, || conv2d_grad_input(&dims, &x, &w, None)));
        criterion.bench_function(&name("conv2d_grad_weight"), |b| time(b, gpu, || conv2d_grad_weight(&dims, &x, &x)));
    }
    Ok(())
}

fn planes(criterion: &mut Criterion, gpu: &Gpu) -> Result<()> {
    let [n, c, side] = [8, 8, 128];
    let x = noise(gpu, [n, c, side, side])?;
    let name = |stem: &str| format!("{stem} {c} {n}x{side}x{side}");
    let (weight, bias) = (noise(gpu, [c])?, noise(gpu, [c])?);
    let stats = batch_norm_stats(&x, 1e-5)?.stats;
    criterion.bench_function(&name("batch_norm_stats"), |b| time(b, gpu, || batch_norm_stats(&x, 1e-5)));
    criterion.bench_function(&name("batch_norm"), |b| time(b, gpu, || batch_norm(&x, &stats, &weight, &bias, Activation::Relu)));
    criterion.bench_function(&name("activation gelu"), |b| time(b, gpu, || activation(Activation::Gelu, &x)));
    let window = Window { kernel: 2, stride: 2, padding: 0 };
    criterion.bench_function(&name("max_pool2d 2x2/2"), |b| time(b, gpu, || max_pool2d(&x, window)));
    let twice = Target::Size([2 * side, 2 * side]);
    criterion.bench_function(&name("interpolate bilinear x2"), |b| time(b, gpu, || interpolate(&x, twice, Interpolation::BilinearAligned)));
    Ok(())
}

fn others(criterion: &mut Criterion, gpu: &Gpu) -> Result<()> {
    let scene = noise(gpu, [1, 1, 512, 512])?;
    criterion.bench_function("gaussian_blur k99 s33 512x512", |b| time(b, gpu, || gaussian_blur(&scene, 99, 33.0)));
    let len = 1 << 19;
    let (parameter, gradient, scale) = (noise(gpu, [len])?, noise(gpu, [len])?, Tensor::full(gpu, [], 0.5)?);
    let moments = [Tensor::full(gpu, [len], 0.0)?, Tensor::full(gpu, [len], 0.0)?];
    let (betas, eps_mode) = ([0.9, 0.999], EpsMode::Torch);
    let by = Coefficients { learning_rate: 1e-3, betas, eps: 1e-8, eps_mode, weight_decay: 0.0, momentum: 0.0, alpha: 0.0 };
    let [first, second] = &moments;
    criterion.bench_function("adam 524288", |b| {
        time(b, gpu, || adam(&parameter, &gradient, &scale, [first, second], 1, Decay::OfGradient, &by))
    });
    Ok(())
}

fn kernels(criterion: &mut Criterion) {
    let gpu = Gpu::open(None).expect("a device: see `meltcore devices`");
    eprintln!("on {} ({})", gpu.capabilities().name, gpu.capabilities().driver);
    for group in [convolutions, planes, others] {
        group(criterion, &gpu).expect("tensors that the device holds");
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = kernels
}
criterion_main!(benches);
