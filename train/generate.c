/* The creation of a generator, and the beginning of its texts. */
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "train/generate_parts.h"

/* Rows that one shard has, unless there are many prompts: enough for efficient products; or more, up to MOST_ROWS, if there is work
 * for all threads: each shard packs the weights for itself. */
enum { SHARD_ROWS = 64, MOST_ROWS = 256 };

/* ---- creation ---- */

static rondo_status check_settings(const struct generator *generator, struct errors *errors) {
    const struct generate_settings *settings = &generator->settings;
    const int64_t size = network_prediction_size(generator->networks[0]);
    if (generator->is_real && (settings->beams > 1 || generator->n_networks > 1)) {
        return errors_add(errors, RONDO_INVALID,
                          "%s needs targets that are classes, and those of the model are numbers",
                          settings->beams > 1 ? "a beam search" : "the mean of several models");
    }
    if (size != generator->target->size && !generator->draws) {
        return errors_add(
            errors, RONDO_INVALID,
            "the loss predicts %lld numbers for targets of %lld, so its predictions cannot be read as the next "
            "target",
            (long long)size, (long long)generator->target->size);
    }
    RONDO_TRY(generator->is_real ? RONDO_OK : generate_settings_fit(settings, size, errors));
    for (int32_t i = 1; i < generator->n_networks; i++) {
        if (network_prediction_size(generator->networks[i]) != size ||
            !network_predicts_classes(generator->networks[i])) {
            return errors_add(errors, RONDO_INVALID,
                              "the models of an ensemble have different targets: %lld and %lld classes",
                              (long long)size, (long long)network_prediction_size(generator->networks[i]));
        }
    }
    return RONDO_OK;
}

static void destroy_shard(struct generate_shard *shard, int32_t n_networks) {
    if (shard == NULL) {
        return;
    }
    for (int32_t i = 0; i < n_networks && shard->steppers != NULL; i++) {
        stepper_destroy(shard->steppers[i]);
    }
    search_tree_close(&shard->tree);
    search_scratch_close(&shard->scratch);
    arena_destroy(shard->arena);
    errors_free(&shard->errors);
    free(shard->steppers);
    free(shard->slots);
    free(shard->origin);
    free(shard->ids);
    free(shard->numbers);
    free(shard->words);
    free(shard->drawn);
    free(shard->predicted);
    free(shard);
}

