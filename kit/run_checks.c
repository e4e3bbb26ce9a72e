/* kit/run_checks.c: see kit/run_checks.h. */
#include "kit/run_checks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kit/child.h"

/* All checks of one file. */
struct run {
    const struct check_settings *settings;
    struct report *report;
    const char *file;
    struct errors *errors;
    int has_printed; /* told already: for the file, or for the descriptor at hand */
    int has_looped;  /* a check of it did not end */
};

/* What one child does: `check` on the descriptor (kind, name), or on the file. */
struct job {
    const struct run *run;
    const struct kit_check *check;
    int32_t kind; /* FINDING_FILE: the file */
    const char *name;
};

/* ---- in the child ---- */

/* The descriptor with the file loaded; NULL with errors. */
static const rondo_descriptor *load_descriptor(const struct job *job, struct kit *kit) {
    const struct session *session = job->run->settings->session;
    const struct location nowhere = {0};
    if (loader_load(session->loader, session->registry, kit->file, nowhere, kit->errors) != RONDO_OK) {
        return NULL;
    }
    const rondo_descriptor *descriptor = registry_find(session->registry, job->kind, job->name);
    if (descriptor == NULL) {
        errors_add(kit->errors, RONDO_NOT_FOUND, "it was there before and is no more: '%s'", job->name);
    }
    return descriptor;
}

/* The answer is a character for the verdict, then the reason. */
static size_t run_check(void *arg, char *answer, size_t size) {
    const struct job *job = arg;
    const struct check_settings *settings = job->run->settings;
    struct errors errors = {0};
    struct kit kit = {.arena = arena_create(),
                      .errors = &errors,
                      .registry = settings->session->registry,
                      .loader = settings->session->loader,
                      .file = job->run->file,
                      .parallel = {settings->threads},
                      .seed = settings->seed};
    char *reason = answer + 1;
    enum verdict verdict = VERDICT_FAIL;
    const rondo_descriptor *descriptor = NULL;
    if (kit.arena == NULL) {
        kit_say(reason, size - 1, verdict, "out of memory");
    } else if (job->kind != FINDING_FILE && (descriptor = load_descriptor(job, &kit)) == NULL) {
        kit_say(reason, size - 1, verdict, "%s", errors_text(&errors, 0));
    } else {
        verdict = job->check->run(&kit, descriptor, reason, size - 1);
    }
    answer[0] = (char)('0' + verdict);
    reason[size - 2] = '\0';
    return 1 + strlen(reason);
}

/* Kind and name of each descriptor in the file, "0 relu\n1 adam\n"; or "!" and why it does not load. */
static size_t list_descriptors(void *arg, char *answer, size_t size) {
    static const rondo_descriptor *const nothing[] = {NULL};
    const struct run *run = arg;
    const struct location nowhere = {0};
    struct errors errors = {0};
    struct registry *registry = registry_create(nothing, &errors);
    struct loader *loader = registry == NULL ? NULL : loader_create(NULL, &errors);
    if (loader == NULL || loader_load(loader, registry, run->file, nowhere, &errors) != RONDO_OK) {
        snprintf(answer, size, "!%s", errors_text(&errors, 0));
        return strlen(answer);
    }
    size_t used = 0;
    const rondo_descriptor *descriptor;
    for (int32_t i = 0; (descriptor = registry_at(registry, i, NULL)) != NULL && size - used > 80; i++) {
        used += (size_t)snprintf(answer + used, size - used, "%d %.63s\n", (int)descriptor->kind, descriptor->name);
    }
    return used;
}

/* ---- in the parent ---- */

static rondo_status add_finding(struct run *run, const struct finding *finding) {
    RONDO_TRY(report_add(run->report, finding, run->errors));
    if (run->settings->found != NULL) {
        run->settings->found(run->settings->arg, run->report, run->report->count - 1);
    }
    return RONDO_OK;
}

