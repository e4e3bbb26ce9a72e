/* store/seed_groups.h: runs that differ only in their seed are one variant of an experiment, whose scores are a band.
 *
 * Two runs belong to the same group if all keys of their experiments are the same, except schedule.seed and those that change no
 * result (schedule.checkpoint, schedule.diagnostics, schedule.tensorboard), if the contents of their data and of their cells are the same, and if they are of
 * the same collection, such as a comparison. A run whose experiment cannot be read is a group of its own.
 *
 * Ownership: everything is in the arena of the call; summaries are borrowed. Threads: any, on different objects.
 */
#ifndef RONDO_STORE_SEED_GROUPS_H
#define RONDO_STORE_SEED_GROUPS_H

#include "store/run_summary.h"

struct seed_group {
    const struct run_summary **runs; /* [count] in the order of their folders */
    int32_t count;
    /* Its name: for several runs beside each other in a collection, the folder around them, as comparisons/NAME/runs/VARIANT; else the
     * folder of the first run. */
    const char *folder;
    /* The keys whose values differ between the groups of experiments of the same name, with those of this group: "-" if it has no
     * such key, and a fingerprint if it is the contents of a file that differ. */
    struct run_values varies;
};

struct seed_groups {
    struct seed_group *items; /* [count] in the order of their first runs */
    int32_t count;
};

/* Groups `count` runs, which are sorted by folder for this. `is_each`: every run is a group of its own, and varies in its seed, too. */
rondo_status seed_groups_make(struct run_summary *runs, int32_t count, int is_each, struct seed_groups *groups,
                              struct arena *arena, struct errors *errors);

/* The values of some runs. `count` is the number of those that are defined; the deviation is that of a sample (n - 1). */
struct seed_band {
    int32_t count;
    double mean, deviation; /* NaN: not defined */
    double least, most;
};
/* The number of different seeds: a seed may have been trained twice. */
int32_t seed_group_seeds(const struct seed_group *group);
/* The band of a score. Only finished runs count, if there is one, and of those with the same seed only the first: the same numbers again
 * would make the band too narrow. */
struct seed_band seed_group_band(const struct seed_group *group, const char *score);
/* The name of the score that selects the weights of all its runs; NULL: they have different ones, or none. */
const char *seed_group_metric(const struct seed_group *group);

#endif
