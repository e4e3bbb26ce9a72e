/* kit/check_loss.h: the checks of losses that stand in files of their own; check_loss.c lists them. */
#ifndef RONDO_KIT_CHECK_LOSS_H
#define RONDO_KIT_CHECK_LOSS_H

#include "kit/check.h"

/* What is recorded: check_loss_record.c */
enum verdict loss_gradient(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict loss_dtypes(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict loss_rows(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict loss_extremes(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);

/* What is shown: check_loss_predict.c */
enum verdict loss_predict(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict loss_measure(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);

/* Whose memory the calls touch, and what they ask the host for: check_loss_memory.c */
enum verdict loss_stays_inside(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict loss_class_range(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict loss_no_memory(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict loss_leaks(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);

/* Two runs that must give the same bits: check_loss_bits.c */
enum verdict loss_deterministic(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict loss_threads(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict loss_first_call(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);

#endif
