//! Lists the kernels, so that a new one is a file and no line in a list: `shaders/*.wgsl`, `shaders/shared/*.wgsl`, and those of them with a
//! twin in `src/host`. What it writes is included by `src/gpu/shader.rs` and `src/host/twins.rs`.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

/// Names without extension of the files in a folder, sorted.
fn names(folder: &Path, extension: &str) -> Result<Vec<String>, Box<dyn Error>> {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            names.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
        }
    }
    names.sort();
    Ok(names)
}

/// A slice of (name, text) for these WGSL files.
fn texts(folder: &Path, names: &[String]) -> String {
    let row = |name: &String| format!("({name:?}, include_str!({:?})),", folder.join(format!("{name}.wgsl")));
    format!("&[{}]", names.iter().map(row).collect::<String>())
}

fn main() -> Result<(), Box<dyn Error>> {
    let (root, out) = (env::var("CARGO_MANIFEST_DIR")?, env::var("OUT_DIR")?);
    let (root, out) = (Path::new(&root), Path::new(&out));
    let (shaders, shared) = (root.join("shaders"), root.join("shaders/shared"));
    let stems = names(&shaders, "wgsl")?;
    fs::write(out.join("stems.rs"), texts(&shaders, &stems))?;
    fs::write(out.join("snippets.rs"), texts(&shared, &names(&shared, "wgsl")?))?;
    let twins = names(&root.join("src/host"), "rs")?.into_iter().filter(|name| stems.contains(name));
    Ok(fs::write(out.join("twins.rs"), format!("&[{}]", twins.map(|stem| format!("twin!({stem}),")).collect::<String>()))?)
}
