/* cam.c: lesson: class activation maps: the last layer that still knows where.
 *
 *   m = relu( sum over k of  mean(ds/dA_k) * A_k )           behind a mean and one linear layer: mean(ds/dA_k) = w_k / places */
#include "io/cli/lesson/lecture.h"

#include "autograd/graph.h"

#include <math.h>
#include <string.h>

typedef struct layer { fl_shape s; const real *a, *d; int64_t places; } layer;        /* activations, gradients */

static bool ends_in_mean(const fl_graph *g, fl_id cam)
{
    for (fl_id i = cam + 1; i <= g->root; i++)
        for (int k = 0; k < g->node[i].n_in; k++)
            if (g->node[i].in[k] == cam && !(g->node[i].op->kind == FL_OP_mean && fl_shape_pixels(g->node[i].shape) == g->node[i].shape.n))
                return false;
    return true;
}

/* The score of the clip with its pixels in random order. */
static double shuffle_clip(fl_lecture *l)
{
    const int64_t pixels = fl_shape_pixels(l->s.input.shape);
    const int c = l->s.input.shape.c;
    real *clip = FL_NEW(l->cli->arena, real, fl_lecture_voxels(l));
    int *order = FL_NEW(l->cli->arena, int, pixels);
    fl_rng rng = {l->cli->seed, 5, 0};
    if (!clip || !order) return (double)NAN;
    for (int p = 0; p < (int)pixels; p++) order[p] = p;
    fl_rng_shuffle(order, (int)pixels, &rng);
    for (int64_t p = 0; p < pixels; p++) memcpy(clip + p * c, l->s.input.values + (int64_t)order[p] * c, (size_t)c * sizeof *clip);
    return fl_lecture_score(l, clip);
}

/* Behind the mean nobody can tell one place from another. */
static void shuffle(fl_lecture *l, const layer *y)
{
    fl_graph *g = l->s.graph;
    const fl_id cam = l->s.net.cam;
    real *values = fl_graph_value(g, cam), *was = FL_NEW(l->cli->arena, real, fl_shape_count(y->s));
    int *order = FL_NEW(l->cli->arena, int, y->places);
    bool *changed = FL_NEW(l->cli->arena, bool, g->count);
    fl_rng rng = {l->cli->seed, 4, 0};
    if (!was || !order || !changed) return;
    const double before = (double)fl_graph_value(g, g->root)[l->best];
    memcpy(was, values, (size_t)fl_shape_count(y->s) * sizeof *was);
    for (int p = 0; p < (int)y->places; p++) order[p] = p;
    fl_rng_shuffle(order, (int)y->places, &rng);
    for (int64_t p = 0; p < y->places; p++) memcpy(values + p * y->s.c, was + order[p] * y->s.c, (size_t)y->s.c * sizeof *was);
    fl_graph_forward_above(g, cam, changed);
    const double after = (double)fl_graph_value(g, g->root)[l->best];
    memcpy(values, was, (size_t)fl_shape_count(y->s) * sizeof *was);
    fl_graph_forward_above(g, cam, changed);
    int again = 0;
    for (fl_id i = 0; i < g->count; i++) again += changed[i] && i != cam;
    const double rounding = fl_lecture_rounding(y->places, fabs(before)), below = shuffle_clip(l);
    fl_lecture_say(l, "Above it there is a mean over all places, and then nobody knows where anything was. To see that, the %lld places of "
                   "'%s' are put in random order, and the %d nodes above it are run again. The score stays %.6g. With the places of the "
                   "clip itself in random order it becomes %.6g.", (long long)y->places, g->node[cam].name, again, after, below);
    fl_lecture_same(l, "score with the layer's places in random order = score", after, before, rounding,
                    fl_arena_text(l->cli->arena, "a mean of %lld values in another order", (long long)y->places));
    fl_lecture_less(l, "what that changes < what a random order of the clip's own places changes", fabs(after - before),
                    fabs(below - l->score), "below, neighbours are looked at together: there places count");
}

/* Weight of channel k. */
static double weight(const layer *y, int k)
{
    double sum = 0;
    for (int64_t p = 0; p < y->places; p++) sum += (double)y->d[p * y->s.c + k];
    return sum / (double)y->places;
}

static void show_channels(fl_lecture *l, const layer *y, const real *w)
{
    double worst = 0, most = 0;
    fl_lecture_say(l, "How much does the score want of each channel? The mean of its gradient says so%s. "
                   "The channels that are wanted most:",
                   w ? "; here it must be the weight of the last layer, divided by the number of places" : "");
    fl_lecture_show(l, "%8s %18s%s", "channel", "mean gradient", w ? "        w / places" : "");
    for (int shown = 0, last = -1; shown < 4 && shown < y->s.c; shown++) {
        int best = -1;
        for (int k = 0; k < y->s.c; k++)
            if ((last < 0 || weight(y, k) < weight(y, last)) && (best < 0 || weight(y, k) > weight(y, best))) best = k;
        if (best < 0) break;
        if (w) fl_lecture_show(l, "%8d %18.8f %17.8f", best, weight(y, best), (double)w[best] / (double)y->places);
        else fl_lecture_show(l, "%8d %18.8f", best, weight(y, best));
        last = best;
    }
    for (int k = 0; w && k < y->s.c; k++) {
        worst = fmax(worst, fabs(weight(y, k) * (double)y->places - (double)w[k]));
        most = fmax(most, fabs((double)w[k]));
    }
    if (w) fl_lecture_small(l, "mean gradient x places = weight of the last layer, for every channel: largest difference", worst,
                            fl_lecture_rounding(y->places, most), "rounding of the sum that the mean is, over all places");
}

