/* kit/check_loss.h: the checks of losses that are in files of their own; check_loss.c has the table of all. */
#ifndef RONDO_KIT_CHECK_LOSS_H
#define RONDO_KIT_CHECK_LOSS_H

#include "kit/check.h"

kit_check_function loss_gradient, loss_dtypes, loss_rows, loss_extremes; /* check_loss_record.c */
kit_check_function loss_predict, loss_measure;                           /* check_loss_predict.c */
kit_check_function loss_quantile;                                        /* check_loss_quantile.c */
kit_check_function loss_sample;                                          /* check_loss_sample.c */

#endif
