#!/usr/bin/env bash
# Checks everything: formatting, lints, tests. On a bare Debian or Ubuntu it first installs what is missing.
#
#   tools/test.sh          installs with sudo where it does not run as root; asks nothing
#
# Tests need a Vulkan device; Mesa's software device (lavapipe) will do and is what this script installs.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

rust_needed=1.89
say() { printf 'test.sh: %s\n' "$*" >&2; }
stop() { say "$*"; exit 2; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    stop "needs root for: $* (become root, or install sudo)"
  fi
}

apt_install() {
  say "installing $*"
  if [ -z "${apt_lists_are_fresh:-}" ]; then
    as_root apt-get update -qq </dev/null >&2
    apt_lists_are_fresh=1
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >&2
}

is_installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }

# A C compiler links Rust programs; Mesa brings the software device, libvulkan1 the loader.
install_packages() {
  local missing=() package
  command -v cc >/dev/null || missing+=(gcc libc6-dev)
  for package in libvulkan1 mesa-vulkan-drivers ca-certificates curl; do
    is_installed "$package" || missing+=("$package")
  done
  if [ ${#missing[@]} -gt 0 ]; then apt_install "${missing[@]}"; fi
}

install_rust() {
  # apt-cache reads local lists, which a bare machine does not have yet.
  if [ -z "${apt_lists_are_fresh:-}" ]; then
    as_root apt-get update -qq </dev/null >&2
    apt_lists_are_fresh=1
  fi
  if apt-cache show rustup >/dev/null 2>&1; then
    apt_install rustup
    rustup toolchain install stable --profile minimal --component rustfmt --component clippy </dev/null >&2
    rustup default stable </dev/null >&2
  else
    say "installing Rust for this user with rustup, as https://rustup.rs describes"
    local script
    script=$(mktemp)
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs -o "$script"
    sh "$script" -y -q --profile minimal --component rustfmt,clippy </dev/null >&2
    rm -f "$script"
  fi
}

find_cargo() {
  local home="${CARGO_HOME:-${HOME:-/root}/.cargo}"
  if [ -d "$home/bin" ]; then PATH="$home/bin:$PATH"; fi
  hash -r
  cargo --version >/dev/null 2>&1
}

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
  install_packages
  find_cargo || install_rust
else
  say "not a Debian or Ubuntu: it is up to you that these exist: a C compiler, the Vulkan loader, a Vulkan driver" \
    "(a GPU's, or Mesa's lavapipe), Rust $rust_needed or newer from https://rustup.rs"
fi

find_cargo || stop "cargo was not found: install Rust $rust_needed or newer from https://rustup.rs, then run this again"
rust_found=$(cargo --version | cut -d' ' -f2)
if [ "$(printf '%s\n' "$rust_needed" "$rust_found" | sort -V | head -n1)" != "$rust_needed" ]; then
  stop "cargo $rust_found is too old, $rust_needed or newer is needed: run \`rustup update stable\`, or install Rust from https://rustup.rs"
fi
for tool in fmt clippy; do
  if ! cargo "$tool" --version >/dev/null 2>&1; then
    command -v rustup >/dev/null || stop "cargo $tool is missing: install the packages rustfmt and clippy, or Rust from https://rustup.rs"
    rustup component add rustfmt clippy </dev/null >&2
  fi
done

# Mesa's layer that asks the desktop for its GPU prints an error where there is no desktop session.
if [ -z "${XDG_RUNTIME_DIR:-}" ]; then export NODEVICE_SELECT=1; fi

cargo fmt --check
cargo clippy --locked --all-targets -- -D warnings
# Last, so that the test runner's own closing line ends the output.
exec cargo test --locked
