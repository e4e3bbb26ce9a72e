/* store/killed_start.h: what a run leaves that was killed before its folder was complete. There is nothing to go on from, so
 * the next run in the folder removes it.
 *
 * Threads: any.
 */
#ifndef RONDO_STORE_KILLED_START_H
#define RONDO_STORE_KILLED_START_H

/* 1 if the folder has nothing but files that a start writes before its last, experiment.yaml, and an empty metrics.jsonl among
 * them; -1: it cannot be read for lack of memory. A start that is going on looks the same, and has a lock on metrics.jsonl. */
int killed_start_is(const char *path);
/* Removes these files except the logs, from the open folder. What cannot be removed stays. */
void killed_start_remove(int folder);

#endif
