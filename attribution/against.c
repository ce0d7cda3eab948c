/* against.c: arrays compared where they are: values as they are computed, signals as they arrive. */
#include "attribution/against.h"

#include "attribution/explainer.h"

#include <math.h>
#include <string.h>

typedef struct comparer {
    const fl_bundle *theirs;
    fl_arena *a;
    fl_against *to;
    bool *used;                          /* per entry */
    const fl_explainer *e;
    bool failed;
} comparer;

/* ---- how their axes lie ---- */

typedef enum layout { LAYOUT_NONE, LAYOUT_NCTHW, LAYOUT_FRAMES } layout;

static layout layout_of(const fl_entry *entry, fl_shape s)
{
    const int ours[5] = {s.n, s.c, s.t, s.h, s.w};
    int64_t kept[FL_MAX_AXES];
    int n = 0, k = 0;
    for (int i = 0; i < entry->axes; i++)
        if (entry->size[i] != 1) kept[n++] = entry->size[i];
    bool same = true;
    for (int i = 0; i < 5; i++) {
        if (ours[i] == 1) continue;
        same &= k < n && kept[k] == ours[i];
        k++;
    }
    if (same && k == n) return LAYOUT_NCTHW;
    const bool frames = entry->axes >= 2 && entry->axes <= 4 && entry->size[0] == (int64_t)s.n * s.t && entry->size[1] == s.c &&
                        (entry->axes < 3 ? s.h * s.w == 1 : entry->axes == 4 && entry->size[2] == s.h && entry->size[3] == s.w);
    return frames ? LAYOUT_FRAMES : LAYOUT_NONE;
}

static void place_of(fl_shape s, layout l, int64_t i, int p[5])
{
    const int hw = s.h * s.w;
    p[4] = (int)(i % s.w);
    p[3] = (int)(i / s.w % s.h);
    if (l == LAYOUT_FRAMES) {
        p[1] = (int)(i / hw % s.c);
        p[2] = (int)(i / hw / s.c % s.t);
        p[0] = (int)(i / hw / s.c / s.t);
    } else {
        p[2] = (int)(i / hw % s.t);
        p[1] = (int)(i / hw / s.t % s.c);
        p[0] = (int)(i / hw / s.t / s.c);
    }
}

/* ---- one array ---- */

typedef struct foreign { const fl_entry *values, *index; bool sampled; } foreign;

static const fl_entry *entry_of(comparer *c, const char *kind, const char *suffix, const char *node)
{
    const char *name = fl_arena_text(c->a, "%s%s%s%s", kind, suffix, *node ? ":" : "", node);
    const fl_entry *e = name ? fl_bundle_find(c->theirs, name) : NULL;
    c->failed |= !name;
    if (e) c->used[e - c->theirs->entry] = true;
    return e;
}

static bool find_foreign(comparer *c, const char *kind, const char *node, foreign *f)
{
    const fl_entry *whole = entry_of(c, kind, "", node), *some = entry_of(c, kind, "_value", node);
    const fl_entry *index = entry_of(c, kind, "_index", node);
    *f = whole ? (foreign){whole, NULL, false} : (foreign){some, index, true};
    return f->values != NULL;
}

static const char *misfit_of(comparer *c, const foreign *f, fl_shape s, layout *l)
{
    const int64_t n = fl_entry_count(f->values), all = fl_shape_count(s);
    fl_shape_text t = {""};
    *l = f->sampled ? LAYOUT_NCTHW : layout_of(f->values, s);
    if (*l == LAYOUT_NONE) return fl_arena_text(c->a, "another shape: %lld values, and here it is %s", (long long)n, fl_shape_print(s, &t));
    if (f->sampled && (n < 1 || n > all)) return fl_arena_text(c->a, "%lld samples of %lld values", (long long)n, (long long)all);
    if (f->index && fl_entry_count(f->index) != n) return "as many places as values are wanted";
    if (f->index && FL_REAL_EPSILON > 1e-10 && all > 1 << 24) return "its places are beyond what float32 can count: leave the _index out";
    return NULL;
}

static void measure(fl_difference *d, fl_shape s, layout l, const real *ours, const real *theirs, const real *index,
                    int64_t n, bool sampled)
{
    double off = 0, oo = 0, tt = 0, ot = 0, most = -1;
    const int64_t all = fl_shape_count(s);
    for (int64_t i = 0; i < n; i++) {
        int p[5];
        int64_t at = index ? (int64_t)index[i] : sampled ? (int64_t)((double)i * (double)all / (double)n) : i;
        if (at < 0 || at >= all) {
            d->misfit = "a place beyond the array's end";
            return;
        }
        place_of(s, l, at, p);
        const double x = (double)ours[fl_at(s, p[0], p[1], p[2], p[3], p[4])], y = (double)theirs[i], e = fabs(x - y);
        off += e * e, oo += x * x, tt += y * y, ot += x * y;
        if (e <= most) continue;
        most = isnan(e) ? INFINITY : e;
        d->ours = x, d->theirs = y;
        memcpy(d->place, p, sizeof p);
    }
    d->compared = n;
    d->relative = off > 0 || isnan(off) ? sqrt(off / fmax(tt, 1e-300)) : 0;
    d->cosine = oo > 0 && tt > 0 ? ot / sqrt(oo * tt) : off > 0 ? 0 : 1;
    d->ratio = sqrt(oo / fmax(tt, 1e-300));
}

