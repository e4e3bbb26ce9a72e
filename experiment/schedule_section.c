#include "experiment/schedule_section.h"

#include <string.h>

#include "core/options.h"

static const char *const nonfinite_names[] = {"stop", "skip", "rollback", NULL};

const rondo_option schedule_table[] = {
    RONDO_OPTION_INT(struct schedule_options, epochs, "10", 1, 1e6, "passes over the training data"),
    RONDO_OPTION_INT(struct schedule_options, accumulate, "1", 1, 65536,
                     "batches per update: the gradient is the mean over the rows of all of them"),
    RONDO_OPTION_REAL(struct schedule_options, clip_norm, "0", 0, 1e9,
                      "largest L2 norm of the gradient over all parameters; 0: no limit"),
    RONDO_OPTION_INT(struct schedule_options, seed, "1", 0, 9007199254740991.0,
                     "seed of all random numbers of the run"),
    RONDO_OPTION_CHOICE(
        struct schedule_options, on_nonfinite, "stop", nonfinite_names,
        "when a loss, a gradient or a weight is not finite: stop the training; skip the update; or go back "
        "to a checkpoint, with a lower learning rate"),
    RONDO_OPTION_INT(struct schedule_options, nonfinite_limit, "10", 1, 1e6,
                     "most updates of a run that are skipped, or times that it goes back; the next one stops it"),
    RONDO_OPTION_REAL(struct schedule_options, rollback_factor, "0.5", 1e-6, 0.999999,
                      "factor on the learning rate each time that the training goes back"),
    RONDO_OPTION_BOOL(
        struct schedule_options, tensorboard, "false",
        "after each validation, write losses, metrics, learning rate, gradient norm and histograms of the "
        "parameters to the folder `tensorboard` of the run, which TensorBoard shows"),
    RONDO_OPTION_BOOL(
        struct schedule_options, diagnostics, "false",
        "each validation also reports, in metrics.jsonl, the norms of each parameter and its gradient, and the "
        "size of the last update against the parameter"),
    RONDO_OPTION_END};

const struct experiment_key schedule_keys[] = {
    {.name = "batch",
     .value = EXPERIMENT_BATCH,
     .default_text = "32",
     .help = "examples per batch; or `{steps: N}`: examples of similar length, with at most N steps together, those of "
             "sources included"},
    {.name = NULL}};

/* The two forms of `batch`. */
struct batch_options {
    int64_t batch, steps;
};
static const rondo_option batch_table[] = {
    RONDO_OPTION_INT(struct batch_options, batch, NULL, 1, 65536, "examples per batch"), RONDO_OPTION_END};
static const rondo_option batch_steps_table[] = {
    RONDO_OPTION_INT(struct batch_options, steps, NULL, 1, 1e12, "steps per batch"), RONDO_OPTION_END};

const rondo_option warmup_table[] = {
    DURATION_ROWS("0", "length of the rise"),
    RONDO_OPTION_REAL(struct warmup_options, from, "0", 0, 1,
                      "factor on the learning rate just before the rise; it ends at 1"),
    RONDO_OPTION_END};

const rondo_option validate_table[] = {DURATION_ROWS("1", "from one validation to the next,"), RONDO_OPTION_END};

const rondo_option checkpoint_table[] = {
    RONDO_OPTION_INT(struct checkpoint_options, keep, "2", 1, 1000, "number of checkpoints that are kept: the newest"),
    RONDO_OPTION_END};

const rondo_option checkpoint_every_table[] = {
    RONDO_OPTION_INT(struct checkpoint_every, steps, "0", 0, 1e12, "updates from one checkpoint to the next; 0: any"),
    RONDO_OPTION_REAL(struct checkpoint_every, epochs, "0", 0, 1e6,
                      "passes over the training data from one to the next, at least a second; 0: any"),
    RONDO_OPTION_REAL(struct checkpoint_every, minutes, "0", 0, 1e6, "minutes from one to the next; 0: any"),
    RONDO_OPTION_END};

const rondo_option stopping_table[] = {
    RONDO_OPTION_INT(struct stopping_options, patience, "0", 0, 1e6,
                     "stop after this number of validations without a better metric; 0: never"),
    RONDO_OPTION_REAL(struct stopping_options, min_delta, "0", 0, 1e9, "smallest improvement that counts"),
    RONDO_OPTION_END};

