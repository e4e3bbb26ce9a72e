/* experiment/optimizer_section.h: the section `optimizer` of an experiment: an optimizer, groups of parameters with
 * options of their own, wrappers around it.
 *
 *     optimizer:
 *       plugin: adamw
 *       lr: 0.002
 *       groups:                                       the first whose pattern fits a parameter's name has it
 *         - {match: "embedding.*", frozen: true}
 *         - {match: ["*.b_*", "head.b"], weight_decay: 0}
 *       wrappers: [{plugin: centralise}, {plugin: ema, decay: 0.999}]
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_OPTIMIZER_SECTION_H
#define RONDO_EXPERIMENT_OPTIMIZER_SECTION_H

#include "experiment/plugin_section.h"
#include "train/updater.h"

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
    struct plugin_section wrappers[UPDATER_MOST_STAGES - 1];
    int32_t n_wrappers;
    double lr; /* the option `lr` of the optimizer; NAN where it has none */
};

/* Reads the section; what is missing in `read` tells with errors. */
void optimizer_section_read(const struct plugin_reader *reader, struct yaml_node *section,
                            struct optimizer_section *read);

/* The stages of an update for the parameters of a model, with the options of each parameter's group; memory from
 * `arena`, which must outlive the settings. RONDO_INVALID for a group that no parameter is in. */
rondo_status optimizer_section_apply(const struct optimizer_section *section, const struct model *model,
                                     const struct parallel *parallel, struct arena *arena,
                                     struct updater_settings *settings, struct errors *errors);

/* Keys of a group beside the options of the optimizer, for `rondo list`. */
extern const rondo_option optimizer_group_table[];

#endif
