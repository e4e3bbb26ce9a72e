/* parts.h: the descriptors of this plug-in, one per source file, and two helpers that these files share. */
#ifndef PARTS_H
#define PARTS_H

#include <rondo/plugin.h>

extern const rondo_op sparsemax;
extern const rondo_optimizer yogi;
extern const rondo_loss generalised_cross_entropy;

/* Element i of an array of RONDO_F32 or RONDO_F64. */
static inline double element(int32_t dtype, const void *array, int64_t i) {
    return dtype == RONDO_F32 ? (double)((const float *)array)[i] : ((const double *)array)[i];
}

static inline void set_element(int32_t dtype, void *array, int64_t i, double value) {
    if (dtype == RONDO_F32) {
        ((float *)array)[i] = (float)value;
    } else {
        ((double *)array)[i] = value;
    }
}

#endif
