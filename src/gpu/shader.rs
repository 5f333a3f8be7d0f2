//! The catalogue of WGSL files and their assembly.
//!
//! A stored file is valid WGSL once the snippets named by `//!include shared/NAME.wgsl` lines are appended (module scope is
//! order-free). A variant rewrites the values of `const NAME = …u;` lines and may swap the snippets whose names
//! end in 4 for those that end in 1 (`pack4` for `pack1`: elements one by one where rows are not multiples of four). Where `HALF` is 2,
//! `operand_f16` stands for `operand`, and f16 is enabled; where `SIZE` is 8, `matrices8` stands for `matrices16`; where
//! `PACKED` is not 0, `packed_NAME` for what reads an input that was kept. Nothing else is generated.

use crate::error::{Error, Result};

/// Every kernel, sorted: stem and WGSL text. `tools/build.rs` lists the folder.
pub const CATALOGUE: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/stems.rs"));

/// Every snippet: name and WGSL text.
pub const SNIPPETS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/snippets.rs"));

/// Values of one variant: rewritten constants, and whether memory is read four elements at a time or one by one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Variant {
    /// `(NAME, value)` of `const NAME = …u;` lines.
    pub consts: Vec<(&'static str, u32)>,
    /// True: one by one, the snippets `…1` instead of `…4`.
    pub scalar: bool,
}

/// WGSL text of `stem` with its snippets and the variant's values.
pub fn assemble(stem: &str, variant: &Variant) -> Result<String> {
    let broken = |message: String| Error::Kernel { stem: stem.to_owned(), message };
    let body = lookup(CATALOGUE, stem).ok_or_else(|| broken("no such file in shaders/".into()))?;
    let mut text = String::with_capacity(body.len() + 1024);
    let mut appended = Vec::new();
    let mut rewritten = 0;
    let is_packed = variant.consts.iter().any(|(name, value)| *name == "PACKED" && *value > 0);
    let has_f16 = variant.consts.contains(&("HALF", 2));
    if has_f16 {
        text.push_str("enable f16;\n");
    }
    for line in body.lines() {
        if let Some(name) = line.strip_prefix("//!include shared/").and_then(|rest| rest.trim().strip_suffix(".wgsl")) {
            let packed;
            let scalar = name.strip_suffix('4').filter(|_| variant.scalar).map(|family| format!("{family}1"));
            let name = match name {
                "operand" if has_f16 => "operand_f16",
                "kept4" | "input4" | "element" if is_packed => {
                    packed = format!("packed_{}", scalar.as_deref().unwrap_or(name));
                    &packed
                }
                "matrices16" if variant.consts.contains(&("SIZE", 8)) => "matrices8",
                _ => scalar.as_deref().unwrap_or(name),
            };
            appended.push(lookup(SNIPPETS, name).ok_or_else(|| broken(format!("no such snippet: {name}")))?);
        }
        match constant_name(line).and_then(|name| variant.consts.iter().find(|(n, _)| *n == name)) {
            Some((name, value)) => {
                rewritten += 1;
                text.push_str(&format!("const {name} = {value}u;"));
            }
            None => text.push_str(line),
        }
        text.push('\n');
    }
    if rewritten != variant.consts.len() {
        return Err(broken(format!("the file lacks one of the constants {:?}", variant.consts)));
    }
    for snippet in appended {
        text.push_str(snippet);
    }
    Ok(text)
}

fn lookup(table: &[(&'static str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// NAME of a line `const NAME = <number>u;`.
fn constant_name(line: &str) -> Option<&str> {
    let (name, value) = line.strip_prefix("const ")?.split_once(" = ")?;
    let digits = value.split_once("u;")?.0;
    digits.bytes().all(|b| b.is_ascii_digit()).then_some(name)
}
