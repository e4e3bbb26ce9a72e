/* experiment/loss_section.h: the section `loss` of an experiment.
 *
 *     loss: {plugin: huber, delta: 0.5}                                                one loss
 *     loss: {sum: [{plugin: huber, weight: 0.7}, {plugin: log_cosh, weight: 0.3}]}     a weighted sum
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_LOSS_SECTION_H
#define RONDO_EXPERIMENT_LOSS_SECTION_H

#include "experiment/plugin_section.h"

/* The largest number of losses in a sum. */
#define LOSS_MOST_TERMS 8

/* One loss plug-in with its options: the whole loss, or a term of a sum. */
struct loss_term {
    const rondo_loss *loss;
    void *options;
    double weight;                  /* factor of the term in the sum; 1 for a single loss */
    const char *origin;             /* file of the plug-in */
    const struct log_receiver *log; /* of the lines that it logs */
    struct location where;          /* of its name in the experiment */
    struct yaml_node *section;      /* mapping with its options; NULL: not from a file */
};

/* loss of a row = sum over terms of weight * loss(outputs, targets) */
struct loss_section {
    const struct loss_term *terms; /* [count] */
    int32_t count;                 /* 1 .. LOSS_MOST_TERMS */
};

/* Reads the section; memory from the reader's arena. On errors, which are added to the reader's list, count is 0. */
void loss_section_read(const struct plugin_reader *reader, struct yaml_node *section, struct loss_section *read);

/* 1 if every term has this flag (enum rondo_loss_flag). */
int loss_section_all_have(const struct loss_section *loss, uint32_t flag);

/* Options of a term of a sum, in addition to those of its plug-in, for `rondo list`. */
extern const rondo_option loss_weight_table[];

#endif
