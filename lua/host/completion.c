#include "completion.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <readline/readline.h>

#include "../embedded.h"
#include "modules.h"
#include "prompt.h"

/* Entries of a folder looked at. */
#define FOLDER_ENTRIES 10000

/* More candidates than this are shown only when asked. */
#define ASK_ABOVE 200

/* What ends a word of Lua to the left, and what a string in it. */
static const char word_breaks[] = " \t\n\"\\'`@$><=;|&{}()[].,:+-*/%^#~!?";
static const char string_breaks[] = "\"'[\n";

static lua_State *state;
static const char *text_before;
static char host_key; /* its address is the key of the table of lists in the registry */

/* What dam.prompt.complete found last. */
static enum { NOTHING, WORDS, STRINGS, FILES } kind;
static char **candidates; /* with a first place for the common part; NULL when there are none */

/* ---- lists for Lua ---- */

static int list_modules(lua_State *L)
{
    lua_Integer n = 0;

    lua_newtable(L);
    for (const dam_embedded_module *m = dam_embedded; m->name; m++) {
        lua_pushstring(L, m->name);
        lua_seti(L, -2, ++n);
    }
    return 1;
}

static int list_folder(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    DIR *folder;

    lua_newtable(L);
    folder = opendir(*name ? name : ".");
    for (lua_Integer n = 0; folder && n < FOLDER_ENTRIES;) {
        const struct dirent *entry = readdir(folder);
        if (!entry)
            break;
        if (entry->d_name[0] == '.')
            continue;
        lua_pushstring(L, entry->d_name);
        lua_seti(L, -2, ++n);
    }
    if (folder)
        closedir(folder);
    return 1;
}

static int push_path(lua_State *L)
{
    lua_pushstring(L, dam_modules_beside_path());
    return 1;
}

/* ---- asking Lua ---- */

static void forget_candidates(void)
{
    for (char **c = candidates ? candidates + 1 : NULL; c && *c; c++)
        free(*c);
    free(candidates);
    candidates = NULL;
}

/* Keeps the list of strings on top of the stack. */
static void take_candidates(lua_State *L)
{
    lua_Integer n = luaL_len(L, -1);
    size_t count = 1;

    if (n < 1)
        return;
    candidates = calloc((size_t)n + 2, sizeof *candidates);
    for (lua_Integer i = 1; candidates && i <= n; i++) {
        lua_geti(L, -1, i);
        candidates[count] = strdup(luaL_checkstring(L, -1));
        count += candidates[count] != NULL;
        lua_pop(L, 1);
    }
}

static int ask(lua_State *L)
{
    const char *answer;

    dam_prompt_push_function(L, "complete");
    lua_pushfstring(L, "%s%s", text_before ? text_before : "", text_before ? "\n" : "");
    lua_pushlstring(L, rl_line_buffer, (size_t)rl_point);
    lua_concat(L, 2);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &host_key);
    lua_call(L, 2, 3); /* kind, start, candidates */
    answer = luaL_checkstring(L, -3);
    take_candidates(L);
    kind = strcmp(answer, "word") == 0     ? WORDS
           : strcmp(answer, "string") == 0 ? STRINGS
           : strcmp(answer, "file") == 0   ? FILES
                                           : NOTHING;
    return 0;
}

/* readline asks here where the word begins, so this comes first. */
static char *find_breaks(void)
{
    lua_State *L = state;
    int top = lua_gettop(L);

    forget_candidates();
    kind = NOTHING;
    if (!lua_checkstack(L, LUA_MINSTACK))
        return (char *)word_breaks;
    lua_gc(L, LUA_GCSTOP);
    lua_pushcfunction(L, ask);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK)
        forget_candidates();
    lua_settop(L, top);
    lua_gc(L, LUA_GCRESTART);
    return (char *)(kind == STRINGS || kind == FILES ? string_breaks : word_breaks);
}

/* ---- answering readline ---- */

/* The longest beginning that all of a list share. */
static char *common_part(char *const *list)
{
    size_t n = strlen(list[0]);

    for (char *const *c = list + 1; *c; c++)
        for (size_t i = 0; i < n; i++)
            if ((*c)[i] != list[0][i])
                n = i;
    return strndup(list[0], n);
}

/* The quote that a string before `start` opened with; none for long brackets. */
static int closing_quote(int start)
{
    char c = start > 0 ? rl_line_buffer[start - 1] : 0;

    return c == '"' || c == '\'' ? c : 0;
}

static char **attempt(const char *text, int start, int end)
{
    char **found = candidates;

    (void)end;
    rl_attempted_completion_over = 1;
    rl_completion_append_character = kind == WORDS ? 0 : closing_quote(start);
    if (kind == FILES) {
        rl_filename_completion_desired = 1;
        rl_filename_quoting_desired = 0;
        return rl_completion_matches(text, rl_filename_completion_function);
    }
    candidates = NULL; /* readline frees them */
    if (!found)
        return NULL;
    if (found[2])
        found[0] = common_part(found + 1);
    else {
        found[0] = found[1];
        found[1] = NULL;
    }
    return found;
}

/* Tab: indents where nothing but blanks stands before the cursor on its line, else completes. */
static int complete_or_indent(int count, int key)
{
    int at = rl_point;

    (void)count;
    (void)key;
    while (at > 0 && (rl_line_buffer[at - 1] == ' ' || rl_line_buffer[at - 1] == '\t'))
        at--;
    if ((at == 0 && (text_before || rl_point > 0)) || (at > 0 && rl_line_buffer[at - 1] == '\n'))
        return rl_insert_text("  ") < 0;
    return rl_complete_internal(rl_completion_mode(complete_or_indent));
}

static void bind_in(Keymap map)
{
    if (rl_function_of_keyseq("\t", map, NULL) == rl_complete)
        rl_bind_key_in_map('\t', complete_or_indent, map);
}

void dam_completion_open(lua_State *L)
{
    static const luaL_Reg lists[] = {
        {"modules", list_modules}, {"list", list_folder}, {"path", push_path}, {NULL, NULL}};

    state = L;
    luaL_newlib(L, lists);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &host_key);
    rl_completion_query_items = ASK_ABOVE;
    rl_completion_word_break_hook = find_breaks;
    rl_attempted_completion_function = attempt;
    bind_in(rl_get_keymap_by_name("emacs-standard"));
    bind_in(rl_get_keymap_by_name("vi-insert"));
}

void dam_completion_after(const char *text)
{
    text_before = text;
}
