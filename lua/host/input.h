/*
 * Lines from the user: readline with a history file on a terminal, plain lines elsewhere. Waiting
 * for a line is interrupted by signals without a race: they are blocked except while waiting.
 */
#ifndef DAM_HOST_INPUT_H
#define DAM_HOST_INPUT_H

#include <stdbool.h>

typedef enum {
    DAM_INPUT_LINE,
    DAM_INPUT_END,
    DAM_INPUT_INTERRUPTED, /* the interrupt flag is up */
} dam_input_kind;

/* Prepares readline and reads the history file. */
void dam_input_open(void);

/* Reads one line; on DAM_INPUT_LINE `*line` is its text without the newline, for the caller to
 * free. */
dam_input_kind dam_input_read(const char *prompt, char **line);

/* Adds a complete entry, of several lines perhaps, to the history and its file. */
void dam_input_remember(const char *entry);

/* Whether lines come from a terminal. */
bool dam_input_is_terminal(void);

/* The version of readline. */
const char *dam_input_version(void);

#endif
