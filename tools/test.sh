#!/usr/bin/env bash
# Checks everything: formatting, lints, tests; with GDAL and MPI where they can be had. On a bare Debian or Ubuntu it first installs what
# is missing (see tools/setup.sh).
#
#   tools/test.sh          installs with sudo where it does not run as root; asks nothing
#
# The kernels are tested on the processor and as WGSL; for the latter the set-up installs Mesa's software device (lavapipe). What cannot
# run here reads as ignored, with the reason; MELTCORE_REQUIRE names what may not be.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source=tools/setup.sh
. tools/setup.sh
install_needed
install_lavapipe
install_spirv_val
install_gdal
install_mpi
features=$(gdal_feature)
# In the one build that is tested, so that it costs a file of C and no second build.
mpi=$(mpi_feature)
all=$features${features:+${mpi:+,}}$mpi

for tool in fmt clippy; do
  if ! cargo "$tool" --version >/dev/null 2>&1; then
    command -v rustup >/dev/null || stop "cargo $tool is missing: install the packages rustfmt and clippy, or Rust from https://rustup.rs"
    rustup component add rustfmt clippy </dev/null >&2
  fi
done

# Mesa's layer that asks the desktop for its GPU prints an error where there is no desktop session.
if [ -z "${XDG_RUNTIME_DIR:-}" ]; then export NODEVICE_SELECT=1; fi

# What is built once needs no memory of how, which is as large as the build itself.
export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0}
cargo fmt --check
cargo clippy --locked --all-targets -- -D warnings
# What a library builds on.
cargo clippy --locked --lib --no-default-features -- -D warnings
if [ -n "$all" ]; then cargo clippy --locked --all-targets --features "$all" -- -D warnings; fi
if [ -z "$features" ]; then
  say "no GDAL 3.4 to 3.12 here (libgdal-dev, pkg-config): its tests are left out"
fi
# What the set-up brought must be tested.
require=host
if [ "$(uname)" = Linux ]; then require=$require,cc; fi
if has_vulkan; then require=$require,wgsl; fi
if command -v spirv-val >/dev/null; then require=$require,spirv-val; fi
if [ -n "$features" ]; then require=$require,gdal; fi
if [ -n "$mpi" ] && command -v mpirun >/dev/null; then require=$require,mpi; fi
if command -v python3 >/dev/null; then require=$require,python; fi
if [ -d ../shared/data ]; then require=$require,data; fi
export MELTCORE_REQUIRE=${MELTCORE_REQUIRE:-$require}
export MELTCORE_FUZZ_SECONDS=${MELTCORE_FUZZ_SECONDS:-10}
# Last, so that the test runner's own closing line ends the output.
exec cargo test --locked --features "$all"
