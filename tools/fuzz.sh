#!/usr/bin/env bash
# Feeds every parser with mutants of small files for some minutes each, two at a time; see tests/README.md.
#
#   tools/fuzz.sh MINUTES [TARGET]      for example: tools/fuzz.sh 10 tiff
#
# A finding ends its target, with a message that names the file; copied into tests/fuzz/seeds/TARGET/ it is tried first from then on.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
minutes=${1:?usage: tools/fuzz.sh MINUTES [TARGET]}
seconds=$(awk -v minutes="$minutes" 'BEGIN { print minutes * 60 }')
MELTCORE_FUZZ_SECONDS=$seconds exec cargo test --locked --test fuzz -- --test-threads 2 ${2+"$2"}
