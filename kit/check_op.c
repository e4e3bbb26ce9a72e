/* kit/check_op.c: the table of the checks of ops. */
#include "kit/check_op.h"
#include "kit/shared.h"

const struct kit_check kit_op_checks[] = {
    {"samples", "there are at least three cases, infer accepts all of them, and one is not empty", op_check_samples},
    {"status", "other shapes are either computed, or refused with a known status and a reason", op_check_status},
    {"stays_inside", "nothing is written outside buffers, or to inputs and options", shared_stays_inside},
    {"writes_all", "every element of the output is written; memory is written before it is read", op_check_writes_all},
    {"finite", "outputs and gradients of all cases are finite", op_check_finite},
    {"deterministic", "a second call gives the same bits; random words come only from the host",
     op_check_deterministic},
    {"gradient", "gradients agree with central differences in f64, and f32 with f64, for all options",
     op_check_gradient},
    {"gradient_adds", "gradients are added to the previous contents", op_check_gradient_adds},
    {"one_gradient", "a gradient has the same bits whichever other gradients are requested", op_check_one_gradient},
    {"map_reads", "map_grad reads no more than map_grad_reads declares", op_check_map_reads},
    {"aliasing", "map and map_grad give the same bits if they write over their inputs", op_check_aliasing},
    {"saves_rows", "backward on some rows gives the bits of backward on all (RONDO_OP_SAVES_ROWS)",
     op_check_saves_rows},
    {"sequences", "sequences do not depend on each other, and nothing outside them is touched (RONDO_OP_SEQUENCES)",
     op_check_sequences},
    {"role", "the op computes what its role declares", op_check_role},
    {"zero_size", "sizes of 0 are either computed, or refused with a reason", op_check_zero_size},
    {"no_memory", "if the host refuses an allocation, the call returns RONDO_NO_MEMORY", op_check_no_memory},
    {"threads", "the same bits on several threads, in pieces and during other calls; no state is kept",
     op_check_threads},
    {"leaks", "calls free all memory that they allocate", shared_leaks},
    {"options_ends", "every option works, or is refused, at both ends of its range", shared_options_ends},
    {"options_used", "every option changes something", op_check_options_used},
    {"first_call", "results do not depend on the options of the first call", shared_first_call},
    {NULL, NULL, NULL},
};
