/* cli/schema_option.h: an option as JSON Schema: type, range, choices, default, help. */
#ifndef RONDO_CLI_SCHEMA_OPTION_H
#define RONDO_CLI_SCHEMA_OPTION_H

#include "cli/json_builder.h"

json_t *option_schema(struct json_builder *builder, const rondo_option *option);

#endif
