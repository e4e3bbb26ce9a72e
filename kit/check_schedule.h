/* kit/check_schedule.h: the checks of schedules that stand in a file of their own; check_schedule.c lists them. */
#ifndef RONDO_KIT_CHECK_SCHEDULE_H
#define RONDO_KIT_CHECK_SCHEDULE_H

#include "kit/check.h"

/* Two runs that must give the same factors: check_schedule_bits.c */
enum verdict schedule_pure(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict schedule_threads(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict schedule_resume(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);
enum verdict schedule_first_call(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size);

#endif
