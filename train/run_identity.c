#include "train/run_identity.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "core/product/product.h"
#include "core/scan/scan.h"
#include "experiment/experiment_changes.h"
#include "io/fingerprint.h"
#include "io/json.h"
#include "store/environment.h"

enum { FORMAT = 1 };

/* ---- what a task is made from ---- */

/* The data files of the parts that `which` names (enum task_part), ended by an empty entry: "train", or "train.input" with
 * a file for each stream, or "train.1" for the second of a list. A part of the training file is that file. From `arena`;
 * NULL: out of memory. */
static struct provenance_file *list_data(const struct data_section *section, int which, struct arena *arena) {
    const struct {
        const char *name;
        const struct data_files *files;
        int rule;
    } parts[] = {{"train", &section->train, PART_NONE},
                 {"valid", &section->valid, section->parts.valid.rule},
                 {"test", &section->test, section->parts.test.rule}};
    const int32_t most = section->train.count + section->valid.count + section->test.count;
    struct provenance_file *list = arena_calloc(arena, (size_t)most + 1, sizeof *list), *next = list;
    for (int part = PART_VALID; part <= PART_TEST; part++) {
        which |= (which & 1 << part) != 0 && parts[part].rule != PART_NONE ? TASK_TRAIN : 0;
    }
    for (int part = PART_TRAIN; list != NULL && part <= PART_TEST; part++) {
        for (int32_t i = 0; (which & 1 << part) != 0 && i < parts[part].files->count; i++) {
            const struct reader_path *path = &parts[part].files->paths[i];
            const char *name = path->stream != NULL ? arena_printf(arena, "%s.%s", parts[part].name, path->stream)
                               : i > 0              ? arena_printf(arena, "%s.%d", parts[part].name, i)
                                                    : parts[part].name;
            *next++ = (struct provenance_file){.key = name, .file = path->text};
        }
    }
    return arena_failed(arena) ? NULL : list;
}

/* The fingerprints of these data files; NULL: out of memory. */
static json_t *data_of(const struct task *task, int which) {
    struct arena *arena = arena_create();
    const struct provenance_file *list = arena == NULL ? NULL : list_data(&task->experiment->data, which, arena);
    json_t *data = list == NULL ? NULL : provenance_data(list);
    arena_destroy(arena);
    return data;
}

/* The same for the cells of the layers. */
static json_t *cells_of(const struct task *task) {
    const struct experiment_layers *layers = &task->experiment->layers;
    struct arena *arena = arena_create();
    struct provenance_file *list = arena == NULL ? NULL : arena_calloc(arena, (size_t)layers->count + 1, sizeof *list);
    for (int32_t i = 0; list != NULL && i < layers->count; i++) {
        const struct experiment_layer *layer = &layers->items[i];
        list[i] = (struct provenance_file){layer->path, layer->file, layer->definition->name};
    }
    json_t *cells = list == NULL ? NULL : provenance_cells(list);
    arena_destroy(arena);
    return cells;
}

/* The same for the plug-ins that are loaded. Those of Rondo are in the last folder of the path. */
static json_t *plugins_of(const struct task *task) {
    const struct session *session = task->session;
    const char *colon = strrchr(session->plugin_path, ':');
    return provenance_plugins(session->loader, colon == NULL ? session->plugin_path : colon + 1);
}

/* 1 if a plug-in provides something that predictions and their scores depend on: more than optimizers and schedules. */
static int is_used_after_training(const json_t *plugin) {
    const json_t *provides = json_object_get(plugin, "provides");
    for (size_t i = 0; i < json_array_size(provides); i++) {
        const char *what = json_string_value(json_array_get(provides, i));
        if (strncmp(what, "optimizer ", 10) != 0 && strncmp(what, "schedule ", 9) != 0) {
            return 1;
        }
    }
    return 0;
}

/* A JSON value as text, from malloc; NULL: out of memory, also if `value` is NULL. */
static char *compact(const json_t *value) {
    return json_write(value, JSON_COMPACT | JSON_SORT_KEYS);
}

