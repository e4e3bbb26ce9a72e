/* kit/check_optimizer.h: the checks of optimizers that stand in files of their own; check_optimizer.c lists them. */
#ifndef RONDO_KIT_CHECK_OPTIMIZER_H
#define RONDO_KIT_CHECK_OPTIMIZER_H

#include "kit/check.h"

/* Whose memory an update touches, and what it asks the host for: check_optimizer_memory.c */
enum verdict optimizer_stays_inside(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict optimizer_zero_size(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict optimizer_no_memory(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict optimizer_leaks(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);

/* Two runs that must end in the same bits: check_optimizer_bits.c */
enum verdict optimizer_deterministic(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict optimizer_slices(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict optimizer_threads(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict optimizer_resume(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict optimizer_first_call(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);

/* What the updates are good for: check_optimizer_descent.c */
enum verdict optimizer_finite(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict optimizer_options_ends(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict optimizer_lr_scale(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict optimizer_descends(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);

#endif
