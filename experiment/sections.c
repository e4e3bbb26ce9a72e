/* The table of all sections and keys. To add a key, add it here. */
#include "experiment/sections.h"

static const rondo_option top_table[] = {
    RONDO_OPTION_INT(struct experiment_top, rondo, NULL, EXPERIMENT_VERSION, EXPERIMENT_VERSION,
                     "version of the experiment format"),
    RONDO_OPTION_STRING(struct experiment_top, name, "experiment", "name of the experiment and of its run folder"),
    RONDO_OPTION_END};

static const char *const pool_names[] = {"last", "first", "mean", "max", "attention", NULL};
const rondo_option experiment_model_table[] = {
    RONDO_OPTION_CHOICE(struct model_options, pool, "last", pool_names,
                        "how the states of all steps are combined to one output per sequence"),
    RONDO_OPTION_BOOL(struct model_options, feedback, "false",
                      "the model also reads the target of the step before: language models and generators"),
    RONDO_OPTION_INT(struct model_options, steps, "0", 0, 1e6,
                     "steps of every example where neither input nor target gives their number: 1:1, and 1:N in "
                     "prediction; 0: not given"),
    RONDO_OPTION_END};
const rondo_option experiment_embedding_table[] = {
    RONDO_OPTION_INT(struct embedding_options, size, "64", 1, 65536, "width of a symbol's vector"),
    RONDO_OPTION_REAL(struct embedding_options, init_std, "0.1", 1e-6, 100,
                      "standard deviation of the numbers of a symbol's vector before training; PyTorch's is 1"),
    RONDO_OPTION_REAL(struct embedding_options, dropout, "0", 0, 0.99,
                      "share of the elements of the vectors that is dropped in training"),
    RONDO_OPTION_REAL(struct embedding_options, word_dropout, "0", 0, 0.99,
                      "share of the symbols that is replaced by the unknown symbol in training"),
    RONDO_OPTION_REAL(
        struct embedding_options, rare_word_dropout, "0.25", 0, 1e6,
        "a: in training, a symbol of the streams `input` and `source` that occurs n times in the training data is "
        "replaced by the unknown symbol with the probability a / (n + a), so that its vector is trained; "
        "0: never"),
    RONDO_OPTION_BOOL(
        struct embedding_options, lazy, "false",
        "the optimizer updates only the vectors of the symbols that occur in an update, and its memory of "
        "them: another rule for optimizers with memory, and cheaper with many symbols"),
    RONDO_OPTION_BOOL(
        struct embedding_options, share, "false",
        "streams with the same vocabulary use the same vectors, as source and target of a translation may"),
    RONDO_OPTION_END};

static const rondo_option head_table[] = {
    RONDO_OPTION_BOOL(
        struct head_options, tie, "false",
        "the head has no matrix of its own, but uses the embedding of the symbols that it predicts; the last "
        "layer must be as wide as the embedding"),
    RONDO_OPTION_END};

/* ---- the table of sections and keys ---- */

static const char *const architecture_names[] = {"1:1", "1:N", "N:1", "N:N", NULL};

static const struct experiment_key top_keys[] = {
    {.name = "architecture",
     .value = EXPERIMENT_CHOICE,
     .choices = architecture_names,
     .help = "which steps take input : which steps give output"},
    {.name = "extends",
     .value = EXPERIMENT_FILE,
     .default_text = "",
     .help = "an experiment to start from; the keys of this file replace its keys"},
    {.name = "plugins", .value = EXPERIMENT_FILES, .default_text = "", .help = "plug-ins to load"},
    {.name = NULL}};

static const struct experiment_key data_keys[] = {
    {.name = "reader",
     .value = EXPERIMENT_READER,
     .help = "the reader of the data files; its options are further keys of this section"},
    {.name = "train",
     .value = EXPERIMENT_DATA,
     .default_text = "",
     .help = "the training data: a path, a list of paths, or a path for each stream; relative to the experiment"},
    {.name = "valid",
     .value = EXPERIMENT_DATA,
     .default_text = "",
     .help = "validation data, which selects the weights that are kept: a path, or a part of the training "
             "file, `{last: 0.1}` or `{share: 0.1}`"},
    {.name = "test",
     .value = EXPERIMENT_DATA,
     .default_text = "",
     .help = "data that training never sees, for `rondo eval`: a path, or a part of the training file, which is taken "
             "before the validation data"},
    {.name = "columns",
     .value = EXPERIMENT_COLUMNS,
     .default_text = "",
     .help = "for readers of tables: columns by number from 0 or, with header: true, by name; a name that looks like a "
             "number is written in quotes"},
    {.name = NULL}};

