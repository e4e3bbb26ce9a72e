/* data/windows.h: long sequences cut into windows: views of a dataset, which copy nothing.
 *
 * Threads: main thread.
 */
#ifndef RONDO_DATA_WINDOWS_H
#define RONDO_DATA_WINDOWS_H

#include "data/dataset.h"

/* Cuts every sequence into windows of at most `window` >= 1 steps; all streams but `weight` must be aligned. The gradient
 * stops at the borders of windows (truncated backpropagation through time; Williams & Peng 1990).
 *
 * lanes 0: windows are independent examples, which an epoch shuffles.
 *
 * lanes > 0: states are carried from window to window. The sequences, one after the other, are divided into that number of
 * lanes of equal length, and update u trains the u-th window of each lane. A window that begins a sequence or a lane begins
 * with new states; no window crosses the border of a sequence. If there are fewer steps than lanes, some lanes are empty.
 *
 * NULL with an error. */
struct dataset *windows_cut(const struct dataset *dataset, int64_t window, int64_t lanes, struct errors *errors);
/* Steps of the longest sequence. */
int64_t windows_longest(const struct dataset *dataset);
/* The first example whose streams, `weight` aside, have different lengths, so that it cannot be cut; -1: there is none. */
int64_t windows_unaligned(const struct dataset *dataset);

#endif
