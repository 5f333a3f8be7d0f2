//! The kernels that can be built in several ways of equal bits. Each family lists its own beside its plan; here they are together.
//! How much of a device each takes is read off its WGSL ([`crate::gpu::Needs`]).

use crate::error::{Error, Result};
use crate::gpu::{Capabilities, Needs, Plan, Selectable};
use crate::kernels::{conv2d, linear, matrices};

/// All choices, sorted by stem.
pub const SELECTABLE: &[Selectable] =
    &[conv2d::launch::FORWARD, conv2d::launch::GRAD_INPUT, conv2d::grad_weight::GRAD_WEIGHT, linear::FORWARD, linear::GRAD_WEIGHT];

/// Kernels for GPUs that plans take for shapes that they fit, with the constants of their largest form: their sums have an order of their
/// own, so that nobody chooses them.
pub const BY_SHAPE: &[(&str, &[(&str, u32)])] = &[
    ("conv2d_grad_weight_narrow", &[("OUT", 8)]),
    ("conv2d_grad_weight_tile", &[("OUT", 64), ("IN", 64)]),
    ("conv2d_narrow", &[("OUT", 8), ("IN", 8)]),
    ("conv2d_winograd", &[]),
    ("conv2d_winograd_grad_weight", &[]),
];

/// The choice of a stem, if it has one.
pub fn of(stem: &str) -> Option<&'static Selectable> {
    SELECTABLE.iter().find(|selectable| selectable.stem == stem)
}

/// The plan of one workgroup of a kernel with these constants, for what it needs.
pub fn sample(of: &Selectable, values: &[u32]) -> Plan {
    Plan::new(of.stem_of(values), 1).with(of.names.iter().copied().zip(values.iter().copied()))
}

/// One workgroup of each kernel of cooperative matrices, for mixed precision, in each of the ways that this device runs.
pub fn of_matrices(able: &Capabilities) -> Vec<Plan> {
    matrices::samples(able)
}

/// Makes every launch of a kernel on this device take the variant that `text` names: `STEM:NAME=VALUE`, further constants behind commas.
///
/// # Errors
/// [`Error::Usage`] where there is no such kernel or variant, where a constant is left open, or where the device cannot run it.
pub fn force(text: &str, able: &mut Capabilities) -> Result<()> {
    let wrong = |message: String| Err(Error::Usage(format!("--variant {text}: {message}")));
    let (stem, constants) = text.split_once(':').unwrap_or((text, ""));
    let Some(selectable) = of(stem.trim()) else {
        let stems: Vec<&str> = SELECTABLE.iter().map(|selectable| selectable.stem).collect();
        return wrong(format!("must be KERNEL:NAME=VALUE, the kernel one of {}", stems.join(", ")));
    };
    let pairs = constants.split(',').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let given: Vec<(&str, &str)> = pairs.map(|(name, value)| (name.trim(), value.trim())).collect();
    let value = |name: &str| given.iter().find(|(own, _)| *own == name).and_then(|(_, value)| value.parse::<u32>().ok());
    let values: Option<Vec<u32>> = selectable.names.iter().map(|name| value(name)).collect();
    match values.filter(|values| given.len() == selectable.names.len() && selectable.has(values)) {
        None => {
            let listed = |values: &&[u32]| {
                let pairs = selectable.names.iter().zip(*values).map(|(name, value)| format!("{name}={value}"));
                pairs.collect::<Vec<_>>().join(",")
            };
            let all: Vec<String> = selectable.values.iter().map(listed).collect();
            wrong(format!("there is no such variant, KERNEL:NAME=VALUE[,NAME=VALUE]; the variants of {stem} are {}", all.join("; ")))
        }
        Some(values) => match Needs::of(&sample(selectable, &values))?.beyond(able) {
            Some(limit) => wrong(format!("it needs {limit}")),
            None => {
                able.choices.force(selectable, &values);
                Ok(())
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_are_sorted_and_every_variant_is_wgsl_that_any_device_runs() {
        assert!(SELECTABLE.is_sorted_by(|a, b| a.stem < b.stem));
        for (stem, constants) in BY_SHAPE {
            let needs = Needs::of(&Plan::new(stem, 1).with(constants.iter().copied())).unwrap();
            assert_eq!(needs.beyond(&Capabilities::webgpu("WebGPU")), None, "{stem}");
        }
        for selectable in SELECTABLE {
            for values in selectable.values {
                let needs = Needs::of(&sample(selectable, values)).unwrap();
                assert!(
                    (64..=256).contains(&needs.invocations) && (1..=8).contains(&needs.storage_buffers) && needs.immediate_bytes > 0,
                    "{needs:?}"
                );
                assert_eq!(needs.beyond(&Capabilities::webgpu("WebGPU")), None, "{} {values:?}", selectable.stem);
            }
        }
    }

    #[test]
    fn a_variant_is_forced_by_its_constants_and_refused_with_a_list() {
        let mut able = Capabilities::webgpu("WebGPU");
        force("linear:COLUMNS=8, ROWS=4", &mut able).unwrap();
        let params = crate::host::linear::LinearParams { rows: 1, depth: 1, columns: 1, has_bias: 0 };
        assert_eq!(able.choices.of(&linear::FORWARD, &params, [4, 4]), [4, 8]);
        for (text, words) in [
            ("add:OUT=1", "the kernel one of conv2d, conv2d_grad_input, "),
            ("conv2d", "the variants of conv2d are OUT=1; OUT=2;"),
            ("conv2d:OUT=3", "there is no such variant"),
            ("conv2d:OUT=8,IN=4", "there is no such variant"),
            ("linear:ROWS=4", "ROWS=1,COLUMNS=4; "),
        ] {
            let message = force(text, &mut able).unwrap_err().to_string();
            assert!(message.contains(&format!("--variant {text}: ")) && message.contains(words), "{message}");
        }
        able.workgroup_bytes = 8 << 10;
        let message = force("conv2d_grad_weight:OUT=8,IN=8", &mut able).unwrap_err().to_string();
        assert!(message.contains("16384 bytes of workgroup memory, and WebGPU has 8192"), "{message}");
    }
}
