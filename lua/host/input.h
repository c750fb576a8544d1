/*
 * Lines from the user: readline with history and completion on a terminal, plain lines elsewhere.
 * Waiting for a line is interrupted by signals without a race: they are blocked except while
 * waiting.
 *
 * A text of several lines is one thing to edit: recalled from the history it is whole; while it is
 * being typed, the up key takes its earlier lines back into the editor. In such a block the up and
 * down keys move between lines, and Enter begins a new line as long as the text is incomplete
 * (Alt-Enter always). Keys are readline's, those of the user's inputrc included ("$if damlua").
 */
#ifndef DAM_HOST_INPUT_H
#define DAM_HOST_INPUT_H

#include <stdbool.h>

#include <lua.h>

typedef enum {
    DAM_INPUT_LINE,
    DAM_INPUT_WHOLE, /* a continuation line was edited together with what came before it */
    DAM_INPUT_END,
    DAM_INPUT_INTERRUPTED, /* the interrupt flag is up */
} dam_input_kind;

/* Prepares readline and reads the history file. `incomplete` tells whether a text needs more lines.
 */
void dam_input_open(lua_State *L, bool (*incomplete)(lua_State *L, const char *text));

/*
 * Reads one line; `before` are the lines of the same text that came earlier, NULL for none. On
 * DAM_INPUT_LINE and DAM_INPUT_WHOLE `*line` is the text without the last newline, for the caller
 * to free; in the second case it replaces `before`.
 */
dam_input_kind dam_input_read(const char *before, char **line);

/* Adds a complete entry, of several lines perhaps, to the history and its file. */
void dam_input_remember(const char *entry);

/* Whether lines come from a terminal. */
bool dam_input_is_terminal(void);

/* The version of readline. */
const char *dam_input_version(void);

#endif
