/* check_smaller.c: laws and identities of a large network, on its clip made smaller.
 *
 * They are promises of every node and of every rule, whatever the size of what comes in, and some of them take hundreds of passes. So a
 * network of more multiply-adds than fl_check_options.large is built once more, with the same weights, for fewer and smaller frames: halves
 * of the clip's, resized, until it is cheap enough, or 28 voxels wide and 4 frames long; where that cannot be built, because weights belong
 * to places, for fewer frames alone; and otherwise as it is. Ops, gradient and bits are looked at in full size. */
#include "attribution/checker.h"

#include "autograd/receptive.h"
#include "tensor/resample.h"

double fl_checker_macs(const fl_graph *g)
{
    double macs = 0;
    for (fl_id i = 0; i < g->count; i++) macs += fl_node_macs(&g->node[i]);
    return macs;
}

/* frames_alone: their number, not their size. */
static fl_shape smaller(fl_shape s, double macs, double large, bool frames_alone)
{
    for (;;) {
        const int edge = s.h < s.w ? s.h : s.w;
        if (macs <= large) return s;
        if (!frames_alone && (edge >= 80 || (edge >= 56 && s.t < 8))) s.h /= 2, s.w /= 2, macs /= 4;
        else if (s.t >= 8) s.t /= 2, macs /= 2;
        else return s;
    }
}

/* The network for such a clip, and the clip; false: there is none of that size. */
static bool build(fl_checker *c, fl_arena *a, fl_shape size, fl_checker *small)
{
    fl_graph *g = NULL;
    const fl_network net = c->o->build ? c->o->build(c->o->user, size, a, &g) : fl_network_none;
    if (net.input == FL_NONE || !fl_shape_equal(fl_graph_shape(g, net.input), size)) return false;
    fl_explainer *e = fl_explainer_new(g, net, c->e->card);
    real *clip = FL_NEW(a, real, fl_shape_count(size));
    if (!e || !clip) return false;
    fl_shape whole = fl_graph_shape(c->e->whole_g, c->e->whole.input);
    whole.n = 1;
    fl_resize(whole, c->clip, size, clip, FL_RESIZE_LINEAR, false);
    e->parts = true;
    small->e = e;
    small->clip = clip;
    small->voxels = fl_shape_count(size);
    small->size = fl_arena_text(c->arena, "the clip as %d x %d x %d", size.t, size.h, size.w);
    return !c->o->fault || fl_checker_strike(e, c->o->fault) >= 0;
}

/* Whether there is such a network, and it was looked at; an error other than that it does not exist stays. */
static bool run_at(fl_checker *c, fl_shape size, fl_status (*run)(fl_checker *))
{
    fl_arena a;
    fl_error error = {0};
    fl_checker small = *c;
    fl_arena_init(&a, &error);
    const bool built = build(c, &a, size, &small);
    if (built) run(&small);
    else if (error.status != FL_FAILED) fl_error_clear(&error);
    c->failed = small.failed > c->failed ? small.failed : c->failed;
    if (error.status) fl_error_set(c->arena->error, error.status, "%s", error.message);
    fl_arena_free(&a);
    return built || c->arena->error->status;
}

fl_status fl_check_smaller(fl_checker *c, fl_status (*run)(fl_checker *))
{
    fl_shape whole = fl_graph_shape(c->e->whole_g, c->e->whole.input);
    whole.n = 1;
    const fl_shape small = smaller(whole, c->macs, c->o->large, false), shorter = smaller(whole, c->macs, c->o->large, true);
    const bool found = (!fl_shape_equal(small, whole) && run_at(c, small, run)) ||
                       (!fl_shape_equal(shorter, whole) && !fl_shape_equal(shorter, small) && run_at(c, shorter, run));
    if (!found) return run(c);
    return c->arena->error->status ? c->arena->error->status : c->e->g->error->status;
}
