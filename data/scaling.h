/* data/scaling.h: numbers at a mean of 0 and a standard deviation of 1, or between -1 and 1.
 *
 * Networks train best on numbers of order 1. The shift (mean) and the scale (deviation) of each number of a stream are
 * learned from the training data, and from then on the model sees, of all data of the run,
 *
 *     (stored - shift) / scale
 *
 * which batch_pack computes from the fields `shift` and `scale` of a stream; each group of examples (a series) has its own. Predictions of numbers are turned back by
 * prediction * scale + shift before they are measured or printed, so that both are in the units of the data.
 *
 *     status = scaling_learn(&scaling, training, options, target_has_units, arena, errors);   or scaling_load
 *     scaling_bind(&scaling, dataset);                          each dataset of the run, before views of it are made
 *
 * Threads: main thread; bound datasets are read from any.
 */
#ifndef RONDO_DATA_SCALING_H
#define RONDO_DATA_SCALING_H

#include "core/arena.h"
#include "data/dataset.h"

struct json_t;

enum scaling_kind { SCALING_NONE = 0, SCALING_STANDARD = 1, SCALING_MINMAX = 2, SCALING_AUTO = 3 };

struct scaling_options {
    int32_t scale_input;  /* enum scaling_kind, but not auto; of the streams `input` and `known` */
    int32_t scale_target; /* enum scaling_kind; auto: standard if the loss allows it */
};

/* Rows for the option table of a struct `S` that has the members of struct scaling_options. */
extern const char *const scaling_input_kinds[], *const scaling_target_kinds[];
#define SCALING_OPTIONS(S)                                                                                             \
    RONDO_OPTION_CHOICE(S, scale_input, "standard", scaling_input_kinds,                                               \
                        "standard: the model sees numeric inputs with the mean 0 and the deviation 1 of the training " \
                        "data; minmax: from -1, the least number, to 1, the largest; none: as they are"),              \
        RONDO_OPTION_CHOICE(S, scale_target, "auto", scaling_target_kinds,                                             \
                            "the same for numbers to predict; predictions and metrics stay in the units of the data; " \
                            "auto: standard if the loss accepts numbers of any unit, else none")

/* Of one stream. */
struct scaling_stream {
    const char *name;     /* "input", "target", "known" */
    int64_t size;         /* numbers of an element; 0: there is no such stream */
    int64_t channels;     /* numbers that do not share their shift and scale (struct stream); it divides `size` */
    int64_t groups;       /* dataset_group: each has numbers of its own */
    float *shift, *scale; /* [groups, size]; NULL: the numbers stay as they are */
    float *naive;         /* [groups, size] struct stream; NULL: not the target of a series */
};

enum { SCALING_STREAMS = 3 };
struct scaling {
    struct scaling_stream streams[SCALING_STREAMS];
};

/* Learns from all steps of all examples of `training`; elements without a target are left out. A number that is the same
 * everywhere gets the scale 1. One that is only 0 or 1, such as that of a category, stays as it is: a rare category would
 * get a large number. Numbers of one channel (struct stream) share the mean and the deviation of all of them; each group of
 * examples has its own. NaN is left out. Streams of ids stay as they are. target_has_units decides for SCALING_AUTO: 1 if the
 * loss accepts targets in any unit and its predictions are in the same unit (squared error; not Poisson). Memory from
 * `arena`. */
rondo_status scaling_learn(struct scaling *scaling, const struct dataset *training, struct scaling_options options,
                           int target_has_units, struct arena *arena, struct errors *errors);

/* 1 if a series has a scale of the naive forecast. */
int scaling_has_naive(const struct scaling *scaling);

/* Sets shift and scale of the streams of a dataset, which borrows them. */
void scaling_bind(const struct scaling *scaling, struct dataset *dataset);

/* The member "scaling" of a JSON object, and back. An object without the member, from a run that scales nothing, is no
 * mistake. `file` names the source in messages. */
rondo_status scaling_save(const struct scaling *scaling, struct json_t *object, struct errors *errors);
rondo_status scaling_load(struct scaling *scaling, const struct json_t *object, const char *file, struct arena *arena,
                          struct errors *errors);

#endif
