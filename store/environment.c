#define _POSIX_C_SOURCE 200809L
#include "store/environment.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "config.h"
#include "io/file.h"
#include "io/json.h"

#define PLUGIN_MAX_BYTES ((size_t)1 << 30)

static json_t *plugin_to_json(const struct loaded_plugin *plugin) {
    struct arena *arena = arena_create();
    struct errors ignored = {0}; /* a file that has gone has no hash; that is what the record says */
    char *bytes;
    size_t length;
    char hash_text[17] = "";
    if (arena != NULL &&
        file_read(plugin->file, PLUGIN_MAX_BYTES, arena, &bytes, &length, (struct location){0}, &ignored) == RONDO_OK) {
        uint64_t hash = 0xcbf29ce484222325u;
        for (size_t i = 0; i < length; i++) {
            hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3u;
        }
        snprintf(hash_text, sizeof hash_text, "%016" PRIx64, hash);
    }
    errors_free(&ignored);
    arena_destroy(arena);
    return json_pack("{s:s, s:s, s:s, s:o, s:s}", "name", plugin->name, "version", plugin->version, "licence",
                     plugin->licence, "file", json_text(plugin->file), "fnv1a", hash_text);
}

static json_t *plugins_to_json(const struct loader *loader) {
    json_t *list = json_array();
    struct loaded_plugin plugin;
    for (int32_t i = 0; list != NULL && loader_plugin(loader, i, &plugin); i++) {
        if (json_array_append_new(list, plugin_to_json(&plugin)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

char *environment_text(const struct loader *loader, int32_t threads, int64_t seed) {
    struct utsname system = {0};
    uname(&system);
    char started[32] = "";
    const time_t seconds = time(NULL);
    struct tm utc;
    if (gmtime_r(&seconds, &utc) != NULL) {
        strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    char abi[32];
    snprintf(abi, sizeof abi, "%u.%u", RONDO_ABI_MAJOR, RONDO_ABI_MINOR);
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:s, s:o}", "rondo", RONDO_VERSION, "abi", abi,
                             "compiler", __VERSION__, "system", system.sysname, "release", system.release, "machine",
                             system.machine, "threads", (int)threads, "seed", (json_int_t)seed, "started", started,
                             "plugins", plugins_to_json(loader));
    char *text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    return text;
}
