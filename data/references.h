/* data/references.h: examples that have the same source, whose targets are all right: several translations of a sentence, several
 * pronunciations of a word. For metrics of generated texts, which take the best of several references.
 *
 *     struct references references;
 *     status = references_find(&references, dataset, errors);
 *     for (int64_t g = 0; g < references.groups; g++) {
 *         … examples[begin[g]] has the source; examples[begin[g]] .. examples[begin[g + 1]] have the targets …
 *     }
 *     references_free(&references);
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_DATA_REFERENCES_H
#define RONDO_DATA_REFERENCES_H

#include "data/dataset.h"

struct references {
    int64_t groups;
    int64_t *begin; /* [groups + 1] */
    int64_t *
        examples; /* [count of the dataset] group by group, in the order of the dataset; so are the groups, by their first */
    int64_t *group; /* [count of the dataset] of each example */
};

/* Groups the examples by the elements of their streams "source" and "input". Unknown symbols are equal if their texts are, if these are
 * known. Each example of a dataset that has neither is a group
 * of its own. Free with references_free, also after a failure. */
rondo_status references_find(struct references *references, const struct dataset *dataset, struct errors *errors);
void references_free(struct references *references);

#endif