static struct generate_shard *create_shard(struct generator *generator, struct errors *errors) {
    struct generate_shard *shard = memory_calloc(1, sizeof *shard);
    if (shard == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    shard->generator = generator;
    shard->arena = arena_create();
    shard->steppers = memory_calloc((size_t)generator->n_networks, sizeof *shard->steppers);
    rondo_status status = shard->steppers == NULL ? errors_no_memory(errors) : RONDO_OK;
    status =
        status == RONDO_OK ? search_scratch_open(&shard->scratch, &generator->search, shard->arena, errors) : status;
    for (int32_t i = 0; i < generator->n_networks && status == RONDO_OK; i++) {
        shard->steppers[i] = stepper_create(generator->networks[i], generator->shape, errors);
        status = shard->steppers[i] == NULL ? errors->status : RONDO_OK;
    }
    if (status != RONDO_OK) {
        destroy_shard(shard, generator->n_networks);
        return NULL;
    }
    return shard;
}

static rondo_status open_generator(struct generator *generator, struct network *const *networks,
                                   const struct generate_settings *settings, struct errors *errors) {
    struct network **copy = arena_calloc(generator->arena, (size_t)generator->n_networks, sizeof(struct network *));
    if (copy == NULL || generator->texts == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; i < generator->n_networks; i++) {
        copy[i] = networks[i];
    }
    generator->networks = copy;
    generator->settings = *settings;
    generator->samples = settings->samples;
    generator->beams = settings->beams;
    generator->target = dataset_find(generator->shape, "target");
    RONDO_CHECK(generator->target != NULL && generator->n_networks >= 1, errors, "a generator has models with targets");
    RONDO_CHECK(settings->samples == 1 || settings->beams == 1, errors, "samples are not searched for");
    generator->is_real = generator->target->kind == STREAM_REAL;
    generator->draws = generator->is_real && settings->temperature > 0;
    const int forbids_unknown = settings->unknown == GENERATE_FORBID;
    generator->search = (struct search_settings){&generator->settings, generator->target->size, generator->target->end,
                                                 forbids_unknown ? generator->target->unknown : -1};
    generator->shards[0] = create_shard(generator, errors); /* checks that the models can generate */
    generator->n_made = generator->shards[0] != NULL;
    return generator->n_made == 0 ? errors->status : check_settings(generator, errors);
}

struct generator *generator_create(struct network *const *networks, int32_t n_networks, const struct dataset *shape,
                                   const struct generate_settings *settings, struct errors *errors) {
    struct generator *generator = memory_calloc(1, sizeof *generator);
    if (generator == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    generator->arena = arena_create();
    generator->texts = arena_create();
    generator->n_networks = n_networks;
    generator->shape = shape;
    if (open_generator(generator, networks, settings, errors) != RONDO_OK) {
        generator_destroy(generator);
        return NULL;
    }
    return generator;
}

void generator_destroy(struct generator *generator) {
    if (generator == NULL) {
        return;
    }
    for (int64_t i = 0; i < generator->n_made; i++) {
        destroy_shard(generator->shards[i], generator->n_networks);
    }
    stepper_destroy(generator->attender);
    arena_destroy(generator->texts);
    arena_destroy(generator->arena);
    free(generator);
}

/* ---- the beginning ---- */

/* Context and prefix as the model reads them. */
static rondo_status copy_history(struct generator *generator, const struct generate_prompt *from,
                                 struct generate_text *to, struct errors *errors) {
    const struct stream *target = generate_target(generator);
    const int64_t total = from->n_context + from->n_prefix, size = target->size;
    if (generator->is_real) {
        to->numbers = arena_calloc(generator->texts, (size_t)(total * size) + 1, sizeof *to->numbers);
    } else {
        to->ids = arena_calloc(generator->texts, (size_t)total + 1, sizeof *to->ids);
    }
    const size_t prefix_bytes = (size_t)(from->n_prefix * (generator->is_real ? size : 1)) * sizeof(float);
    void *prefix = arena_alloc(generator->texts, prefix_bytes);
    if (arena_failed(generator->texts)) {
        return errors_no_memory(errors);
    }
    if (prefix_bytes > 0) {
        memcpy(prefix, from->prefix, prefix_bytes); /* ids and numbers have the same size */
    }
    to->prefix = prefix;
    for (int64_t i = 0; i < total; i++) {
        const int is_context = i < from->n_context;
        const void *part = is_context ? from->context : from->prefix;
        const int64_t at = is_context ? i : i - from->n_context;
        for (int64_t k = 0; generator->is_real && k < size; k++) {
            const double number = (double)((const float *)part)[at * size + k];
            to->numbers[i * size + k] = stream_to_model(target, generate_group(generator, to), k, number);
        }
        if (!generator->is_real) {
            to->ids[i] = ((const int32_t *)part)[at];
            RONDO_CHECK(to->ids[i] >= 0 && to->ids[i] < size, errors, "a prompt has ids of the stream 'target'");
        }
    }
    return RONDO_OK;
}
_Static_assert(sizeof(int32_t) == sizeof(float), "a prefix is copied without its kind");

static rondo_status copy_prompt(struct generator *generator, const struct generate_prompt *from,
                                struct generate_text *to, struct errors *errors) {
    const struct dataset *dataset = generator->dataset;
    *to = (struct generate_text){.example = from->example,
                                 .first_sample = from->first_sample,
                                 .number = from->number,
                                 .n_context = from->n_context,
                                 .n_prefix = from->n_prefix};
    RONDO_CHECK(dataset == NULL || (from->example >= 0 && from->example < dataset->count) || dataset->count == 0,
                errors, "a prompt has an example of the dataset");
    if (dataset != NULL && dataset_find(dataset, "source") != NULL &&
        example_source_steps(dataset, from->example) == 0) {
        return errors_add(errors, RONDO_INVALID, "the source of example %lld is empty, expected at least one step",
                          (long long)from->example + 1);
    }
    return copy_history(generator, from, to, errors);
}

/* The symbols that the text of a prompt may still have. */
static int64_t most_of(const struct generator *generator, const struct generate_text *prompt,
                       const struct generate_shard *shard, int64_t row) {
    const int64_t most = generator->settings.max_length - prompt->n_prefix;
    const int64_t left = stepper_steps_left(shard->steppers[0], row);
    return most < left ? most : left;
}

static void begin_search(const struct generator *generator, const struct generate_text *prompt, struct search *search,
                         int64_t most) {
    search->begun = prompt->ids;
    search->n_begun = generator->is_real ? 0 : prompt->n_context + prompt->n_prefix;
    search_begin(search, generator->settings.min_length - prompt->n_prefix, most);
}

static rondo_status open_searches(struct generator *generator, struct errors *errors) {
    const struct rng_stream stream = rng_stream((uint64_t)generator->settings.seed, "generate");
    const int64_t count = generator->n_prompts * generator->samples;
    generator->searches = arena_calloc(generator->texts, (size_t)count, sizeof *generator->searches);
    if (generator->searches == NULL) {
        return errors_no_memory(errors);
    }
    for (int64_t i = 0; i < count; i++) {
        struct search *search = generate_search(generator, i);
        const struct generate_text *text = generate_text_of(generator, i);
        search->stream =
            rng_substream(rng_substream(stream, text->number), (uint64_t)(text->first_sample + i % generator->samples));
        RONDO_TRY(search_open(search, &generator->search, generator->texts, errors));
    }
    return RONDO_OK;
}

/* A new array in place of an old one, which may be NULL. */
static rondo_status renew(void **array, int64_t count, size_t size, struct errors *errors) {
    free(*array);
    *array = memory_calloc((size_t)count + 1, size);
    return *array == NULL ? errors_no_memory(errors) : RONDO_OK;
}

static rondo_status prepare_shard(struct generate_shard *shard, int64_t first, int64_t count, struct errors *errors) {
    enum { MOST_NODES = 1 << 20 }; /* at first */
    const struct generator *generator = shard->generator;
    const int64_t searches = count * generator->samples, rows = searches * generator->beams;
    const int64_t size = generator->target->size;
    shard->first_prompt = first;
    shard->n_prompts = count;
    RONDO_TRY(renew((void **)&shard->slots, searches, sizeof *shard->slots, errors));
    RONDO_TRY(renew((void **)&shard->origin, rows, sizeof *shard->origin, errors));
    RONDO_TRY(renew((void **)&shard->ids, rows, sizeof *shard->ids, errors));
    RONDO_TRY(renew((void **)&shard->numbers, generator->is_real ? rows * size : 0, sizeof *shard->numbers, errors));
    const int64_t words = generator->draws ? network_heads(generator->networks[0])->sample_words : 0;
    RONDO_TRY(renew((void **)&shard->words, rows * words, sizeof *shard->words, errors));
    RONDO_TRY(renew((void **)&shard->drawn, generator->draws ? rows * size : 0, sizeof *shard->drawn, errors));
    RONDO_TRY(renew((void **)&shard->predicted, rows * size, sizeof *shard->predicted, errors));
    search_tree_close(&shard->tree);
    const double nodes = (double)rows * (double)(generator->settings.max_length + 1);
    return search_tree_open(&shard->tree, nodes < MOST_NODES ? (int64_t)nodes : MOST_NODES,
                            generator->is_real ? size : 0, errors);
}

static rondo_status begin_shard(struct generate_shard *shard) {
    const struct generator *generator = shard->generator;
    const int64_t count = shard->n_prompts, searches = count * generator->samples;
    struct arena *arena = arena_create();
    int64_t *example = arena_calloc(arena, (size_t)count, sizeof *example);
    int64_t *length = arena_calloc(arena, (size_t)count, sizeof *length);
    const void **history = arena_calloc(arena, (size_t)count, sizeof *history);
    rondo_status status = arena_failed(arena) ? errors_no_memory(&shard->errors) : RONDO_OK;
    for (int64_t i = 0; i < count && status == RONDO_OK; i++) {
        const struct generate_text *prompt = &generator->prompts[shard->first_prompt + i];
        example[i] = prompt->example;
        length[i] = prompt->n_context + prompt->n_prefix;
        history[i] = generator->is_real ? (const void *)prompt->numbers : prompt->ids;
    }
    const struct stepper_rows rows = {
        .count = count, .dataset = generator->dataset, .example = example, .history = history, .length = length};
    for (int32_t i = 0; i < generator->n_networks && status == RONDO_OK; i++) {
        status = stepper_begin(shard->steppers[i], &rows, searches * generator->beams, &shard->errors);
    }
    arena_destroy(arena);
    shard->n_slots = searches;
    shard->n_alive = 0;
    shard->is_begun = 1;
    for (int64_t i = 0; i < searches && status == RONDO_OK; i++) {
        const int64_t number = shard->first_prompt * generator->samples + i;
        const struct generate_text *prompt = generate_text_of(generator, number);
        shard->slots[i] = number;
        begin_search(generator, prompt, generate_search(generator, number),
                     most_of(generator, prompt, shard, i / generator->samples));
        shard->n_alive += !generate_search(generator, number)->is_done;
    }
    return status;
}

/* Shards [begin, end). */
static void begin_shards(void *arg, int64_t begin, int64_t end) {
    struct generator *generator = arg;
    for (int64_t i = begin; i < end; i++) {
        begin_shard(generator->shards[i]);
    }
}

rondo_status generate_collect_errors(struct generator *generator, struct errors *errors) {
    rondo_status status = RONDO_OK;
    for (int64_t i = 0; i < generator->n_shards; i++) {
        struct errors *own = &generator->shards[i]->errors;
        if (own->count > 0 && status == RONDO_OK) {
            status = own->status;
            errors_move(errors, own);
        }
        errors_free(own);
    }
    return status;
}

/* Deals the prompts out to shards. How they are dealt out changes no result. */
static rondo_status deal_prompts(struct generator *generator, struct errors *errors) {
    const int64_t rows = generator->samples * generator->beams, count = generator->n_prompts;
    const int64_t share = count * rows / parallel_threads(&network_session(generator->networks[0])->parallel);
    const int64_t wanted = share < SHARD_ROWS ? SHARD_ROWS : share < MOST_ROWS ? share : MOST_ROWS;
    const int64_t part = rows < wanted ? wanted / rows : 1, parts = count == 0 ? 1 : (count + part - 1) / part;
    const int64_t most = parts < GENERATE_MOST_SHARDS ? parts : GENERATE_MOST_SHARDS, each = (count + most - 1) / most;
    generator->n_shards = 0;
    generator->shard_prompts = each;
    for (int64_t first = 0; first < count; first += each) {
        const int64_t number = generator->n_shards;
        if (number == generator->n_made) {
            generator->shards[number] = create_shard(generator, errors);
            if (generator->shards[number] == NULL) {
                return errors->status;
            }
            generator->n_made++;
        }
        RONDO_TRY(prepare_shard(generator->shards[number], first, count - first < each ? count - first : each, errors));
        generator->n_shards++;
    }
    return RONDO_OK;
}

rondo_status generator_start(struct generator *generator, const struct generate_prompts *prompts,
                             struct errors *errors) {
    arena_reset(generator->texts);
    generator->dataset = prompts->dataset;
    generator->attention = prompts->attention;
    generator->n_prompts = generator->steps = 0;
    generator->prompts = arena_calloc(generator->texts, (size_t)prompts->count, sizeof *generator->prompts);
    if (generator->prompts == NULL) {
        return errors_no_memory(errors);
    }
    for (int64_t i = 0; i < prompts->count; i++) {
        RONDO_TRY(copy_prompt(generator, &prompts->prompts[i], &generator->prompts[i], errors));
    }
    generator->n_prompts = prompts->count;
    RONDO_TRY(open_searches(generator, errors));
    RONDO_TRY(deal_prompts(generator, errors));
    parallel_for(&network_session(generator->networks[0])->parallel, generator->n_shards, 1, begin_shards, generator);
    return generate_collect_errors(generator, errors);
}

rondo_status generator_continue(struct generator *generator, const struct generate_prompt *from,
                                struct errors *errors) {
    RONDO_CHECK(generator->n_prompts == 1 && generator->samples == 1 && generator->beams == 1, errors,
                "one text without a beam search goes on");
    struct generate_shard *shard = generator->shards[0];
    struct generate_text *prompt = &generator->prompts[0];
    struct search *search = generate_search(generator, 0);
    const int32_t unread = search->unread;
    const int has_unread = search->is_done && (generator->is_real ? search->live[0].length > 0 : unread >= 0);
    const int64_t size = generator->target->size, node = search->live[0].node;
    RONDO_TRY(copy_prompt(generator, from, prompt, errors));
    const int64_t begun = prompt->n_context + prompt->n_prefix, length = begun + has_unread;
    int32_t *ids = arena_calloc(generator->texts, (size_t)length + 1, sizeof *ids);
    double *numbers =
        generator->is_real ? arena_calloc(generator->texts, (size_t)(length * size) + 1, sizeof *numbers) : NULL;
    if (arena_failed(generator->texts)) {
        return errors_no_memory(errors);
    }
    if (generator->is_real) {
        const size_t bytes = sizeof *numbers * (size_t)size;
        if (has_unread) {
            memcpy(numbers, shard->tree.numbers + node * size, bytes);
        }
        memcpy(numbers + has_unread * size, prompt->numbers, bytes * (size_t)begun);
    } else {
        ids[0] = unread;
        memcpy(ids + has_unread, prompt->ids, sizeof *ids * (size_t)begun);
    }
    const void *history[] = {generator->is_real ? (const void *)numbers : ids};
    const struct stepper_rows rows = {
        .count = 1, .dataset = generator->dataset, .history = history, .length = &length, .continues = 1};
    for (int32_t i = 0; i < generator->n_networks && length > 0; i++) {
        RONDO_TRY(stepper_begin(shard->steppers[i], &rows, 1, errors));
    }
    shard->tree.count = 0;
    shard->is_begun = shard->is_begun || length > 0;
    shard->n_slots = 1;
    begin_search(generator, prompt, search, most_of(generator, prompt, shard, 0));
    shard->n_alive = !search->is_done;
    generator->steps = 0;
    return RONDO_OK;
}
