/* kit/run_checks.c: see kit/run_checks.h. */
#include "kit/run_checks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kit/child.h"
#include "kit/explain.h"
#include "kit/guard.h"

/* Checks of one descriptor that ended their process in the same way. The first is reported in full, the others together
 * in one line. */
enum { MOST_ENDS = 8 };
struct ending {
    const char *reason, *check; /* of the first check */
    const char *others;         /* "writes_all, finite" */
    int count;                  /* the number of the others */
    double seconds;
};

/* All checks of one file. */
struct file_run {
    const struct check_settings *settings;
    struct report *report;
    const char *file;
    struct errors *errors;
    int has_printed; /* 1: printed text has been reported for the current descriptor */
    int has_looped;  /* 1: a check of the current descriptor did not end */
    uint32_t kinds;  /* kinds of the descriptors in the file: bit number kind */
    struct ending repeats[MOST_ENDS];
    int n_repeats;
    char *note; /* of guard_share_note; NULL: none */
};

/* The work of one child: `check` on the descriptor (kind, name), or on the file. */
struct check_job {
    const struct file_run *run;
    const struct kit_check *check;
    int32_t kind; /* FINDING_FILE: the file */
    const char *name;
};

/* ---- in the child ---- */

/* The descriptor with the file loaded; NULL with errors. */
static const rondo_descriptor *load_descriptor(const struct check_job *job, struct kit *kit) {
    const struct session *session = job->run->settings->session;
    const struct location nowhere = {0};
    if (loader_load(session->loader, session->registry, kit->file, nowhere, kit->errors) != RONDO_OK) {
        return NULL;
    }
    const rondo_descriptor *descriptor = registry_find(session->registry, job->kind, job->name);
    if (descriptor == NULL) {
        errors_add(kit->errors, RONDO_NOT_FOUND, "descriptor '%s' is missing when the file is loaded again", job->name);
    }
    return descriptor;
}

/* The answer is one character for the verdict, then the reason. */
static size_t run_check(void *arg, char *answer, size_t size) {
    const struct check_job *job = arg;
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
        snprintf(reason, size - 1, "out of memory");
    } else if (job->kind != FINDING_FILE && (descriptor = load_descriptor(job, &kit)) == NULL) {
        snprintf(reason, size - 1, "%s", errors_text(&errors, 0));
    } else {
        registry_set_log(kit.registry, settings->log); /* after loading, which Rondo itself would log at every check */
        verdict = run_kit_check(job->check, &kit, descriptor, reason, size - 1);
    }
    answer[0] = (char)('0' + verdict);
    reason[size - 2] = '\0';
    return 1 + strlen(reason);
}

