#!/usr/bin/env bash
# Replays the fixtures from PyTorch on every software device for Vulkan that can be had here: Mesa's lavapipe, and SwiftShader out of
# Debian's package `chromium`. They share no compiler and have subgroups of different sizes, so that each is a second opinion on the other.
# A line a driver at the end; exit status 1 where a fixture fails or a driver is missing.
#
#   tools/check_devices.sh [FIXTURES…]                    default: tests/fixtures, and ../shared/fixtures where that is
#   MELTCORE=path/to/meltcore tools/check_devices.sh      a binary of your own instead of a release build
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source=tools/setup.sh
. tools/setup.sh

fixtures=("$@")
if [ ${#fixtures[@]} -eq 0 ]; then
  fixtures=(tests/fixtures)
  if [ -d ../shared/fixtures ]; then fixtures+=(../shared/fixtures); fi
fi
if [ -z "${MELTCORE:-}" ]; then
  install_needed
  cargo build --locked --release
  MELTCORE=target/release/meltcore
fi
install_lavapipe
install_swiftshader
# Mesa's layer that asks the desktop for its GPU prints an error where there is no desktop session.
if [ -z "${XDG_RUNTIME_DIR:-}" ]; then export NODEVICE_SELECT=1; fi

lines=() failed=0
report=$(mktemp)
trap 'rm -f "$report"' EXIT
# check NAME DEVICE MANIFEST…: the fixtures on the device that has DEVICE in its name, by the first of the drivers' manifests that exists.
check() {
  local name=$1 device=$2 manifest start status=0
  shift 2
  for manifest in "$@" ''; do
    if [ -n "$manifest" ] && [ -f "$manifest" ]; then break; fi
  done
  if [ -z "$manifest" ]; then
    lines+=("$name: not installed here") failed=1
    return
  fi
  say "$name by $manifest"
  start=$SECONDS
  # Loaders before 1.3.207 know the older name only.
  VK_DRIVER_FILES=$manifest VK_ICD_FILENAMES=$manifest "$MELTCORE" verify --device "$device" "${fixtures[@]}" >"$report" || status=$?
  grep -E ' FAIL$' "$report" || true
  lines+=("$name: $(tail -n 1 "$report"), status $status, $((SECONDS - start)) s")
  if [ "$status" -ne 0 ]; then failed=1; fi
}

icds=/usr/share/vulkan/icd.d
check lavapipe llvmpipe "$icds/lvp_icd.$(uname -m).json" "$icds/lvp_icd.json"
check SwiftShader SwiftShader "$(swiftshader_manifest)"
printf '%s\n' "${lines[@]}"
exit "$failed"
