# Sourced by the other scripts: installs what building needs. On Debian and Ubuntu with apt, as root or with sudo; elsewhere it says what
# to install by hand. Without root it goes on with what is there. Nothing is asked.

rust_needed=1.89
say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
stop() { say "$*"; exit 2; }

# What to install where this script cannot.
advise() {
  case "$(uname -s)" in
    Darwin) say "macOS: needs the command line tools (xcode-select --install) and Rust $rust_needed or newer (https://rustup.rs); Metal is there" ;;
    MINGW* | MSYS* | CYGWIN*)
      say "Windows: needs Rust $rust_needed or newer (https://rustup.rs) and the C++ build tools of Visual Studio, which its installer offers;" \
        "DirectX 12 is there. Under WSL, Ubuntu works as it does elsewhere." ;;
    *)
      if command -v dnf >/dev/null; then
        say "Fedora: sudo dnf install gcc curl, and Rust $rust_needed or newer (https://rustup.rs)"
      elif command -v pacman >/dev/null; then
        say "Arch: sudo pacman -S --needed base-devel curl, and Rust $rust_needed or newer (https://rustup.rs)"
      else
        say "needed: a C compiler, Rust $rust_needed or newer (https://rustup.rs)"
      fi ;;
  esac
}

can_be_root() { [ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; } || { command -v sudo >/dev/null && [ -t 0 ]; }; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# apt-get install finds nothing with the lists of a machine that never fetched any.
fetch_lists() {
  if [ -z "${apt_lists_are_fresh:-}" ]; then
    as_root apt-get update -qq </dev/null >&2
    apt_lists_are_fresh=1
  fi
}

apt_install() {
  if ! can_be_root; then
    say "not root, so these packages are not installed: $* (ask whoever runs this machine); going on without them"
    return 0
  fi
  say "installing $*"
  fetch_lists
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >&2
}

is_installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }

# A C compiler links Rust programs. A GPU has its driver already; without one the processor is the device.
install_packages() {
  local missing=() package
  command -v cc >/dev/null || missing+=(gcc libc6-dev)
  for package in ca-certificates curl; do
    is_installed "$package" || missing+=("$package")
  done
  if [ ${#missing[@]} -gt 0 ]; then apt_install "${missing[@]}"; fi
}

# Mesa's software device lavapipe and the Vulkan loader: the tests run the WGSL files on it where there is no GPU.
install_lavapipe() {
  command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || return 0
  local missing=() package
  for package in libvulkan1 mesa-vulkan-drivers; do
    is_installed "$package" || missing+=("$package")
  done
  if [ ${#missing[@]} -gt 0 ]; then apt_install "${missing[@]}" || say "going on without lavapipe"; fi
}

# Where the package chromium keeps SwiftShader's manifest for the Vulkan loader; nothing where it is not installed.
swiftshader_manifest() { ls /usr/lib/chromium/vk_swiftshader_icd.json 2>/dev/null || true; }

# SwiftShader, another software device, which has no package of its own. (Ubuntu's package chromium is none: it fetches a snap.)
install_swiftshader() {
  if [ -n "$(swiftshader_manifest)" ]; then return 0; fi
  if ! command -v apt-get >/dev/null || ! grep -qx 'ID=debian' /etc/os-release; then
    say "SwiftShader is looked for in Debian's package chromium alone"
    return 0
  fi
  apt_install chromium || say "going on without SwiftShader"
}

# spirv-val, with which the tests judge what Vulkan drivers get.
install_spirv_val() {
  command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || return 0
  is_installed spirv-tools || apt_install spirv-tools || say "going on without spirv-val"
}

# True where a Vulkan driver is installed.
has_vulkan() { ls /usr/share/vulkan/icd.d/*.json /etc/vulkan/icd.d/*.json >/dev/null 2>&1; }

# GDAL for the cargo feature `gdal`, about 300 MB with what it needs, and netCDF4 for the tests that read its files from Python. Without
# them everything else is built and tested.
install_gdal() {
  command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || return 0
  local missing=() package
  for package in libgdal-dev pkg-config python3-netcdf4; do
    is_installed "$package" || missing+=("$package")
  done
  if [ ${#missing[@]} -gt 0 ]; then apt_install "${missing[@]}" || say "going on without GDAL"; fi
}

# Prints `gdal` where the library is there in a version that the bindings know, for `cargo --features`; else nothing.
gdal_feature() {
  local version
  version=$(pkg-config --modversion gdal 2>/dev/null) || return 0
  case "$version" in 3.[4-9].* | 3.1[0-2].*) printf gdal ;; esac
}

# Open MPI for the cargo feature `mpi`, about 60 MB with what it needs: without it training over processes is left out.
install_mpi() {
  command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || return 0
  # Another MPI that is there will do.
  if [ -n "$(mpi_feature)" ]; then return 0; fi
  local missing=() package
  for package in libopenmpi-dev openmpi-bin; do
    is_installed "$package" || missing+=("$package")
  done
  if [ ${#missing[@]} -gt 0 ]; then apt_install "${missing[@]}" || say "going on without MPI"; fi
}

# Prints `mpi` where MPI's compiler is there with its headers (Debian has it in a package without them), for `cargo --features`.
mpi_feature() {
  if echo '#include <mpi.h>' | "${MPICC:-mpicc}" -E -x c - >/dev/null 2>&1; then printf mpi; fi
}

install_rust() {
  if can_be_root && fetch_lists && apt-cache show rustup >/dev/null 2>&1; then
    apt_install rustup
    rustup toolchain install stable --profile minimal </dev/null >&2
    rustup default stable </dev/null >&2
  else
    command -v curl >/dev/null || stop "curl is missing, which fetches Rust: install curl, or Rust $rust_needed or newer from https://rustup.rs"
    say "installing Rust for this user with rustup, as https://rustup.rs describes"
    local script
    script=$(mktemp)
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs -o "$script"
    sh "$script" -y -q --profile minimal </dev/null >&2
    rm -f "$script"
  fi
}

find_cargo() {
  local home="${CARGO_HOME:-${HOME:-/root}/.cargo}"
  if [ -d "$home/bin" ]; then PATH="$home/bin:$PATH"; fi
  hash -r
  cargo --version >/dev/null 2>&1
}

# Everything: packages, Rust, and the check that Rust is new enough.
install_needed() {
  if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
    install_packages
    find_cargo || install_rust
  elif ! find_cargo; then
    advise
  fi
  find_cargo || stop "cargo was not found: install Rust $rust_needed or newer from https://rustup.rs, then run this again"
  local found
  found=$(cargo --version | cut -d' ' -f2)
  if [ "$(printf '%s\n' "$rust_needed" "$found" | sort -V | head -n1)" != "$rust_needed" ]; then
    stop "cargo $found is too old, $rust_needed or newer is needed: run \`rustup update stable\`, or install Rust from https://rustup.rs"
  fi
}
