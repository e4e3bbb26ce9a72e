/* The section `compare.tune`: settings that are tried for every variant. */
#include "experiment/compare_axes.h"

#include <string.h>

/* What a varied setting must not give: a key that is tuned. */
struct tuned_key {
    const struct compare_reader *reader;
    const struct compare_axis *axis;
};

static rondo_status refuse_tuned(void *arg, const char *path, const struct yaml_node *node) {
    const struct tuned_key *tuned = arg;
    return strcmp(path, tuned->axis->key) == 0
               ? errors_add_at(tuned->reader->errors, RONDO_INVALID, tuned->axis->where,
                               "'%s' is tuned, but a variant gives it (line %d)", path, node->where.line)
               : RONDO_OK;
}

/* A tuned key may be inside of one that varies, such as optimizer.lr where the whole `optimizer` varies, if no variant gives it. */
static rondo_status check_tuned(const struct compare_reader *reader, const struct compare_axis *tuned,
                                const struct compare_axes *varied) {
    struct tuned_key key = {reader, tuned};
    for (int32_t a = 0; a < varied->count; a++) {
        for (int32_t c = 0; c < varied->axes[a].n_choices || (c == 0 && varied->axes[a].key != NULL); c++) {
            const int32_t count = varied->axes[a].n_choices > 0 ? varied->axes[a].choices[c].n_settings : 1;
            for (int32_t k = 0; k < count; k++) {
                const struct compare_setting *setting =
                    varied->axes[a].n_choices > 0 ? &varied->axes[a].choices[c].settings[k] : NULL;
                const char *other = setting != NULL ? setting->key : varied->axes[a].key;
                if (compare_is_inside(other, tuned->key)) {
                    return errors_add_at(reader->errors, RONDO_INVALID, tuned->where,
                                         "'%s' is tuned, but '%s' varies: a key either varies or is tuned", tuned->key,
                                         other);
                }
                if (setting != NULL && compare_is_inside(tuned->key, other)) {
                    RONDO_TRY(compare_setting_walk(setting, refuse_tuned, &key, reader->arena, reader->errors));
                }
            }
        }
    }
    return RONDO_OK;
}

rondo_status compare_tune_read(const struct compare_reader *outer, const struct yaml_node *node,
                               const struct compare_axes *varied, struct compare_axes *tuned,
                               struct compare_section *section) {
    if (node->kind != YAML_MAPPING) {
        return errors_add_at(outer->errors, RONDO_INVALID, node->where,
                             "'compare.tune' must be a mapping of keys of the experiment to ranges or lists, and "
                             "'trials'");
    }
    const char *const *names = compare_option_names("compare.tune", outer->arena);
    if (names == NULL) {
        return errors_no_memory(outer->errors);
    }
    const struct compare_reader reader = {outer->arena,   outer->errors, "compare.tune", names, 1,
                                          "compare.tune", outer->model};
    struct compare_tune_options options = {.seeds = 1};
    const int32_t before = reader.errors->count;
    compare_table_read(&reader, node, compare_tune_table, &options, sizeof options);
    const int32_t before_axes = reader.errors->count;
    compare_axes_read(&reader, node, tuned);
    for (int32_t a = 0; a < tuned->count && reader.errors->count == before_axes; a++) {
        check_tuned(&reader, &tuned->axes[a], varied);
    }
    if (tuned->count == 0 && reader.errors->count == before_axes) {
        errors_add_at(reader.errors, RONDO_INVALID, node->key_where,
                      "'compare.tune' has no key of the experiment, expected one with a range or a list, such as "
                      "optimizer.lr: {from: 1e-4, to: 1e-2, log: true}");
    }
    const struct yaml_node *halving = yaml_get(node, "halving"), *seeds = yaml_get(node, "seeds");
    if (halving != NULL && reader.errors->count == before && options.halving == 1) {
        errors_add_at(reader.errors, RONDO_INVALID, halving->where,
                      "'compare.tune.halving' is 1, expected 2 or more: one of so many trials goes on");
    } else if (halving != NULL && reader.errors->count == before && options.halving > options.trials) {
        errors_add_at(reader.errors, RONDO_INVALID, halving->where,
                      "'compare.tune.halving' is %lld, expected at most the number of trials, %lld",
                      (long long)options.halving, (long long)options.trials);
    }
    if (seeds != NULL && section->n_seeds > 0 && options.seeds > section->n_seeds) {
        errors_add_at(reader.errors, RONDO_INVALID, seeds->where,
                      "'compare.tune.seeds' is %lld, expected at most the number of seeds of the comparison, %d",
                      (long long)options.seeds, section->n_seeds);
    }
    section->trials = (int32_t)options.trials;
    section->tune_seeds = (int32_t)options.seeds;
    section->halving = (int32_t)options.halving;
    return reader.errors->count == before ? RONDO_OK : RONDO_INVALID;
}
