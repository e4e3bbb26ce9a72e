/* experiment/optimizer_section.h: the section `optimizer` of an experiment: an optimizer, groups of parameters with
 * their own options, and wrappers.
 *
 *     optimizer:
 *       plugin: adamw
 *       lr: 0.002
 *       groups:                                       a parameter is in the first group that matches
 *         - {match: "embedding.*", frozen: true}
 *         - {match: ["*.b_*", "head.b"], weight_decay: 0}
 *       wrappers: [{plugin: centralise}, {plugin: ema, decay: 0.999}]
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_OPTIMIZER_SECTION_H
#define RONDO_EXPERIMENT_OPTIMIZER_SECTION_H

#include "experiment/plugin_section.h"

/* The largest number of wrappers around an optimizer. */
#define OPTIMIZER_MOST_WRAPPERS 7

struct optimizer_group {
    const char **patterns; /* of names, as in a shell: * and ?, [a-z]; NULL-terminated */
    struct location where;
    int frozen;
    const void *options;
};

struct optimizer_section {
    struct plugin_section optimizer;
    struct optimizer_group *groups;
    int32_t n_groups;
    struct plugin_section wrappers[OPTIMIZER_MOST_WRAPPERS];
    int32_t n_wrappers;
    double lr; /* the option `lr` of the optimizer; NAN if it has no such option */
};

/* Reads the section. After errors, which are added to the reader's list, `read` may be incomplete. */
void optimizer_section_read(const struct plugin_reader *reader, struct yaml_node *section,
                            struct optimizer_section *read);

/* 1 if the optimizer or a wrapper may need gradients for targets that are drawn from the predictions
 * (rondo_optimizer.wants_sampled). */
int optimizer_section_draws_targets(const struct optimizer_section *section);

/* Keys of a group, in addition to the options of the optimizer, for `rondo list`. */
extern const rondo_option optimizer_group_table[];

#endif
