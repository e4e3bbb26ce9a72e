/* inspect/matrices.h: the matrices that a cell multiplies its states by, with their spectral radii. Private to inspect/.
 *
 * The equations are evaluated: of h @ (W - W^T - gamma I) this is the matrix in the brackets, with the name of the parameter, or
 * of the equation.
 *
 * Threads: main thread.
 */
#ifndef RONDO_INSPECT_MATRICES_H
#define RONDO_INSPECT_MATRICES_H

#include "inspect/inspect.h"

/* Of layer `index` (inspect/chain.h) in direction `d`. The array is in `arena`. */
rondo_status inspect_matrices(const struct task *task, int32_t index, int32_t d, struct arena *arena,
                              struct inspect_layer *layer, struct errors *errors);

#endif
