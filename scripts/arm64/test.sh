#!/bin/sh
# scripts/arm64/test.sh BUILD [test ...]: cross-compiles Rondo for arm64 into the folder BUILD, and runs all tests, or those named,
# under qemu. Exit status 77: nothing was tested, because a tool is missing or this kernel cannot run programs of arm64.
# `scripts/deps.sh arm64` installs the tools. The libraries of arm64 are unpacked in BUILD-sysroot, which is kept.
set -eu
cd "$(dirname "$0")/../.."
skip() {
    echo "arm64: skipped: $*"
    exit 77
}
for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
    command -v "$tool" >/dev/null || skip "$tool is not installed (scripts/deps.sh arm64)"
done
for tool in apt-get dpkg unshare; do
    command -v "$tool" >/dev/null || skip "$tool is needed, and is not installed"
done
mkdir -p "$1"
build=$(cd "$1" && pwd)
shift
sysroot=$build-sysroot
sh scripts/arm64/sysroot.sh "$sysroot"
run="sh scripts/arm64/run.sh $sysroot"
status=0
$run true || status=$?
[ "$status" -ne 77 ] || skip "this kernel does not start qemu; install qemu-user-binfmt, or use Linux 6.7 or later"

if [ ! -f "$build/build.ninja" ]; then
    printf "[constants]\nsysroot = '%s'\n" "$sysroot" >"$build/sysroot.ini"
    # Tests compile plug-ins with `cc`.
    mkdir -p "$build/compiler"
    printf '#!/bin/sh\nexec aarch64-linux-gnu-gcc --sysroot="%s" "$@"\n' "$sysroot" >"$build/compiler/cc"
    chmod +x "$build/compiler/cc"
    $run meson setup --cross-file "$build/sysroot.ini" --cross-file scripts/arm64/cross.ini --buildtype=release "$build" .
fi
$run ninja -C "$build"
# qemu runs a program about ten times as long as a processor would.
PATH=$build/compiler:$PATH RONDO_TEST_EMULATED=1 CK_TIMEOUT_MULTIPLIER=20 \
    $run meson test -C "$build" --no-rebuild --print-errorlogs --timeout-multiplier 20 "$@"