/* The frame of the map with its peak, a digit per place; in brackets where the thing is. */
static void draw(fl_lecture *l, const layer *y, const double *m)
{
    int64_t peak = 0;
    for (int64_t p = 0; p < y->places; p++)
        if (m[p] > m[peak]) peak = p;
    const int t = (int)(peak / y->s.h / y->s.w);
    if (m[peak] <= 0 || y->s.w > 16 || y->s.h > 16) return;
    const fl_shape clip = l->s.input.shape;
    const fl_box *b = l->boxes ? &l->boxes->box[(2 * t + 1) * clip.t / (2 * y->s.t)] : NULL;
    fl_lecture_say(l, "Frame %d of the map's %d, from 0 to 9%s:", t, y->s.t,
                   b ? "; in brackets the places that the actor's box touches" : "");
    for (int h = 0; h < y->s.h; h++) {
        char row[96] = "";
        for (int w = 0; w < y->s.w; w++) {
            const bool in = b && b->x1 > w * clip.w / y->s.w && b->x0 < (w + 1) * clip.w / y->s.w && b->y1 > h * clip.h / y->s.h &&
                b->y0 < (h + 1) * clip.h / y->s.h;
            const int digit = (int)(9 * m[((int64_t)t * y->s.h + h) * y->s.w + w] / m[peak] + 0.5);
            snprintf(row + strlen(row), sizeof row - strlen(row), in ? "[%d]" : digit ? " %d " : " . ", digit);
        }
        fl_lecture_show(l, "%s", row);
    }
}

static void by_hand(fl_lecture *l, const layer *y, double *m)
{
    double worst = 0, most = 0;
    for (int64_t p = 0; p < y->places; p++) m[p] = 0;
    for (int k = 0; k < y->s.c; k++) {
        const double w = weight(y, k);
        for (int64_t p = 0; p < y->places; p++) m[p] += w * (double)y->a[p * y->s.c + k];
    }
    for (int64_t p = 0; p < y->places; p++) m[p] = fmax(m[p], 0);
    draw(l, y, m);
    fl_map tool;
    if (fl_lecture_map(l, "grad_cam", l->s.input.values, NULL, &tool) != FL_OK) return;
    for (int64_t p = 0; p < y->places; p++) {
        worst = fmax(worst, fabs(m[p] - (double)tool.data[p]));
        most = fmax(most, m[p]);
    }
    fl_lecture_small(l, fl_arena_text(l->cli->arena, "%lld places by hand = the map of grad_cam: largest difference (the peak is %.5g)",
                                      (long long)y->places, most), worst, (fl_lecture_fine() ? 1e-10 : 1e-4) * most,
                    "rounding: the tool folds norms into weights first, so that activations come out a little different");
}

static fl_status give(fl_lecture *l)
{
    const fl_graph *g = l->s.graph;
    const fl_id cam = l->s.net.cam;
    if (cam == FL_NONE)
        return fl_error_set(l->cli->error, FL_USAGE, "lesson cam: %s names no layer for class activation maps", l->s.model->name);
    if (fl_lecture_walk(l, &l->s.net.input, 1) != FL_OK) return l->cli->error->status;
    const fl_node *n = &g->node[cam];
    const layer y = {n->shape, n->value, n->signal, fl_shape_pixels(n->shape)};
    const fl_node *top = &g->node[g->root];
    const bool mean = ends_in_mean(g, cam), head = mean && top->op->kind == FL_OP_linear && top->in_shape[0].c == y.s.c;
    const fl_shape x = l->s.input.shape;
    double *m = FL_NEW(l->cli->arena, double, y.places);
    if (!m) return l->cli->error->status;
    fl_lecture_say(l, "The clip has %d x %d x %d places (frames, rows, columns) of %d channels. The layer '%s' still has %d x %d x %d "
                   "places, and %d channels that have learned what to look for.", x.t, x.h, x.w, x.c, n->name, y.s.t, y.s.h, y.s.w, y.s.c);
    if (mean) shuffle(l, &y);
    show_channels(l, &y, head ? top->operand[1] + (int64_t)l->best * y.s.c : NULL);
    by_hand(l, &y, m);
    return l->cli->error->status;
}

const fl_lesson fl_lesson_cam = {
    "cam", "class activation maps: the last layer that still knows where",
    "Deep layers know what there is, and the last of them before the mean still knows where. Weigh each of its channels with how much the "
    "class wants it, and add them up: a coarse map of where the class was found. Grad-CAM takes the weights from the gradient, so any "
    "network has them.",
    "m = relu( sum over k of  w_k A_k ),      w_k = mean over all places of ds/dA_k",
    "attribution/drive_cam.c for this map and five others, attribution/reduce.c for how it is enlarged to the clip",
    "explain footlight-demo/clip.ppm --model c3d_small --method grad_cam,cam,layer_cam,guided_grad_cam -o cams",
    "A place of this layer sees a box of the clip that is much larger than its own cell (footlight inspect c3d_small). Is a bright place "
    "then proof that the evidence lies inside it?", give};
