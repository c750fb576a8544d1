/* dam.view: what an observer sees of all chains at the end of a block. */
#include <string.h>

#include "binding.h"
#include "classes.h"
#include "guard.h"
#include "sampling.h"

/* Ends an observation however it ends; never seen by scripts. */
#define CLASS_OBSERVATION "dam.observation"

enum { OWNER = 1, FETCHED = 2 }; /* user values: the sampler, a table of arrays */

typedef struct {
    dam_sampler_handle *sampler;
    int64_t number; /* 0: closed */
} view;

static const char *const fields[] = {"x", "phi", "energy_density", "q12", "step", "close", NULL};

static view *check_view(lua_State *L)
{
    view *v = luaL_checkudata(L, 1, DAM_CLASS_VIEW);

    if (v->number == 0 || v->number != v->sampler->observed)
        luaL_error(L, "dam.view: this view is over: it can be read only during the call of observe "
                      "that it was given to (arrays taken from it then stay valid)");
    return v;
}

static int close_view(lua_State *L)
{
    view *v = luaL_checkudata(L, 1, DAM_CLASS_VIEW);

    v->number = 0;
    return 0;
}

static void push_quantity(lua_State *L, const dam_sampler *s, dam_recorded q)
{
    const int64_t shape[] = {s->n_T, s->patterns->disorder, s->replicas};
    dam_array *a = dam_push_array(L, q == DAM_RECORD_Q12 ? 2 : 3, shape);
    dam_error e;

    if (dam_sampler_now(s, q, a->data, &e))
        dam_raise(L, DAM_CLASS_VIEW, &e);
}

static void push_x(lua_State *L, const dam_sampler *s)
{
    const int64_t shape[] = {s->n_T, s->patterns->disorder, s->replicas, s->patterns->N};
    dam_array *a = dam_push_array(L, 4, shape);

    dam_sampler_state(s, a->data);
}

/* Steps that all chains have done since they were made. */
static lua_Integer step_of(const dam_sampler *s)
{
    return (lua_Integer)(s->steps + (uint64_t)(s->record->observed * s->record->options.every));
}

/* Pushes the field named `key`, fetched from the engine. */
static void fetch(lua_State *L, const dam_sampler *s, const char *key)
{
    if (strcmp(key, "x") == 0)
        push_x(L, s);
    else if (strcmp(key, "phi") == 0)
        push_quantity(L, s, DAM_RECORD_PHI);
    else if (strcmp(key, "energy_density") == 0)
        push_quantity(L, s, DAM_RECORD_ENERGY_DENSITY);
    else if (s->replicas > 1)
        push_quantity(L, s, DAM_RECORD_Q12);
    else
        lua_pushnil(L);
}

static int index_view(lua_State *L)
{
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    view *v;

    if (dam_push_method(L, 1, 2))
        return 1;
    v = check_view(L);
    if (strcmp(key, "step") == 0) {
        lua_pushinteger(L, step_of(v->sampler->s));
        return 1;
    }
    if (!dam_is_one_of(key, fields))
        return dam_unknown_field(L, DAM_CLASS_VIEW, 2, fields);
    if (lua_getiuservalue(L, 1, FETCHED) == LUA_TNIL) {
        lua_createtable(L, 0, 1);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, FETCHED);
    }
    if (lua_getfield(L, -1, key) == LUA_TNIL) {
        fetch(L, v->sampler->s, key);
        lua_pushvalue(L, -1);
        lua_setfield(L, -4, key);
    }
    return 1;
}

static int view_to_string(lua_State *L)
{
    const view *v = luaL_checkudata(L, 1, DAM_CLASS_VIEW);

    if (v->number == 0 || v->number != v->sampler->observed)
        lua_pushliteral(L, "dam.view (over)");
    else
        lua_pushfstring(L, "dam.view at step %I", (LUAI_UACINT)step_of(v->sampler->s));
    return 1;
}

/* A view of the sampler at index `sampler`, the one that may be read from now on. */
static void push_view(lua_State *L, int sampler)
{
    view *v = lua_newuserdatauv(L, sizeof *v, 2);

    *v = (view){lua_touserdata(L, sampler), 0};
    luaL_setmetatable(L, DAM_CLASS_VIEW);
    lua_pushvalue(L, sampler);
    lua_setiuservalue(L, -2, OWNER);
    v->number = ++v->sampler->views;
    v->sampler->observed = v->number;
}

/* The observation is over, by its end or by an error. */
static int close_observation(lua_State *L)
{
    dam_sampler_handle **h = luaL_checkudata(L, 1, CLASS_OBSERVATION);

    if (*h && (*h)->s) {
        (*h)->observed = 0;
        dam_sampler_keep_patterns((*h)->s, false);
    }
    *h = NULL;
    return 0;
}

void dam_observe(lua_State *L, int sampler, int observer, const char *where)
{
    const int top = lua_gettop(L);
    dam_sampler_handle **observation = lua_newuserdatauv(L, sizeof *observation, 0);
    dam_sampler_handle *h = lua_touserdata(L, sampler);
    dam_status status;
    dam_guard guard;
    dam_error e;
    bool there;

    *observation = NULL;
    luaL_setmetatable(L, CLASS_OBSERVATION);
    lua_toclose(L, top + 1);
    *observation = h;
    h->observed = -1;                      /* nothing to see yet, but not to be closed either */
    dam_sampler_keep_patterns(h->s, true); /* or each block would make them anew */
    for (;;) {
        dam_guard_begin(&guard);
        status = dam_sampler_next_block(h->s, &there, &e);
        if (dam_collected_for(L, status))
            status = dam_sampler_next_block(h->s, &there, &e);
        dam_guard_end(&guard);
        if (status)
            dam_raise_sampling(L, where, &e);
        if (!there)
            break;
        lua_pushvalue(L, observer);
        push_view(L, sampler);
        lua_call(L, 1, 0);
        h->observed = -1;
    }
    lua_settop(L, top);
}

void dam_open_view(lua_State *L)
{
    static const luaL_Reg methods[] = {{"close", close_view}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", close_view},
                                    {"__close", close_view},
                                    {"__index", index_view},
                                    {"__tostring", view_to_string},
                                    {NULL, NULL}};

    dam_new_class(L, DAM_CLASS_VIEW, meta, methods);
    luaL_newmetatable(L, CLASS_OBSERVATION);
    lua_pushcfunction(L, close_observation);
    lua_setfield(L, -2, "__close");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}
