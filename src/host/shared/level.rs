//! The processor's instruction sets, found once.

use std::sync::LazyLock;

use fearless_simd::Level;

/// The sets of this processor that kernels are compiled for, the best one first, with their names.
static LEVELS: LazyLock<Vec<(&'static str, Level)>> = LazyLock::new(found);

/// The set in use: the best one, or a lesser one that `MELTCORE_ISA` names, to measure and to test.
static IN_USE: LazyLock<(&'static str, Level)> = LazyLock::new(|| {
    let wanted = std::env::var("MELTCORE_ISA").unwrap_or_default();
    let named = LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(&wanted));
    *named.unwrap_or(&LEVELS[0])
});

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
