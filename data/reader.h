/* data/reader.h: readers turn files into datasets, and predictions back into what a person reads.
 *
 * A reader is one file in data/readers/ with a descriptor, `reader_NAME`, and one name in data/readers/meson.build. Nothing
 * else in the tree names a reader: the keys of an experiment, `rondo list`, the reference pages and the JSON Schema follow
 * from the descriptor.
 *
 *     struct reader *reader = reader_create(class, options, columns, interrupt, errors);
 *     reader_learn(reader, &training, errors);             or reader_load(reader, saved, "reader.json", errors)
 *     struct dataset *dataset = reader_read(reader, &training, 1, errors);
 *
 * Parts of a file, scaling, windows and batches are not the reader's work: data/parts.h, data/scaling.h, data/windows.h and
 * data/batch.h do it for all readers. Only `learn` must leave out the examples of other parts than training.
 *
 * Threads: main thread; once a reader has learned or was loaded, `add` and `render` on any thread.
 */
#ifndef RONDO_DATA_READER_H
#define RONDO_DATA_READER_H

#include "core/arena.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "core/suggest.h"
#include "core/time_axis.h"
#include "data/dataset.h"
#include "data/fields.h"
#include "data/parts.h"
#include "io/file_map.h"

struct json_t;
struct reader;

/* One data file. */
struct reader_path {
    const char *stream; /* "input", …, if the experiment gives a file for each stream; NULL: the file has all */
    const char *text;   /* the path; with `bytes`, the name in messages, such as "standard input" */
    const char *bytes;  /* [length] the contents of the file; NULL: they are read from it */
    size_t length;
    const char *like; /* a file whose name decides the format, in place of `text`; NULL: none */
    struct location where;
};

/* What is read: the files of one key of `data:`, of which part. */
struct reader_source {
    const struct reader_path *paths;
    int32_t count;       /* of paths; 0 for a reader with READER_NO_FILES */
    enum part_name part; /* the data that is wanted: matters only to readers without files */
    /* The examples that belong to training, for `learn`, which must not see the others (part_of, part_range). */
    const struct parts *parts;
};

/* A column of a table, as the experiment names it. */
struct reader_column {
    const char *text;                 /* its number from 0 or, with a header, its name */
    int is_name;                      /* written in quotes: never a number if there is a header */
    struct location where;            /* for messages; file NULL: not given */
    const struct reader_column *next; /* further columns of a list; NULL: none */
};

/* A key of `data.columns`. */
struct reader_column_key {
    const char *name;         /* NULL ends a list */
    const char *default_text; /* NULL: must be given; "": may be left out */
    const char *help;
    int is_list; /* several columns may be given */
};

/* One example's prediction; everything is borrowed for the call. */
struct reader_prediction {
    const struct dataset *dataset; /* where the example came from */
    int64_t example;
    /* [steps, size] in the units of the data; probabilities if is_class. Without by_step, steps is 1. */
    const float *values;
    int64_t steps, size;
    int by_step;  /* the model gives an output at every step */
    int is_class; /* the target is a class */
    int is_list;  /* the target is a list; `values` has a blank, and then the classes, for each step */
    const struct vocabulary *names; /* of the classes; NULL: none */
    /* The ends of prediction intervals, in which targets lie with the probability `interval`: [steps, numbers], where
     * `numbers` is that of the target stream; NULL: not asked for. `size` is a multiple of `numbers` if the loss predicts
     * several values for each number, such as quantiles. */
    const float *lower, *upper;
    const float
        *middle; /* [steps, numbers] the medians, if the loss predicts several values for each number; else NULL */
    int64_t numbers;
    double interval;
};

enum reader_flag {
    READER_NO_FILES = 1,  /* it makes its data: the experiment gives no data.train, data.valid and data.test */
    READER_SEQUENCES = 2, /* examples are long sequences: data.window and data.carry apply */
    READER_SYMBOLS = 8,   /* the model reads symbols only, whose vectors have the width model.embedding.size */
    READER_DATES = 16,    /* rows have times: parts may be {from: DATE}, and none is chosen at random */
    READER_BY_STREAM = 4  /* data files may be given for each stream: train: {input: FILE, target: FILE} */
};

/* Options that an experiment may give by stream: `tokens: {source: characters, target: words}`. Their fields are in the first of
 * several structs in the struct of options, one for each stream, which follow each other. A single value is for all streams. */
