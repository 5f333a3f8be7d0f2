//! Every shader in every variant as the drivers get it: SPIR-V for Vulkan, HLSL for DX12, MSL for Metal, written by naga with the options
//! that wgpu gives it for trusted modules. Without a device; `spirv-val` (feature `spirv-val`) judges the SPIR-V where it is installed.

mod shader_variants;
mod trials;

use meltcore::gpu::shader::CATALOGUE;
use naga::back::{hlsl, msl, spv};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::{AddressSpace, Module, ResourceBinding, ShaderStage, StorageAccess};
use shader_variants::{FIXED, Text, rewritten, texts};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, ExitCode};
use trials::{needing, trials};

/// The limits that WebGPU asks of every browser for storage buffers of a stage, and proposes for immediates; real devices have no less.
const STORAGE_BUFFERS: usize = 8;
const IMMEDIATE_BYTES: u32 = 64;

/// Versions of SPIR-V with the Vulkan that takes them: the oldest and the newest that wgpu writes for.
const SPIRV: [((u8, u8), &str); 2] = [((1, 3), "vulkan1.1"), ((1, 6), "vulkan1.3")];

fn main() -> ExitCode {
    let mut all = trials!(
        the_variants_are_those_of_files_and_launchers,
        every_variant_fits_the_limits_of_browsers,
        every_variant_is_written_as_spirv,
        every_variant_is_written_as_hlsl,
        every_variant_is_written_as_msl,
    );
    all.push(needing("every_spirv_module_is_valid", "spirv-val", no_spirv_val, every_spirv_module_is_valid));
    let with_matrices = "every_spirv_module_with_matrices_is_valid";
    all.push(needing(with_matrices, "spirv-val-matrices", spirv_val_without_matrices, every_spirv_module_with_matrices_is_valid));
    trials::run(all)
}

/// Fails with all complaints together.
fn for_every_text(check: impl Fn(&Text) -> Result<(), String>) {
    let texts = texts();
    assert!(texts.len() > 150, "only {} texts", texts.len());
    let faults: Vec<String> = texts.iter().filter_map(|text| check(text).err().map(|fault| format!("{}: {fault}", text.name()))).collect();
    assert!(faults.is_empty(), "{} of {}: {}", faults.len(), texts.len(), faults.join("\n"));
}

fn the_variants_are_those_of_files_and_launchers() {
    let listed = rewritten();
    let mut declared = BTreeSet::new();
    for (stem, text) in CATALOGUE {
        for line in text.lines().filter_map(|line| line.strip_prefix("const ")) {
            let Some((name, _)) = line.split_once(" = ").filter(|(_, value)| value.as_bytes()[0].is_ascii_digit()) else { continue };
            if !FIXED.contains(&name) || listed.contains(&(*stem, name)) {
                declared.insert((*stem, name));
            }
        }
    }
    assert_eq!(listed, declared, "constants in shader_variants, and in the files");
    let mut launched = BTreeSet::new();
    let mut folders = ["src/kernels", "src/bench"].map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).to_vec();
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(path).unwrap();
            // `("NAME", value)`
            let names = text.split("(\"").skip(1).filter_map(|rest| rest.split_once("\", ")).map(|(name, _)| name.to_owned());
            launched.extend(names.filter(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')));
        }
    }
    // The host's instruction set, which no shader knows.
    assert!(launched.remove("ISA"));
    let listed: BTreeSet<_> = listed.into_iter().map(|(_, name)| name.to_owned()).collect();
    assert_eq!(listed, launched, "constants in shader_variants, and in src/kernels and src/bench");
}

/// Bindings in order: group, number, and whether the kernel writes there.
fn bindings(module: &Module) -> Vec<(ResourceBinding, bool)> {
    let storage = module.global_variables.iter().filter_map(|(_, variable)| match variable.space {
        AddressSpace::Storage { access } => Some((variable.binding?, access.contains(StorageAccess::STORE))),
        _ => None,
    });
    storage.collect()
}