static const char *const bridge_names[] = {"none", "last", "mean", "learnt", NULL};
static const struct experiment_key model_keys[] = {
    {.name = "bridge",
     .value = EXPERIMENT_CHOICE,
     .default_text = "",
     .choices = bridge_names,
     .help =
         "how the encoder gives the states of the layers their first values: none; last: its last states, of the same "
         "names and widths; mean: the mean of its outputs; learnt, the default: a trained layer, which fits any "
         "encoder"},
    {.name = NULL}};

static const struct experiment_key layer_keys[] = {
    {.name = "cell", .value = EXPERIMENT_CELL, .help = "the recurrence; its options are further keys of this section"},
    {.name = NULL}};
static const struct experiment_key block_keys[] = {
    {.name = "block",
     .value = EXPERIMENT_BLOCK,
     .help = "equations for whole sequences; its options are further keys of this section"},
    {.name = NULL}};
static const struct experiment_key plugin_keys[] = {
    {.name = "plugin",
     .value = EXPERIMENT_PLUGIN,
     .help = "name of the plug-in; its options are further keys of this section"},
    {.name = NULL}};
static const struct experiment_key metric_keys[] = {
    {.name = "plugin",
     .value = EXPERIMENT_PLUGIN,
     .help = "name of the plug-in; its options are further keys of this section"},
    {.name = "without",
     .value = EXPERIMENT_LABELS,
     .default_text = "",
     .help = "labels of classes: targets of these classes are left out, as if their weight were 0"},
    {.name = NULL}};
static const struct experiment_key group_keys[] = {
    {.name = "match",
     .value = EXPERIMENT_PATTERNS,
     .help = "names of parameters, with wildcards as in a shell: `embedding.*`, `*.b_*`"},
    {.name = NULL}};

