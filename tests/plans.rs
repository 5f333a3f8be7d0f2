//! Plans on devices that nobody here has: within their limits, and in README.

use std::collections::BTreeSet;
use std::fs;

use meltcore::bench::{Options, StepOptions, plans, variants};
use meltcore::cli::output::Table;
use meltcore::cli::plans::{limits, where_variants_run};
use meltcore::gpu::shader::CATALOGUE;
use meltcore::gpu::{Capabilities, Gpu, Needs, Plan, device_classes};
use meltcore::kernels::conv2d::{Conv2dAttrs, Conv2dDims, conv2d, conv2d_grad_input};
use meltcore::kernels::epilogue::Epilogue;
use meltcore::tensor::Tensor;

/// What is planned on a device: every kernel's rows, and a step of some networks.
fn planned(able: &Capabilities) -> Vec<Plan> {
    let planner = Gpu::invented(able.clone());
    let step = |model: &str, size: [usize; 2], set: &[&str]| {
        let set = set.iter().map(|text| (*text).to_owned()).collect();
        Options { step: Some(StepOptions { model: model.into(), set, batch: 8, size, predict_only: false }), ..Options::default() }
    };
    let all = [
        Options::default(),
        step("unet", [512, 512], &[]),
        step("unet_smp", [256, 256], &[]),
        step("deeplabv3", [256, 256], &[]),
        step("glavitu", [384, 384], &[]),
        step("tyrion", [256, 256], &[]),
        step("unet", [64, 64], &["optimizer=rmsprop"]),
        step("unet", [64, 64], &["precision=mixed", "base_channels=64"]),
        step("glavitu", [384, 384], &["precision=mixed"]),
    ];
    let rows = all.iter().flat_map(|options| plans(&planner, options).unwrap());
    rows.flat_map(|row| row.launches).map(|launched| launched.plan).collect()
}

#[test]
fn every_plan_keeps_to_the_limits_of_its_device() {
    let mut classes = device_classes();
    assert!(classes.len() >= 6 && classes.last().unwrap().name == "WebGPU");
    // A device that ends loops without a word.
    classes.push(Capabilities { loop_trips: Some(60_000), ..Capabilities::webgpu("bounded loops") });
    for class in &classes {
        let plans = planned(class);
        assert!(plans.len() > 1000, "{}: {} plans", class.name, plans.len());
        let mut kinds = BTreeSet::new();
        for plan in &plans {
            if let Some(of) = variants::of(plan.stem) {
                let value = |name: &&str| plan.variant.consts.iter().find(|(own, _)| own == name).unwrap().1;
                assert!(of.has(&of.names.iter().map(value).collect::<Vec<u32>>()), "not listed: {plan:?}");
            }
            assert!(plan.groups.iter().all(|groups| (1..=65_535).contains(groups)), "{}: {plan:?}", class.name);
            // Each kernel with each set of constants once: parsing takes its time.
            if kinds.insert((plan.stem, plan.variant.consts.clone(), plan.variant.scalar)) {
                assert_eq!(Needs::of(plan).unwrap().beyond(class), None, "{plan:?}");
            }
        }
    }
}

/// What `bench` and `doctor` run and compare on a device is all that it may be made to launch.
#[test]
fn the_rows_have_every_kernel_that_a_network_launches_on_a_device() {
    let mut on_some = BTreeSet::from(["ceiling_copy", "ceiling_fma"]);
    for class in device_classes() {
        let rows = plans(&Gpu::invented(class.clone()), &Options::default()).unwrap();
        let of_rows: BTreeSet<&str> = rows.iter().flat_map(|row| &row.launches).map(|launched| launched.plan.stem).collect();
        let missing: Vec<&str> = planned(&class).iter().map(|plan| plan.stem).filter(|stem| !of_rows.contains(stem)).collect();
        assert!(missing.is_empty(), "{}: {missing:?}", class.name);
        on_some.extend(of_rows);
    }
    let never: Vec<&str> = CATALOGUE.iter().map(|(stem, _)| *stem).filter(|stem| !on_some.contains(stem)).collect();
    assert!(never.is_empty(), "in no row: {never:?}");
}

#[test]
fn mixed_precision_runs_by_cooperative_matrices_where_a_device_has_them() {
    for class in device_classes() {
        let planner = Gpu::invented(class.clone());
        let stems = |precision: &str| {
            let set = ["base_channels=64".to_owned(), format!("precision={precision}")].to_vec();
            let step = StepOptions { model: "unet".into(), set, batch: 2, size: [64, 64], predict_only: false };
            let rows = plans(&planner, &Options { step: Some(step), ..Options::default() }).unwrap();
            let stems = rows.iter().flat_map(|row| &row.launches).map(|launched| launched.plan.stem);
            stems.filter(|stem| stem.ends_with("_coop")).collect::<BTreeSet<_>>()
        };
        let all = BTreeSet::from(["conv2d_coop", "conv2d_grad_input_coop", "conv2d_grad_weight_coop"]);
        let has_matrices = ["Apple M1", "NVIDIA Ampere"].contains(&class.name.as_str());
        assert_eq!(stems("mixed"), if has_matrices { all } else { BTreeSet::new() }, "{}", class.name);
        assert_eq!(stems("f32"), BTreeSet::new(), "{}", class.name);
    }
}

