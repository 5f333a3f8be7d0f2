//! The WGSL files without a device: valid, headed, catalogued, and with the parameter layouts that Rust has.

use meltcore::gpu::shader::{CATALOGUE, SNIPPETS, Variant, assemble};
use meltcore::host::stems;
use meltcore::kernels::params::layouts;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, Module, Scalar, ScalarKind, ShaderStage, TypeInner};
use std::collections::BTreeSet;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The variants that every file must be valid in: four elements at a time, and one by one.
fn variants() -> [Variant; 2] {
    [false, true].map(|scalar| Variant { scalar, ..Variant::default() })
}

fn parsed(stem: &str, variant: &Variant) -> Module {
    let text = assemble(stem, variant).unwrap();
    naga::front::wgsl::parse_str(&text).unwrap_or_else(|e| panic!("{stem}, {variant:?}: {}", e.emit_to_string(&text)))
}

/// Runs `check` on every file and fails with all its complaints together.
fn for_every_file(check: impl Fn(&str, &str) -> Vec<String>) {
    let faults: Vec<String> = CATALOGUE
        .iter()
        .flat_map(|(stem, text)| check(stem, text).into_iter().map(move |fault| format!("shaders/{stem}.wgsl: {fault}")))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_file_is_valid_with_one_entry_point_of_its_name() {
    for_every_file(|stem, _| {
        let mut faults = Vec::new();
        for variant in variants() {
            let module = parsed(stem, &variant);
            let capabilities = Capabilities::SUBGROUP
                | Capabilities::IMMEDIATES
                | Capabilities::SHADER_FLOAT16_IN_FLOAT32
                | Capabilities::SHADER_FLOAT16
                | Capabilities::COOPERATIVE_MATRIX;
            if let Err(error) = Validator::new(ValidationFlags::all(), capabilities).validate(&module) {
                faults.push(format!("{variant:?}: {:?}", error.into_inner()));
            }
            let entries: Vec<_> = module.entry_points.iter().map(|entry| (entry.name.as_str(), entry.stage)).collect();
            if entries != [(stem, ShaderStage::Compute)] {
                faults.push(format!("{variant:?}: entry points {entries:?}, one compute entry point `{stem}` was expected"));
            }
        }
        faults
    });
}

#[test]
fn every_snippet_and_each_of_its_functions_is_used() {
    let without_comments = |text: &str| text.lines().map(|line| line.split("//").next().unwrap_or(line)).collect::<Vec<_>>().join("\n");
    let all: Vec<String> = CATALOGUE.iter().chain(SNIPPETS).map(|(_, text)| without_comments(text)).collect();
    let words: Vec<&str> = all.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_')).collect();
    let included: BTreeSet<&str> =
        CATALOGUE.iter().flat_map(|(_, text)| text.lines()).filter_map(|line| line.strip_prefix("//!include shared/")).collect();
    let mut faults = Vec::new();
    for (name, text) in SNIPPETS {
        // One by one is the other form of four at a time.
        // The device's own f16 is the other form of numbers rounded to it, matrices of 8 × 8 that of 16 × 16, and what is packed that of
        // what is not.
        let name = name.strip_prefix("packed_").unwrap_or(name);
        let family = match name.strip_suffix("_f16") {
            Some(family) => Some(format!("{family}.wgsl")),
            None if name == "matrices8" => Some("matrices16.wgsl".to_owned()),
            None => name.strip_suffix('1').map(|family| format!("{family}4.wgsl")),
        };
        let is_included =
            included.contains(format!("{name}.wgsl").as_str()) || family.is_some_and(|family| included.contains(family.as_str()));
        if !is_included {
            faults.push(format!("no kernel includes shaders/shared/{name}.wgsl"));
        }
        for function in text.lines().filter_map(|line| line.strip_prefix("fn ")).filter_map(|rest| rest.split('(').next()) {
            let defined = all.iter().filter(|text| text.contains(&format!("fn {function}("))).count();
            if words.iter().filter(|word| **word == function).count() <= defined {
                faults.push(format!("shaders/shared/{name}.wgsl: nobody calls {function}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn headers_say_launcher_reference_grid_and_numerics() {
    for_every_file(|_, text| {
        let header: Vec<&str> = text.lines().take_while(|line| line.starts_with("//") && !line.starts_with("//!include")).collect();
        let mut faults = Vec::new();
        for field in ["Launcher:", "Reference:", "Grid:", "Numerics:"] {
            let value = header.iter().find_map(|line| line.split_once(field)).map(|(_, value)| value.trim());
            if value.is_none_or(str::is_empty) {
                faults.push(format!("its header lacks `{field}`"));
            }
        }
        let named = |field: &str, end: Option<&str>| {
            let value = header.iter().find_map(|line| line.split_once(field)).map_or("", |(_, value)| value);
            let value = end.and_then(|end| value.split_once(end)).map_or(value, |(value, _)| value);
            let words = value.split([' ', ',', ';', '(', ')']).filter(|word| word.ends_with(".rs"));
            words.map(str::to_owned).collect::<Vec<_>>()
        };
        let launchers = named("Launcher:", Some("Reference:"));
        if launchers.is_empty() {
            faults.push("`Launcher:` names no Rust file".into());
        }
        let launchers = launchers.into_iter().map(|file| format!("src/{file}"));
        for file in launchers.chain(named("Reference:", None)) {
            if !root().join(&file).is_file() {
                faults.push(format!("its header names {file}, which does not exist"));
            }
        }
        faults
    });
}

#[test]
fn bindings_carry_their_shapes() {
    for_every_file(|_, text| {
        let bindings: Vec<&str> = text.lines().filter(|line| line.contains("@binding(")).collect();
        let mut faults = Vec::new();
        for (i, line) in bindings.iter().enumerate() {
            // gpu::kernel reads the bindings off these lines, in this order.
            if !line.starts_with(&format!("@group(0) @binding({i}) var<storage, read")) {
                faults.push(format!("binding {i} is not declared in order on a line of its own: {line}"));
            }
            let comment = line.split_once("//").map_or("", |(_, comment)| comment);
            if !["[", "the same"].iter().any(|shape| comment.contains(shape)) {
                faults.push(format!("binding {i} lacks its shape in a comment: {line}"));
            }
        }
        if bindings.is_empty() {
            faults.push("it has no bindings".into());
        }
        faults
    });
}

/// Name, type and offset of a member.
type Member = (String, String, u32);

/// Members of the `var<immediate>` struct, and its size; `None` where the file has no immediates.
fn immediates(module: &Module) -> Option<(Vec<Member>, u32)> {
    let (_, variable) = module.global_variables.iter().find(|(_, variable)| variable.space == AddressSpace::Immediate)?;
    let TypeInner::Struct { members, span } = &module.types[variable.ty].inner else { panic!("immediates are not a struct") };
    let fields = members.iter().map(|member| {
        let kind = match module.types[member.ty].inner {
            TypeInner::Scalar(Scalar { kind: ScalarKind::Uint, width: 4 }) => "u32".to_owned(),
            TypeInner::Scalar(Scalar { kind: ScalarKind::Sint, width: 4 }) => "i32".to_owned(),
            TypeInner::Scalar(Scalar { kind: ScalarKind::Float, width: 4 }) => "f32".to_owned(),
            ref other => format!("{other:?}"),
        };
        (member.name.clone().unwrap_or_default(), kind, member.offset)
    });
    Some((fields.collect(), *span))
}

#[test]
fn parameter_structs_are_the_same_in_both_languages() {
    for_every_file(|stem, _| {
        let layouts: Vec<_> = layouts().into_iter().filter(|layout| layout.stems.contains(&stem)).collect();
        let found = variants().map(|variant| immediates(&parsed(stem, &variant)));
        assert_eq!(found[0], found[1], "{stem}: a variant changes the parameters");
        let [found, _] = found;
        let (Some((fields, span)), [layout]) = (&found, layouts.as_slice()) else {
            let has = if found.is_some() { "has" } else { "has no" };
            return vec![format!(
                "it {has} var<immediate>, and {} parameter structs name it (`params!` in src/host; without a twin in src/kernels/params.rs)",
                layouts.len()
            )];
        };
        let offsets = (0u32..).step_by(4);
        let wanted: Vec<_> = layout.fields.iter().zip(offsets).map(|((name, kind), at)| (name.to_string(), kind.to_string(), at)).collect();
        let mut faults = Vec::new();
        if *fields != wanted {
            faults.push(format!("WGSL has {fields:?}, Rust has {wanted:?}"));
        }
        if *span as usize != layout.size || layout.size > 64 {
            faults.push(format!("{span} bytes in WGSL, {} in Rust, at most 64 are possible everywhere (browsers)", layout.size));
        }
        faults
    });
}

#[test]
fn layouts_name_files_that_exist() {
    for stem in layouts().iter().flat_map(|layout| layout.stems) {
        assert!(CATALOGUE.iter().any(|(known, _)| known == stem), "a parameter struct names `{stem}`, which is no shader");
    }
}

#[test]
fn host_twins_bind_the_buffers_of_their_shaders() {
    for (stem, [read, written]) in stems() {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/host").join(format!("{stem}.rs")).is_file(), "{stem} has no file");
        let (_, text) = CATALOGUE.iter().find(|(known, _)| *known == stem).unwrap_or_else(|| panic!("the twin `{stem}` is no shader's"));
        let bindings = text.lines().filter(|line| line.starts_with("@group(0) @binding("));
        let order: Vec<bool> = bindings.map(|line| line.contains("read_write")).collect();
        let wanted = [vec![false; read], vec![true; written]].concat();
        assert_eq!(order, wanted, "src/host/{stem}.rs: which bindings the shader writes, and which the twin");
    }
}
