/* core/multiply.h: the products that the host computes for ops and plug-ins (rondo_host.product), with the kernels of
 * core/product.
 *
 * Bits: an element of a result is a sum in an order that depends only on k and on the length of the stack, so a result has
 * the same bits for any number of threads, and a row has the same bits whatever the other rows are.
 *
 * Threads: any; uses several inside.
 */
#ifndef RONDO_CORE_MULTIPLY_H
#define RONDO_CORE_MULTIPLY_H

#include "core/arena.h"
#include "core/parallel.h"
#include "rondo/plugin.h"

/* c = alpha a @ b + beta c, as described at rondo_product. RONDO_NO_MEMORY if `arena` has no memory for packed blocks; c is
 * then unchanged. */
rondo_status multiply(const struct parallel *parallel, struct arena *arena, const rondo_product *product);

/* The same for a plain product (k >= 1, stack 1), and then plus `bias` [n] in every row, with the bits of a separate sum: a
 * linear layer, without a second pass over a large result. */
rondo_status multiply_with_bias(const struct parallel *parallel, struct arena *arena, const rondo_product *product,
                                const void *bias);

#endif
