/* kit/check_optimizer.h: the checks of optimizers that are in files of their own; check_optimizer.c has the table of
 * all. */
#ifndef RONDO_KIT_CHECK_OPTIMIZER_H
#define RONDO_KIT_CHECK_OPTIMIZER_H

#include "kit/check.h"

kit_check_function optimizer_finite, optimizer_lr_scale;      /* check_optimizer_rate.c */
kit_check_function optimizer_descends;                        /* check_optimizer_goals.c */
kit_check_function optimizer_catch_up, optimizer_skips_zeros; /* check_optimizer_rows.c */
kit_check_function optimizer_slices, optimizer_resume;        /* check_optimizer_state.c */

#endif
