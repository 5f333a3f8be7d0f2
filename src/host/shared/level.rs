//! The processor's best instruction set, found once.

use std::sync::LazyLock;

use fearless_simd::Level;

static LEVEL: LazyLock<Level> = LazyLock::new(|| chosen(std::env::var("MELTCORE_ISA").ok().as_deref()));

/// The best set, or a lesser one that `MELTCORE_ISA` (`avx2`, `sse4.2`) asks for: to measure and to test.
fn chosen(wanted: Option<&str>) -> Level {
    let best = Level::new();
    #[cfg(target_arch = "x86_64")]
    {
        use fearless_simd::Simd;
        return match wanted {
            Some("avx2") => best.as_avx2().map_or(best, |avx2| avx2.level()),
            Some("sse4.2") => best.as_sse4_2().map_or(best, |sse| sse.level()),
            _ => best,
        };
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        // Other processors have one set.
        let _ = wanted;
        best
    }
}

/// The set in use.
#[inline(always)]
pub(crate) fn level() -> Level {
    *LEVEL
}

/// Name of the set in use: `AVX-512`, `AVX2`, `SSE4.2`, `NEON` or `scalar`.
pub fn instruction_set() -> &'static str {
    name(level())
}

#[cfg(target_arch = "x86_64")]
fn name(level: Level) -> &'static str {
    if level.as_avx512().is_some() {
        "AVX-512"
    } else if level.as_avx2().is_some() {
        "AVX2"
    } else if level.as_sse4_2().is_some() {
        "SSE4.2"
    } else {
        "SSE2"
    }
}

#[cfg(target_arch = "aarch64")]
fn name(level: Level) -> &'static str {
    if level.as_neon().is_some() { "NEON" } else { "scalar" }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn name(_level: Level) -> &'static str {
    "portable"
}