static void compare(comparer *c, const char *kind, const char *node, fl_id id, bool signal, fl_shape s, const real *ours)
{
    foreign f;
    layout l;
    if (!find_foreign(c, kind, node, &f)) return;
    fl_difference *d = &c->to->item[c->to->count++];
    *d = (fl_difference){.name = f.values->name, .node = id, .signal = signal, .misfit = misfit_of(c, &f, s, &l), .relative = (double)NAN};
    if (d->misfit) return;
    const fl_mark mark = fl_arena_mark(c->a);
    const int64_t n = fl_entry_count(f.values);
    real *theirs = FL_NEW(c->a, real, n), *index = f.index ? FL_NEW(c->a, real, n) : NULL;
    c->failed |= !theirs || (f.index && !index);
    if (!c->failed) {
        fl_entry_read(f.values, 0, n, theirs);
        if (index) fl_entry_read(f.index, 0, n, index);
        measure(d, s, l, ours, theirs, index, n, f.sampled);
    }
    fl_arena_release(c->a, mark);
}

/* ---- the walk ---- */

static void see_value(fl_graph *g, fl_id i, void *user)
{
    comparer *c = user;
    compare(c, "activation", g->node[i].name, i, false, g->node[i].shape, g->node[i].value);
    if (i == (c->e->net.output != FL_NONE ? c->e->net.output : c->e->net.logits))
        compare(c, "output", "", i, false, g->node[i].shape, g->node[i].value);
}

static void see_signal(fl_graph *g, fl_id i, void *user)
{
    comparer *c = user;
    compare(c, "gradient", g->node[i].name, i, true, g->node[i].shape, g->node[i].signal);
    if (i == c->e->net.input) compare(c, "gradient", "", i, true, g->node[i].shape, g->node[i].signal);
}

fl_status fl_walk_watched(fl_explainer *e, const real *clip, fl_target *target, const fl_watch *watch)
{
    fl_end end;
    if (fl_explainer_fold(e, false) || fl_target_end(e->g, &e->net, target, &end)) return e->g->error->status;
    fl_graph *g = e->g;
    const fl_demand demand = {.root = end.node, .wrt = e->net.input};
    const bool parts = e->parts;
    e->parts = true;                                     /* fused passes hand on signals that a ReLU above has already stopped */
    e->plan = NULL;
    const fl_status planned = fl_explainer_plan(e, &demand);
    e->parts = parts;
    if (planned) return g->error->status;
    memcpy(fl_graph_value(g, e->net.input), clip, (size_t)(fl_shape_count(fl_graph_shape(g, e->net.input)) / e->batch) * sizeof(real));
    const fl_watch *before = g->watch;
    g->watch = watch;
    fl_graph_forward(g);
    const fl_status status = fl_target_resolve(target, e->classes, fl_explainer_row(e, end.node, 0), g->error);
    if (status == FL_OK) {
        memset(e->seed, 0, (size_t)(e->batch * e->classes) * sizeof(real));
        fl_target_seed(target, end, e->classes, fl_explainer_row(e, end.node, 0), e->seed);
        fl_graph_backward(g, e->seed);
    }
    g->watch = before;
    return status;
}

fl_status fl_against_run(fl_explainer *e, const real *clip, fl_target *target, const fl_map *map, const fl_bundle *theirs, fl_arena *a,
                         fl_against *to)
{
    comparer c = {.theirs = theirs, .a = a, .to = to, .used = FL_NEW(a, bool, theirs->count + 1), .e = e};
    const fl_watch watch = {.value = see_value, .signal = see_signal, .user = &c};
    *to = (fl_against){.item = FL_NEW(a, fl_difference, theirs->count + 1)};
    if (!c.used || !to->item) return a->error->status;
    const fl_entry *class_entry = fl_bundle_find(theirs, "class");
    if (class_entry) c.used[class_entry - theirs->entry] = true;
    compare(&c, "input", "", e->whole.input, false, fl_graph_shape(e->whole_g, e->whole.input), clip);
    if (fl_walk_watched(e, clip, target, &watch)) return e->whole_g->error->status;
    if (map) compare(&c, "map", "", FL_NONE, true, map->shape, map->data);
    if (c.failed) return a->error->status;
    for (int i = 0; i < theirs->count; i++) {
        if (c.used[i]) continue;
        if (!to->unknown++) to->first_unknown = theirs->entry[i].name;
    }
    return FL_OK;
}

const fl_difference *fl_against_first(const fl_against *x, bool signal, double tolerance)
{
    for (int i = 0; i < x->count; i++)
        if (x->item[i].signal == signal && !x->item[i].misfit && !(x->item[i].relative <= tolerance)) return &x->item[i];
    return NULL;
}
