/* compare/plan.h: what `rondo compare FILE` is going to do: the experiment of every variant, checked with its data and its
 * network, before anything is trained.
 *
 * The data are read here, once for all variants that read the same. Processes that are forked afterwards share them.
 *
 * Threads: main thread. No thread is started, so that the process can be forked.
 */
#ifndef RONDO_COMPARE_PLAN_H
#define RONDO_COMPARE_PLAN_H

#include "compare/comparison.h"
#include "io/fingerprint.h"
#include "train/task.h"

struct comparison_settings {
    const char *file;               /* the experiment, with a section `compare` */
    const char *const *assignments; /* of --set, as in experiment_load; NULL: none */
    const char *folder;             /* of the comparison; NULL: comparisons/NAME */
    const char *cells;              /* "lstm,gru,./mine.yaml": variants in addition to the section; NULL: none */
    int allows_many;                /* 1: more than COMPARE_MOST_RUNS */
};

struct planned_variant {
    const struct compare_setting *settings; /* [n_settings] those of the section, then widths */
    int32_t n_settings;
    struct task *given; /* with `equal`, if it has read data: with the widths as given; else NULL */
    struct task *task;  /* has the data of this variant, of its own or of an earlier one; its network has no values */
    const char *test_data;           /* comparison_test_data, when the plan was opened */
    const char *identity;            /* hash of the experiment, the settings and the cells */
    const struct fingerprint *cells; /* [layers] of the files of its cells, as they were when the plan was opened */
    int64_t epochs, updates;         /* of a whole training */
    int32_t metric;                  /* of its network: the score */
};

struct comparison_plan {
    struct arena *arena;
    struct session *session; /* borrowed */
    const char *file;        /* of the experiment */
    struct yaml_node *tree;  /* the experiment without `compare` */
    struct compare_section section;
    struct planned_variant *variants; /* [comparison.n_variants] */
    int is_open;                      /* 1: everything was read and found to be right */
    struct comparison comparison;     /* all runs are missing, until comparison_look */
};

/* Reads and checks everything; all mistakes are reported together. Close with comparison_plan_close, also after a failure. */
rondo_status comparison_plan_open(struct comparison_plan *plan, const struct comparison_settings *settings,
                                  struct session *session, struct errors *errors);
void comparison_plan_close(struct comparison_plan *plan);

/* The task of a variant with further settings: those that tuning has chosen, and the seed. It uses the data of the plan, where they
 * are the same, so the plan must outlive it. NULL with errors; once the plan is open, RONDO_IO if the experiment or a cell can no longer
 * be read, or a cell is another one than before. */
struct task *comparison_plan_task(const struct comparison_plan *plan, int32_t variant,
                                  const struct compare_setting *more, int32_t n_more, int64_t seed,
                                  struct errors *errors);

/* The fingerprints of the files of the test part, one after the other; "": it has none of its own. From `arena`; NULL with an
 * error. */
const char *comparison_test_data(const struct experiment *experiment, struct arena *arena, struct errors *errors);

/* A scalar as a value of an experiment, at this place. From `arena`; NULL: out of memory. */
const struct yaml_node *comparison_value(const char *text, struct location where, struct arena *arena);

#endif
