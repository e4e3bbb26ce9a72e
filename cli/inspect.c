/* cli/inspect.c: `rondo inspect`. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/chosen_data.h"
#include "cli/inspect_text.h"
#include "cli/open_run.h"
#include "io/json.h"

#define EXAMPLES 400

/* What is inspected, and how it is shown. */
struct inspecting {
    struct run_record_settings record;
    struct chosen_data *data; /* no choice: valid, or train without one */
    int64_t examples;
    int json, writes;
    struct plot_page page;
};

/* Writes inspect.json into the folder of the run. That it cannot be written, as in a folder of somebody else, is a warning. */
static rondo_status write_file(const struct inspecting *inspecting, const json_t *json, struct arena *arena,
                               struct errors *errors) {
    struct errors warnings = {0};
    const char *file = path_join(arena, inspecting->record.folder, INSPECT_FILE);
    char *text = json_write(json, JSON_REAL_PRECISION(6));
    rondo_status status = file == NULL || text == NULL ? errors_no_memory(errors) : RONDO_OK;
    if (status == RONDO_OK && file_write(file, text, strlen(text), &warnings) != RONDO_OK) {
        report_warnings(&warnings, inspecting->json);
    }
    free(text);
    return status;
}

static rondo_status show(struct inspecting *inspecting, const struct inspection *inspection, struct arena *arena,
                         struct errors *errors) {
    json_t *json = inspect_json(inspection);
    rondo_status status = json == NULL ? errors_no_memory(errors) : RONDO_OK;
    if (status == RONDO_OK && inspecting->writes) {
        status = write_file(inspecting, json, arena, errors);
    }
    if (status == RONDO_OK && inspecting->json) {
        status = output_json(json_incref(json), JSON_REAL_PRECISION(6), errors);
    } else if (status == RONDO_OK) {
        inspect_print(inspection);
    }
    json_decref(json);
    if (status == RONDO_OK && inspecting->page.flag.is_given) {
        inspect_plot(&inspecting->page, inspection);
        if (inspecting->page.flag.file == NULL && inspecting->page.count > 0) {
            printf("\n");
        }
        status = inspecting->page.count == 0 && inspecting->page.flag.file == NULL
                     ? RONDO_OK
                     : plot_page_show(&inspecting->page, inspecting->record.folder, "no gradient has a distance here",
                                      errors);
    }
    return status;
}

static rondo_status inspect_dataset(struct inspecting *inspecting, const struct task *task, struct errors *errors) {
    struct arena *arena = arena_create();
    const struct inspect_settings settings = {inspecting->data->dataset, inspecting->data->name, inspecting->examples,
                                              inspecting->record.folder};
    struct inspection inspection;
    rondo_status status = arena == NULL ? errors_no_memory(errors) : RONDO_OK;
    if (status == RONDO_OK) {
        status = inspect_task(task, &settings, arena, &inspection, errors);
    }
    if (status == RONDO_OK) {
        status = show(inspecting, &inspection, arena, errors);
    }
    arena_destroy(arena);
    return status;
}

static rondo_status inspect_run(struct inspecting *inspecting, struct session *session, struct errors *errors) {
    struct chosen_data *data = inspecting->data;
    const int is_chosen = data->part != NULL || chosen_data_has_files(data);
    session->probe = 1;
    inspecting->record.which = is_chosen ? chosen_data_which(data, errors) : TASK_TRAIN | TASK_VALID;
    struct task *task = errors->count > 0 ? NULL : open_run(&inspecting->record, session, inspecting->json, errors);
    if (task == NULL) {
        return errors->status;
    }
    if (!is_chosen) {
        data->part = task->data.valid != NULL ? "valid" : "train";
    }
    if (chosen_data_open(data, task, inspecting->record.folder, errors) == RONDO_OK) {
        inspect_dataset(inspecting, task, errors);
    }
    chosen_data_close(data);
    task_destroy(task);
    return errors->status;
}

static int run_inspect(const struct command *command, int argc, char **argv) {
    struct common_flags common = {0};
    struct chosen_data data = {0};
    struct plot_flag plot = {0};
    int64_t examples = EXAMPLES;
    int no_write = 0;
    const struct flag flags[] = {
        FLAG_PART_OF(data,
                     "part of the experiment's data: train, valid or test (default: valid, or train if there is none)"),
        FLAG_DATA_OF(data, "inspect on"),
        {"examples", "N", FLAG_NUMBER, &examples, "at most this many examples, evenly spaced (default: 400)"},
        FLAG_PLOT_OF(plot),
        {"no-write", NULL, FLAG_ON, &no_write, "do not write " INSPECT_FILE " into the folder of the run"},
        OPEN_RUN_FLAGS(common),
        COMMON_FLAG_JSON(common),
        {NULL, NULL, FLAG_ON, NULL, NULL}};
    struct arguments arguments;
    int status;
    if (!arguments_parse(command, flags, argc, argv, 1, 1, &arguments, &status)) {
        return status;
    }
    struct errors errors = {0};
    struct session *session = NULL;
    struct inspecting inspecting = {.record = open_run_settings(&common, arguments.words[0]),
                                    .data = &data,
                                    .examples = examples,
                                    .json = common.json,
                                    .writes = !no_write};
    if (plot_page_open(&inspecting.page, plot, 0, common.json, &errors) == RONDO_OK) {
        session = session_from_flags(&common, &errors);
    }
    if (session != NULL) {
        inspect_run(&inspecting, session, &errors);
    }
    plot_page_close(&inspecting.page);
    status = finish_command(&errors, common.json);
    session_destroy(session);
    return status;
}

const struct command command_inspect = {
    "inspect", "inspect RUN [--on PART | --data FILE] [--examples N] [--plot [FILE.svg]]",
    "show why a run learns, or does not: gradients over time, gates, memory",
    "Runs examples forward and backward through the weights of a run, and prints\n"
    "  the norm of the gradient of the loss by each state, against the distance in steps from the loss:\n"
    "  if it falls fast, the gradient vanishes, and what is farther away is not learned;\n"
    "  how far back an input still changes the loss;\n"
    "  the share of the values of each gate that is near its limits, where it hardly learns;\n"
    "  units of each state that do not vary, and the spectral radius of each matrix that multiplies a state.\n"
    "It works for any cell. All of it is also written to inspect.json in the folder of the run.\n\n"
    "--plot draws the gradients: as text of the width of the terminal, or to an SVG file.\n\n"
    "  rondo inspect runs/gap-recall --plot\n"
    "  rondo inspect runs/gap-recall --on test --examples 1000 --json\n",
    run_inspect};