/* The hash of what reader and scaling have learned. RONDO_OK and a text of 16 digits, or an error. */
static rondo_status hash_learned(const struct task *task, char hash[17], struct errors *errors) {
    json_t *learned = task_data_save(&task->data, errors);
    if (learned == NULL) {
        return errors->status;
    }
    char *text = compact(learned);
    json_decref(learned);
    if (text == NULL) {
        return errors_no_memory(errors);
    }
    memcpy(hash, fingerprint_of_bytes(text, strlen(text)).hash, 17);
    free(text);
    return RONDO_OK;
}

/* What the training of the task is made from; NULL with an error. */
static const struct provenance *provenance_of(const struct task *task, struct errors *errors) {
    struct provenance *provenance = task->provenance;
    if (provenance->learned[0] != '\0') {
        return provenance;
    }
    provenance_clear(provenance);
    const struct provenance *shared = task->donor == NULL ? NULL : provenance_of(task->donor, errors);
    if (task->donor != NULL && shared == NULL) {
        return NULL;
    }
    provenance->data = shared == NULL ? data_of(task, TASK_TRAIN | TASK_VALID) : json_incref(shared->data);
    provenance->cells = cells_of(task);
    provenance->plugins = plugins_of(task);
    if (provenance->data == NULL || provenance->cells == NULL || provenance->plugins == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    return hash_learned(task, provenance->learned, errors) == RONDO_OK ? provenance : NULL;
}

rondo_status run_identity_take(const struct task *task, struct errors *errors) {
    return provenance_of(task, errors) == NULL ? errors->status : RONDO_OK;
}

/* ---- the engine ---- */

static const char *engine_name(const struct session *session) {
    return session->engine == ENGINE_TAPE ? "tape" : "fused";
}

/* The value of --passes: "-fuse,-merge", "" if all run. From `arena`; NULL: out of memory. */
static const char *passes_text(const struct session *session, struct arena *arena) {
    const char *text = "";
    for (int32_t i = 0; scan_pass_name(i) != NULL && text != NULL; i++) {
        if ((session->passes_off & 1 << i) != 0) {
            text = arena_printf(arena, "%s%s-%s", text, text[0] == '\0' ? "" : ",", scan_pass_name(i));
        }
    }
    return text;
}

/* Adds a text if a run was trained by another engine than that of the session, or with other passes. */
static void compare_engine(const struct session *session, const char *was_engine, const char *was_passes,
                           struct arena *arena, struct errors *differences) {
    const char *engine = engine_name(session), *passes = passes_text(session, arena);
    if (passes == NULL) {
        errors_no_memory(differences);
    } else if (strcmp(was_engine, engine) != 0) {
        errors_add(differences, RONDO_INVALID,
                   "the run was trained by the engine '%s', and this is '%s'; --engine=%s chooses it", was_engine,
                   engine, was_engine);
    } else if (strcmp(was_passes, passes) != 0) {
        errors_add(differences, RONDO_INVALID, "the run was trained with --passes='%s', and this is --passes='%s'",
                   was_passes, passes);
    }
}

/* ---- environment.json ---- */

char *run_identity_environment(const struct task *task, const char *before, struct errors *errors) {
    const struct provenance *provenance = provenance_of(task, errors);
    if (provenance == NULL) {
        return NULL;
    }
    struct arena *arena = arena_create();
    json_t *data = json_copy(provenance->data), *test = data_of(task, TASK_TEST);
    const struct environment environment = {.data = data,
                                            .cells = provenance->cells,
                                            .plugins = provenance->plugins,
                                            .engine = engine_name(task->session),
                                            .passes = passes_text(task->session, arena),
                                            .threads = task->session->parallel.threads,
                                            .seed = task->experiment->schedule.options.seed,
                                            .started =
                                                before == NULL ? NULL : environment_value(before, "started", arena)};
    const int failed = arena_failed(arena) || data == NULL || test == NULL || json_object_update(data, test) != 0;
    char *text = failed ? NULL : environment_text(&environment);
    json_decref(data);
    json_decref(test);
    arena_destroy(arena);
    if (text == NULL) {
        errors_no_memory(errors);
    }
    return text;
}

void run_identity_changes(const char *environment, const struct task *task, int which, struct errors *changes) {
    json_t *data = data_of(task, which), *cells = cells_of(task);
    json_t *plugins = plugins_of(task);
    if (data == NULL || cells == NULL || plugins == NULL) {
        errors_no_memory(changes);
    } else {
        for (size_t i = json_array_size(plugins); i-- > 0;) {
            if (!is_used_after_training(json_array_get(plugins, i))) {
                json_array_remove(plugins, i);
            }
        }
        const struct environment now = {.data = data, .cells = cells, .plugins = plugins};
        environment_compare(environment, &now, changes);
    }
    json_decref(data);
    json_decref(cells);
    json_decref(plugins);
}

void run_identity_engine_changes(const char *environment, const struct task *task, struct errors *changes) {
    struct arena *arena = arena_create();
    const char *engine = environment_value(environment, "engine", arena);
    const char *passes = environment_value(environment, "passes", arena);
    if (engine != NULL && passes != NULL) {
        compare_engine(task->session, engine, passes, arena, changes);
    }
    arena_destroy(arena);
}

/* ---- the archive ---- */

/* "1.4" */
static const char *abi_text(struct arena *arena) {
    return arena_printf(arena, "%u.%u", RONDO_ABI_MAJOR, RONDO_ABI_MINOR);
}

static void put_json(struct archive *archive, const json_t *value, const char *name, struct errors *errors) {
    char *text = compact(value);
    if (text == NULL) {
        errors_no_memory(errors);
    } else {
        archive_put_text(archive, text, "%s", name);
    }
    free(text);
}

static rondo_status save(const struct task *task, struct archive *archive, struct arena *arena, struct errors *errors) {
    const struct provenance *provenance = provenance_of(task, errors);
    if (provenance == NULL) {
        return errors->status;
    }
    const char *abi = abi_text(arena), *passes = passes_text(task->session, arena);
    const char *experiment = yaml_write(task->experiment->root, arena);
    if (experiment == NULL || arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    archive_put_integer(archive, FORMAT, "meta.format");
    archive_put_text(archive, RONDO_VERSION, "meta.rondo");
    archive_put_text(archive, abi, "meta.abi");
    archive_put_text(archive, dtype_name(task->plan.dtype), "meta.dtype");
    archive_put_text(archive, engine_name(task->session), "meta.engine");
    archive_put_text(archive, passes, "meta.passes");
    archive_put_text(archive, product_kernels_name(product_kernels()), "meta.kernels");
    archive_put_text(archive, experiment, "meta.experiment");
    put_json(archive, provenance->data, "meta.data", errors);
    put_json(archive, provenance->cells, "meta.cells", errors);
    put_json(archive, provenance->plugins, "meta.plugins", errors);
    archive_put_text(archive, provenance->learned, "meta.learned");
    return archive_is_failed(archive) ? errors_no_memory(errors) : errors->status;
}

rondo_status run_identity_save(const struct task *task, struct archive *archive, struct errors *errors) {
    struct arena *arena = arena_create();
    struct errors own = {0};
    const rondo_status status = arena == NULL ? errors_no_memory(&own) : save(task, archive, arena, &own);
    errors_move(errors, &own);
    arena_destroy(arena);
    return status;
}

/* ---- comparing ---- */

/* The entries of an archive. */
struct recorded {
    const char *rondo, *abi, *dtype, *engine, *passes, *learned;
    const struct yaml_node *experiment; /* the tree */
    json_t *data, *cells, *plugins;
};

static json_t *take_json(struct archive *archive, const char *name, struct errors *errors) {
    const char *text = archive_take_text(archive, errors, "%s", name);
    json_t *value = NULL;
    json_error_t reason;
    const rondo_status status = text == NULL ? RONDO_OK : json_parse(text, strlen(text), &value, &reason);
    if (status == RONDO_NO_MEMORY) {
        errors_no_memory(errors);
    } else if (status != RONDO_OK) {
        errors_add(errors, RONDO_INVALID, "the entry '%s' is not JSON: %s", name, reason.text);
    }
    return value;
}

/* Takes all entries; every failure is an error. The caller frees the JSON values, also after a failure. */
static rondo_status take(struct archive *archive, struct recorded *recorded, struct arena *arena,
                         struct errors *errors) {
    int64_t format;
    RONDO_TRY(archive_take_integer(archive, &format, errors, "meta.format"));
    if (format != FORMAT) {
        return errors_add(errors, RONDO_INVALID, "'meta.format' is %lld, and this Rondo reads %d", (long long)format,
                          FORMAT);
    }
    recorded->rondo = archive_take_text(archive, errors, "meta.rondo");
    recorded->abi = archive_take_text(archive, errors, "meta.abi");
    recorded->dtype = archive_take_text(archive, errors, "meta.dtype");
    recorded->engine = archive_take_text(archive, errors, "meta.engine");
    recorded->passes = archive_take_text(archive, errors, "meta.passes");
    recorded->learned = archive_take_text(archive, errors, "meta.learned");
    archive_take_text(archive, errors, "meta.kernels");
    const char *experiment = archive_take_text(archive, errors, "meta.experiment");
    recorded->data = take_json(archive, "meta.data", errors);
    recorded->cells = take_json(archive, "meta.cells", errors);
    recorded->plugins = take_json(archive, "meta.plugins", errors);
    if (experiment != NULL) {
        recorded->experiment = yaml_parse("meta.experiment", experiment, strlen(experiment), arena, errors);
    }
    return errors->status;
}

static rondo_status compare_program(const struct task *task, const struct recorded *was, struct arena *arena,
                                    struct errors *differences, struct errors *errors) {
    const char *abi = abi_text(arena), *dtype = dtype_name(task->plan.dtype);
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    if (strcmp(was->rondo, RONDO_VERSION) != 0) {
        errors_add(differences, RONDO_INVALID, "the run was trained by Rondo %s, and this is %s", was->rondo,
                   RONDO_VERSION);
    } else if (strcmp(was->abi, abi) != 0) {
        errors_add(differences, RONDO_INVALID,
                   "the run was trained by a Rondo whose plug-in interface is %s, and that of this one is %s", was->abi,
                   abi);
    }
    if (strcmp(was->dtype, dtype) != 0) {
        errors_add(differences, RONDO_INVALID, "the run was trained in %s, and this is %s", was->dtype, dtype);
    }
    compare_engine(task->session, was->engine, was->passes, arena, differences);
    return RONDO_OK;
}

static rondo_status compare_all(const struct task *task, const struct provenance *now, const struct recorded *was,
                                struct arena *arena, struct errors *differences, struct errors *errors) {
    RONDO_TRY(compare_program(task, was, arena, differences, errors));
    RONDO_TRY(experiment_changes(was->experiment, task->experiment->root, CHANGES_OF_RESUME, differences, errors));
    provenance_compare_data(was->data, now->data, differences);
    provenance_compare_cells(was->cells, now->cells, differences);
    provenance_compare_plugins(was->plugins, now->plugins, strcmp(was->rondo, RONDO_VERSION) != 0, differences);
    if (strcmp(was->learned, now->learned) != 0) {
        errors_add(differences, RONDO_INVALID,
                   "what the reader has learned (reader.json) has changed since the run was trained");
    }
    return RONDO_OK;
}

rondo_status run_identity_compare(const struct task *task, struct archive *archive, struct errors *differences,
                                  struct errors *errors) {
    struct arena *arena = arena_create();
    struct recorded recorded = {0};
    struct errors own = {0};
    rondo_status status = arena == NULL ? errors_no_memory(&own) : take(archive, &recorded, arena, &own);
    const struct provenance *now = status == RONDO_OK ? provenance_of(task, &own) : NULL;
    if (now != NULL) {
        compare_all(task, now, &recorded, arena, differences, &own);
    }
    status = own.status;
    errors_move(errors, &own);
    json_decref(recorded.data);
    json_decref(recorded.cells);
    json_decref(recorded.plugins);
    arena_destroy(arena);
    return status;
}
