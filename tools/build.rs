//! Lists the kernels, so that a new one is a file and no line in a list: `shaders/*.wgsl`, `shaders/shared/*.wgsl`, and those of them with a
//! twin in `src/host`. What it writes is included by `src/gpu/shader.rs` and `src/host/twins.rs`. With the feature `mpi` it compiles the
//! shim of `src/ranks`.

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

/// Compiles the shim with MPI's compiler, and links what that links.
#[cfg(feature = "mpi")]
fn compile_mpi_shim() -> Result<(), Box<dyn Error>> {
    const SHIM: &str = "src/ranks/mpi_shim.c";
    println!("cargo:rerun-if-changed={SHIM}");
    println!("cargo:rerun-if-env-changed=MPICC");
    let compiler = env::var("MPICC").unwrap_or_else(|_| "mpicc".into());
    let ask = |flag: &str| {
        let output = std::process::Command::new(&compiler).arg(flag).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    // Open MPI, MPICH and Intel MPI, Cray.
    let text = ask("--showme:link").or_else(|| ask("-show")).or_else(|| ask("--cray-print-opts=libs"));
    let text = text
        .ok_or_else(|| format!("`{compiler}` is not there, or no compiler of MPI: install one (Debian: libopenmpi-dev), or set MPICC"))?;
    cc::Build::new().compiler(&compiler).file(SHIM).warnings(true).try_compile("melt_mpi")?;
    for word in text.split_whitespace() {
        if let Some(path) = word.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={path}");
            println!("cargo:rustc-link-arg=-Wl,-rpath,{path}");
        } else if let Some(name) = word.strip_prefix("-l") {
            println!("cargo:rustc-link-lib={name}");
        } else if word.starts_with("-Wl,") {
            println!("cargo:rustc-link-arg={word}");
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    #[cfg(feature = "mpi")]
    compile_mpi_shim()?;
    let (root, out) = (env::var("CARGO_MANIFEST_DIR")?, env::var("OUT_DIR")?);
    let (root, out) = (Path::new(&root), Path::new(&out));
    let (shaders, shared) = (root.join("shaders"), root.join("shaders/shared"));
    let stems = names(&shaders, "wgsl")?;
    fs::write(out.join("stems.rs"), texts(&shaders, &stems))?;
    fs::write(out.join("snippets.rs"), texts(&shared, &names(&shared, "wgsl")?))?;
    let twins = names(&root.join("src/host"), "rs")?.into_iter().filter(|name| stems.contains(name));
    Ok(fs::write(out.join("twins.rs"), format!("&[{}]", twins.map(|stem| format!("twin!({stem}),")).collect::<String>()))?)
}
