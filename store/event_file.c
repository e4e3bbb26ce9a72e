#define _XOPEN_SOURCE 700
#include "store/event_file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/memory.h"
#include "io/crc32c.h"
#include "io/file.h"
#include "io/protobuf.h"
#include "store/line_file.h"
#include "store/run_folder_parts.h"

/* Fields of the messages (tensorboard/compat/proto: event.proto, summary.proto, histogram.proto). */
enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_VERSION = 3, EVENT_SUMMARY = 5 };
enum { SUMMARY_VALUE = 1, VALUE_TAG = 1, VALUE_NUMBER = 2, VALUE_HISTOGRAM = 5 };
enum {
    HISTOGRAM_MIN = 1,
    HISTOGRAM_MAX = 2,
    HISTOGRAM_COUNT = 3,
    HISTOGRAM_SUM = 4,
    HISTOGRAM_SQUARES = 5,
    HISTOGRAM_LIMITS = 6,
    HISTOGRAM_BUCKETS = 7
};

enum { BUCKETS = 30, MOST_RECORD = 1 << 28 };

struct event_file {
    struct run_folder *run;
    const char *path; /* as messages name it */
    int descriptor;
    struct protobuf summary, value, histogram; /* of the next event */
};

/* ---- TFRecord ---- */

/* The length of a record and its checksum come before the bytes, their checksum after them. */
enum { BEFORE = 12, AFTER = 4 };

