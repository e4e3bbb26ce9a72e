#!/bin/sh
# scripts/arm64/run.sh SYSROOT COMMAND ...: runs a command on this machine; the programs of arm64 that it is, or starts, run
# under qemu-aarch64, with the libraries of SYSROOT. Exit status 77: this kernel cannot be asked to start qemu for them.
#
# If the kernel does not know these programs yet (package qemu-user-binfmt), they are registered for this command only: a user
# namespace has a list of its own (Linux 6.7).
set -eu
export QEMU_LD_PREFIX="$1"
shift
program=$QEMU_LD_PREFIX/lib/ld-linux-aarch64.so.1 # any program of arm64
"$program" --version >/dev/null 2>&1 && exec "$@"

list=/proc/sys/fs/binfmt_misc
zeros='\x00\x00\x00\x00\x00\x00\x00\x00' ones='\xff\xff\xff\xff\xff\xff\xff\xff'
# The head of an ELF file: 64 bits, little endian; an executable or a shared object (the mask ignores the last bit); arm64.
head="\\x7fELF\\x02\\x01\\x01\\x00$zeros\\x02\\x00\\xb7\\x00"
mask="\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00$ones\\xfe\\xff\\xff\\xff"
entry=":qemu-aarch64:M::$head:$mask:$(command -v qemu-aarch64):PF"
register='mount -t binfmt_misc none "$1" && printf "%s" "$2" >"$1/register" && shift 2 && exec "$@"'
unshare --map-root-user --mount sh -c "$register" - "$list" "$entry" "$program" --version >/dev/null 2>&1 || exit 77
exec unshare --map-root-user --mount sh -c "$register" - "$list" "$entry" "$@"
