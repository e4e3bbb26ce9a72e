/* data/calendar.h: numbers that follow from a date, and are therefore known in advance.
 *
 *     hour, weekday, day, month       categories: 24, 7, 31 and 12 numbers, of which one is 1 (weekday from Monday)
 *     weekend                         1 on Saturday and Sunday
 *     day_cycle, week_cycle,          the place in the day, in the week, in the year: sin and cos of 2 pi times the share of it
 *     year_cycle                      that has passed, so that its end is near its beginning
 *
 * Threads: any.
 */
#ifndef RONDO_DATA_CALENDAR_H
#define RONDO_DATA_CALENDAR_H

#include <stdint.h>

#include "core/suggest.h"

/* The number of a feature; -1, with the nearest name in *near: there is none. */
int32_t calendar_find(const char *name, struct suggestion *near);
/* All names, for messages. */
extern const char *const calendar_all;
/* Numbers of a feature. */
int64_t calendar_width(int32_t feature);
/* Writes the numbers of a feature at a time (data/dates.h). */
void calendar_fill(int32_t feature, int64_t time, float *numbers);

#endif
