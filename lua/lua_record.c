#include <float.h>
#include <stdio.h>
#include <string.h>

#include "../src/memory.h"
#include "classes.h"
#include "config.h"
#include "record.h"

/* A record above this is worth a line. */
#define ANNOUNCED_BYTES 268435456.0

const char *const dam_sample_keys[] = {"every", "series", "histogram", "track", "observe", NULL};

static const char *const names[] = {"phi", "energy_density", "q12", NULL};

static const char expected_names[] = "phi, energy_density or q12";

/* The quantity named at the top of the stack; raises for other values. */
static int check_quantity(lua_State *L, const dam_options *o, const dam_sampler *s, const char *key)
{
    const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    int q = 0;

    while (name && names[q] && strcmp(name, names[q]) != 0)
        q++;
    if (!name)
        dam_argument_error(L, o->where, key, -1, expected_names);
    if (!names[q]) {
        const char *near = dam_nearest(name, names);
        luaL_error(L,
                   near ? "%s: %s = \"%s\" is not allowed: did you mean '%s'? (expected %s)"
                        : "%s: %s = \"%s\" is not allowed%s: expected %s",
                   o->where, key, name, near ? near : "", expected_names);
    }
    if (q == DAM_RECORD_Q12 && s->replicas < 2)
        luaL_error(L, "%s: %s of q12 needs two replicas or more: replicas = 1", o->where, key);
    return q;
}

/* A name or a list of names. */
static void read_series(const dam_options *o, const dam_sampler *s, dam_record_options *out)
{
    static const char expected[] = "a list of phi, energy_density, q12";
    lua_State *L = o->L;
    const int type = dam_option_push(o, "series");

    if (type == LUA_TSTRING) {
        out->series[check_quantity(L, o, s, "series")] = true;
    } else if (type == LUA_TTABLE && lua_rawlen(L, -1) > 0) {
        for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, -1); i++) {
            lua_rawgeti(L, -1, i);
            out->series[check_quantity(L, o, s, "series")] = true;
            lua_pop(L, 1);
        }
    } else if (type != LUA_TNIL) {
        dam_argument_error(L, o->where, "series", -1, expected);
    }
    lua_pop(L, 1);
}

/* One {low, high, bins} at the top of the stack. */
static void read_bins(const dam_options *o, int q, dam_record_options *out)
{
    static const char expected[] = "{low, high, bins} with low < high";
    lua_State *L = o->L;
    char name[48];

    snprintf(name, sizeof name, "histogram.%s", names[q]);
    if (!lua_istable(L, -1) || lua_rawlen(L, -1) != 3)
        dam_argument_error(L, o->where, name, -1, expected);
    for (int i = 1; i <= 3; i++)
        lua_rawgeti(L, -i, i); /* low, high, bins above the table */
    out->histogram[q].low = dam_check_number(L, -3, o->where, name, -DBL_MAX, DBL_MAX, expected);
    out->histogram[q].high = dam_check_number(L, -2, o->where, name, -DBL_MAX, DBL_MAX, expected);
    out->histogram[q].bins =
        dam_check_integer(L, -1, o->where, name, 1, DAM_RECORD_MAX_BINS,
                          "{low, high, bins} with a whole number of bins from 1 to 10000000");
    if (!(out->histogram[q].low < out->histogram[q].high))
        luaL_error(L, "%s: %s = {%f, %f, %I} is not allowed: expected %s", o->where, name,
                   out->histogram[q].low, out->histogram[q].high,
                   (LUAI_UACINT)out->histogram[q].bins, expected);
    lua_pop(L, 3);
}

static void read_histogram(const dam_options *o, const dam_sampler *s, dam_record_options *out)
{
    lua_State *L = o->L;
    const int type = dam_option_push(o, "histogram");

    if (type == LUA_TTABLE) {
        lua_pushnil(L);
        while (lua_next(L, -2)) {
            lua_pushvalue(L, -2);
            int q = check_quantity(L, o, s, "histogram");
            lua_pop(L, 1);
            read_bins(o, q, out);
            lua_pop(L, 1);
        }
    } else if (type != LUA_TNIL) {
        dam_argument_error(L, o->where, "histogram", -1,
                           "a table such as { phi = {low, high, bins} }");
    }
    lua_pop(L, 1);
}