/* A plug-in that prints is told of once a descriptor, where nothing worse was. */
static rondo_status add_printed(struct run *run, const struct job *job, const struct child_outcome *outcome) {
    if (run->has_printed || outcome->end != CHILD_ANSWERED || outcome->printed[0] == '\0') {
        return RONDO_OK;
    }
    run->has_printed = 1;
    struct arena *arena = run->report->arena;
    const char *text = child_printed_text(outcome, arena);
    const char *reason =
        text == NULL ? NULL : arena_printf(arena, "while '%s' ran it printed %s", job->check->name, text);
    const struct finding finding = {job->kind, job->name, "prints", VERDICT_WARNING, reason, 0};
    return reason == NULL ? errors_no_memory(run->errors) : add_finding(run, &finding);
}

static rondo_status run_job(struct run *run, const struct job *job, enum verdict *verdict) {
    struct arena *arena = run->report->arena;
    struct child_outcome outcome;
    RONDO_TRY(child_run(run_check, (void *)job, run->settings->seconds, &outcome, arena, run->errors));
    struct finding finding = {job->kind, job->name, job->check->name, VERDICT_FAIL, NULL, outcome.seconds};
    if (outcome.end == CHILD_TIMED_OUT) {
        run->has_looped = 1;
        const char *text = child_end_text(&outcome, arena);
        finding.reason = text == NULL ? NULL : arena_printf(arena, "%s (no check behind this one was run)", text);
    } else if (outcome.end != CHILD_ANSWERED) {
        finding.reason = child_end_text(&outcome, arena);
    } else if (outcome.answer_size >= 1 && outcome.answer[0] >= '0' && outcome.answer[0] <= '0' + VERDICT_SKIPPED) {
        finding.verdict = (enum verdict)(outcome.answer[0] - '0');
        finding.reason = outcome.answer + 1;
    } else {
        finding.reason = "soiled the memory of the check: its answer cannot be read";
    }
    if (finding.reason == NULL) {
        return errors_no_memory(run->errors);
    }
    *verdict = finding.verdict;
    if (finding.verdict != VERDICT_SKIPPED || finding.reason[0] != '\0') {
        RONDO_TRY(add_finding(run, &finding));
    }
    return add_printed(run, job, &outcome);
}

static int is_wanted(const struct run *run, const struct kit_check *check) {
    return run->settings->only == NULL || strcmp(run->settings->only, check->name) == 0;
}

/* The checks of a table. */
static rondo_status run_table(struct run *run, const struct kit_check *table, int32_t kind, const char *name) {
    for (const struct kit_check *check = table; check->name != NULL; check++) {
        const struct job job = {run, check, kind, name};
        enum verdict verdict = VERDICT_PASS;
        if (is_wanted(run, check)) {
            RONDO_TRY(run_job(run, &job, &verdict));
        }
        if (run->has_looped || (verdict == VERDICT_FAIL && strcmp(check->name, "loads") == 0)) {
            break; /* the later ones would say the same, and take as long */
        }
    }
    return RONDO_OK;
}

static const struct kit_check *table_of(int32_t kind) {
    switch (kind) {
    case RONDO_KIND_OP:
        return kit_op_checks;
    case RONDO_KIND_OPTIMIZER:
        return kit_optimizer_checks;
    case RONDO_KIND_LOSS:
        return kit_loss_checks;
    default:
        return kit_schedule_checks;
    }
}

/* One descriptor; `line` is "1 adam", of the report's arena. */
static rondo_status check_descriptor(struct run *run, const char *line) {
    char *name;
    const long kind = strtol(line, &name, 10);
    if (kind < 0 || kind >= RONDO_KIND_COUNT || *name != ' ') {
        return errors_bug(run->errors, __FILE__, __LINE__, "the list of descriptors has kinds and names");
    }
    run->has_printed = run->has_looped = 0;
    RONDO_TRY(run_table(run, kit_option_checks, (int32_t)kind, name + 1));
    return run->has_looped ? RONDO_OK : run_table(run, table_of((int32_t)kind), (int32_t)kind, name + 1);
}

