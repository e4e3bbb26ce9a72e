/* tests/event_records.h: the records of an event file (store/event_file.h), read and checked on their own.
 *
 * What should not be fails the test.
 */
#ifndef RONDO_TESTS_EVENT_RECORDS_H
#define RONDO_TESTS_EVENT_RECORDS_H

#include <stddef.h>
#include <stdint.h>

enum { EVENT_RECORDS_MOST = 100 };

/* Messages with 1.5 as their wall time, which is the only thing that differs between two writings. */
struct event_records {
    unsigned char *bytes[EVENT_RECORDS_MOST]; /* they last as long as the process */
    size_t length[EVENT_RECORDS_MOST];
    int64_t step[EVENT_RECORDS_MOST]; /* 0 of the first, which has none */
    int count;
};
/* All records of a file of `size` bytes: lengths and checksums must be right. */
struct event_records event_records_of(const char *text, size_t size);
/* Both have the same messages. */
void assert_same_events(const struct event_records *left, const struct event_records *right);

#endif