const struct experiment_key stopping_keys[] = {
    {.name = "metric",
     .value = EXPERIMENT_METRICS,
     .default_text = "valid.loss",
     .help = "metric on the validation data that selects the weights that are kept; of a list the first does, and "
             "training stops when none of them gets better"},
    {.name = NULL}};

/* A number of examples, or a mapping. */
static void read_batch(const struct plugin_reader *reader, struct yaml_node *section, struct schedule_section *read) {
    struct batch_options options = {0};
    if (yaml_get(section, "batch") == NULL) {
        section_put(section, "batch", schedule_keys[0].default_text, 0, reader->arena, reader->errors);
    }
    struct yaml_node *batch = yaml_get(section, "batch");
    if (batch == NULL) {
        return; /* out of memory */
    }
    read->batch_where = batch->where;
    if (batch->kind == YAML_SCALAR && !batch->quoted) {
        option_set(batch_table, &options, batch->text, reader->arena, batch->where, reader->errors);
    } else if (batch->kind == YAML_MAPPING) {
        const struct section_part part = {batch_steps_table, &options};
        section_read(batch, &part, 1, NULL, "schedule.batch", batch->where, reader->arena, reader->errors);
    } else {
        errors_add_at(reader->errors, RONDO_INVALID, batch->where,
                      "'schedule.batch' must be a number of examples, or {steps: N}");
    }
    read->batch = (struct batch_size){.examples = options.batch, .steps = options.steps};
}

/* The form of a warm-up before durations: {length: 200, unit: steps}. */
static void refuse_older_warmup(const struct plugin_reader *reader, const struct yaml_node *warmup) {
    const struct yaml_node *length = yaml_get(warmup, "length"), *unit = yaml_get(warmup, "unit");
    const int has_values = length != NULL && unit != NULL && length->kind == YAML_SCALAR && unit->kind == YAML_SCALAR;
    const int is_known = has_values && (strcmp(unit->text, "steps") == 0 || strcmp(unit->text, "epochs") == 0);
    errors_add_at(reader->errors, RONDO_INVALID, (length != NULL ? length : unit)->key_where,
                  "'length' and 'unit' of 'schedule.warmup' are now one key: write {%s: %s}",
                  is_known ? unit->text : "steps", is_known ? length->text : "N");
}

/* Without the section there is no warm-up. */
static void read_warmup(const struct plugin_reader *reader, struct yaml_node *section, struct schedule_section *read) {
    if (yaml_get(section, "warmup") == NULL) {
        return;
    }
    struct yaml_node *warmup = section_child(section, "warmup", reader->arena, reader->errors);
    if (warmup == NULL) {
        return;
    }
    read->warmup_where = warmup->where;
    if (yaml_get(warmup, "length") != NULL || yaml_get(warmup, "unit") != NULL) {
        refuse_older_warmup(reader, warmup);
        return;
    }
    duration_read(reader, warmup, warmup_table, &read->warmup, sizeof read->warmup, "schedule.warmup");
}

static void read_validate(const struct plugin_reader *reader, struct yaml_node *section, int has_valid,
                          struct schedule_section *read) {
    const struct yaml_node *given = yaml_get(section, "validate");
    if (!has_valid) {
        if (given != NULL) {
            errors_add_at(reader->errors, RONDO_INVALID, given->key_where,
                          "'schedule.validate' is not used without validation data: give 'data.valid'");
        }
        return;
    }
    struct yaml_node *validate = section_child(section, "validate", reader->arena, reader->errors);
    if (validate == NULL ||
        (given == NULL && section_put(validate, "epochs", "1", 0, reader->arena, reader->errors) != RONDO_OK)) {
        return;
    }
    if (duration_read(reader, validate, validate_table, &read->validate, sizeof read->validate, "schedule.validate") &&
        read->validate.every.steps == 0 && read->validate.every.epochs == 0) {
        errors_add_at(reader->errors, RONDO_INVALID, validate->first->where,
                      "'schedule.validate.%s' is 0, expected more", validate->first->key);
    }
}

static void read_checkpoint(const struct plugin_reader *reader, struct yaml_node *section,
                            struct schedule_section *read) {
    static const char *const keys[] = {"every", NULL};
    struct yaml_node *checkpoint = section_child(section, "checkpoint", reader->arena, reader->errors);
    if (checkpoint == NULL) {
        return;
    }
    const int is_given = yaml_get(checkpoint, "every") != NULL;
    struct yaml_node *every = section_child(checkpoint, "every", reader->arena, reader->errors);
    if (every == NULL) {
        return;
    }
    if (!is_given && (section_put(every, "epochs", "1", 0, reader->arena, reader->errors) != RONDO_OK ||
                      section_put(every, "minutes", "10", 0, reader->arena, reader->errors) != RONDO_OK)) {
        return;
    }
    section_struct(every, checkpoint_every_table, &read->checkpoint_every, sizeof read->checkpoint_every, NULL,
                   "schedule.checkpoint.every", reader->arena, reader->errors);
    section_struct(checkpoint, checkpoint_table, &read->checkpoint, sizeof read->checkpoint, keys,
                   "schedule.checkpoint", reader->arena, reader->errors);
}

