/* A plug-in without a version. */
#include "good.h"

static const rondo_optimizer optimizer = GOOD_OPTIMIZER("no_version");
static const rondo_descriptor *const descriptors[] = {&optimizer.base, NULL};

const rondo_plugin_info rondo_plugin = {
    .magic = RONDO_PLUGIN_MAGIC,
    .struct_size = sizeof(rondo_plugin_info),
    .abi_major = RONDO_ABI_MAJOR,
    .abi_minor = RONDO_ABI_MINOR,
    .fingerprint = RONDO_ABI_FINGERPRINT,
    .name = "no_version",
    .version = NULL,
    .licence = "MIT",
    .descriptors = descriptors,
};
