/* experiment/plugin_files.h: the key `plugins` of an experiment: plug-in files to load first.
 *
 *     plugins: [./my_optimizer.so, /opt/losses.so]
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_PLUGIN_FILES_H
#define RONDO_EXPERIMENT_PLUGIN_FILES_H

#include "experiment/plugin_section.h"

/* Loads the files under `plugins` of the experiment `root`. The files of --plugin have been loaded by the session: one
 * with the same name replaces a file of the list, which may have been moved; the others are added to the list, so that
 * the run can be repeated and used without the flag. Files that cannot be loaded are reported to `unloaded`, all other
 * mistakes to the reader's errors; they may be the same. */
void plugin_files_read(const struct plugin_reader *reader, struct yaml_node *root, struct errors *unloaded);

#endif
