/* kit/check_op.h: the checks of ops; check_op.c has the table. */
#ifndef RONDO_KIT_CHECK_OP_H
#define RONDO_KIT_CHECK_OP_H

#include "kit/op_fixture.h"

kit_check_function op_check_samples, op_check_status, op_check_zero_size; /* check_op_shapes.c */
kit_check_function op_check_finite, op_check_gradient;                    /* check_op_gradient.c */
kit_check_function op_check_options_used;                                 /* check_op_options.c */
kit_check_function op_check_gradient_adds, op_check_one_gradient;         /* check_op_accumulate.c */
kit_check_function op_check_writes_all, op_check_no_memory;               /* check_op_memory.c */
kit_check_function op_check_deterministic, op_check_threads;              /* check_op_threads.c */
kit_check_function op_check_random_elements;                              /* check_op_random.c */
kit_check_function op_check_map_reads, op_check_aliasing;                 /* check_op_map.c */
kit_check_function op_check_saves_rows, op_check_role;                    /* check_op_claims.c */
kit_check_function op_check_sequences;                                    /* check_op_sequences.c */

#endif
