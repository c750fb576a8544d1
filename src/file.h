/*
 * Files that are complete or not there at all: what is saved goes to a temporary file beside the
 * target, is flushed to the disk and renamed over it, so that a full disk, a kill or a power cut
 * leaves the old file or the new one, never a torn one.
 */
#ifndef DAM_FILE_H
#define DAM_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/* Writes the content to `fd`; false with errno set when that fails. */
typedef bool (*dam_file_writer)(int fd, void *context);

/*
 * Makes or replaces the file `path` with what `write` writes. An existing file keeps its
 * permissions, a link stays a link, a device or pipe is written through.
 */
dam_status dam_file_save(const char *path, dam_file_writer write, void *context, dam_error *e);

/* All of `size` bytes; false with errno set. */
bool dam_write_all(int fd, const void *data, size_t size);

#endif
