#!/usr/bin/env bash
# Lets every file operation of every command that writes go wrong in every way (kill, full disk, signal, failed read); see tests/README.md.
#
#   tools/faults.sh [FILTER]      for example: tools/faults.sh killed::pack
#
# cargo test goes through a part of them; all take eleven minutes on two cores. Linux with a C compiler.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
MELTCORE_FAULT_POINTS=all MELTCORE_REQUIRE=cc exec cargo test --locked --test faults -- ${1+"$1"}