static uint32_t masked(uint32_t crc) {
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

static rondo_status failed(const struct event_file *file, const char *verb, int error, struct errors *errors) {
    return file_failed(errors, RONDO_IO, (struct location){0}, verb, file->path, error);
}

/* Appends a message as a record, or nothing of it. */
static rondo_status append(struct event_file *file, const struct protobuf *message, struct errors *errors) {
    const uint64_t length = message->length;
    const size_t size = BEFORE + message->length + AFTER;
    char *record = memory_alloc(size);
    if (record == NULL || message->failed) {
        free(record);
        return errors_no_memory(errors);
    }
    const uint32_t length_crc = masked(crc32c(&length, sizeof length));
    const uint32_t crc = masked(crc32c(message->bytes, message->length));
    memcpy(record, &length, sizeof length);
    memcpy(record + sizeof length, &length_crc, sizeof length_crc);
    memcpy(record + BEFORE, message->bytes, message->length);
    memcpy(record + BEFORE + message->length, &crc, sizeof crc);
    const int64_t end = line_file_length(file->descriptor);
    size_t done = 0;
    while (done < size) {
        const ssize_t written = write(file->descriptor, record + done, size - done);
        if (written < 0 && errno != EINTR) {
            break;
        }
        done += written > 0 ? (size_t)written : 0;
    }
    const int error = errno;
    free(record);
    if (done == size) {
        return RONDO_OK;
    }
    if (done > 0 && ftruncate(file->descriptor, (off_t)end) != 0) {
        failed(file, "cut", errno, errors); /* the next event_file_open does it */
    }
    return failed(file, "write", error, errors);
}

/* Reads exactly `length` bytes. */
static int read_at(int descriptor, void *bytes, size_t length, int64_t offset) {
    return pread(descriptor, bytes, length, (off_t)offset) == (ssize_t)length;
}

/* ---- events ---- */

static double wall_time(void) {
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The step of an event that this file has written: its first two fields are the wall time and the step; the first event has none, and
 * counts as -1. 0: it is another event. */
static int read_step(const unsigned char *event, size_t length, int64_t *step) {
    enum { FIRST = 9 }; /* bytes of the wall time with its tag */
    if (length <= FIRST || event[0] != (EVENT_WALL_TIME << 3 | 1)) {
        return 0;
    }
    if (event[FIRST] == (EVENT_VERSION << 3 | 2)) {
        *step = -1;
        return 1;
    }
    uint64_t value = 0;
    for (size_t i = FIRST + 1, shift = 0; event[FIRST] == (EVENT_STEP << 3) && i < length && shift < 63;
         i++, shift += 7) {
        value |= (uint64_t)(event[i] & 127) << shift;
        if (event[i] < 128) {
            *step = (int64_t)value;
            return *step >= 0;
        }
    }
    return 0;
}

/* The end of the record at `offset`, and the step of its event. 0: there is no whole one; -1: out of memory. */
static int64_t read_record(const struct event_file *file, int64_t offset, int64_t *step) {
    unsigned char before[BEFORE];
    uint64_t length;
    uint32_t crc;
    if (!read_at(file->descriptor, before, BEFORE, offset)) {
        return 0;
    }
    memcpy(&length, before, sizeof length);
    memcpy(&crc, before + sizeof length, sizeof crc);
    if (crc != masked(crc32c(&length, sizeof length)) || length > MOST_RECORD) {
        return 0;
    }
    unsigned char *event = memory_alloc((size_t)length + AFTER);
    if (event == NULL) {
        return -1;
    }
    const int is_whole = read_at(file->descriptor, event, (size_t)length + AFTER, offset + BEFORE);
    memcpy(&crc, event + (is_whole ? length : 0), sizeof crc);
    const int is_good =
        is_whole && crc == masked(crc32c(event, (size_t)length)) && read_step(event, (size_t)length, step);
    free(event);
    return is_good ? offset + BEFORE + (int64_t)length + AFTER : 0;
}

static rondo_status write_version(struct event_file *file, struct errors *errors) {
    struct protobuf event = {0};
    protobuf_double(&event, EVENT_WALL_TIME, wall_time());
    protobuf_text(&event, EVENT_VERSION, "brain.Event:2");
    const rondo_status status = append(file, &event, errors);
    protobuf_free(&event);
    return status;
}

rondo_status event_file_cut(struct event_file *file, int64_t last, struct errors *errors) {
    int64_t end = 0, step = -1;
    for (;;) {
        const int64_t next = read_record(file, end, &step);
        if (next < 0) {
            return errors_no_memory(errors);
        }
        if (next == 0 || step > last || (step < 0) != (end == 0)) {
            break;
        }
        end = next;
    }
    if (end < line_file_length(file->descriptor) && ftruncate(file->descriptor, (off_t)end) != 0) {
        return failed(file, "cut", errno, errors);
    }
    return end > 0 ? RONDO_OK : write_version(file, errors);
}

/* ---- the file ---- */

static rondo_status open_file(struct event_file *file, int64_t last, struct errors *errors) {
    struct run_folder *run = file->run;
    RONDO_TRY(run_folder_subfolder(run, EVENT_FOLDER, errors));
    RONDO_TRY(run_folder_remember(run, EVENT_FILE, errors));
    file->path = run_folder_file(run, EVENT_FILE);
    if (file->path == NULL) {
        return errors_no_memory(errors);
    }
    file->descriptor =
        openat(run->descriptor, EVENT_FILE, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    return file->descriptor < 0 ? failed(file, "write", errno, errors) : event_file_cut(file, last, errors);
}

struct event_file *event_file_open(struct run_folder *run, int64_t last, struct errors *errors) {
    struct event_file *file = memory_calloc(1, sizeof *file);
    if (file == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    *file = (struct event_file){.run = run, .descriptor = -1};
    if (open_file(file, last, errors) != RONDO_OK) {
        event_file_close(file);
        return NULL;
    }
    return file;
}

void event_file_close(struct event_file *file) {
    if (file == NULL) {
        return;
    }
    if (file->descriptor >= 0) {
        close(file->descriptor);
    }
    protobuf_free(&file->summary);
    protobuf_free(&file->value);
    protobuf_free(&file->histogram);
    free(file);
}

rondo_status event_file_sync(struct event_file *file, struct errors *errors) {
    return line_file_sync(file->descriptor, file->path, errors);
}

/* ---- values ---- */

void event_file_scalar(struct event_file *file, const char *tag, double value) {
    protobuf_text(&file->value, VALUE_TAG, tag);
    protobuf_float(&file->value, VALUE_NUMBER, (float)value);
    protobuf_message(&file->summary, SUMMARY_VALUE, &file->value);
}

static double element(const rondo_tensor *tensor, int64_t i) {
    return tensor->dtype == RONDO_F64 ? ((const double *)tensor->data)[i] : (double)((const float *)tensor->data)[i];
}

void event_file_histogram(struct event_file *file, const char *tag, const rondo_tensor *tensor) {
    const int64_t size = (int64_t)(tensor_bytes(tensor) / dtype_size(tensor->dtype));
    double least = INFINITY, most = -INFINITY, sum = 0, squares = 0, limits[BUCKETS], counts[BUCKETS] = {0};
    int64_t count = 0;
    for (int64_t i = 0; i < size; i++) {
        const double x = element(tensor, i);
        if (isfinite(x)) {
            least = x < least ? x : least;
            most = x > most ? x : most;
            sum += x;
            squares += x * x;
            count++;
        }
    }
    if (count == 0) {
        return;
    }
    /* Equal values, as those of initial biases, are one bucket. */
    const int32_t buckets = least < most ? BUCKETS : 1;
    const double width = (most - least) / buckets;
    for (int32_t k = 0; k < buckets; k++) {
        limits[k] = k == buckets - 1 ? most : least + (k + 1) * width;
    }
    for (int64_t i = 0; i < size; i++) {
        const double x = element(tensor, i), place = width > 0 ? floor((x - least) / width) : 0;
        if (isfinite(x)) {
            counts[place < buckets - 1 ? (int32_t)place : buckets - 1]++;
        }
    }
    protobuf_double(&file->histogram, HISTOGRAM_MIN, least);
    protobuf_double(&file->histogram, HISTOGRAM_MAX, most);
    protobuf_double(&file->histogram, HISTOGRAM_COUNT, (double)count);
    protobuf_double(&file->histogram, HISTOGRAM_SUM, sum);
    protobuf_double(&file->histogram, HISTOGRAM_SQUARES, squares);
    protobuf_doubles(&file->histogram, HISTOGRAM_LIMITS, limits, buckets);
    protobuf_doubles(&file->histogram, HISTOGRAM_BUCKETS, counts, buckets);
    protobuf_text(&file->value, VALUE_TAG, tag);
    protobuf_message(&file->value, VALUE_HISTOGRAM, &file->histogram);
    protobuf_message(&file->summary, SUMMARY_VALUE, &file->value);
}

rondo_status event_file_write(struct event_file *file, int64_t step, struct errors *errors) {
    struct protobuf event = {0};
    RONDO_TRY(run_folder_check(file->run, errors));
    protobuf_double(&event, EVENT_WALL_TIME, wall_time());
    protobuf_integer(&event, EVENT_STEP, step);
    protobuf_message(&event, EVENT_SUMMARY, &file->summary);
    const rondo_status status = append(file, &event, errors);
    protobuf_free(&event);
    return status;
}
