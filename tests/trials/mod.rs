//! Trials of test binaries that are made at run time (`harness = false`, libtest-mimic): what a machine lacks reads as ignored, with the
//! reason, never as passed.
//!
//! `MELTCORE_REQUIRE`, a list such as `host,wgsl,data`, turns ignored into failed; `tests/README.md` lists its words.
// Every test crate uses only a part of these functions.
#![allow(dead_code)]

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// A trial that needs nothing but the repository.
pub fn trial(name: &str, run: fn()) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}

/// A trial that needs `feature`; `missing` says why it is not there, if it is not.
pub fn needing(name: &str, feature: &'static str, missing: fn() -> Option<String>, run: fn()) -> Trial {
    Trial::ignorable_test(name, move || match missing() {
        Some(reason) => absent(feature, &reason),
        None => {
            run();
            Ok(Completion::Completed)
        }
    })
}

/// What tools/data makes to the same bytes as the data beside the repository.
const MADE_HERE: [&str; 1] = ["data/antarctic-melt"];

/// A trial that needs real data (feature `data`): `path` in the repository, where tools/data makes it, or else in `../shared`.
pub fn needing_data(name: &str, path: &'static str, run: fn(&Path)) -> Trial {
    needing_data_and(name, path, "data", || None, run)
}

/// A trial that needs real data as [`needing_data`] and `feature`; `missing` says why that is not there, if it is not.
pub fn needing_data_and(name: &str, path: &'static str, feature: &'static str, missing: fn() -> Option<String>, run: fn(&Path)) -> Trial {
    Trial::ignorable_test(name, move || {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (made, beside) = (root.join(path), root.join("../shared").join(path));
        let found = if MADE_HERE.contains(&path) && made.exists() { made } else { beside };
        if !found.exists() {
            return absent("data", &format!("{} is absent", found.display()));
        }
        if let Some(reason) = missing() {
            return absent(feature, &reason);
        }
        run(&found);
        Ok(Completion::Completed)
    })
}

/// The outcome where `feature` is missing: ignored, or failed where `MELTCORE_REQUIRE` names it.
pub fn absent(feature: &str, reason: &str) -> Result<Completion, Failed> {
    if is_required(feature) {
        return Err(format!("MELTCORE_REQUIRE asks for `{feature}`, but {reason}").into());
    }
    Ok(Completion::ignored_with(reason))
}

/// Whether `MELTCORE_REQUIRE` names a feature.
pub fn is_required(feature: &str) -> bool {
    std::env::var("MELTCORE_REQUIRE").unwrap_or_default().split(',').any(|name| name.trim() == feature)
}

/// Runs trials as `cargo test` does; `main` returns what this returns.
pub fn run(trials: Vec<Trial>) -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Trials of functions that need nothing but the repository, under their names.
#[allow(unused_macros)]
macro_rules! trials {
    ($($test:ident),* $(,)?) => {
        vec![$($crate::trials::trial(stringify!($test), $test)),*]
    };
}
#[allow(unused_imports)]
pub(crate) use trials;