static void read_learning_rate(const struct plugin_reader *reader, struct yaml_node *section, int has_valid,
                               struct schedule_section *read) {
    if (yaml_get(section, "learning_rate") == NULL) {
        return;
    }
    struct yaml_node *own = plugin_section_child(reader, section, "learning_rate");
    if (own == NULL || !plugin_section_read(reader, own, "schedule.learning_rate", "schedule.learning_rate", NULL,
                                            &read->learning_rate)) {
        return;
    }
    const rondo_schedule *plugin = (const rondo_schedule *)read->learning_rate.descriptor;
    plugin_section_check(reader, &read->learning_rate, plugin->check);
    if (plugin->observe != NULL && !has_valid) {
        errors_add_at(reader->errors, RONDO_INVALID, read->learning_rate.where,
                      "'%s' watches a metric on validation data: give 'data.valid'", plugin->base.name);
    }
}

/* A name or a list of names. */
static void read_stopping_metrics(const struct plugin_reader *reader, struct yaml_node *stopping,
                                  struct schedule_section *read) {
    if (yaml_get(stopping, "metric") == NULL &&
        section_put(stopping, "metric", stopping_keys[0].default_text, 0, reader->arena, reader->errors) != RONDO_OK) {
        return;
    }
    const struct yaml_node *metric = yaml_get(stopping, "metric");
    const int is_list = metric->kind == YAML_SEQUENCE;
    for (const struct yaml_node *item = is_list ? metric->first : metric; item != NULL; item = item->next) {
        if (item->kind != YAML_SCALAR || item->text[0] == '\0' || read->n_stopping_metrics == STOPPING_MOST) {
            errors_add_at(reader->errors, RONDO_INVALID, item->where,
                          "'schedule.early_stopping.metric' must be a metric such as valid.loss, or a list of up to %d",
                          STOPPING_MOST);
            return;
        }
        read->stopping_metrics[read->n_stopping_metrics++] = (struct stopping_metric){item->text, item->where};
        if (!is_list) {
            return;
        }
    }
    if (read->n_stopping_metrics == 0) {
        errors_add_at(reader->errors, RONDO_INVALID, metric->where, "'schedule.early_stopping.metric' is empty");
    }
}

static void read_stopping(const struct plugin_reader *reader, struct yaml_node *section, int has_valid,
                          struct schedule_section *read) {
    struct yaml_node *stopping = yaml_get(section, "early_stopping");
    if (!has_valid) {
        if (stopping != NULL) {
            errors_add_at(reader->errors, RONDO_INVALID, stopping->key_where,
                          "'schedule.early_stopping' is not used without validation data: give 'data.valid'");
        }
        return;
    }
    const char *const keys[] = {stopping_keys[0].name, NULL};
    stopping = section_child(section, "early_stopping", reader->arena, reader->errors);
    if (stopping == NULL) {
        return;
    }
    section_struct(stopping, stopping_table, &read->stopping, sizeof read->stopping, keys, "schedule.early_stopping",
                   reader->arena, reader->errors);
    read_stopping_metrics(reader, stopping, read);
}

void schedule_section_read(const struct plugin_reader *reader, struct yaml_node *section, int has_valid, int trains,
                           struct schedule_section *read) {
    const struct experiment_section *known = experiment_section_find(reader->sections, "schedule");
    const char *const *keys = experiment_section_keys(reader->sections, known, reader->arena);
    if (keys == NULL) {
        errors_no_memory(reader->errors);
        return;
    }
    section_struct(section, schedule_table, &read->options, sizeof read->options, keys, "schedule", reader->arena,
                   reader->errors);
    read_batch(reader, section, read);
    if (trains) {
        read_warmup(reader, section, read);
        read_validate(reader, section, has_valid, read);
        read_checkpoint(reader, section, read);
        read_learning_rate(reader, section, has_valid, read);
    }
    read_stopping(reader, section, has_valid, read);
}
