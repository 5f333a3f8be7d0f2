//! Placeholder entry: replays fixtures until the command line lands.
fn main() -> meltcore::error::Result<()> {
    let gpu = meltcore::gpu::Gpu::open(None)?;
    let mut counts = [0, 0, 0];
    for file in std::env::args().skip(1) {
        match meltcore::verify::replay(&gpu, file.as_ref(), 1.0) {
            Ok(row) => {
                counts[usize::from(row.pass)] += 1;
                if !row.pass || std::env::var("V").is_ok() {
                    println!("{:?}", row);
                }
            }
            Err(e) => {
                counts[2] += 1;
                println!("{e}");
            }
        }
    }
    println!("failed {} passed {} errors {}", counts[0], counts[1], counts[2]);
    Ok(())
}
