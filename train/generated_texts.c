#include "train/generated_texts.h"

#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "data/references.h"
#include "train/prompts.h"

/* Sources that are generated from together: more need more memory, and are hardly faster. */
enum { TOGETHER = 64 };

/* What stands for an unknown symbol of a reference whose text is not known. */
#define NO_SYMBOL "\xef\xbf\xbd"

/* An evaluation. */
struct text_evaluation {
    struct task *task;
    const struct dataset *dataset;
    struct references found;
    struct group_length *order; /* [groups] in which they are generated */
    struct arena *arena;        /* of the texts */
    const char **generated;     /* [groups] */
    const char **references;    /* [count of the dataset] */
    rondo_tensor weights;       /* [groups]; data NULL: all are 1 */
};

struct group_length {
    int64_t group, length;
};

/* Long sources first, so that those of a batch are about equally long. */
static int compare_lengths(const void *a, const void *b) {
    const struct group_length *one = a, *other = b;
    return one->length != other->length ? (one->length < other->length ? 1 : -1)
                                        : (one->group > other->group) - (one->group < other->group);
}

static rondo_status order_groups(struct text_evaluation *evaluation) {
    const struct stream *source = dataset_find(evaluation->dataset, "source");
    const struct references *found = &evaluation->found;
    for (int64_t g = 0; g < found->groups; g++) {
        const int64_t example = found->examples[found->begin[g]];
        evaluation->order[g] = (struct group_length){g, source == NULL ? 0 : source->length[example]};
    }
    qsort(evaluation->order, (size_t)found->groups, sizeof *evaluation->order, compare_lengths);
    return RONDO_OK;
}

/* ---- references ---- */

/* `text` with every `word` replaced by NO_SYMBOL; NULL: out of memory. */
static const char *without_word(const char *text, const char *word, struct arena *arena) {
    const char *before = "", *at = text;
    for (const char *next = strstr(at, word); next != NULL && before != NULL; next = strstr(at, word)) {
        before = arena_printf(arena, "%s%.*s" NO_SYMBOL, before, (int)(next - at), at);
        at = next + strlen(word);
    }
    return before == NULL ? NULL : arena_printf(arena, "%s%s", before, at);
}

static rondo_status read_reference(struct text_evaluation *evaluation, int64_t example, const char **text,
                                   struct errors *errors) {
    const struct stream *target = dataset_find(evaluation->dataset, "target");
    RONDO_TRY(
        task_example_text(evaluation->task, evaluation->dataset, "target", example, evaluation->arena, text, errors));
    int64_t unknown = 0;
    for (int64_t i = 0; target->unknown >= 0 && i < target->length[example]; i++) {
        const int64_t element = target->begin[example] + i;
        unknown += stream_id(target, element) == target->unknown && stream_unknown_text(target, element) == NULL;
    }
    if (unknown > 0) {
        *text = without_word(*text, vocabulary_word(target->names, target->unknown), evaluation->arena);
    }
    return *text == NULL ? errors_no_memory(errors) : RONDO_OK;
}

/* The weight of a group is that of its first example. */
static rondo_status read_weights(struct text_evaluation *evaluation, struct errors *errors) {
    const struct stream *weight = dataset_find(evaluation->dataset, "weight");
    const struct references *found = &evaluation->found;
    if (weight == NULL) {
        return RONDO_OK;
    }
    evaluation->weights = tensor_1d(RONDO_F32, found->groups, NULL);
    RONDO_TRY(tensor_alloc(&evaluation->weights, evaluation->arena, errors));
    for (int64_t g = 0; g < found->groups; g++) {
        const int64_t example = found->examples[found->begin[g]];
        const int has_weight = weight->length[example] > 0;
        tensor_set(&evaluation->weights, g, has_weight ? (double)stream_number(weight, weight->begin[example], 0) : 1);
    }
    return RONDO_OK;
}