/* Kind and name of each descriptor in the file, "0 relu\n1 adam\n"; or "!" and why it does not load. */
static size_t list_descriptors(void *arg, char *answer, size_t size) {
    static const rondo_descriptor *const nothing[] = {NULL};
    const struct file_run *run = arg;
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

static rondo_status add_finding(struct file_run *run, const struct finding *finding) {
    RONDO_TRY(report_add(run->report, finding, run->errors));
    if (run->settings->found != NULL) {
        run->settings->found(run->settings->arg, run->report, run->report->count - 1);
    }
    return RONDO_OK;
}

/* Printed text is reported once per descriptor, unless the check had a worse result. */
static rondo_status add_printed(struct file_run *run, const struct check_job *job,
                                const struct child_outcome *outcome) {
    if (run->has_printed || outcome->end != CHILD_ANSWERED || outcome->printed[0] == '\0') {
        return RONDO_OK;
    }
    run->has_printed = 1;
    struct arena *arena = run->report->arena;
    const char *text = child_printed_text(outcome, arena);
    const char *reason =
        text == NULL ? NULL : arena_printf(arena, "while '%s' ran, it printed %s", job->check->name, text);
    const struct finding finding = {job->kind, job->name, "prints", VERDICT_WARNING, reason, 0};
    return reason == NULL ? errors_no_memory(run->errors) : add_finding(run, &finding);
}

/* How the child ended, and, if it crashed at a buffer, which one. */
static const char *end_text(const struct file_run *run, const struct child_outcome *outcome) {
    const char *text = child_end_text(outcome, run->report->arena);
    return text == NULL || run->note == NULL || run->note[0] == '\0'
               ? text
               : arena_printf(run->report->arena, "%s; it %s", text, run->note);
}

/* 1 if a check of this descriptor has already ended in the same way; report_repeats then reports this one. */
static int is_repeat(struct file_run *run, const struct finding *finding) {
    struct ending *repeat = run->repeats;
    while (repeat < run->repeats + run->n_repeats && strcmp(repeat->reason, finding->reason) != 0) {
        repeat++;
    }
    if (repeat == run->repeats + run->n_repeats) {
        if (run->n_repeats < MOST_ENDS) {
            run->n_repeats++;
            *repeat = (struct ending){.reason = finding->reason, .check = finding->check, .others = ""};
        }
        return 0;
    }
    const char *others =
        arena_printf(run->report->arena, "%s%s%s", repeat->others, repeat->count == 0 ? "" : ", ", finding->check);
    repeat->others = others == NULL ? repeat->others : others;
    repeat->count++;
    repeat->seconds += finding->seconds;
    return 1;
}

/* Called after the last check of a descriptor. */
static rondo_status report_repeats(struct file_run *run, int32_t kind, const char *name) {
    for (int i = 0; i < run->n_repeats; i++) {
        const struct ending *repeat = &run->repeats[i];
        if (repeat->count > 0) {
            const char *reason = arena_printf(run->report->arena, "… and %d more check%s the same way: %s",
                                              repeat->count, repeat->count == 1 ? " ends" : "s end", repeat->others);
            const struct finding finding = {kind, name, repeat->check, VERDICT_FAIL, reason, repeat->seconds};
            RONDO_TRY(reason == NULL ? errors_no_memory(run->errors) : add_finding(run, &finding));
        }
    }
    run->n_repeats = 0;
    return RONDO_OK;
}

static rondo_status run_job(struct file_run *run, const struct check_job *job, enum verdict *verdict) {
    struct arena *arena = run->report->arena;
    struct child_outcome outcome;
    if (run->note != NULL) {
        run->note[0] = '\0';
    }
    RONDO_TRY(child_run(run_check, (void *)job, run->settings->seconds, &outcome, arena, run->errors));
    struct finding finding = {job->kind, job->name, job->check->name, VERDICT_FAIL, NULL, outcome.seconds};
    if (outcome.end == CHILD_TIMED_OUT) {
        run->has_looped = 1;
        const char *text = child_end_text(&outcome, arena);
        finding.reason =
            text == NULL
                ? NULL
                : arena_printf(arena, "%s; --seconds sets a longer limit; later checks of this descriptor were not run",
                               text);
    } else if (outcome.end != CHILD_ANSWERED) {
        finding.reason = end_text(run, &outcome);
        if (finding.reason != NULL && is_repeat(run, &finding)) {
            *verdict = VERDICT_FAIL;
            return RONDO_OK;
        }
    } else if (outcome.answer_size >= 1 && outcome.answer[0] >= '0' && outcome.answer[0] <= '0' + VERDICT_SKIPPED) {
        finding.verdict = (enum verdict)(outcome.answer[0] - '0');
        finding.reason = outcome.answer + 1;
    } else {
        finding.reason = "overwrote the memory of the check: its answer cannot be read";
    }
    if (finding.reason == NULL) {
        return errors_no_memory(run->errors);
    }
    *verdict = finding.verdict;
    if (finding.verdict == VERDICT_SKIPPED && finding.reason[0] == '\0' && run->settings->only[0] != NULL) {
        finding.reason = "it does not apply here"; /* --only names this check, so it is reported */
    }
    if (finding.verdict != VERDICT_SKIPPED || finding.reason[0] != '\0') {
        RONDO_TRY(add_finding(run, &finding));
    }
    return add_printed(run, job, &outcome);
}

static int is_wanted(const struct file_run *run, const struct kit_check *check) {
    const char *const *only = run->settings->only;
    int is_named = *only == NULL;
    for (; *only != NULL; only++) {
        is_named |= strcmp(*only, check->name) == 0;
    }
    return is_named;
}

/* Runs the checks of a table. */
static rondo_status run_table(struct file_run *run, const struct kit_check *table, int32_t kind, const char *name) {
    for (const struct kit_check *check = table; check->name != NULL; check++) {
        const struct check_job job = {run, check, kind, name};
        enum verdict verdict = VERDICT_PASS;
        if (is_wanted(run, check)) {
            RONDO_TRY(run_job(run, &job, &verdict));
        }
        if (run->has_looped || (verdict == VERDICT_FAIL && strcmp(check->name, "loads") == 0)) {
            break; /* later checks would have the same result, and take as long */
        }
    }
    return RONDO_OK;
}

/* Checks one descriptor; `line` is "1 adam", in the report's arena. */
static rondo_status check_descriptor(struct file_run *run, const char *line) {
    char *name;
    const long kind = strtol(line, &name, 10);
    if (kind < 0 || kind >= RONDO_KIND_COUNT || *name != ' ') {
        return errors_bug(run->errors, __FILE__, __LINE__, "the list of descriptors has kinds and names");
    }
    run->has_printed = run->has_looped = 0;
    run->kinds |= 1u << kind;
    RONDO_TRY(run_table(run, kit_option_checks, (int32_t)kind, name + 1));
    if (!run->has_looped) {
        RONDO_TRY(run_table(run, checks_of_kind((int32_t)kind).checks, (int32_t)kind, name + 1));
    }
    return report_repeats(run, (int32_t)kind, name + 1);
}

static rondo_status check_descriptors(struct file_run *run, const char *list) {
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

/* Without this error, a check of --only that no descriptor of the file has would pass silently. */
static rondo_status check_asked(const struct file_run *run) {
    rondo_status status = RONDO_OK;
    for (const char *const *only = run->settings->only; *only != NULL; only++) {
        int is_there = table_has(kit_file_checks, *only) || (run->kinds != 0 && table_has(kit_option_checks, *only));
        for (int32_t kind = 0; kind < RONDO_KIND_COUNT; kind++) {
            is_there |= (run->kinds >> kind & 1) != 0 && table_has(checks_of_kind(kind).checks, *only);
        }
        if (!is_there) {
            status = errors_add(run->errors, RONDO_INVALID,
                                "no descriptor of '%s' has the check '%s', expected a check that 'rondo plugin check' "
                                "without --only prints for it",
                                run->file, *only);
        }
    }
    return status;
}

/* Runs the checks of the file. 0 if one failed whose failure means that the file cannot be used. */
static int is_usable(const struct file_run *run) {
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

/* A failure of `loads` is reported even if --only does not name this check. */
static rondo_status check_contents(struct file_run *run) {
    struct child_outcome outcome;
    struct arena *arena = run->report->arena;
    RONDO_TRY(child_run(list_descriptors, run, run->settings->seconds, &outcome, arena, run->errors));
    const int has_list = outcome.end == CHILD_ANSWERED && outcome.answer[0] != '!';
    if (has_list) {
        RONDO_TRY(check_descriptors(run, outcome.answer));
        return check_asked(run);
    }
    const char *reason = outcome.end == CHILD_ANSWERED ? outcome.answer + 1 : child_end_text(&outcome, arena);
    const struct finding finding = {FINDING_FILE, "", "loads", VERDICT_FAIL, reason, outcome.seconds};
    return reason == NULL ? errors_no_memory(run->errors) : add_finding(run, &finding);
}

/* ---- before anything runs ---- */

/* If the file is not a shared object, the user probably mistyped its name, so this is not a failed check. */
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

rondo_status run_checks(const char *file, const struct check_settings *settings, struct report *report,
                        struct errors *errors) {
    struct file_run run = {
        .settings = settings, .report = report, .file = file, .errors = errors, .note = guard_share_note()};
    const double start = child_clock();
    RONDO_TRY(check_is_elf(file, errors));
    rondo_status status = run_table(&run, kit_file_checks, FINDING_FILE, "");
    if (status == RONDO_OK) {
        status = report_repeats(&run, FINDING_FILE, "");
    }
    if (status == RONDO_OK && is_usable(&run)) {
        status = check_contents(&run);
    }
    report->seconds = child_clock() - start;
    return status;
}
