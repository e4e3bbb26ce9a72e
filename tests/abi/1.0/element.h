/* tests/abi/1.0/element.h: one element of an array of either dtype. */
#ifndef RONDO_TESTS_ABI_ELEMENT_H
#define RONDO_TESTS_ABI_ELEMENT_H

#include "rondo/plugin.h"

static inline double get(int32_t dtype, const void *array, int64_t i) {
    return dtype == RONDO_F32 ? (double)((const float *)array)[i] : ((const double *)array)[i];
}

static inline void set(int32_t dtype, void *array, int64_t i, double value) {
    if (dtype == RONDO_F32) {
        ((float *)array)[i] = (float)value;
    } else {
        ((double *)array)[i] = value;
    }
}

#endif
