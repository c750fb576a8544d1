/*
 * Files that are complete or not there at all: what is saved goes to a temporary file beside the
 * target, is flushed to the disk and renamed over it, so that a full disk, a kill or a power cut
 * leaves the old file or the new one, never a torn one.
 *
 * Also the one door through which the engine, its database included, reaches files by name: a host
 * that runs what it does not trust puts a guard there (dam_file_confine), and everything passes it.
 */
#ifndef DAM_FILE_H
#define DAM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <sys/stat.h>

#include "error.h"

/*
 * Who decides what a name may reach. Each function is the system call of its name, or refuses: -1
 * and errno = EPERM, `refusal` being the words for it. `stat` does not follow links, of which a
 * guard has none.
 */
typedef struct {
    int (*open)(const char *path, int flags, mode_t mode);
    int (*stat)(const char *path, struct stat *out);
    int (*mkdir)(const char *path, mode_t mode);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
    const char *refusal;
} dam_file_guard;

/* From now on, for the life of the process. `guard` stays the caller's. */
void dam_file_confine(const dam_file_guard *guard);
bool dam_file_confined(void);

/* The system calls, through the guard if there is one. Files are closed on exec. */
int dam_file_open(const char *path, int flags, mode_t mode);
int dam_file_stat(const char *path, struct stat *out);
int dam_file_mkdir(const char *path, mode_t mode);
int dam_file_rename(const char *from, const char *to);
int dam_file_unlink(const char *path);

/* A stream on a file to be read; NULL and errno. */
FILE *dam_file_reader(const char *path);

/* strerror, or the guard's words for its refusal. */
const char *dam_file_reason(int error);

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