fn every_variant_fits_the_limits_of_browsers() {
    for_every_text(|text| {
        let (module, _) = text.module();
        let buffers = bindings(&module).len();
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).unwrap();
        let immediates = module.global_variables.iter().filter(|(_, variable)| variable.space == AddressSpace::Immediate);
        let bytes: u32 = immediates.map(|(_, variable)| layouter[variable.ty].size).sum();
        match buffers <= STORAGE_BUFFERS && (1..=IMMEDIATE_BYTES).contains(&bytes) {
            true => Ok(()),
            false => Err(format!("{buffers} storage buffers (of {STORAGE_BUFFERS}), {bytes} bytes of parameters (of {IMMEDIATE_BYTES})")),
        }
    });
}

/// No run-time checks, as `create_shader_module_trusted` asks for.
const UNCHECKED: BoundsCheckPolicies = BoundsCheckPolicies {
    index: BoundsCheckPolicy::Unchecked,
    buffer: BoundsCheckPolicy::Unchecked,
    image_load: BoundsCheckPolicy::Unchecked,
    binding_array: BoundsCheckPolicy::Unchecked,
};

fn spirv(text: &Text, lang_version: (u8, u8)) -> Result<Vec<u32>, String> {
    let (module, info) = text.module();
    let options = spv::Options {
        lang_version,
        flags: spv::WriterFlags::empty(),
        bounds_check_policies: UNCHECKED,
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: false,
        ..Default::default()
    };
    let pipeline = spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: text.stem.into() };
    spv::write_vec(&module, &info, &options, Some(&pipeline)).map_err(|error| error.to_string())
}

fn every_variant_is_written_as_spirv() {
    for_every_text(|text| {
        for (version, _) in SPIRV {
            let words = spirv(text, version)?;
            // SPIR-V 2.3: the magic number begins a module.
            if words.first() != Some(&0x0723_0203) {
                return Err(format!("no module: {} words", words.len()));
            }
        }
        Ok(())
    });
}

fn every_variant_is_written_as_hlsl() {
    for_every_text(|text| {
        // DX12 offers no cooperative matrices.
        if text.matrices().is_some() {
            return Ok(());
        }
        let (module, info) = text.module();
        let target = |space: u8, register: u32| hlsl::BindTarget { space, register, ..Default::default() };
        let options = hlsl::Options {
            shader_model: hlsl::ShaderModel::V6_0,
            binding_map: bindings(&module).into_iter().map(|(binding, _)| (binding, target(1, binding.binding))).collect(),
            fake_missing_bindings: false,
            special_constants_binding: Some(target(2, 0)),
            immediates_target: Some(target(0, 0)),
            zero_initialize_workgroup_memory: false,
            restrict_indexing: false,
            force_loop_bounding: false,
            ..Default::default()
        };
        let pipeline = hlsl::PipelineOptions { entry_point: Some((ShaderStage::Compute, text.stem.into())) };
        let mut written = String::new();
        let reflection = hlsl::Writer::new(&mut written, &options, &pipeline).write(&module, &info, None).map_err(|e| e.to_string())?;
        let entries = reflection.entry_point_names.into_iter().collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        match entries.as_slice() {
            [entry] if written.contains(&format!("void {entry}(")) && written.contains("[numthreads(") => Ok(()),
            other => Err(format!("entry points {other:?}, or their text is missing")),
        }
    });
}

