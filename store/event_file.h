/* store/event_file.h: an event file of TensorBoard in the folder of a run: scalars and histograms at steps of its training.
 *
 * The file is tensorboard/events.out.tfevents.0.rondo: records of TFRecord (length, masked CRC-32C of the length, bytes, masked CRC-32C
 * of the bytes; tensorflow.org/tutorials/load_data/tfrecord), each with a message Event of tensorboard/compat/proto/event.proto. The first
 * one has the version of the format; each other one has everything of one step. All bytes follow from what is written, except the
 * wall time of each event, which comes from the clock.
 *
 * It is a log like those of store/run_folder.h: a training that goes back to a checkpoint cuts it to the same step.
 *
 * Threads: main thread.
 */
#ifndef RONDO_STORE_EVENT_FILE_H
#define RONDO_STORE_EVENT_FILE_H

#include "core/tensor.h"
#include "store/run_folder.h"

#define EVENT_FOLDER "tensorboard"
#define EVENT_FILE   EVENT_FOLDER "/events.out.tfevents.0.rondo"

struct event_file;

/* Opens the file of a run, which is created if it is missing, and removes the events of steps after `last`, and a record that is not
 * complete or is damaged, with all that follows it. NULL with errors. Close it before the run. */
struct event_file *event_file_open(struct run_folder *run, int64_t last, struct errors *errors);
/* `file` may be NULL. */
void event_file_close(struct event_file *file);
/* The same removal, when a training goes back. */
rondo_status event_file_cut(struct event_file *file, int64_t last, struct errors *errors);

/* Add a value to the next event. `tag` is a UTF-8 text such as "valid/loss". A number that is not finite is written as it is. */
void event_file_scalar(struct event_file *file, const char *tag, double value);
/* A histogram of the elements of a tensor, F32 or F64, in 30 buckets of the same width between the least and the largest; elements
 * that are not finite are left out. */
void event_file_histogram(struct event_file *file, const char *tag, const rondo_tensor *tensor);
/* Appends the event with one call, so that a reader never sees half of it. */
rondo_status event_file_write(struct event_file *file, int64_t step, struct errors *errors);
/* Returns when the disk has what was written. */
rondo_status event_file_sync(struct event_file *file, struct errors *errors);

#endif