struct reader_by_stream {
    const char *const *streams; /* their names, NULL-terminated */
    size_t offset, size;        /* of the first of the structs */
};
enum { READER_MOST_BY_STREAM = 4 }; /* streams */

/* Functions that may be NULL say so. Each reports mistakes of a file at file:line:column, at most ten, and reports how far it
 * is (reader_pass, reader_advance). */
struct reader_class {
    const char *name, *summary;
    const rondo_option *options; /* keys of `data:`; NULL: none */
    size_t options_size;
    const struct reader_by_stream *by_stream; /* NULL: no option is given by stream */
    const struct reader_column_key *columns;  /* keys of data.columns; NULL: none */
    uint32_t flags;                           /* enum reader_flag, or-ed */
    size_t state_size;                        /* of what it learns: reader->state, zeroed */
    /* The options that make targets classes, numbers or lists (enum stream_kind), such as "target: number", for messages;
     * NULL: none does. */
    const char *target_as[STREAM_LIST + 1];

    /* Refuses options that do not go together: a message whose first name in single quotes is the option at fault. NULL:
     * all do. */
    rondo_status (*check)(const struct reader *reader, struct errors *errors);
    /* Learns vocabularies from the training part of the training data. An option that does not suit the data is reported as by
     * `check`, without a place. NULL: it learns nothing. */
    rondo_status (*learn)(struct reader *reader, const struct reader_source *source, struct errors *errors);
    /* Refuses what it has learned of the streams if examples of this form cannot fit the architecture, with a message that
     * names the option or the form that does. `where` is data.train. NULL: only the lengths of examples are checked. */
    rondo_status (*fits)(const struct reader *reader, struct architecture architecture, struct location where,
                         struct errors *errors);
    /* Adds the streams to an empty dataset: enough to build a model. After learn or load. */
    rondo_status (*describe)(const struct reader *reader, struct dataset *dataset, struct errors *errors);
    /* Appends the examples of the files. with_targets 0: for prediction; targets that are missing are no mistake. */
    rondo_status (*read)(const struct reader *reader, const struct reader_source *source, int with_targets,
                         struct dataset *dataset, struct errors *errors);
    /* Appends the example that one line of text stands for, without its target. NULL: the reader has no such form, and
     * `rondo predict` passes files to `read`. */
    rondo_status (*add)(const struct reader *reader, const char *line, struct location where, struct dataset *dataset,
                        struct errors *errors);
    /* The prediction as fields. NULL: fields_of_prediction does it. */
    rondo_status (*render)(const struct reader *reader, const struct reader_prediction *prediction,
                           struct fields *fields, struct errors *errors);
    /* The ids of a text in the stream "input", "source" or "target", as `read` makes them of the same text, without the end
     * symbol: for prompts, and targets that are scored. *ids from `arena`. Symbols that the vocabulary lacks get its unknown id,
     * or are RONDO_INVALID, naming the symbol, if it has none. NULL: the reader has no texts. */
    rondo_status (*encode)(const struct reader *reader, const char *stream, const char *text, struct arena *arena,
                           int32_t **ids, int64_t *count, struct errors *errors);
    /* The opposite: ids as a person reads them; *text from `arena`. encode(decode(ids)) are the same ids, if the symbols of the
     * text can be told apart. The ids follow `before` earlier ones of the same array, so that texts can be printed piece by piece:
     * ids[-1] and ids[-2] decide whether a blank is between them; 0: the text begins. The pieces put together are the text of all
     * ids. With tokens: bytes, a text may be no UTF-8, as a piece may have half a character. NULL if `encode` is. */
    rondo_status (*decode)(const struct reader *reader, const char *stream, const int32_t *ids, int64_t count,
                           int64_t before, struct arena *arena, const char **text, struct errors *errors);
    /* What `learn` found, to members of a JSON object, and back. A reader that was loaded reads exactly as the one that
     * learned. `file` names the source in messages. NULL if `learn` is. */
    rondo_status (*save)(const struct reader *reader, struct json_t *object, struct errors *errors);
    rondo_status (*load)(struct reader *reader, const struct json_t *object, const char *file, struct errors *errors);
    /* Frees what is not in the arena. NULL: nothing. */
    void (*clear)(struct reader *reader);
};

