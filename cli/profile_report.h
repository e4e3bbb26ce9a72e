/* cli/profile_report.h: what `rondo train --profile` prints. */
#ifndef RONDO_CLI_PROFILE_REPORT_H
#define RONDO_CLI_PROFILE_REPORT_H

#include "train/profile.h"

/* A table on standard error: seconds and share of each stage, and, below forward and backward, those of each layer. */
void profile_print(const struct profile *profile, int32_t threads);

/* {"threads": 2, "stages": {"update": …}, "layers": [{"forward": {"before": …, "loop": …, "after": …}, "backward": …}]},
 * in seconds. NULL: out of memory. The caller owns it. */
struct json_t *profile_json(const struct profile *profile, int32_t threads);

#endif
