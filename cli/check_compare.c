#include "cli/check_compare.h"

#include <stdio.h>

#include "cli/print.h"
#include "compare/plan.h"
#include "io/json.h"

enum { ALL_PARTS = TASK_TRAIN | TASK_VALID | TASK_TEST };

/* Checks every variant as `rondo compare` does before it trains. */
static rondo_status check_variants(const char *file, const char *const *assignments, struct session *session,
                                   struct errors *errors) {
    struct comparison_plan plan;
    const struct comparison_settings settings = {.file = file, .assignments = assignments, .allows_many = 1};
    const rondo_status status = comparison_plan_open(&plan, &settings, session, errors);
    comparison_plan_close(&plan);
    return status;
}

/* The task of the first variant, which also has the test data. */
static struct task *open_first(const char *file, const struct yaml_node *tree, const struct compare_section *section,
                               struct session *session, struct errors *errors) {
    const struct compare_variant *first = &section->variants[0];
    struct experiment *experiment =
        experiment_load_tree(file, tree, first->settings, first->n_settings, session, errors);
    struct task *task = experiment == NULL ? NULL : task_create(experiment, session, ALL_PARTS, NULL, NULL, errors);
    if (task == NULL) {
        experiment_destroy(experiment);
    }
    return task;
}

struct task *check_open(const char *file, const char *const *assignments, struct session *session,
                        struct checked_comparison *comparison, struct arena *arena, struct errors *errors) {
    struct compare_section section;
    *comparison = (struct checked_comparison){0};
    struct yaml_node *tree = experiment_tree(file, assignments, arena, errors);
    if (tree == NULL) {
        return NULL;
    }
    if (yaml_get(tree, "compare") == NULL) {
        return task_open(file, assignments, session, ALL_PARTS, errors);
    }
    if (compare_section_take(tree, &section, arena, errors) != RONDO_OK ||
        check_variants(file, assignments, session, errors) != RONDO_OK) {
        return NULL;
    }
    *comparison = (struct checked_comparison){.variants = section.n_variants,
                                              .seeds = section.n_seeds,
                                              .trials = section.trials,
                                              .runs = section.n_runs,
                                              .is_equal = section.equal != COMPARE_AS_GIVEN,
                                              .first = section.variants[0].name};
    return open_first(file, tree, &section, session, errors);
}

void checked_comparison_print(const struct checked_comparison *comparison) {
    if (comparison->variants == 0) {
        return;
    }
    printf("comparison: %d variant%s with %d seed%s each", comparison->variants, comparison->variants == 1 ? "" : "s",
           comparison->seeds, comparison->seeds == 1 ? "" : "s");
    if (comparison->trials > 0) {
        printf(" after %d trials of tuning each", comparison->trials);
    }
    printf(", %lld runs%s; what is above is the first variant, ", (long long)comparison->runs,
           comparison->runs > COMPARE_MOST_RUNS ? ", which `rondo compare` trains only with --yes" : "");
    print_text(stdout, comparison->first);
    printf("%s\n", comparison->is_equal
                       ? " with the widths as given (`rondo compare --dry-run` prints those that 'equal' chooses)"
                       : "");
}

json_t *checked_comparison_json(const struct checked_comparison *comparison) {
    return json_pack("{s:i, s:i, s:i, s:I, s:o}", "variants", comparison->variants, "seeds", comparison->seeds,
                     "trials", comparison->trials, "runs", (json_int_t)comparison->runs, "first",
                     json_text(comparison->first));
}
