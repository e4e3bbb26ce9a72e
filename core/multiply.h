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
#include "core/status.h"
#include "rondo/plugin.h"

/* Allocates what products on the threads of `parallel` need: with OpenBLAS, the library and its buffers. Call it while no other
 * thread allocates. Otherwise the first product allocates them, and OpenBLAS retries forever if it reaches a limit on addresses
 * then. RONDO_NO_MEMORY; RONDO_NOT_FOUND if the library is missing. */
rondo_status multiply_open(const struct parallel *parallel, struct errors *errors);

/* c = alpha a @ b + beta c, as described at rondo_product. RONDO_NO_MEMORY if there is none for packed blocks, RONDO_NOT_FOUND
 * if the library that computes products cannot be loaded, RONDO_INVALID if it has no numbers for such sizes; c is then
 * unchanged. No error is added: multiply_failure is the text. */
rondo_status multiply(const struct parallel *parallel, struct arena *arena, const rondo_product *product);

/* The same for a plain product (k >= 1, stack 1), and then plus `bias` [n] in every row, with the bits of a separate sum: a
 * linear layer, without a second pass over a large result. */
rondo_status multiply_with_bias(const struct parallel *parallel, struct arena *arena, const rondo_product *product,
                                const void *bias);

/* The reason of a status of these functions that is not RONDO_OK. */
static inline const char *multiply_failure(rondo_status status) {
    return status == RONDO_NO_MEMORY   ? "out of memory"
           : status == RONDO_NOT_FOUND ? "the library that computes matrix products, OpenBLAS, cannot be loaded"
                                       : "the matrices of a product have too many rows or columns";
}

#endif
