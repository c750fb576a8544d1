/*
 * The program damlua: Lua with dam, run from a command line. This file holds the order of things:
 * options, state, -e and -l, script or verb, prompt, end. The state is always closed, so that
 * objects finalise whatever the outcome; os.exit included. LUA_INIT is not obeyed: what a script
 * computes must not depend on it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "../../src/interrupt.h"
#include "../binding.h"
#include "guards.h"
#include "input.h"
#include "interrupt.h"
#include "modules.h"
#include "options.h"
#include "prompt.h"
#include "report.h"
#include "sandbox.h"
#include "terminal.h"

#define PROGRAM "damlua"
#define EXIT_INTERRUPTED 130

/* What the protected part needs and leaves. */
typedef struct {
    const dam_host_options *options;
    int argc;
    char **argv;
    int status;
    dam_config config;
} session;

static void print_version(void)
{
    printf("damlua %s (%s, %s)\n", DAM_VERSION, LUA_RELEASE, DAM_BUILD_TYPE);
    fflush(stdout);
}

/* Prints the report on top of the stack and sets the exit status it means. */
static void fail(lua_State *L, session *s)
{
    int sig = dam_host_interrupt_signal();

    if (s->options->sandbox && dam_sandbox_explain(lua_tostring(L, -1))) {
        s->status = EXIT_FAILURE;
        if (dam_sandbox_ended(&s->status))
            dam_sandbox_explain(NULL); /* if nobody did: it was in a finaliser */
        lua_pop(L, 1);
        return;
    }
    s->status = sig && sig != SIGPIPE ? EXIT_INTERRUPTED : EXIT_FAILURE;
    if (sig == SIGPIPE)
        lua_pop(L, 1); /* whoever read our output has seen enough */
    else
        dam_report_print(L, PROGRAM);
}

/* Sets the global `arg`: the script is arg[0], what stands before it has negative indices. */
static void set_arg(lua_State *L, const session *s)
{
    int zeroth = s->options->zeroth < s->argc ? s->options->zeroth : 0;

    lua_createtable(L, s->argc - zeroth, zeroth + 1);
    for (int i = 0; i < s->argc; i++) {
        lua_pushstring(L, s->argv[i]);
        lua_rawseti(L, -2, i - zeroth);
    }
    lua_setglobal(L, "arg");
}

/* Pushes the arguments of the script and returns how many there are. */
static int push_arguments(lua_State *L, const session *s)
{
    int n = s->argc - s->options->zeroth - 1;

    if (n <= 0)
        return 0;
    luaL_checkstack(L, n, "too many arguments to script");
    for (int i = 0; i < n; i++)
        lua_pushstring(L, s->argv[s->options->zeroth + 1 + i]);
    return n;
}

/* "mod", or "global=mod". */
static int require_library(lua_State *L)
{
    const char *text = lua_tostring(L, 1);
    const char *equals = strchr(text, '=');

    lua_getglobal(L, "require");
    lua_pushstring(L, equals ? equals + 1 : text);
    lua_call(L, 1, 1);
    if (equals)
        lua_pushlstring(L, text, (size_t)(equals - text));
    else
        lua_pushstring(L, text);
    lua_insert(L, -2);
    lua_pushglobaltable(L);
    lua_insert(L, -3);
    lua_rawset(L, -3);
    return 0;
}

/* -e and -l, in the order given; stops at the first that fails. */
static bool run_actions(lua_State *L, session *s)
{
    for (int i = 0; i < s->options->count; i++) {
        const dam_host_action *a = &s->options->actions[i];
        int status;
        if (a->kind == 'e') {
            status = luaL_loadbufferx(L, a->text, strlen(a->text), "=(command line)", "t");
            if (status == LUA_OK)
                status = dam_report_call(L, 0, 0);
        } else {
            lua_pushcfunction(L, require_library);
            lua_pushstring(L, a->text);
            status = dam_report_call(L, 1, 0);
        }
        if (status != LUA_OK) {
            fail(L, s);
            return false;
        }
    }
    return true;
}

static void run_script(lua_State *L, session *s, const char *script)
{
    const char *file = strcmp(script, "-") == 0 ? NULL : script;
    int status = luaL_loadfilex(L, file, "t");

    if (status == LUA_OK && s->options->interactive && file)
        dam_prompt_keep_locals(L, file);
    if (status == LUA_OK && s->options->interactive)
        status = dam_prompt_call(L, push_arguments(L, s), 0);
    else if (status == LUA_OK)
        status = dam_report_call(L, push_arguments(L, s), 0);
    else if (strstr(lua_tostring(L, -1), "binary chunk"))
        lua_pushfstring(L, "%s is compiled bytecode, which is not run: give the source text",
                        script);
    if (status != LUA_OK)
        fail(L, s);
}

