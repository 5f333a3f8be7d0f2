//! The processor's instruction sets, found once.

use std::sync::LazyLock;

use fearless_simd::Level;

use crate::error::{Error, Result};

/// The sets of this processor that kernels are compiled for, the best one first, with their names.
static LEVELS: LazyLock<Vec<(&'static str, Level)>> = LazyLock::new(found);

/// The set in use: the best one, or a lesser one that `MELTCORE_ISA` names, to measure and to test.
static IN_USE: LazyLock<(&'static str, Level)> = LazyLock::new(|| {
    let named = wanted().and_then(|wanted| LEVELS.iter().find(|(name, _)| same(name, &wanted)));
    *named.unwrap_or(&LEVELS[0])
});

/// What `MELTCORE_ISA` asks for, where it asks for anything.
fn wanted() -> Option<String> {
    std::env::var("MELTCORE_ISA").ok().map(|wanted| wanted.trim().to_owned()).filter(|wanted| !wanted.is_empty())
}

/// True for the same letters and digits in any spelling: `AVX-512`, `avx512`, `sse4_2`.
fn same(name: &str, wanted: &str) -> bool {
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect::<String>();
    plain(name) == plain(wanted)
}

/// Refuses a `MELTCORE_ISA` that this processor does not have: timings and bits under a wrong name would deceive.
///
/// # Errors
/// [`Error::Usage`] with the sets that there are.
pub fn check_instruction_set() -> Result<()> {
    match wanted() {
        Some(wanted) if !LEVELS.iter().any(|(name, _)| same(name, &wanted)) => {
            let names: Vec<&str> = instruction_sets().collect();
            Err(Error::Usage(format!(
                "MELTCORE_ISA: this processor has no instruction set `{wanted}` that kernels are compiled for: set it to {}, or unset it",
                names.join(" or ")
            )))
        }
        _ => Ok(()),
    }
}

#[cfg(target_arch = "x86_64")]
fn found() -> Vec<(&'static str, Level)> {
    use fearless_simd::Simd;
    let best = Level::new();
    let sets = [
        best.as_avx512().map(|set| ("AVX-512", set.level())),
        best.as_avx2().map(|set| ("AVX2", set.level())),
        best.as_sse4_2().map(|set| ("SSE4.2", set.level())),
    ];
    let mut sets: Vec<_> = sets.into_iter().flatten().collect();
    if sets.is_empty() {
        sets.push(("SSE2", best));
    }
    sets
}

#[cfg(not(target_arch = "x86_64"))]
fn found() -> Vec<(&'static str, Level)> {
    // Other processors have one set.
    vec![(if cfg!(target_arch = "aarch64") { "NEON" } else { "portable" }, Level::new())]
}

/// The set in use.
#[inline(always)]
pub(crate) fn level() -> Level {
    IN_USE.1
}

/// The set of this number in [`instruction_sets`]; the one in use where there is none.
pub(crate) fn level_of(number: usize) -> Level {
    LEVELS.get(number).map_or(IN_USE.1, |(_, level)| *level)
}

/// Name of the set in use: `AVX-512`, `AVX2`, `SSE4.2`, `SSE2`, `NEON` or `portable`.
pub fn instruction_set() -> &'static str {
    IN_USE.0
}

/// Names of the sets that this processor has, the best one first.
pub fn instruction_sets() -> impl Iterator<Item = &'static str> {
    LEVELS.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn sets_are_named_in_any_spelling() {
        for (name, wanted) in [("AVX-512", "avx512"), ("AVX-512", "AVX-512"), ("SSE4.2", "sse4_2"), ("AVX2", "Avx2")] {
            assert!(same(name, wanted), "{name} {wanted}");
        }
        for (name, wanted) in [("AVX-512", "avx"), ("SSE4.2", "sse4"), ("AVX2", "nonsense")] {
            assert!(!same(name, wanted), "{name} {wanted}");
        }
    }
}
