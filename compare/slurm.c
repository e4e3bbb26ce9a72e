#include "compare/slurm.h"

#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/program.h"

/* Slurm's default of MaxArraySize is 1001; an index is smaller. An array of at most 1000 indices also keeps their text
 * short ("0,2,4,…"), as sbatch reads at most 8 kB of it from a script. */
enum { MOST_INDICES = 1000 };

/* The memory that Slurm is asked for: more than what is predicted, because a task that takes more than it asked for is
 * killed. In MiB. */
static int64_t asked_megabytes(uint64_t predicted) {
    const uint64_t margin = predicted / 5 + ((uint64_t)200 << 20);
    return predicted == 0 ? 0 : (int64_t)((predicted + margin + ((1 << 20) - 1)) >> 20);
}

/* The largest number of indices of an array on this cluster: those from 0 on. scontrol may be missing or refuse. */
static rondo_status most_indices(int32_t *most, struct arena *arena, struct errors *errors) {
    static const char *const words[] = {"scontrol", "show", "config", NULL};
    static const char key[] = "\nMaxArraySize";
    struct program_outcome outcome;
    struct errors ignored = {0};
    const rondo_status status = program_run(words, &outcome, arena, &ignored);
    errors_free(&ignored);
    *most = MOST_INDICES;
    if (status == RONDO_NO_MEMORY) {
        return errors_no_memory(errors);
    }
    const char *line = status == RONDO_OK && outcome.status == 0 ? strstr(outcome.out, key) : NULL;
    if (line != NULL) {
        line += strlen(key);
        line += strspn(line, " =");
        const long size = strtol(line, NULL, 10);
        if (size < 1) {
            return errors_add(errors, RONDO_INVALID,
                              "this cluster of Slurm does not allow job arrays (MaxArraySize is %ld)", size);
        }
        *most = size < MOST_INDICES ? (int32_t)size : MOST_INDICES;
    }
    return RONDO_OK;
}

/* The submission of a comparison while it is made. */
struct slurm_submission {
    const struct slurm_request *request;
    struct slurm_job *jobs; /* [most] */
    int32_t n_jobs;
    int32_t n_indices;  /* most of an array */
    const char *before; /* ids that the next array waits for, "12:13"; NULL: none */
    struct arena *arena;
};

/* The command that submits a script, NULL-terminated. */
static const char **sbatch_words(const struct slurm_submission *submission, const char *file) {
    const struct slurm_options *options = submission->request->options;
    struct arena *arena = submission->arena;
    const char **words = arena_calloc(arena, (size_t)options->n_words + 5, sizeof *words);
    int32_t count = 0;
    if (words == NULL) {
        return NULL;
    }
    words[count++] = "sbatch";
    words[count++] = "--parsable";
    if (submission->before != NULL) {
        words[count++] = arena_printf(arena, "--dependency=afterany:%s", submission->before);
    }
    for (int32_t i = 0; i < options->n_words; i++) {
        words[count++] = options->words[i];
    }
    words[count] = file;
    return arena_failed(arena) ? NULL : words;
}

/* What sbatch --parsable prints: "1234" or "1234;cluster", perhaps after lines of the site. */
static int read_id(const char *text, struct slurm_job *job, struct arena *arena) {
    const size_t digits = strspn(text, "0123456789");
    const char *rest = text + digits;
    if (*rest != ';' && *rest != '\n' && *rest != '\0') {
        return 0;
    }
    const size_t length = *rest == ';' ? strcspn(rest + 1, "\n") : 0;
    job->id = arena_strndup(arena, text, digits);
    job->cluster = length == 0 ? NULL : arena_strndup(arena, rest + 1, length);
    return digits > 0;
}

/* Its message: each line is indented, as those of one error are. NULL: out of memory. */
static const char *message_of(const struct program_outcome *outcome, struct arena *arena) {
    const char *message = "";
    for (const char *line = outcome->err; *line != '\0' && message != NULL;) {
        const int length = (int)strcspn(line, "\n");
        message = arena_printf(arena, "%s\n  %.*s", message, length, line);
        line += length + (line[length] == '\n');
    }
    return message;
}

static rondo_status read_answer(const struct program_outcome *outcome, const char *phase, struct slurm_job *job,
                                struct arena *arena, struct errors *errors) {
    if (outcome->signal != 0) {
        return errors_add(errors, RONDO_IO, "sbatch was ended by signal %d", outcome->signal);
    }
    if (outcome->status != 0) {
        const char *message = message_of(outcome, arena);
        return message == NULL
                   ? errors_no_memory(errors)
                   : errors_add(errors, RONDO_INVALID, "sbatch refuses the tasks of the phase '%s':%s", phase, message);
    }
    for (const char *line = outcome->out; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        if (read_id(line, job, arena)) {
            return RONDO_OK;
        }
    }
    return errors_add(errors, RONDO_IO,
                      "the number of the job is not in the answer of sbatch: '%.*s', expected the answer of sbatch "
                      "--parsable, such as '1234'",
                      (int)strcspn(outcome->out, "\n"), outcome->out);
}

