/* test_limit.c: where memory is short a plan computes values again and packs weights when they are used: same bits, within the limit, or a
 * message that says what would do. */
#include "attribution/rulesets.h"
#include "autograd/fold.h"
#include "tests/model_rig.h"
#include "tests/random_graph.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { GRAPHS = 40, STEPS = 16 };

typedef struct saved { int passing, again; } saved;      /* weights that are packed when used; values that are computed again */

static saved saved_by(const fl_graph *g)
{
    saved s = {.passing = g->passing};
    for (fl_id i = 0; g->segment && i < g->count; i++) s.again += g->again[i] != 0;
    return s;
}

/* A hash of the root and of the signal of x; 0: it did not fit. The plan is gone afterwards, the error too. */
static uint64_t run(fl_graph *g, const fl_plan *plan, const real *seed, size_t limit, saved *how)
{
    const fl_mark mark = fl_arena_mark(g->arena);
    const fl_id x = plan->wrt[0];
    uint64_t hash = 0;
    g->arena->limit = limit;
    g->arena->peak = g->arena->used;
    if (fl_graph_plan(g, plan) == FL_OK) {
        fl_graph_forward(g);
        hash = fl_hash(fl_graph_value(g, plan->root), (size_t)fl_shape_count(fl_graph_shape(g, plan->root)) * sizeof(real));
        fl_graph_backward(g, seed);
        hash = hash * 31 + fl_hash(fl_graph_signal(g, x), (size_t)fl_shape_count(fl_graph_shape(g, x)) * sizeof(real));
        if (plan->rules) hash = hash * 31 + fl_hash(&(double){fl_graph_absorbed(g)}, sizeof(double));
        *how = saved_by(g);
    }
    g->arena->limit = 0;
    fl_arena_release(g->arena, mark);
    return hash;
}

/* From all that the plan would take down to nothing: the least that a message promises is enough, and one step less is not. Returns what
 * was saved at most; nothing where nothing was refused. */
static saved check_limits(fl_graph *g, const fl_plan *plan, const char *name)
{
    saved how = {0}, most = {0};
    int refused = 0;
    real *seed = FL_NEW(g->arena, real, fl_shape_count(fl_graph_shape(g, plan->root)));
    fl_rng_fill_normal(5, 0, 0, seed, fl_shape_count(fl_graph_shape(g, plan->root)));
    const size_t used = g->arena->used;
    const uint64_t free_of_limits = run(g, plan, seed, 0, &how);
    const size_t all = g->arena->peak - used;
    CHECK_SAY(free_of_limits && !how.passing && !how.again, "%s: %s", name, g->error->message);
    for (int i = STEPS; i > 0; i--) {
        const size_t limit = used + all * (size_t)i / STEPS;
        const uint64_t hash = run(g, plan, seed, limit, &how);
        if (hash) {
            CHECK_SAY(hash == free_of_limits, "%s: %d weights that pass, or %d values made again, change numbers",
                      name, how.passing, how.again);
            CHECK_SAY(g->arena->peak <= limit, "%s: %zu bytes of %zu", name, g->arena->peak, limit);
            if (how.passing > most.passing) most.passing = how.passing;
            if (how.again > most.again) most.again = how.again;
            continue;
        }
        CHECK_SAY(g->error->status == FL_LIMIT, "%s: %s", name, g->error->message);
        const char *least = strstr(g->error->message, "the least that would do") ? strstr(g->error->message, "--mem ") : NULL;
        const size_t promised = least ? (size_t)strtoul(least + 6, NULL, 10) << 20 : 0;
        fl_error_clear(g->error);
        if (!promised) continue;                             /* not even the lists of a plan */
        refused++;
        const uint64_t hash_there = run(g, plan, seed, promised, &how);
        CHECK_SAY(hash_there == free_of_limits, "%s: %zu bytes promised: %s", name, promised, g->error->message);
    }
    return refused ? most : (saved){0};
}

/* Whether a rule set has a rule for every node. */
static bool suits(fl_graph *g, const fl_plan *plan)
{
    const fl_mark mark = fl_arena_mark(g->arena);
    const bool ok = fl_graph_plan(g, plan) == FL_OK;
    CHECK_SAY(ok || g->error->status == FL_USAGE, "%s", g->error->message);
    fl_error_clear(g->error);
    fl_arena_release(g->arena, mark);
    return ok;
}

/* All rule sets that need neither bounds nor a reference. Returns how many had values made again. */
static int check_rules(fl_graph *g, fl_plan plan, const char *of)
{
    int again = 0;
    for (int i = 0; fl_ruleset_table[i]; i++) {
        char name[96];
        if (fl_ruleset_bounded(fl_ruleset_table[i]) || fl_ruleset_table[i]->reference) continue;
        snprintf(name, sizeof name, "%.40s, %.40s", of, fl_ruleset_name[i]);
        plan.rules = fl_ruleset_table[i];
        if (suits(g, &plan)) again += check_limits(g, &plan, name).again > 0;
    }
    return again;
}

TEST(limit_changes_no_bit_of_random_graphs)
{
    int again = 0;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        fl_error error = {0};
        fl_arena arena;
        fl_arena_init(&arena, &error);
        fl_graph *g = fl_graph_new(&arena);
        const random_graph net = random_graph_build(g, seed, false);
        if (!CHECK_SAY(fl_graph_ok(g), "%s", error.message)) return;
        const fl_plan plan = {.keep = FL_KEEP_FOR_BACKWARD, .root = net.root, .wrt = &net.x, .n_wrt = 1};
        char name[32];
        snprintf(name, sizeof name, "graph %d", (int)seed);
        check_limits(g, &plan, name);
        if (seed % 2) again += check_rules(g, plan, name);
        fl_arena_free(&arena);
    }
    CHECK(again > GRAPHS / 2);
}

TEST(limit_changes_no_bit_of_networks)
{
    static const char *const names[] = {"r2plus1d_small", "c3d_small", "i3d_small", "cnn_lstm_small", "convlstm_small"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        rig r = {0};
        fl_arena_init(&r.arena, &r.error);
        r.g = fl_graph_new(&r.arena);
        r.g->on_demand = true;
        r.net = fl_model_build(r.g, fl_model_find(names[i]), &SMALL);
        fl_model_fill_formula(r.g, fl_model_find(names[i])->gamma);
        fl_rng_fill_normal(4, 0, 0, fl_graph_value(r.g, r.net.input), fl_shape_count(fl_graph_shape(r.g, r.net.input)));
        const fl_fold *f = fl_fold_new(r.g);
        CHECK_SAY(f != NULL, "%s: %s", names[i], r.error.message);
        if (!f) return;
        const fl_id in = f->place[r.net.input], root = f->place[r.net.logits != FL_NONE ? r.net.logits : r.net.output];
        fl_plan plan = {.keep = FL_KEEP_FOR_BACKWARD, .root = root, .wrt = &in, .n_wrt = 1};
        CHECK_SAY(check_limits(f->g, &plan, names[i]).passing, "%s: no weight passed, or nothing was refused", names[i]);
        plan.parts = true;
        check_limits(f->g, &plan, names[i]);
        plan.parts = false;
        const bool chain = i == 1;           /* c3d_small: the values of its first layer are most of them, and live at once on the way up */
        CHECK_SAY(chain || check_rules(f->g, plan, names[i]) > 0, "%s: no values made again", names[i]);
        fl_arena_free(&r.arena);
    }
}
