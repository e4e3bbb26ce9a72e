/* model/step_flops.h: what a program of a step costs. */
#ifndef RONDO_MODEL_STEP_FLOPS_H
#define RONDO_MODEL_STEP_FLOPS_H

#include "core/program.h"

/* Floating-point operations of the forward pass for one row at one step: 2 m k n for a product, one for each element of any other
 * op. What has a value for each element of the memory counts for one element, and an op that looks along sequences for one element of
 * each: two operations for each number that it reads there. */
int64_t step_flops(const struct program *program);

#endif