const struct experiment_section experiment_sections[] = {
    {.name = "", .summary = "the top-level keys", .table = top_table, .keys = top_keys},
    {.name = "data",
     .summary = "the data files and their reader",
     .table = data_table,
     .keys = data_keys,
     .flags = SECTION_REQUIRED},
    {.name = "model",
     .summary = "the network, from inputs to outputs",
     .table = experiment_model_table,
     .keys = model_keys,
     .flags = SECTION_REQUIRED},
    {.name = "model.embedding",
     .summary = "the vectors of symbols (words, characters, classes), for all streams of symbols that the model reads",
     .table = experiment_embedding_table},
    {.name = "model.embedding.input",
     .summary =
         "other settings for the stream `input`; if it has numbers, they pass through a linear map to this width",
     .table = experiment_embedding_table},
    {.name = "model.embedding.previous",
     .summary = "other settings for the stream `previous` (model.feedback)",
     .table = experiment_embedding_table},
    {.name = "model.embedding.source",
     .summary = "other settings for the stream `source` (model.encoder); as for `input`",
     .table = experiment_embedding_table},
    {.name = "model.encoder.N",
     .summary = "a layer of the encoder, which reads the stream `source`; its outputs are the memory",
     .table = layer_table,
     .keys = layer_keys,
     .least = 1,
     .most = MAX_LAYERS},
    {.name = "model.encoder.N (block)",
     .summary = "a layer of the encoder with a block",
     .table = block_table,
     .keys = block_keys,
     .flags = SECTION_OTHER_FORM,
     .most = MAX_LAYERS},
    {.name = "model.head", .summary = "the linear map from the last layer to the outputs", .table = head_table},
    {.name = "model.layers.N",
     .summary = "a layer: a cell and its settings",
     .table = layer_table,
     .keys = layer_keys,
     .flags = SECTION_REQUIRED,
     .least = 1,
     .most = MAX_LAYERS},
    {.name = "model.layers.N (block)",
     .summary =
         "a layer with a block, which has no states: attention to the outputs of the encoder, or of the layer before",
     .table = block_table,
     .keys = block_keys,
     .flags = SECTION_OTHER_FORM,
     .most = MAX_LAYERS},
    {.name = "loss",
     .summary = "the loss that training minimises: one loss, or a sum of them",
     .keys = plugin_keys,
     .flags = SECTION_REQUIRED,
     .plugin_kind = RONDO_KIND_LOSS},
    {.name = "loss.sum.N",
     .summary = "a loss of a sum, which replaces a single loss",
     .table = loss_weight_table,
     .keys = plugin_keys,
     .flags = SECTION_ALONE,
     .plugin_kind = RONDO_KIND_LOSS,
     .least = 1,
     .most = LOSS_MOST_TERMS},
    {.name = "metrics.N",
     .summary = "a metric that validation and `rondo eval` report in addition to the loss",
     .keys = metric_keys,
     .flags = SECTION_OR_TEXT,
     .plugin_kind = RONDO_KIND_METRIC,
     .most = METRICS_MOST},
    {.name = "generate",
     .summary = "how a model with feedback writes: `rondo generate`, `rondo chat` and `rondo predict`",
     .table = generate_table},
    {.name = "optimizer",
     .summary = "how gradients change the parameters",
     .keys = plugin_keys,
     .flags = SECTION_REQUIRED,
     .plugin_kind = RONDO_KIND_OPTIMIZER},
    {.name = "optimizer.groups.N",
     .summary =
         "parameters with their own options of the optimizer; a parameter belongs to the first group that matches",
     .table = optimizer_group_table,
     .keys = group_keys,
     .flags = SECTION_OUTER_PLUGIN,
     .plugin_kind = RONDO_KIND_OPTIMIZER},
    {.name = "optimizer.wrappers.N",
     .summary = "plug-ins that wrap the optimizer",
     .keys = plugin_keys,
     .flags = SECTION_WRAPPERS,
     .plugin_kind = RONDO_KIND_OPTIMIZER,
     .most = OPTIMIZER_MOST_WRAPPERS},
    {.name = "schedule", .summary = "length and pace of the training", .table = schedule_table, .keys = schedule_keys},
    {.name = "schedule.learning_rate",
     .summary = "the factor on the learning rate of every update",
     .keys = plugin_keys,
     .plugin_kind = RONDO_KIND_SCHEDULE},
    {.name = "schedule.warmup",
     .summary = "a linear rise of the learning rate before the schedule begins",
     .table = warmup_table,
     .flags = SECTION_DURATION},
    {.name = "schedule.validate",
     .summary = "how often the model is evaluated on data.valid; always at the end of the training",
     .table = validate_table,
     .flags = SECTION_DURATION},
    {.name = "schedule.checkpoint",
     .summary = "when the state of the training is saved; always at its end, and when it is interrupted",
     .table = checkpoint_table},
    {.name = "schedule.checkpoint.every",
     .summary = "a checkpoint is written as soon as one of these has passed since the last one; without the section: "
                "{epochs: 1, minutes: 10}",
     .table = checkpoint_every_table},
    {.name = "schedule.early_stopping",
     .summary = "when to stop, and which weights to keep; needs data.valid",
     .table = stopping_table,
     .keys = stopping_keys},
    {.name = "compare",
     .summary =
         "what `rondo compare` varies: each further key is one of the experiment, such as model.layers.0.cell, with "
         "a list of values, or a range of numbers: {from: 1e-4, to: 1e-2, log: true, count: 3}",
     .table = compare_table,
     .keys = compare_keys,
     .flags = SECTION_VARIES},
    {.name = "compare.tune",
     .summary = "settings that are chosen for each variant, on the validation data: each further key is one of the "
                "experiment, with a list of values, or a range of numbers: {from: 1e-4, to: 1e-2, log: true}",
     .table = compare_tune_table,
     .flags = SECTION_VARIES},
    {.name = NULL}};

struct experiment_section experiment_section(int32_t index) {
    const int32_t count = sizeof experiment_sections / sizeof experiment_sections[0];
    return experiment_sections[index >= 0 && index < count ? index : count - 1];
}
