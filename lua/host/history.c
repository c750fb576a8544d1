#include "history.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <readline/history.h>

/* The file is cut back to so many entries once it has an eighth more. */
#define ENTRIES 5000

static char *path; /* NULL: history is not kept */

/* Makes the directories above `file`; whether that worked shows when the file is opened. */
static void make_directories(char *file)
{
    for (char *p = file + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            mkdir(file, 0700);
            *p = '/';
        }
}

static void find_path(void)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int n = -1;

    if (state && *state == '/')
        n = asprintf(&path, "%s/damlua/history", state);
    else if (home && *home)
        n = asprintf(&path, "%s/.local/state/damlua/history", home);
    if (n < 0)
        path = NULL;
    else
        make_directories(path);
}

/* The entry as a line of the file, newline included, for the caller to free. NULL: no memory. */
static char *encode(const char *entry)
{
    char *line = malloc(2 * strlen(entry) + 2), *to = line;

    for (; line && *entry; entry++) {
        if (*entry == '\n' || *entry == '\\')
            *to++ = '\\';
        *to++ = *entry == '\n' ? 'n' : *entry;
    }
    if (line)
        strcpy(to, "\n");
    return line;
}

/* A line of the file, without its newline, as the entry, in place. */
static void decode(char *line)
{
    char *to = line;

    for (const char *from = line; *from; from++) {
        if (*from == '\\' && from[1])
            from++, *to++ = *from == 'n' ? '\n' : *from;
        else
            *to++ = *from;
    }
    *to = 0;
}

/*
 * Opens the file and locks it; -1 when that cannot be. Another prompt may have replaced it between
 * the two: what counts is the one that has the name.
 */
static int open_locked(void)
{
    for (int attempt = 0; path && attempt < 10; attempt++) {
        struct stat here, there;
        int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
            return -1;
        if (flock(fd, LOCK_EX) == 0 && fstat(fd, &here) == 0 && stat(path, &there) == 0 &&
            here.st_ino == there.st_ino && here.st_dev == there.st_dev)
            return fd;
        close(fd);
    }
    return -1;
}

/* All of the file with a final zero, for the caller to free; NULL when it cannot be read. */
static char *read_file(int fd, size_t *size)
{
    struct stat s;
    char *text = NULL;
    ssize_t n = 0;

    *size = 0;
    if (fstat(fd, &s) == 0)
        text = malloc((size_t)s.st_size + 1);
    while (text && *size < (size_t)s.st_size &&
           (n = pread(fd, text + *size, (size_t)s.st_size - *size, (off_t)*size)) > 0)
        *size += (size_t)n;
    if (text)
        text[*size] = 0;
    return text;
}

/* Whether all was written. */
static bool write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, text, size);
        if (n <= 0)
            return false;
        text += n;
        size -= (size_t)n;
    }
    return true;
}

/* Replaces the locked file by a new one, which is there as a whole or not at all. */
static void replace_file(const char *text, size_t size, const char *line)
{
    char *name;
    int fd;
    bool written;

    if (asprintf(&name, "%s.%ld", path, (long)getpid()) < 0)
        return;
    fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0) {
        written = write_all(fd, text, size) &&
                  (size == 0 || text[size - 1] == '\n' || write_all(fd, "\n", 1)) &&
                  write_all(fd, line, strlen(line));
        if (close(fd) != 0 || !written || rename(name, path) != 0)
            unlink(name);
    }
    free(name);
}

/* Removes every line equal to `line` from the text; the new size. `count` is that of the lines. */
static size_t remove_line(char *text, size_t size, const char *line, size_t *count)
{
    size_t length = strlen(line), kept = 0;

    *count = 0;
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t n = end ? (size_t)(end - text) + 1 - at : size - at;
        if (n != length || memcmp(text + at, line, n) != 0) {
            memmove(text + kept, text + at, n);
            kept += n;
            ++*count;
        }
        at += n;
    }
    return kept;
}

/* Where the last `n` of `count` lines begin. */
static size_t skip_lines(const char *text, size_t size, size_t count, size_t n)
{
    size_t at = 0;

    for (; count > n && at < size; count--) {
        const char *end = memchr(text + at, '\n', size - at);
        at = end ? (size_t)(end - text) + 1 : size;
    }
    return at;
}

/* A torn last line, of a prompt that was killed, ends before the new entry begins. */
static void add_to_file(const char *line)
{
    int fd = open_locked();
    size_t size = 0, kept, count, from = 0;
    char *text = fd >= 0 ? read_file(fd, &size) : NULL;

    if (text) {
        bool torn = size > 0 && text[size - 1] != '\n';
        kept = remove_line(text, size, line, &count);
        if (count > ENTRIES + ENTRIES / 8)
            from = skip_lines(text, kept, count, ENTRIES);
        if (kept != size || from > 0)
            replace_file(text + from, kept - from, line);
        else if (!torn || write_all(fd, "\n", 1))
            write_all(fd, line, strlen(line));
        free(text);
    }
    if (fd >= 0)
        close(fd);
}

void dam_history_open(void)
{
    int fd;
    size_t size;
    char *text = NULL, *rest, *line;

    find_path();
    fd = open_locked();
    if (fd >= 0) {
        text = read_file(fd, &size);
        close(fd);
    }
    for (line = text ? strtok_r(text, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest)) {
        decode(line);
        add_history(line);
    }
    free(text);
    stifle_history(ENTRIES);
    using_history();
}

/* Takes an earlier entry of the same text out of readline's list. */
static void forget(const char *entry)
{
    HIST_ENTRY **list = history_list();

    for (int i = history_length - 1; list && i >= 0; i--)
        if (strcmp(list[i]->line, entry) == 0) {
            free_history_entry(remove_history(i));
            return;
        }
}

void dam_history_add(const char *entry)
{
    char *line;

    if (!entry[strspn(entry, " \t\n")])
        return;
    forget(entry);
    add_history(entry);
    line = encode(entry);
    if (line)
        add_to_file(line);
    free(line);
}
