/* kit/report.c: see kit/report.h. */
#include "kit/report.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/kind.h"
#include "io/json.h"
#include "kit/explain.h"

struct report report_create(const char *file, struct arena *arena) {
    return (struct report){.file = file, .arena = arena};
}

rondo_status report_add(struct report *report, const struct finding *finding, struct errors *errors) {
    if (report->count == report->capacity) {
        const int32_t capacity = report->capacity == 0 ? 64 : 2 * report->capacity;
        struct finding *findings = arena_calloc(report->arena, (size_t)capacity, sizeof *findings);
        if (findings == NULL) {
            return errors_no_memory(errors);
        }
        if (report->count > 0) {
            memcpy(findings, report->findings, (size_t)report->count * sizeof *findings);
        }
        report->findings = findings;
        report->capacity = capacity;
    }
    report->findings[report->count++] = *finding;
    report->counts[finding->verdict]++;
    return RONDO_OK;
}

/* The names of verdicts in a line, and in JSON. */
static const struct {
    const char *mark, *word;
} verdicts[] = {[VERDICT_PASS] = {"ok", "passed"},
                [VERDICT_WARNING] = {"warn", "warning"},
                [VERDICT_FAIL] = {"FAIL", "failed"},
                [VERDICT_SKIPPED] = {"skip", "skipped"}};

/* ---- lines ---- */

static const char *kind_text(const struct finding *finding) {
    return finding->kind == FINDING_FILE ? "file" : kind_name(finding->kind);
}

static int is_of_same(const struct finding *a, const struct finding *b) {
    return a->kind == b->kind && strcmp(a->name, b->name) == 0;
}

const char *report_line(const struct report *report, int32_t index) {
    const struct finding *finding = &report->findings[index];
    const char *heading = "", *hint = "";
    if (index == 0 || !is_of_same(finding, finding - 1)) {
        heading = finding->kind == FINDING_FILE
                      ? arena_printf(report->arena, "%s\n", report->file)
                      : arena_printf(report->arena, "%s %s\n", kind_text(finding), finding->name);
    }
    if (finding->verdict == VERDICT_FAIL || finding->verdict == VERDICT_WARNING) {
        hint = arena_printf(report->arena, "; rondo plugin check --explain %s", finding->check);
    }
    if (heading == NULL || hint == NULL) {
        return NULL;
    }
    return arena_printf(report->arena, "%s  %-5s %s%s%s%s", heading, verdicts[finding->verdict].mark, finding->check,
                        finding->reason[0] == '\0' ? "" : ": ", finding->reason, hint);
}

const char *report_last_line(const struct report *report) {
    const int32_t *counts = report->counts;
    return arena_printf(report->arena, "%s: %d passed, %d warning%s, %d FAILED, %d skipped, %.1f s", report->file,
                        (int)counts[VERDICT_PASS], (int)counts[VERDICT_WARNING],
                        counts[VERDICT_WARNING] == 1 ? "" : "s", (int)counts[VERDICT_FAIL],
                        (int)counts[VERDICT_SKIPPED], report->seconds);
}

/* ---- JSON ---- */

static json_t *finding_json(const struct finding *finding) {
    return json_pack("{s:s, s:o, s:s, s:s, s:o, s:o, s:f}", "kind", kind_text(finding), "name",
                     json_text(finding->name), "check", finding->check, "verdict", verdicts[finding->verdict].word,
                     "reason", json_text(finding->reason), "doc", json_sprintf(CHECK_PAGE "#%s", finding->check),
                     "seconds", finding->seconds);
}

json_t *report_json(const struct report *report) {
    json_t *checks = json_array();
    for (int32_t i = 0; i < report->count; i++) {
        json_array_append_new(checks, finding_json(&report->findings[i]));
    }
    return json_pack("{s:o, s:o, s:i, s:i, s:i, s:i, s:f, s:o}", "file", json_text(report->file), "error",
                     report->error == NULL ? json_null() : json_text(report->error), "passed",
                     (int)report->counts[VERDICT_PASS], "warnings", (int)report->counts[VERDICT_WARNING], "failed",
                     (int)report->counts[VERDICT_FAIL], "skipped", (int)report->counts[VERDICT_SKIPPED], "seconds",
                     report->seconds, "checks", checks);
}
