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

/* The hash of a file as text, "" if it cannot be read, and its size. */
struct file_print {
    char hash[17];
    int64_t bytes;
};

static struct file_print print_of(const char *file) {
    struct file_print print = {"", 0};
    struct errors ignored = {0};
    uint64_t hash;
    if (file_hash(file, &print.bytes, &hash, &ignored) == RONDO_OK) {
        snprintf(print.hash, sizeof print.hash, "%016" PRIx64, hash);
    }
    errors_free(&ignored);
    return print;
}

static json_t *plugin_to_json(const struct loaded_plugin *plugin) {
    return json_pack("{s:s, s:s, s:s, s:o, s:s}", "name", plugin->name, "version", plugin->version, "licence",
                     plugin->licence, "file", json_text(plugin->file), "fnv1a", print_of(plugin->file).hash);
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

static json_t *data_to_json(const struct data_file *files) {
    json_t *data = json_object();
    for (; data != NULL && files->part != NULL; files++) {
        const struct file_print print = print_of(files->file);
        if (print.hash[0] == '\0') {
            continue;
        }
        json_t *entry = json_pack("{s:o, s:I, s:s}", "file", json_text(files->file), "bytes", (json_int_t)print.bytes,
                                  "fnv1a", print.hash);
        if (json_object_set_new(data, files->part, entry) != 0) {
            json_decref(data);
            return NULL;
        }
    }
    return data;
}

char *environment_text(const struct loader *loader, const struct data_file *files, int32_t threads, int64_t seed) {
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
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:s, s:o, s:o}", "rondo", RONDO_VERSION, "abi",
                             abi, "compiler", __VERSION__, "system", system.sysname, "release", system.release,
                             "machine", system.machine, "threads", (int)threads, "seed", (json_int_t)seed, "started",
                             started, "data", data_to_json(files), "plugins", plugins_to_json(loader));
    char *text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    return text;
}

static void compare(const json_t *recorded, const struct data_file *file, struct errors *changes) {
    const char *hash = json_string_value(json_object_get(recorded, "fnv1a"));
    const json_int_t bytes = json_integer_value(json_object_get(recorded, "bytes"));
    if (hash == NULL) {
        return;
    }
    const struct file_print now = print_of(file->file);
    if (now.hash[0] != '\0' && strcmp(now.hash, hash) != 0) {
        errors_add_at(changes, RONDO_INVALID, (struct location){.file = file->file},
                      "data.%s has changed since the run was trained: it had %lld bytes and has %lld%s", file->part,
                      (long long)bytes, (long long)now.bytes, bytes == now.bytes ? ", with other contents" : "");
    }
}

void environment_compare(const char *environment_file, const struct data_file *files, struct errors *changes) {
    json_error_t reason;
    json_t *root;
    if (json_parse_file(environment_file, &root, &reason) == RONDO_NO_MEMORY) {
        errors_no_memory(changes);
        return;
    }
    for (; files->part != NULL; files++) {
        compare(json_object_get(json_object_get(root, "data"), files->part), files, changes);
    }
    json_decref(root);
}
