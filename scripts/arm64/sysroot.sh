#!/bin/sh
# scripts/arm64/sysroot.sh FOLDER: fills FOLDER with the headers and libraries of Debian's arm64 packages that Rondo is built
# and tested with. Nothing is installed: the packages are downloaded into FOLDER, with a state of apt of their own, and
# unpacked there. Needs apt, but neither root nor `dpkg --add-architecture`. Does nothing if FOLDER is complete.
set -eu
folder=$1
# The run-time libraries come as dependencies.
packages="libc6-dev libyaml-dev libjansson-dev zlib1g-dev libpng-dev libturbojpeg0-dev libxxhash-dev libedit-dev check"
complete="$packages; links inside"
[ "$(cat "$folder/complete" 2>/dev/null || true)" = "$complete" ] && exit 0

rm -rf "$folder"
mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial"
folder=$(cd "$folder" && pwd)
: >"$folder/apt/status" # as on a machine without packages, so that all dependencies are downloaded
apt() {
    apt-get -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$folder/apt" \
        -o Dir::State::status="$folder/apt/status" -o Dir::State::lists="$folder/apt/lists" -o Dir::Cache="$folder/apt" "$@"
}
apt update
apt install -y --no-install-recommends --download-only $packages
for package in "$folder"/apt/archives/*.deb; do
    dpkg -x "$package" "$folder"
done
# Links of a system, such as /usr/lib/…/libm.so to /lib/…/libm.so.6, would lead to files of this machine: without the shared library, the
# linker takes the static one.
find "$folder" -type l -lname '/*' | while read -r link; do
    ln -sfn "$folder$(readlink "$link")" "$link"
done
# Programs and settings of arm64 would hide those of this machine from a test that starts them.
rm -rf "$folder/apt" "$folder/bin" "$folder/sbin" "$folder/etc" "$folder/var" "$folder/usr/bin" "$folder/usr/sbin"
find "$folder/usr/share" -mindepth 1 -maxdepth 1 ! -name pkgconfig -exec rm -rf {} +
echo "$complete" >"$folder/complete"
