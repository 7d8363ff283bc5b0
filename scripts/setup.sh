#!/usr/bin/env bash
# Brings a Debian or Ubuntu machine to a release build in build/: system packages, a Python
# environment in .venv (Meson, Ninja and, unless LIBTORCH names a prefix, the torch package for
# LibTorch), configuration, compilation. What is there already is left alone, so a second run
# changes nothing and needs no network.
#
#   scripts/setup.sh [PACKAGE...]     PACKAGE: further system packages to install
#
# Environment:
#   LIBTORCH          prefix of an unpacked LibTorch (holds include/ and lib/)
#   CDFSS_TORCH_SPEC  what pip installs, default torch==2.13.0; pip's own PIP_INDEX_URL,
#                     PIP_EXTRA_INDEX_URL and PIP_FIND_LINKS say from where
set -euo pipefail
[[ -z ${LIBTORCH:-} ]] || LIBTORCH=$(realpath -ms "$LIBTORCH")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(g++ git pkg-config python3-venv
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good libpango1.0-dev
  libopencv-dev libpng-dev libmatio-dev libcli11-dev nlohmann-json3-dev libspdlog-dev
  libgloo-dev libgtest-dev libbenchmark-dev "$@")
torch_spec=${CDFSS_TORCH_SPEC:-torch==2.13.0}

say() { printf -- '-- %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

install_system_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "not a Debian or Ubuntu system: expecting the equivalents of ${packages[*]}"
    return
  fi
  local missing=() package
  for package in "${packages[@]}"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then
    say "system packages: all ${#packages[@]} there"
    return
  fi
  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      fail "missing packages and no sudo; as root run: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing system packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq || fail "apt-get update failed"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    fail "apt-get could not install: ${missing[*]}"
}

# With no index and no configuration that could name one, pip succeeds only if all is there already.
pip_has() {
  PIP_CONFIG_FILE=/dev/null .venv/bin/python -m pip --isolated install --quiet --no-index "$@" \
    >/dev/null 2>&1
}
pip_install() { .venv/bin/python -m pip install --disable-pip-version-check --no-input "$@"; }

make_environment() {
  if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    say "making the Python environment .venv"
    python3 -m venv --clear .venv || fail "python3 -m venv failed: install python3-venv"
  fi
  if ! pip_has 'meson>=1.3' ninja; then
    say "installing meson and ninja into .venv"
    pip_install --quiet 'meson>=1.3' ninja || fail "pip could not install meson and ninja"
  fi
}

# Prints the value of option $1 in the configured build folder.
configured() {
  .venv/bin/meson introspect build --buildoptions | .venv/bin/python -c '
import json, sys
print(next(o["value"] for o in json.load(sys.stdin) if o["name"] == sys.argv[1]))' "$1"
}

install_torch() {
  if pip_has "$torch_spec"; then
    say "LibTorch: $torch_spec in .venv"
    return
  fi
  say "installing $torch_spec into .venv for LibTorch; an index that serves the CUDA build sends" \
    "several GB: PIP_INDEX_URL names another, LIBTORCH an unpacked LibTorch to use instead"
  pip_install --progress-bar off "$torch_spec" || fail "pip could not install $torch_spec:" \
    "set CDFSS_TORCH_SPEC to a version that your index has (2.6 or newer, as torch==2.6.0)," \
    "PIP_INDEX_URL to another index, or LIBTORCH to the folder of an unpacked LibTorch"
}

configure_build() {
  local options=(-Dpython="$PWD/.venv/bin/python" -Dlibtorch="${LIBTORCH:-}")
  if [[ -n ${LIBTORCH:-} && ! -e $LIBTORCH/lib/libtorch_cpu.so ]]; then
    fail "LIBTORCH=$LIBTORCH has no lib/libtorch_cpu.so: it must be the folder of a LibTorch"
  fi
  if [[ ! -f build/build.ninja ]]; then
    [[ -n ${LIBTORCH:-} ]] || install_torch
    say "configuring build/"
    .venv/bin/meson setup build --buildtype=release "${options[@]}" ||
      fail "the configuration failed; what is missing is named above"
    return
  fi
  # A build folder that somebody configured keeps its LibTorch unless LIBTORCH says otherwise.
  local prefix python
  prefix=$(configured libtorch)
  python=$(configured python)
  if [[ -n ${LIBTORCH:-} && $LIBTORCH != "$prefix" ]]; then
    say "configuring build/ again: LibTorch was ${prefix:-that of $python}, is now $LIBTORCH"
    .venv/bin/meson setup --reconfigure --clearcache build "${options[@]}" ||
      fail "the configuration failed; what is missing is named above"
  elif [[ -z $prefix && $python == "$PWD/.venv/bin/python" ]]; then
    install_torch
  else
    say "LibTorch: ${prefix:-that of $python}, as build/ is configured"
  fi
}

compile_build() {
  # A file that includes LibTorch takes 1 to 2 GB to compile.
  local jobs memory_jobs
  jobs=$(nproc)
  memory_jobs=$(awk '/^MemAvailable:/ {print int($2 / 2000000)}' /proc/meminfo)
  ((memory_jobs >= jobs)) || jobs=$((memory_jobs > 1 ? memory_jobs : 1))
  say "building in build/ ($jobs jobs)"
  .venv/bin/ninja -C build -j "$jobs" || fail "the build failed"
}

export PATH=$PWD/.venv/bin:$PATH
install_system_packages
make_environment
configure_build
compile_build