struct reader {
    const struct reader_class *class;
    const void *options;                 /* the reader's own struct */
    const struct reader_column *columns; /* in the order of class->columns */
    struct interrupt interrupt;
    struct work_progress progress; /* of learning and reading; set by the owner after reader_create */
    /* Receives what reading for prediction leaves out, and why, such as one of several series; set by the owner. NULL: that
     * is an error. */
    struct errors *warnings;
    struct arena *arena; /* of the reader; freed with it */
    void *state;         /* what it has learned */
};

/* The reader of that name, or NULL, with the nearest name in *near (may be NULL). */
const struct reader_class *reader_find(const char *name, struct suggestion *near);
/* Reader number `index`, in alphabetical order; NULL past the last. */
const struct reader_class *reader_at(int32_t index);

/* 1 if a key of `data:` is an option of the reader. */
int reader_has_option(const struct reader_class *class, const char *key);

/* 1 if the option may be given by stream. */
int reader_is_by_stream(const struct reader_class *class, const rondo_option *option);
/* Gives each stream the values of the first one. */
void reader_spread_options(const struct reader_class *class, void *options);
/* A table of the option for each stream, with the names of the streams as keys, into `rows`. */
void reader_stream_options(const struct reader_class *class, const rondo_option *option,
                           rondo_option rows[READER_MOST_BY_STREAM + 1]);

/* A reader that has learned nothing yet; `options`, `columns` and what they point to must outlive it. NULL with an error;
 * free it with reader_destroy. */
struct reader *reader_create(const struct reader_class *class, const void *options, const struct reader_column *columns,
                             struct interrupt interrupt, struct errors *errors);
void reader_destroy(struct reader *reader);

/* Learns from the training part of the source, and forgets what was learned or loaded before. Files that take more memory than
 * there is are RONDO_INVALID, here and in reader_read. */
rondo_status reader_learn(struct reader *reader, const struct reader_source *source, struct errors *errors);
/* An empty dataset with the reader's streams; NULL with an error. */
struct dataset *reader_describe(const struct reader *reader, struct errors *errors);
/* All examples of the source; NULL with errors. */
struct dataset *reader_read(const struct reader *reader, const struct reader_source *source, int with_targets,
                            struct errors *errors);
/* Adds the example of a line. After a failure the dataset has the examples that it had before. */
rondo_status reader_add(const struct reader *reader, const char *line, struct location where, struct dataset *dataset,
                        struct errors *errors);
rondo_status reader_render(const struct reader *reader, const struct reader_prediction *prediction,
                           struct fields *fields, struct errors *errors);
/* What the reader has learned as a JSON object, which the caller owns; NULL with an error. */
struct json_t *reader_save(const struct reader *reader, struct errors *errors);
rondo_status reader_load(struct reader *reader, const struct json_t *object, const char *file, struct errors *errors);

/* RONDO_INTERRUPTED, at `where`, if an interrupt is requested; asks only if `index` is a multiple of 1000. */
rondo_status reader_check_interrupt(const struct reader *reader, int64_t index, struct location where,
                                    struct errors *errors);
/* The same, and reports to reader->progress that `index` of the `count` rows of where.file are done. */
rondo_status reader_advance(const struct reader *reader, int64_t index, int64_t count, struct location where,
                            struct errors *errors);
/* A pass over a file has reached byte `at`: gives back the memory of what is before it (file_map_pass), reports the progress
 * and asks for an interrupt, all only after some megabytes. */
rondo_status reader_pass(const struct reader *reader, struct file_map *map, size_t at, struct location where,
                         struct errors *errors);

/* The contents of a data file as a map: for files of any size. Close with file_map_close, also after a failure. A file that
 * cannot be read is a mistake of the experiment, at path->where. */
rondo_status reader_path_map(const struct reader_path *path, struct file_map *map, struct errors *errors);
/* The same, for small files and those that are used in no order, which the caller may modify, NUL-terminated, from `arena`.
 * Refuses more than `most` bytes. */
rondo_status reader_path_read(const struct reader_path *path, size_t most, struct arena *arena, char **bytes,
                              size_t *length, struct errors *errors);

/* A vocabulary as a JSON list of texts, in the order of ids (NULL: out of memory), and back: the member `key` of `object`;
 * *vocabulary is NULL after a failure. */
struct json_t *vocabulary_json(const struct vocabulary *vocabulary);
rondo_status vocabulary_from_json(const struct json_t *object, const char *key, const char *file,
                                  struct vocabulary **vocabulary, struct errors *errors);

#endif