fn every_variant_is_written_as_msl() {
    for_every_text(|text| {
        // Metal offers cooperative matrices of 8 × 8.
        if text.matrices().is_some_and(|side| side != 8) {
            return Ok(());
        }
        let (module, info) = text.module();
        let bound = bindings(&module);
        // As wgpu's Metal back end numbers them: parameters, buffers, and the buffers' sizes.
        let slot = |number: usize| u8::try_from(number).unwrap();
        let bind = |(number, (binding, mutable)): (usize, &(ResourceBinding, bool))| {
            (*binding, msl::BindTarget { buffer: Some(slot(number + 1)), mutable: *mutable, ..Default::default() })
        };
        let resources = msl::EntryPointResources {
            resources: bound.iter().enumerate().map(bind).collect(),
            immediates_buffer: Some(0),
            sizes_buffer: Some(slot(bound.len() + 1)),
        };
        let options = msl::Options {
            lang_version: (2, 4),
            per_entry_point_map: [(text.stem.to_owned(), resources)].into_iter().collect(),
            fake_missing_bindings: false,
            bounds_check_policies: UNCHECKED,
            zero_initialize_workgroup_memory: false,
            force_loop_bounding: false,
            ..Default::default()
        };
        let pipeline = msl::PipelineOptions { entry_point: Some((ShaderStage::Compute, text.stem.into())), ..Default::default() };
        let (written, translation) = msl::write_string(&module, &info, &options, &pipeline).map_err(|error| error.to_string())?;
        let entries = translation.entry_point_names.into_iter().collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        match entries.as_slice() {
            [entry] if written.contains(&format!("kernel void {entry}(")) => Ok(()),
            other => Err(format!("entry points {other:?}, or their text is missing")),
        }
    });
}

/// A module without the strides of arrays of fixed length: naga writes them for workgroup memory, too, where Vulkan has no use for them
/// (VUID-StandaloneSpirv-None-10684, which `spirv-val` checks since 2025). Our buffers are arrays without a fixed length.
fn without_strides(words: &[u32]) -> Vec<u32> {
    const OP_TYPE_RUNTIME_ARRAY: u32 = 29;
    const OP_DECORATE: u32 = 71;
    const ARRAY_STRIDE: u32 = 6;
    // SPIR-V 2.3: five words of head, then instructions that begin with their length and code.
    let mut instructions = Vec::new();
    let mut rest = &words[5..];
    while let [first, ..] = rest {
        let (instruction, behind) = rest.split_at((first >> 16) as usize);
        instructions.push(instruction);
        rest = behind;
    }
    let endless: BTreeSet<u32> = instructions.iter().filter(|i| i[0] & 0xffff == OP_TYPE_RUNTIME_ARRAY).map(|i| i[1]).collect();
    let is_kept = |i: &&&[u32]| !(i[0] & 0xffff == OP_DECORATE && i[2] == ARRAY_STRIDE && !endless.contains(&i[1]));
    words[..5].iter().chain(instructions.iter().filter(is_kept).flat_map(|i| i.iter())).copied().collect()
}

fn no_spirv_val() -> Option<String> {
    let runs = Command::new("spirv-val").arg("--version").output().is_ok_and(|output| output.status.success());
    (!runs).then(|| "spirv-val is not installed (Debian's package spirv-tools)".into())
}

/// Whether `spirv-val` is too old for SPV_KHR_cooperative_matrix, of 2023: it came to know it in its version 2023.4.
fn spirv_val_without_matrices() -> Option<String> {
    no_spirv_val().or_else(|| {
        let output = Command::new("spirv-val").arg("--version").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.split_whitespace().find_map(|word| word.strip_prefix('v')).unwrap_or_default();
        let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
        let version = (numbers.next(), numbers.next());
        (version < (Some(2023), Some(4))).then(|| format!("spirv-val of before 2023.4 knows no cooperative matrices: {text}"))
    })
}

fn every_spirv_module_is_valid() {
    spirv_is_valid(|text| text.matrices().is_none());
}

fn every_spirv_module_with_matrices_is_valid() {
    spirv_is_valid(|text| text.matrices().is_some());
}

fn spirv_is_valid(takes: impl Fn(&Text) -> bool) {
    let folder = tempfile::tempdir().unwrap();
    for_every_text(|text| {
        if !takes(text) {
            return Ok(());
        }
        for (version, target) in SPIRV {
            let path = folder.path().join("module.spv");
            let bytes: Vec<u8> = without_strides(&spirv(text, version)?).iter().flat_map(|word| word.to_le_bytes()).collect();
            std::fs::write(&path, bytes).unwrap();
            let output = Command::new("spirv-val").args(["--target-env", target]).arg(&path).output().unwrap();
            if !output.status.success() {
                return Err(format!("{target}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)));
            }
        }
        Ok(())
    });
}