static rondo_status check_descriptors(struct run *run, const char *list) {
    while (*list != '\0') {
        const size_t length = strcspn(list, "\n");
        const char *line = arena_strndup(run->report->arena, list, length);
        if (line == NULL) {
            return errors_no_memory(run->errors);
        }
        RONDO_TRY(check_descriptor(run, line));
        list += length + (list[length] == '\n');
    }
    return RONDO_OK;
}

/* 0 where something of the file itself failed after which nothing in it can be used. */
static int is_usable(const struct run *run) {
    if (run->has_looped) {
        return 0;
    }
    for (int32_t i = 0; i < run->report->count; i++) {
        const struct finding *finding = &run->report->findings[i];
        if (finding->verdict == VERDICT_FAIL &&
            (strcmp(finding->check, "loads") == 0 || strcmp(finding->check, "unique_names") == 0)) {
            return 0;
        }
    }
    return 1;
}

/* `loads` may not be among the wanted checks; then its failure is told all the same. */
static rondo_status check_contents(struct run *run) {
    struct child_outcome outcome;
    struct arena *arena = run->report->arena;
    RONDO_TRY(child_run(list_descriptors, run, run->settings->seconds, &outcome, arena, run->errors));
    const int has_list = outcome.end == CHILD_ANSWERED && outcome.answer[0] != '!';
    if (has_list) {
        return check_descriptors(run, outcome.answer);
    }
    const char *reason = outcome.end == CHILD_ANSWERED ? outcome.answer + 1 : child_end_text(&outcome, arena);
    const struct finding finding = {FINDING_FILE, "", "loads", VERDICT_FAIL, reason, outcome.seconds};
    return reason == NULL ? errors_no_memory(run->errors) : add_finding(run, &finding);
}

/* ---- before anything runs ---- */

/* Any other file is a slip of the pen, not a plug-in that fails. */
static rondo_status check_is_elf(const char *file, struct errors *errors) {
    struct stat found;
    char magic[4] = {0};
    if (stat(file, &found) != 0) {
        return errors_add(errors, RONDO_NOT_FOUND, "cannot read '%s': %s", file, strerror(errno));
    }
    FILE *stream = S_ISREG(found.st_mode) ? fopen(file, "rb") : NULL;
    if (stream == NULL) {
        const char *reason = S_ISREG(found.st_mode) ? strerror(errno) : "it is not a regular file";
        return errors_add(errors, RONDO_INVALID, "cannot read '%s': %s", file, reason);
    }
    const size_t got = fread(magic, 1, sizeof magic, stream);
    fclose(stream);
    return got == sizeof magic && memcmp(magic, "\177ELF", 4) == 0
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID, "'%s' is not an ELF file, expected a shared object", file);
}

static rondo_status check_only(const char *only, struct errors *errors) {
    const struct kit_check *const tables[] = {kit_file_checks,      kit_option_checks, kit_op_checks,
                                              kit_optimizer_checks, kit_loss_checks,   kit_schedule_checks};
    struct suggestion best = {0};
    for (size_t t = 0; only != NULL && t < sizeof tables / sizeof tables[0]; t++) {
        for (const struct kit_check *check = tables[t]; check->name != NULL; check++) {
            if (strcmp(check->name, only) == 0) {
                return RONDO_OK;
            }
            suggest(&best, only, check->name);
        }
    }
    return only == NULL ? RONDO_OK
                        : errors_add(errors, RONDO_INVALID, "unknown check '%s'%s", only, suggestion_text(&best).text);
}

rondo_status run_checks(const char *file, const struct check_settings *settings, struct report *report,
                        struct errors *errors) {
    struct run run = {.settings = settings, .report = report, .file = file, .errors = errors};
    const double start = child_clock();
    RONDO_TRY(check_only(settings->only, errors));
    RONDO_TRY(check_is_elf(file, errors));
    rondo_status status = run_table(&run, kit_file_checks, FINDING_FILE, "");
    if (status == RONDO_OK && is_usable(&run)) {
        status = check_contents(&run);
    }
    report->seconds = child_clock() - start;
    return status;
}