static int call_verb(lua_State *L)
{
    dam_modules_push_verb(L, lua_tostring(L, 1));
    lua_replace(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

/* A verb returns nothing or true when it is done; false or an exit status when it is not. */
static void run_verb(lua_State *L, session *s)
{
    lua_pushcfunction(L, call_verb);
    lua_pushstring(L, s->options->verb);
    if (dam_report_call(L, 1 + push_arguments(L, s), 1) != LUA_OK)
        fail(L, s);
    else if (lua_isinteger(L, -1))
        s->status = (int)lua_tointeger(L, -1);
    else if (lua_isboolean(L, -1) && !lua_toboolean(L, -1))
        s->status = EXIT_FAILURE;
    lua_settop(L, 0);
}

/* The global `help`: the module is loaded when it is asked, for the texts are many. */
static int help(lua_State *L)
{
    dam_modules_require(L, "dam.help");
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 0);
    return 0;
}

/* Libraries, guards, dam and the ways of require. */
static void prepare(lua_State *L, const session *s)
{
    const dam_host_options *o = s->options;

    luaL_checkversion(L);
    lua_warning(L, "@on", 0); /* an error in a finaliser is told, not lost */
    luaL_openlibs(L);
    dam_guards_install(L);
    if (o->sandbox)
        dam_sandbox_prepare(L);
    luaL_requiref(L, "dam", luaopen_dam, 1);
    lua_register(L, "help", help);
    dam_modules_keep_require(L);
    if (lua_getfield(L, -1, "build") == LUA_TTABLE && lua_getfield(L, -1, "libraries")) {
        lua_pushstring(L, dam_input_version());
        lua_setfield(L, -2, "readline");
    }
    lua_settop(L, 0);
    dam_terminal_install(L);
    set_arg(L, s);
    if (o->sandbox)
        dam_sandbox_enter(L);
    else
        dam_modules_beside(L, o->script);
    if (o->strict)
        dam_modules_strict(L);
}

static int run_session(lua_State *L)
{
    session *s = lua_touserdata(L, 1);
    const dam_host_options *o = s->options;
    bool idle = !o->script && !o->verb && !o->count;
    bool prompt = o->interactive || (idle && dam_input_is_terminal());

    lua_settop(L, 0);
    prepare(L, s);
    if (o->version || (prompt && !o->config.quiet))
        print_version();
    if (prompt && !o->config.quiet && dam_terminal_is())
        puts("Tab completes, help() explains, Ctrl-C stops what runs, Ctrl-D leaves.");
    if (prompt)
        dam_prompt_open(L);
    if (run_actions(L, s)) {
        if (o->verb)
            run_verb(L, s);
        else if (o->script)
            run_script(L, s, o->script);
        else if (idle && !prompt)
            run_script(L, s, "-");
    }
    if (prompt && !dam_sandbox_ended(&s->status)) {
        if (dam_host_interrupt_signal() == SIGINT)
            dam_host_interrupt_clear(L);
        s->status = EXIT_SUCCESS;
        dam_prompt_run(L);
        if (dam_host_interrupt_signal())
            s->status = EXIT_INTERRUPTED;
    }
    return 0;
}

/* What could not be written is an error, unless nobody wants to read it. */
static int flush_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (errno != EPIPE && status == EXIT_SUCCESS)
        fprintf(stderr, PROGRAM ": cannot write standard output: %s\n", strerror(errno));
    return status == EXIT_SUCCESS ? EXIT_FAILURE : status;
}

/* The file that this program is, for verbs that start it again. */
static const char *own_file(void)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    return n > 0 ? path : NULL;
}

static int run(session *s)
{
    lua_State *L = luaL_newstate();
    dam_error e;

    if (!L) {
        fprintf(stderr, PROGRAM ": not enough memory\n");
        return EXIT_FAILURE;
    }
    dam_host_interrupt_install(L);
    dam_report_all_frames(s->options->traceback);
    s->config = s->options->config;
    s->config.program = own_file();
    dam_config_use(&s->config);
    if (s->options->sandbox && dam_sandbox_begin(L, s->options, &e) != DAM_OK) {
        fprintf(stderr, PROGRAM ": %s\n", e.message);
        lua_close(L);
        return EXIT_FAILURE;
    }
    lua_pushcfunction(L, run_session);
    lua_pushlightuserdata(L, s);
    if (dam_report_call(L, 1, 0) != LUA_OK)
        fail(L, s);
    if (dam_interrupted())
        dam_host_interrupt_closing(L);
    lua_close(L);
    if (dam_interrupted() && s->status == EXIT_SUCCESS)
        s->status = EXIT_INTERRUPTED; /* in a finaliser */
    if (dam_sandbox_ended(&s->status))
        dam_sandbox_explain(NULL); /* if nobody did: it was in a finaliser */
    return flush_output(s->status);
}

int main(int argc, char **argv)
{
    dam_host_options options;
    dam_error e;
    session s = {.options = &options, .argc = argc, .argv = argv, .status = EXIT_SUCCESS};

    if (dam_host_options_parse(&options, argc, argv, &e) != DAM_OK) {
        fprintf(stderr, PROGRAM ": %s\n", e.message);
        s.status = EXIT_FAILURE;
    } else if (options.help) {
        fputs(dam_host_usage, stdout);
        s.status = flush_output(EXIT_SUCCESS);
    } else if (options.leave_after_version) {
        print_version();
        s.status = flush_output(EXIT_SUCCESS);
    } else {
        s.status = run(&s);
    }
    dam_host_options_free(&options);
    return s.status;
}
