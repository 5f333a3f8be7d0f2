//! The catalogue of WGSL files and their assembly.
//!
//! A stored file is valid WGSL once the snippets named by `//!include shared/NAME.wgsl` lines are appended (module scope is
//! order-free). A variant rewrites the values of `const NAME = …u;` lines and may swap the snippet `pack4` for `pack1`
//! (elements handled one by one where rows are not multiples of four). Nothing else is generated.

use crate::error::{Error, Result};

macro_rules! catalogue {
    ($($stem:literal),* $(,)?) => {
        /// Every kernel: stem and WGSL text.
        pub const CATALOGUE: &[(&str, &str)] = &[$(($stem, include_str!(concat!("../../shaders/", $stem, ".wgsl")))),*];
    };
}

macro_rules! snippets {
    ($($name:literal),* $(,)?) => {
        const SNIPPETS: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../shaders/shared/", $name, ".wgsl")))),*];
    };
}

catalogue!["add",];

snippets!["flat", "pack1", "pack4"];

/// Values of one variant: rewritten constants, and the elements handled at a time (4 or 1) by files that include `pack4`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Variant {
    /// `(NAME, value)` of `const NAME = …u;` lines.
    pub consts: Vec<(&'static str, u32)>,
    /// True: swap the snippet `pack4` for `pack1`.
    pub scalar: bool,
}

/// WGSL text of `stem` with its snippets and the variant's values.
pub fn assemble(stem: &str, variant: &Variant) -> Result<String> {
    let broken = |message: String| Error::Kernel { stem: stem.to_owned(), message };
    let body = lookup(CATALOGUE, stem).ok_or_else(|| broken("no such file in the catalogue".into()))?;
    let mut text = String::with_capacity(body.len() + 1024);
    let mut appended = Vec::new();
    let mut rewritten = 0;
    for line in body.lines() {
        if let Some(name) = line.strip_prefix("//!include shared/").and_then(|rest| rest.trim().strip_suffix(".wgsl")) {
            let name = if name == "pack4" && variant.scalar { "pack1" } else { name };
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
