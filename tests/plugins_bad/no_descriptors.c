/* A plug-in without a list of descriptors. */
#include "good.h"

const rondo_plugin_info rondo_plugin = {
    .magic = RONDO_PLUGIN_MAGIC,
    .struct_size = sizeof(rondo_plugin_info),
    .abi_major = RONDO_ABI_MAJOR,
    .abi_minor = RONDO_ABI_MINOR,
    .fingerprint = RONDO_ABI_FINGERPRINT,
    .name = "no_descriptors",
    .version = "1.0",
    .licence = "MIT",
    .descriptors = NULL,
};
