#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "../args.h"

const char dam_host_usage[] =
    "usage: damlua [options] [script.lua [arguments]]\n"
    "       damlua [options] -m VERB [arguments]\n"
    "Without a script: the prompt on a terminal, else a script from standard input.\n"
    "\n"
    "  -e CODE          run CODE\n"
    "  -l MOD           require MOD into the global MOD (-l NAME=MOD: into NAME)\n"
    "  -i               go to the prompt after the script, with its variables\n"
    "  -m VERB          run a command of the standard library (-m info lists build and devices)\n"
    "  -                take the script from standard input\n"
    "  --               end of options\n"
    "  --device NAME    auto, cpu, cuda, cuda:K or cuda-on-cpu\n"
    "  --threads N      threads of parallel work\n"
    "  --sandbox        run a script that is not trusted: it reads below its folder only\n"
    "  --out DIR        ... and writes below DIR only\n"
    "  --read DIR       ... and reads below DIR, too\n"
    "  --max-memory M   ... and gets that much memory (200M, 4G; default: half of what is free)\n"
    "  --max-time S     ... and that many seconds\n"
    "  --results DIR    sweeps keep their result files in DIR, whatever the script says\n"
    "  --strict         using an undefined global is an error\n"
    "  --traceback      show all frames of an error, not only the script's\n"
    "  --quiet          no banner, no progress\n"
    "  --dry-run        sweeps print their plan and run nothing\n"
    "  --fresh          sweeps start anew instead of resuming\n"
    "  --shard I/N      sweeps do the I-th of N parts\n"
    "  -v, --version    show the version\n"
    "  --help           show this text\n"
    "\n"
    "Environment: DAMLUA_DEVICE, DAMLUA_THREADS, DAMLUA_ISA (scalar, avx2, avx512), LUA_PATH.\n"
    "Exit status: 0 done, 1 error, 130 interrupted.\n";

static const char *const known[] = {
    "-e",           "-l",        "-i",        "-m",          "-v",         "--device",
    "--threads",    "--strict",  "--quiet",   "--traceback", "--fresh",    "--dry-run",
    "--shard",      "--version", "--sandbox", "--out",       "--max-time", "--help",
    "--max-memory", "--read",    "--results", NULL};

/* A budget below this leaves no room for the library itself. */
#define LEAST_MEMORY (8.0 * 1024 * 1024)
#define MOST_TIME 1e9

/* Where the parser stands. */
typedef struct {
    dam_host_options *o;
    int argc, at;
    char **argv;
    dam_error *e;
} parser;

/* The option's value: what is `attached` to it, or the next word. NULL leaves an error. */
static const char *value(parser *p, const char *name, const char *attached)
{
    if (attached && *attached)
        return attached;
    if (!attached && p->at + 1 < p->argc)
        return p->argv[++p->at];
    dam_fail(p->e, DAM_ERR_ARGUMENT, "option '%s' needs an argument", name);
    return NULL;
}

static dam_status unknown(parser *p, const char *word)
{
    const char *near = strlen(word) > 2 ? dam_nearest(word, known) : NULL; /* "-x" is near all */

    if (near)
        return dam_fail(p->e, DAM_ERR_ARGUMENT,
                        "unknown option '%.80s'; did you mean '%s'? (damlua --help lists them)",
                        word, near);
    return dam_fail(p->e, DAM_ERR_ARGUMENT, "unknown option '%.80s' (damlua --help lists them)",
                    word);
}

/* -e, -l, -m take what follows in the same word, or the next word. */
static dam_status short_option(parser *p, const char *word)
{
    dam_host_options *o = p->o;
    const char name[] = {'-', word[1], 0};
    const char *text;

    if (strcmp(word, "-i") == 0)
        o->interactive = true;
    else if (strcmp(word, "-v") == 0)
        o->version = true;
    else if (word[1] == 'e' || word[1] == 'l') {
        text = value(p, name, word[2] ? word + 2 : NULL);
        if (!text)
            return p->e->status;
        o->actions[o->count].kind = word[1];
        o->actions[o->count++].text = text;
    } else if (strcmp(word, "-m") == 0) {
        o->verb = value(p, name, NULL);
        if (!o->verb)
            return p->e->status;
    } else {
        return unknown(p, word);
    }
    return DAM_OK;
}

/* A switch without value; NULL when `name` is none. */
static bool *find_switch(dam_host_options *o, const char *name)
{
    const struct {
        const char *name;
        bool *at;
    } switches[] = {{"--strict", &o->strict},
                    {"--traceback", &o->traceback},
                    {"--sandbox", &o->sandbox},
                    {"--quiet", &o->config.quiet},
                    {"--fresh", &o->config.fresh},
                    {"--dry-run", &o->config.dry_run},
                    {"--version", &o->leave_after_version},
                    {"--help", &o->help}};

    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
        if (strcmp(name, switches[i].name) == 0)
            return switches[i].at;
    return NULL;
}

/* "200M" in bytes, K, M, G and T being powers of 1024; 0 when it is none. */
static double bytes_of(const char *text)
{
    static const char units[] = "KMGT";
    const char *unit;
    char *end;
    double bytes = *text >= '0' && *text <= '9' ? strtod(text, &end) : 0;

    if (bytes <= 0)
        return 0;
    unit = *end ? strchr(units, *end) : NULL;
    for (; unit && unit >= units; unit--)
        bytes *= 1024;
    if (*end && strchr(units, *end))
        end++;
    if (strncmp(end, "iB", 2) == 0)
        end += 2;
    return *end == 0 && bytes < 1e18 ? bytes : 0;
}

