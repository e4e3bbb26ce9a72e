/* Built for another major version of the ABI. */
#include "good.h"

static const rondo_optimizer optimizer = GOOD_OPTIMIZER("wrong_abi_major");
static const rondo_descriptor *const descriptors[] = {&optimizer.base, NULL};

const rondo_plugin_info rondo_plugin = {
    .magic = RONDO_PLUGIN_MAGIC,
    .struct_size = sizeof(rondo_plugin_info),
    .abi_major = RONDO_ABI_MAJOR + 1,
    .abi_minor = RONDO_ABI_MINOR,
    .fingerprint = RONDO_ABI_FINGERPRINT,
    .name = "wrong_abi_major",
    .version = "1.0",
    .licence = "MIT",
    .descriptors = descriptors,
};