static rondo_status read_data(struct text_evaluation *evaluation, struct errors *errors) {
    RONDO_TRY(references_find(&evaluation->found, evaluation->dataset, errors));
    const struct references *found = &evaluation->found;
    evaluation->arena = arena_create();
    evaluation->order = memory_calloc((size_t)found->groups + 1, sizeof *evaluation->order);
    evaluation->generated = memory_calloc((size_t)found->groups + 1, sizeof *evaluation->generated);
    evaluation->references = memory_calloc((size_t)evaluation->dataset->count + 1, sizeof *evaluation->references);
    if (evaluation->arena == NULL || evaluation->order == NULL || evaluation->generated == NULL ||
        evaluation->references == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(order_groups(evaluation));
    RONDO_TRY(read_weights(evaluation, errors));
    for (int64_t i = 0; i < evaluation->dataset->count; i++) {
        RONDO_TRY(read_reference(evaluation, found->examples[i], &evaluation->references[i], errors));
    }
    return RONDO_OK;
}

/* ---- generation ---- */

/* Generates for the groups order[begin .. end). */
static rondo_status generate_some(struct text_evaluation *evaluation, struct generator *generator,
                                  struct prompts *prompts, int64_t begin, int64_t end, struct errors *errors) {
    const struct references *found = &evaluation->found;
    RONDO_TRY(prompts_clear(prompts, errors));
    for (int64_t i = begin; i < end; i++) {
        const int64_t group = evaluation->order[i].group, example = found->examples[found->begin[group]];
        RONDO_TRY(prompts_add_examples(prompts, evaluation->dataset, example, example + 1, (uint64_t)group, errors));
    }
    RONDO_TRY(generator_start(generator, &prompts->list, errors));
    RONDO_TRY(generator_run(generator, NULL, errors));
    for (int64_t i = begin; i < end; i++) {
        const struct generate_hypothesis *results;
        int64_t count;
        RONDO_TRY(generator_results(generator, i - begin, &results, &count, errors));
        RONDO_TRY(prompts_text(prompts, &results[0], i - begin, evaluation->arena,
                               &evaluation->generated[evaluation->order[i].group], errors));
    }
    return RONDO_OK;
}

static rondo_status generate_all(struct text_evaluation *evaluation, struct errors *errors) {
    struct task *task = evaluation->task;
    struct generate_settings settings = task->experiment->generate;
    settings.samples = settings.n_best = 1;
    struct network *const networks[] = {task->network};
    struct generator *generator = generator_create(networks, 1, task->data.shape, &settings, errors);
    struct prompts prompts = {0};
    rondo_status status = generator == NULL ? errors->status : prompts_open(&prompts, task, &settings, errors);
    for (int64_t begin = 0; begin < evaluation->found.groups && status == RONDO_OK; begin += TOGETHER) {
        const int64_t left = evaluation->found.groups - begin, size = left < TOGETHER ? left : TOGETHER;
        status = generate_some(evaluation, generator, &prompts, begin, begin + size, errors);
    }
    prompts_close(&prompts);
    generator_destroy(generator);
    return status;
}

static rondo_status measure(void *arg, const struct dataset *dataset, struct metrics *metrics, struct errors *errors) {
    struct text_evaluation evaluation = {.task = arg, .dataset = dataset};
    rondo_status status = read_data(&evaluation, errors);
    status = status == RONDO_OK ? generate_all(&evaluation, errors) : status;
    if (status == RONDO_OK) {
        const struct metrics_texts texts = {.count = evaluation.found.groups,
                                            .generated = evaluation.generated,
                                            .references = evaluation.references,
                                            .reference_begin = evaluation.found.begin,
                                            .weights = evaluation.weights.data == NULL ? NULL : &evaluation.weights};
        status = metrics_measure_texts(metrics, &texts, errors);
    }
    references_free(&evaluation.found);
    free(evaluation.order);
    free(evaluation.generated);
    free(evaluation.references);
    arena_destroy(evaluation.arena);
    return status;
}

/* ---- opening ---- */

/* Why nothing can be compared; NULL: it can. */
static const char *find_obstacle(struct task *task) {
    const char *why_not = NULL;
    struct arena *arena = task->experiment->arena;
    if (!model_generates(network_model(task->network), &why_not)) {
        return arena_printf(arena, "this model does not generate: %s", why_not);
    }
    if (task->data.reader->class->decode == NULL) {
        return arena_printf(arena, "the reader '%s' has no texts", task->data.reader->class->name);
    }
    return task_has_inputs(task) ? NULL : "this model reads no source or input that a text could be right for";
}

rondo_status generated_texts_open(struct task *task, struct errors *errors) {
    if (!network_compares_texts(task->network)) {
        return RONDO_OK;
    }
    const char *obstacle = find_obstacle(task);
    if (obstacle != NULL) {
        return network_refuse_texts(task->network, obstacle, errors);
    }
    const char *const names[] = {task->experiment->name};
    RONDO_TRY(prompts_check_tasks(&task, names, 1, &task->experiment->generate, errors));
    network_set_texts(task->network, (struct network_texts){measure, task});
    return RONDO_OK;
}
