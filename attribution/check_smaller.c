/* check_smaller.c: laws and identities of a large network, on its clip made smaller.
 *
 * They are promises of every node and of every rule, whatever the size of what comes in, and some of them take hundreds of passes.
 * So a network of more multiply-adds than fl_check_options.large is built once more, with the same weights, for fewer and smaller frames: halves
 * of the clip's, resized, until it is cheap enough, or 28 voxels wide and 4 frames long. Ops, gradient and bits are looked at in
 * full size. A network that cannot be built so (its weights belong to places) is looked at as it is. */
#include "attribution/checker.h"

#include "autograd/receptive.h"
#include "tensor/resample.h"

double fl_checker_macs(const fl_graph *g)
{
    double macs = 0;
    for (fl_id i = 0; i < g->count; i++) macs += fl_node_macs(&g->node[i]);
    return macs;
}

static fl_shape smaller(fl_shape s, double macs, double large)
{
    for (;;) {
        const int edge = s.h < s.w ? s.h : s.w;
        if (macs <= large) return s;
        if (edge >= 80 || (edge >= 56 && s.t < 8)) s.h /= 2, s.w /= 2, macs /= 4;
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

fl_status fl_check_smaller(fl_checker *c, fl_status (*run)(fl_checker *))
{
    fl_shape whole = fl_graph_shape(c->e->whole_g, c->e->whole.input);
    whole.n = 1;
    const fl_shape size = smaller(whole, c->macs, c->o->large);
    if (fl_shape_equal(size, whole)) return run(c);
    fl_arena a;
    fl_error error = {0};
    fl_checker small = *c;
    fl_arena_init(&a, &error);
    if (build(c, &a, size, &small)) run(&small);
    else if (error.status != FL_FAILED) fl_error_clear(&error), run(c);
    c->failed = small.failed > c->failed ? small.failed : c->failed;
    if (error.status) fl_error_set(c->arena->error, error.status, "%s", error.message);
    fl_arena_free(&a);
    return c->arena->error->status ? c->arena->error->status : c->e->g->error->status;
}