static dam_status set_budget(parser *p, const char *name, const char *text)
{
    dam_host_options *o = p->o;
    char *end = NULL;

    if (strcmp(name, "--max-memory") == 0) {
        o->max_memory = bytes_of(text);
        if (o->max_memory < LEAST_MEMORY)
            return dam_fail(p->e, DAM_ERR_ARGUMENT,
                            "--max-memory: '%.80s' is not allowed: expected bytes, such as 200M or "
                            "4G, 8M or more",
                            text);
        return DAM_OK;
    }
    o->max_time = *text >= '0' && *text <= '9' ? strtod(text, &end) : 0;
    if (!(o->max_time > 0) || o->max_time > MOST_TIME || *end)
        return dam_fail(p->e, DAM_ERR_ARGUMENT,
                        "--max-time: '%.80s' is not allowed: expected seconds > 0", text);
    return DAM_OK;
}

static dam_status option_with_value(parser *p, const char *name, const char *attached)
{
    dam_config *c = &p->o->config;
    const char *text = value(p, name, attached);

    if (!text)
        return p->e->status;
    if (strcmp(name, "--device") == 0)
        return dam_config_set_device(c, text, name, p->e);
    if (strcmp(name, "--threads") == 0)
        return dam_config_set_threads(c, text, name, p->e);
    if (strncmp(name, "--max-", 6) == 0)
        return set_budget(p, name, text);
    if (strcmp(name, "--out") == 0 || strcmp(name, "--results") == 0) {
        *(name[2] == 'o' ? &p->o->out : &c->results) = text;
        return DAM_OK;
    }
    if (strcmp(name, "--read") == 0) {
        p->o->read[p->o->read_count++] = text;
        return DAM_OK;
    }
    return dam_config_set_shard(c, text, p->e);
}

/* --name or --name=value. */
static dam_status long_option(parser *p, const char *word)
{
    static const char *const valued[] = {"--device", "--threads",    "--shard",    "--out",
                                         "--read",   "--max-memory", "--max-time", "--results"};
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    char name[32];
    bool *flag;

    if (length >= sizeof name)
        return unknown(p, word);
    memcpy(name, word, length);
    name[length] = 0;
    for (size_t i = 0; i < sizeof valued / sizeof valued[0]; i++)
        if (strcmp(name, valued[i]) == 0)
            return option_with_value(p, name, equals ? equals + 1 : NULL);
    flag = find_switch(p->o, name);
    if (!flag)
        return unknown(p, name);
    if (equals)
        return dam_fail(p->e, DAM_ERR_ARGUMENT, "option '%s' takes no value", name);
    *flag = true;
    return DAM_OK;
}

/* Options up to the script, the verb, or the end. */
static dam_status parse(parser *p)
{
    dam_host_options *o = p->o;

    for (; p->at < p->argc; p->at++) {
        const char *word = p->argv[p->at];
        dam_status status;
        if (word[0] != '-' || strcmp(word, "-") == 0)
            break;
        if (strcmp(word, "--") == 0) {
            p->at++;
            break;
        }
        status = word[1] == '-' ? long_option(p, word) : short_option(p, word);
        if (status != DAM_OK)
            return status;
        if (o->verb)
            break;
    }
    o->zeroth = p->at;
    if (!o->verb && p->at < p->argc)
        o->script = p->argv[p->at];
    return DAM_OK;
}

/* What belongs to the sandbox means nothing without it; replay and verify make one of their own. */
static dam_status check_sandbox(const dam_host_options *o, dam_error *e)
{
    const char *word = o->out            ? "--out"
                       : o->read_count   ? "--read"
                       : o->max_memory   ? "--max-memory"
                       : o->max_time > 0 ? "--max-time"
                                         : NULL;
    bool makes_one = o->verb && (strcmp(o->verb, "replay") == 0 || strcmp(o->verb, "verify") == 0);

    if (word && !o->sandbox && !makes_one)
        return dam_fail(e, DAM_ERR_ARGUMENT, "%s means something with --sandbox only", word);
    return DAM_OK;
}

dam_status dam_host_options_parse(dam_host_options *o, int argc, char **argv, dam_error *e)
{
    parser p = {o, argc, 1, argv, e};

    memset(o, 0, sizeof *o);
    o->zeroth = argc;
    o->actions = calloc((size_t)argc + 1, sizeof *o->actions);
    o->read = calloc((size_t)argc + 1, sizeof *o->read);
    if (!o->actions || !o->read)
        return dam_fail(e, DAM_ERR_MEMORY, "not enough memory for the command line");
    if (parse(&p) != DAM_OK || check_sandbox(o, e) != DAM_OK)
        return e->status;
    if (o->version && !o->interactive && !o->script && !o->verb && !o->count)
        o->leave_after_version = true;
    return dam_config_environment(&o->config, e);
}

void dam_host_options_free(dam_host_options *o)
{
    free(o->actions);
    free(o->read);
    o->read = NULL;
    o->actions = NULL;
    o->count = 0;
}
