/* experiment/compare_axes.h: what varies in a section `compare` or `compare.tune`: one axis for each varied key, and one for
 * `variants`. For compare_section.c only.
 *
 * An axis has choices, each of which gives values to one key or, for `variants`, to several. An axis whose values are drawn
 * from a range has no choices until they are drawn.
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_COMPARE_AXES_H
#define RONDO_EXPERIMENT_COMPARE_AXES_H

#include "core/rng.h"
#include "experiment/compare_section.h"

#define COMPARE_MOST_SEEDS 10000

/* Options of the section, of a range, and of `compare.tune` (experiment/compare_keys.c). */
struct compare_options {
    int64_t sample, sampling_seed, budget;
    int32_t sampling; /* enum compare_sampling, below */
    int32_t equal;    /* enum compare_equal */
    const char *baseline, *metric;
};

struct compare_range_options {
    double from, to;
    int32_t log, integer;
    int64_t count;
};

struct compare_tune_options {
    int64_t trials, seeds, halving;
};

struct compare_choice {
    const char *name;                       /* of an entry of `variants`; NULL: none */
    const struct compare_setting *settings; /* [n_settings] */
    int32_t n_settings;
    struct location where;
    const char *label; /* part of the variant's name; set by compare_labels */
};

/* Numbers from `from` to `to`, both included. */
struct compare_range {
    double from, to; /* from < to */
    const char *from_text, *to_text;
    int is_log;     /* evenly spaced logarithms; from > 0 */
    int is_integer; /* both ends are integers, and so are all values */
    struct location where;
    const char *folder;
};

struct compare_axis {
    const char *key;                /* NULL: `variants` */
    struct location where;          /* of the key */
    struct compare_choice *choices; /* [n_choices] */
    int32_t n_choices;              /* 0: `range` */
    struct compare_range range;
};

struct compare_axes {
    struct compare_axis *axes;
    int32_t count;
};

/* What the readers of the section share. */
struct compare_reader {
    struct arena *arena;
    struct errors *errors;
    const char *path;              /* of the section in messages: "compare" */
    const char *const *options;    /* keys of the section that are not keys of the experiment, NULL-terminated */
    int is_drawn;                  /* values are drawn from ranges, which therefore have no `count` */
    const char *drawn_by;          /* the key that says so: "compare.sample" */
    const struct yaml_node *model; /* of the experiment; NULL: it has none */
};

/* Names of all keys that the section `name` of the table of experiments has itself, NULL-terminated. From `arena`; NULL if there
 * is not enough memory. */
const char *const *compare_option_names(const char *name, struct arena *arena);
/* Reads the options of a section that also has other keys, which are left alone. */
rondo_status compare_table_read(const struct compare_reader *reader, const struct yaml_node *node,
                                const rondo_option *table, void *options, size_t size);
/* Reads all axes, in the order of the file. Reports every mistake, also keys that overlap. */
rondo_status compare_axes_read(const struct compare_reader *reader, const struct yaml_node *section,
                               struct compare_axes *axes);

/* 1 for a mapping with `from` or `to`. */
int compare_is_range(const struct yaml_node *node);
/* Reads the range of a key: if values are not drawn, its points become the choices of the axis. */
rondo_status compare_range_read(const struct compare_reader *reader, const struct yaml_node *node,
                                struct compare_axis *axis);
/* The value for a number in [0, 1), rounded so that `points` of them keep apart. */
double compare_range_draw(const struct compare_range *range, double uniform, int32_t points);
/* The number of values that can be drawn; INT64_MAX for real numbers. */
int64_t compare_range_values(const struct compare_range *range);
/* The choice of an axis with a range that has this value. */
rondo_status compare_range_choice(const struct compare_axis *axis, double value, struct compare_choice *choice,
                                  struct arena *arena, struct errors *errors);

enum compare_sampling { COMPARE_SOBOL, COMPARE_RANDOM };

/* How choices are drawn. Sobol: points of core/sobol.h after a digital shift of each axis that the seed gives. Random: independent
 * points. Points that give choices again that were drawn already are left out. */
struct compare_draw {
    enum compare_sampling sampling;
    uint64_t seed;
    const char *stream; /* of core/rng.h */
    const char *key;    /* that asks for them, in messages: "compare.sample" */
    struct location where;
};
/* Draws `count` different combinations of choices, (*choices)[count][n_axes]. RONDO_INVALID if there are not so many. */
rondo_status compare_draw(const struct compare_axes *axes, const struct compare_draw *draw, int32_t count,
                          const struct compare_choice *const **choices, struct arena *arena, struct errors *errors);

/* 1 if one of two keys is the other, or is inside the other: "model.layers" and "model.layers.0.cell". */
int compare_keys_overlap(const char *a, const char *b);
/* 1 if `inner` is `key` or inside it. */
int compare_is_inside(const char *inner, const char *key);

/* Calls `visit` for every node of a setting with its complete path: the value itself ("optimizer"), then what is inside
 * ("optimizer.plugin"), until it returns something else than RONDO_OK. */
typedef rondo_status compare_visit(void *arg, const char *path, const struct yaml_node *node);
rondo_status compare_setting_walk(const struct compare_setting *setting, compare_visit *visit, void *arg,
                                  struct arena *arena, struct errors *errors);

/* 1 if two values are the same: texts, numbers however they are written, lists and mappings of such. */
int compare_values_equal(const struct yaml_node *a, const struct yaml_node *b);

/* Reads `compare.tune` into trials, tune_seeds and halving of the section, whose seeds have been read, and its keys into
 * `tuned`. */
rondo_status compare_tune_read(const struct compare_reader *outer, const struct yaml_node *node,
                               const struct compare_axes *varied, struct compare_axes *tuned,
                               struct compare_section *section);

/* With section->equal: the layers whose width it chooses. No value may give a width. */
rondo_status compare_equal_read(const struct compare_reader *reader, const struct compare_axes *varied,
                                const struct compare_axes *tuned, struct compare_section *section);

/* Sets the labels of all choices. */
rondo_status compare_labels(const struct compare_axes *axes, struct arena *arena, struct errors *errors);
/* The same for one choice, which already has a label: the text of a value that was drawn. */
rondo_status compare_label_choice(const struct compare_axes *axes, const struct compare_axis *axis,
                                  struct compare_choice *choice, struct arena *arena, struct errors *errors);
/* Gives each variant its name, from the labels of its choices, [count][n_axes], and its folder. All are unique. */
rondo_status compare_names(const struct compare_axes *axes, const struct compare_choice *const *choices,
                           struct compare_variant *variants, int32_t count, struct arena *arena, struct errors *errors);

#endif
