/*
 * The history of the prompt: every entry once, the latest last, those of several lines whole. The
 * file ($XDG_STATE_HOME/damlua/history, by default ~/.local/state/damlua/history) is shared by all
 * prompts of a user: it is changed under a lock, by one append or by replacing it, so that prompts
 * running at once lose nothing of each other's. One entry is one line of the file; a newline in it
 * is written as \n, a backslash as \\.
 */
#ifndef DAM_HOST_HISTORY_H
#define DAM_HOST_HISTORY_H

/* Reads the file into readline's list. */
void dam_history_open(void);

/* Adds an entry to the list and the file. Blank entries are not kept. */
void dam_history_add(const char *entry);

#endif
