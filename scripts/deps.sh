#!/bin/sh
# Installs the missing packages that building, running and testing Rondo needs. For Debian 12, as root or with sudo;
# asks no questions.
#     scripts/deps.sh [lint | arm64]     lint: also the packages for `make lint` and `make sanitize`
#                                        arm64: also those for `make test-arm64`
set -eu
packages="gcc libc6-dev binutils meson ninja-build pkg-config libyaml-dev libjansson-dev zlib1g-dev libpng-dev libturbojpeg0-dev libxxhash-dev libedit-dev libopenblas-dev libjs-chart.js check locales python3 chromium"
[ "${1:-}" = lint ] && packages="$packages clang clang-format clang-tidy cppcheck valgrind libclang-rt-14-dev libomp-dev"
[ "${1:-}" = arm64 ] && packages="$packages gcc-aarch64-linux-gnu qemu-user"

missing=
for package in $packages; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

command -v apt-get >/dev/null || {
    echo "These Debian packages, or what your system calls them, are needed:$missing" >&2
    exit 1
}
run=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "Run this as root, or install sudo. Missing packages:$missing" >&2
        exit 1
    }
    run=sudo
fi
echo "Installing$missing"
export DEBIAN_FRONTEND=noninteractive
$run apt-get update -q
# The variable is passed on by env: sudo drops it.
$run env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