/* Writes the script of an array: the missing tasks [0, count) of those from `first` on. */
static rondo_status write_script(struct slurm_submission *submission, const struct slurm_phase *phase, int32_t first,
                                 const int32_t *indices, int32_t count, const char **file, struct errors *errors) {
    const struct slurm_request *request = submission->request;
    struct arena *arena = submission->arena;
    const char *part = first == 0 ? "" : arena_printf(arena, "-%d", (int)first);
    const char *base = arena_printf(arena, "%s/" SLURM_FOLDER "/%s%s", request->folder, phase->name, part);
    *file = arena_printf(arena, "%s.sh", base);
    const struct slurm_script script = {.name = arena_printf(arena, "rondo %s %s", request->name, phase->name),
                                        .output = arena_printf(arena, "%s%s", base, first == 0 ? "-" : "+"),
                                        .directory = request->directory,
                                        .array = slurm_array_text(indices, count, arena),
                                        .first = first,
                                        .at_once = request->at_once,
                                        .processors = phase->processors,
                                        .megabytes = request->options->has_memory ? 0 : asked_megabytes(phase->memory),
                                        .command = phase->command};
    const char *text = arena_failed(arena) ? NULL : slurm_script_text(&script, arena);
    return text == NULL ? errors_no_memory(errors) : file_write(*file, text, strlen(text), errors);
}

/* Submits one array. */
static rondo_status submit_array(struct slurm_submission *submission, const struct slurm_phase *phase, int32_t first,
                                 const int32_t *indices, int32_t count, struct errors *errors) {
    struct arena *arena = submission->arena;
    struct slurm_job *job = &submission->jobs[submission->n_jobs];
    struct program_outcome outcome;
    const char *file;
    if (interrupt_is_requested(&submission->request->interrupt)) {
        return errors_add(errors, RONDO_INTERRUPTED, "interrupted before the tasks of the phase '%s' were submitted",
                          phase->name);
    }
    RONDO_TRY(write_script(submission, phase, first, indices, count, &file, errors));
    const char **words = sbatch_words(submission, file);
    if (words == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(program_run(words, &outcome, arena, errors));
    *job = (struct slurm_job){
        .phase = phase->name, .first = first, .indices = slurm_array_text(indices, count, arena), .n_tasks = count};
    RONDO_TRY(read_answer(&outcome, phase->name, job, arena, errors));
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    submission->n_jobs++;
    const struct slurm_jobs jobs = {.jobs = submission->jobs, .n_jobs = submission->n_jobs};
    return slurm_jobs_write(submission->request->folder, &jobs, arena, errors);
}

/* Submits the arrays of a phase. They run side by side, unless there is a limit of tasks at the same time, which Slurm knows for one array
 * only: then one after the other. */
static rondo_status submit_phase(struct slurm_submission *submission, const struct slurm_phase *phase,
                                 struct errors *errors) {
    struct arena *arena = submission->arena;
    const char *ids = NULL;
    int32_t *indices = arena_calloc(arena, (size_t)submission->n_indices, sizeof *indices);
    if (indices == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t begin = 0; begin < phase->n_missing;) {
        const int32_t first = phase->missing[begin] / submission->n_indices * submission->n_indices;
        int32_t count = 0;
        for (; begin < phase->n_missing && phase->missing[begin] - first < submission->n_indices; begin++) {
            indices[count++] = phase->missing[begin] - first;
        }
        RONDO_TRY(submit_array(submission, phase, first, indices, count, errors));
        const char *id = submission->jobs[submission->n_jobs - 1].id;
        ids = ids == NULL ? id : arena_printf(arena, "%s:%s", ids, id);
        submission->before = submission->request->at_once > 0 ? id : submission->before;
        if (arena_failed(arena)) {
            return errors_no_memory(errors);
        }
    }
    submission->before = ids == NULL ? submission->before : ids;
    return RONDO_OK;
}

/* A name that Slurm can write output to. */
static rondo_status check_folder(const char *folder, struct errors *errors) {
    for (const char *c = folder; *c != '\0'; c++) {
        if (*c == '\\' || (unsigned char)*c < ' ' || *c == 127) {
            return errors_add(
                errors, RONDO_INVALID,
                "Slurm cannot write to the folder '%s', whose name has a backslash or a control character", folder);
        }
    }
    return RONDO_OK;
}

rondo_status slurm_submit(const struct slurm_request *request, struct slurm_jobs *jobs, struct arena *arena,
                          struct errors *errors) {
    struct slurm_submission submission = {.request = request, .arena = arena};
    int32_t n_missing = 0;
    for (int32_t i = 0; i < request->n_phases; i++) {
        n_missing += request->phases[i].n_missing;
    }
    *jobs = (struct slurm_jobs){0};
    RONDO_TRY(check_folder(request->folder, errors));
    const char *folder = arena_printf(arena, "%s/" SLURM_FOLDER, request->folder);
    submission.jobs = arena_calloc(arena, (size_t)n_missing + 1, sizeof *submission.jobs);
    if (folder == NULL || submission.jobs == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(folder_create(folder, NULL, errors));
    RONDO_TRY(most_indices(&submission.n_indices, arena, errors));
    rondo_status status = RONDO_OK;
    for (int32_t i = 0; i < request->n_phases && status == RONDO_OK; i++) {
        status = submit_phase(&submission, &request->phases[i], errors);
    }
    *jobs = (struct slurm_jobs){.jobs = submission.jobs, .n_jobs = submission.n_jobs};
    return status;
}
