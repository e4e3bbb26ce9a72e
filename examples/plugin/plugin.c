/* plugin.c: the object that Rondo looks for in noisy_labels.so. A plug-in may contain any number of descriptors and
 * source files. */
#include "parts.h"

RONDO_PLUGIN("noisy_labels", "1.0", "MIT", &sparsemax.base, &yogi.base, &generalised_cross_entropy.base);
