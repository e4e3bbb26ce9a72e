/* tests/gradcheck.h: the check that every op gets from its descriptor alone, built-in or from a plug-in.
 *
 * For each case of rondo_op.sample (an elementwise op without one gets shapes with size 0 and 1, scalars and
 * broadcasts) it takes L = sum(w * op(inputs)) with random w and compares, for every element of every float input, the
 * gradient of the tape with the central difference (L(x + h) - L(x - h)) / 2h in f64. On the way it checks that
 *   every element of the result is written and finite,
 *   gradients are added to what stands there,
 *   a gradient is the same bits where no other input asks for one,
 *   f32 gives the results and gradients of f64 but for rounding,
 *   a map_grad whose map_grad_reads is given gives the same bits where all else is not-a-number,
 *   an op says how it is differentiated, and has cases enough: three or more.
 *
 * The error of a gradient a against its difference n is |a - n| / max(1, |a|, |n|): relative where gradients are large,
 * absolute where they are small. For of a gradient near 0 the difference gives few digits, as it loses to cancellation
 * what L itself has: about 1e-16 |L| / h = 1e-11 |L|, whatever the size of the gradient.
 */
#ifndef RONDO_TESTS_GRADCHECK_H
#define RONDO_TESTS_GRADCHECK_H

#include "rondo/plugin.h"

/* 1 where all of it holds; 0 with the reason in `message`, a buffer of `size` bytes. */
int gradcheck_op(const rondo_op *op, char *message, size_t size);

#endif