#[test]
fn sums_that_are_split_keep_to_what_a_kernel_sees() {
    // Results of 2 MiB in four parts, of which a kernel sees half.
    let planner = Gpu::invented(Capabilities { max_binding_bytes: 4 << 20, ..Capabilities::webgpu("WebGPU") });
    let launched = planner
        .launches_of(|| {
            let (input, weight) = (Tensor::empty(&planner, [32, 1024, 4, 4])?, Tensor::empty(&planner, [1024, 1024, 1, 1])?);
            let output = conv2d(&input, &weight, &Conv2dAttrs::PLAIN, &Epilogue::default())?;
            let dims = Conv2dDims::forward(&input, &weight, &Conv2dAttrs::PLAIN)?;
            conv2d_grad_input(&dims, &output, &weight, None).map(drop)
        })
        .unwrap();
    let stems: Vec<&str> = launched.iter().map(|launched| launched.plan.stem).collect();
    let sums = stems.iter().filter(|stem| **stem == "conv2d_sum").count();
    assert!(sums == 4 && stems.contains(&"conv2d_tile") && stems.contains(&"conv2d_grad_input_tile"), "{stems:?}");
}

#[test]
fn the_planner_of_a_class_takes_the_variant_that_is_forced() {
    for (text, constant) in [("conv2d:OUT=16", ("OUT", 16)), ("linear:ROWS=8,COLUMNS=4", ("ROWS", 8))] {
        let mut able = Capabilities::webgpu("WebGPU");
        variants::force(text, &mut able).unwrap();
        let stem = text.split(':').next().unwrap();
        let options = Options { filter: Some(format!("{stem} ")), ..Options::default() };
        let planned = plans(&Gpu::invented(able), &options).unwrap();
        let of_stem: Vec<&Plan> = planned.iter().flat_map(|row| &row.launches).map(|l| &l.plan).filter(|plan| plan.stem == stem).collect();
        assert!(!of_stem.is_empty() && of_stem.iter().all(|plan| plan.variant.consts.contains(&constant)), "{of_stem:?}");
    }
}

#[test]
fn what_is_forced_goes_before_what_shapes_choose() {
    let step = |able: Capabilities| {
        let set = ["base_channels=64".to_owned(), "precision=mixed".to_owned()].to_vec();
        let step = StepOptions { model: "unet".into(), set, batch: 2, size: [64, 64], predict_only: false };
        let rows = plans(&Gpu::invented(able), &Options { step: Some(step), ..Options::default() }).unwrap();
        rows.into_iter().flat_map(|row| row.launches).map(|launched| launched.plan.stem).collect::<BTreeSet<_>>()
    };
    let by_shape =
        |stem: &&str| ["_coop", "_winograd", "_narrow", "conv2d_sum", "conv2d_grad_weight_tile"].iter().any(|end| stem.contains(end));
    for mut able in device_classes() {
        let others = step(able.clone());
        assert!(others.iter().filter(|stem| by_shape(stem)).count() >= 4, "{}: {others:?}", able.name);
        for text in ["conv2d:OUT=64", "conv2d_grad_input:IN=64", "conv2d_grad_weight:OUT=8,IN=4"] {
            variants::force(text, &mut able).unwrap();
        }
        let forced = step(able.clone());
        assert!(!forced.iter().any(by_shape), "{}: {forced:?}", able.name);
        assert!(["conv2d_tile", "conv2d_grad_input_tile", "conv2d_grad_weight"].iter().all(|stem| forced.contains(stem)), "{forced:?}");
    }
}

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const BEGIN: &str = "<!-- devices: `meltcore bench --plans --for all`; MELTCORE_UPDATE=readme cargo test --test plans writes it -->\n";
const END: &str = "<!-- end of devices -->";

/// A table as Markdown has it.
fn markdown(table: &Table) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let (heads, rows) = table.cells();
    let rule = vec!["---".to_owned(); heads.len()];
    line(heads) + &line(&rule) + &rows.iter().map(|row| line(row)).collect::<String>()
}

#[test]
fn readme_has_the_devices_and_where_each_variant_runs() {
    let classes = device_classes();
    let wanted = format!("{}\n{}", markdown(&limits(&classes)), markdown(&where_variants_run(&classes).unwrap()));
    let readme = fs::read_to_string(README).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("README has the mark before its devices");
    let (table, after) = rest.split_once(END).expect("README has the mark after its devices");
    if std::env::var("MELTCORE_UPDATE").as_deref() == Ok("readme") {
        fs::write(README, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
    } else {
        assert_eq!(table, wanted, "README's devices are old; MELTCORE_UPDATE=readme cargo test --test plans writes them anew");
    }
}
