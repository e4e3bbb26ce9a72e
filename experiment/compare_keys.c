/* The keys of the sections `compare` and `compare.tune`, and of ranges. */
#include <float.h>

#include "experiment/compare_axes.h"

static const char *const equal_names[] = {"none", "parameters", "flops", NULL}; /* enum compare_equal */
static const char *const sampling_names[] = {"sobol", "random", NULL};          /* enum compare_sampling */

const rondo_option compare_table[] = {
    RONDO_OPTION_INT(struct compare_options, sample, "0", 0, COMPARE_MOST_RUNS,
                     "number of variants that are drawn from the grid and the ranges; 0: the full grid"),
    RONDO_OPTION_CHOICE(struct compare_options, sampling, "sobol", sampling_names,
                        "how variants and the settings of tuning are drawn"),
    RONDO_OPTION_INT(struct compare_options, sampling_seed, "1", 0, 9007199254740991.0, "seed of the drawing"),
    RONDO_OPTION_CHOICE(struct compare_options, equal, "none", equal_names,
                        "`hidden` of the layers in which a key varies is chosen so that all variants have as many "
                        "parameters, or operations per step, as the first one"),
    RONDO_OPTION_INT(struct compare_options, budget, "0", 0, 1e15,
                     "with equal: the number of parameters or operations; 0: that of the first variant"),
    RONDO_OPTION_STRING(struct compare_options, baseline, "",
                        "the variant that the others are compared with, by its name or value; empty: the best"),
    RONDO_OPTION_STRING(struct compare_options, metric, "",
                        "the metric that is compared; empty: the one that selects the weights"),
    RONDO_OPTION_END};

const struct experiment_key compare_keys[] = {
    {.name = "seeds",
     .value = EXPERIMENT_SEEDS,
     .default_text = "8",
     .help = "seeds that every variant is trained with, in place of schedule.seed: a number N, the seeds 1 to N; or a "
             "list"},
    {.name = "variants",
     .value = EXPERIMENT_VARIANTS,
     .default_text = "",
     .help =
         "settings that vary together: a list of mappings of keys of the experiment to values, each with a `name` if "
         "you like; crossed with the other keys that vary"},
    {.name = "target",
     .value = EXPERIMENT_NUMBER,
     .default_text = "",
     .help = "score on the validation data; steps and seconds until runs reach it are compared"},
    {.name = NULL}};

const rondo_option compare_range_table[] = {
    RONDO_OPTION_REAL(struct compare_range_options, from, NULL, -DBL_MAX, DBL_MAX, "the smallest value"),
    RONDO_OPTION_REAL(struct compare_range_options, to, NULL, -DBL_MAX, DBL_MAX, "the largest value"),
    RONDO_OPTION_BOOL(struct compare_range_options, log, "false",
                      "equal factors between the values, not equal differences"),
    RONDO_OPTION_INT(struct compare_range_options, count, "0", 0, COMPARE_MOST_RUNS,
                     "number of values in a grid, with both ends; 0: values are drawn"),
    RONDO_OPTION_BOOL(
        struct compare_range_options, integer, "false",
        "only integers; keys of the table of experiments know it themselves, options of plug-ins, readers "
        "and cells do not"),
    RONDO_OPTION_END};

const rondo_option compare_tune_table[] = {
    RONDO_OPTION_INT(struct compare_tune_options, trials, NULL, 2, 1000,
                     "settings that are tried for each variant, the same for all"),
    RONDO_OPTION_INT(struct compare_tune_options, seeds, "1", 1, COMPARE_MOST_SEEDS,
                     "seeds of each trial: the first of `compare.seeds`"),
    RONDO_OPTION_INT(struct compare_tune_options, halving, "0", 0, 100,
                     "successive halving: one of so many trials goes on at each rung; 0: all are trained to the end"),
    RONDO_OPTION_END};