/* Pushes the indices, or nil. */
static void read_track(const dam_options *o, const dam_sampler *s, dam_record_options *out)
{
    lua_State *L = o->L;
    const int type = dam_option_push(o, "track");
    char expected[64];
    int64_t *track;

    if (type == LUA_TNIL)
        return;
    if (type != LUA_TTABLE || lua_rawlen(L, -1) < 1)
        dam_argument_error(L, o->where, "track", -1, "a list of indices of patterns");
    snprintf(expected, sizeof expected, "an integer from 1 to %lld", (long long)s->patterns->M);
    out->tracks = (int64_t)lua_rawlen(L, -1);
    track = lua_newuserdatauv(L, (size_t)out->tracks * sizeof *track, 0);
    for (int64_t i = 0; i < out->tracks; i++) {
        lua_rawgeti(L, -2, i + 1);
        track[i] = dam_check_integer(L, -1, o->where, "track", 1, s->patterns->M, expected) - 1;
        lua_pop(L, 1);
    }
    out->track = track;
    lua_remove(L, -2);
}

bool dam_read_record(const dam_options *o, const dam_sampler *s, int64_t n, dam_record_options *out)
{
    char expected[64];
    bool wanted;

    memset(out, 0, sizeof *out);
    snprintf(expected, sizeof expected, "an integer from 1 to n = %lld", (long long)n);
    out->every = dam_option_integer(o, "every", 1, 1, n, expected);
    read_series(o, s, out);
    read_histogram(o, s, out);
    read_track(o, s, out);
    wanted = out->tracks > 0 || dam_option_present(o, "every");
    for (int q = 0; q < DAM_RECORD_QUANTITIES; q++)
        wanted |= out->series[q] || out->histogram[q].bins > 0;
    return wanted;
}

void dam_announce_record(const dam_sampler *s, int64_t n, const dam_record_options *o)
{
    const double gib = 1 << 30;
    const dam_record_sample sample = dam_sampler_record_sample(s, n);
    const double bytes = dam_record_bytes(o, &sample), available = dam_memory_available();
    const dam_config *config = dam_config_current();

    if (bytes >= ANNOUNCED_BYTES && bytes <= available && !(config && config->quiet))
        fprintf(stderr,
                "sampler:sample: series, histograms and tracks take %.3g GiB of the %.3g "
                "GiB available\n",
                bytes / gib, available / gib);
}

static void take_array(lua_State *L, dam_array *a, const char *name, const char *suffix)
{
    if (!a->data)
        return;
    dam_take_array(L, a);
    lua_pushfstring(L, "%s%s", name, suffix);
    lua_insert(L, -2);
    lua_rawset(L, -3);
}

/* Sets field `name` of the table below to the table on top, unless that is empty. */
static void set_table(lua_State *L, const char *name)
{
    lua_pushnil(L);
    if (lua_next(L, -2)) {
        lua_pop(L, 2);
        lua_setfield(L, -2, name);
    } else {
        lua_pop(L, 1);
    }
}

void dam_set_record_fields(lua_State *L, dam_sampler *s)
{
    dam_record *r = s->record;

    if (!r)
        return;
    lua_pushinteger(L, r->options.every);
    lua_setfield(L, -2, "every");
    lua_newtable(L);
    for (int q = 0; q < DAM_RECORD_QUANTITIES; q++)
        take_array(L, &r->series[q], names[q], "");
    set_table(L, "series");
    lua_newtable(L);
    for (int q = 0; q < DAM_RECORD_QUANTITIES; q++) {
        take_array(L, &r->counts[q], names[q], "");
        take_array(L, &r->below[q], names[q], "_below");
        take_array(L, &r->above[q], names[q], "_above");
    }
    set_table(L, "histogram");
    take_array(L, &r->tracked, "track", "");
    dam_sampler_drop_record(s);
}
