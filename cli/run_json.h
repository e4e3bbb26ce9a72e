/* cli/run_json.h: runs and groups of runs as JSON. */
#ifndef RONDO_CLI_RUN_JSON_H
#define RONDO_CLI_RUN_JSON_H

#include "cli/json_builder.h"
#include "store/seed_groups.h"

/* Everything that is known of a run: {"run": …, "state": …, "values": {key: text}, "scores": {name: number}, …}. Unknown is null. */
json_t *run_json(struct json_builder *builder, const struct run_summary *run);
/* {"folder": …, "varies": {…}, "metric": …, "mean": …, "deviation": …, "count": …, "runs": […]} */
json_t *seed_group_json(struct json_builder *builder, const struct seed_group *group);

#endif
