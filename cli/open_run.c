#include "cli/open_run.h"

struct run_record_settings open_run_settings(const struct common_flags *common, const char *folder) {
    return (struct run_record_settings){.folder = folder, .best = common->best, .best_where = {.file = "--best"}};
}

struct task *open_run(const struct run_record_settings *settings, struct session *session, int json,
                      struct errors *errors) {
    struct errors changes = {0};
    struct task *task = run_record_open(settings, session, errors);
    if (task != NULL) {
        run_record_changes(settings->folder, task, settings->which, &changes);
        report_warnings(&changes, json);
    }
    return task;
}
