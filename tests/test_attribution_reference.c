/* test_attribution_reference.c: whole arrays of the shared reference numbers (methods/tiny.npz), value by value; skipped where they are
 * not there. Of the same arrays every 25th value is in golden/ (test_attribution_tiny.c). */
#include "attribution/explainer.h"
#include "io/weights_file.h"
#include "tests/tiny_maps.h"

#include <stdlib.h>

typedef struct reference { fl_arena arena; fl_error error; fl_weights_file file; fl_bundle bundle; } reference;

static bool open_reference(reference *f)
{
    memset(f, 0, sizeof *f);
    fl_arena_init(&f->arena, &f->error);
    fl_bundle_init(&f->bundle, &f->arena);
    const char *path = fl_arena_text(&f->arena, "%s/reference/methods/tiny.npz", fl_test_shared());
    return CHECK_SAY(fl_weights_file_open(&f->arena, path, &f->file) == FL_OK &&
                     fl_weights_file_bundle(&f->file, &f->bundle) == FL_OK, "%s", f->error.message);
}

static void close_reference(reference *f)
{
    fl_weights_file_close(&f->file);
    fl_arena_free(&f->arena);
}

/* The array in our order; NULL and a failed check: it is not of that size. */
static const real *read_array(reference *f, const char *name, fl_shape s)
{
    const fl_entry *e = fl_bundle_find(&f->bundle, name);
    const int64_t n = fl_shape_count(s);
    real *file = FL_NEW(&f->arena, real, n), *to = FL_NEW(&f->arena, real, n);
    if (!CHECK_SAY(e && fl_entry_count(e) == n && file && to, "%s: not %lld values", name, (long long)n)) return NULL;
    fl_entry_read(e, 0, n, file);
    fl_from_file_order(s, file, to);
    return to;
}

static void check_array(reference *f, const char *name, fl_shape s, const real *ours, double tolerance)
{
    const real *theirs = read_array(f, name, s);
    if (!theirs || !ours) return;
    const double error = fl_relative_error(ours, theirs, fl_shape_count(s));
    CHECK_SAY(error <= tolerance, "%s: off by %g", name, error);
}

/* What the last walk left at the layer that the method reads, channel by channel: signals, or signals times values. */
static const real *at_layer(fl_rig *r, fl_shape *s, bool times_value)
{
    const fl_explainer *e = r->e;
    *s = fl_graph_shape(e->g, e->demand.wrt);
    const int64_t n = fl_shape_count(*s);
    const real *signal = fl_graph_signal(e->g, e->demand.wrt), *value = fl_graph_value(e->g, e->demand.wrt);
    real *to = FL_NEW(&r->results, real, n);
    for (int64_t i = 0; to && i < n; i++) to[i] = times_value ? signal[i] * value[i] : signal[i];
    return to;
}

static void sum_channels(fl_shape s, const real *x, real *sum)
{
    for (int64_t p = 0; p < fl_shape_pixels(s); p++) {
        double all = 0;
        for (int c = 0; c < s.c; c++) all += (double)x[p * s.c + c];
        sum[p] = (real)all;
    }
}

TEST(attribution_reference_whole_arrays)
{
    if (!fl_test_shared()) SKIP("no shared reference numbers here");
    reference f;
    fl_rig r;
    fl_shape s;
    const real *clip, *map, *values;
    real corner[8], logits[5], sum[8 * 6 * 6];
    double given[5];
    if (!tiny_up(&r, 1) || !open_reference(&f) || !(clip = read_array(&f, "input", TINY_SHAPE))) return;
    CHECK(fl_explainer_predict(r.e, clip, given, NULL) == FL_OK);
    for (int k = 0; k < 5; k++) logits[k] = (real)given[k];
    check_array(&f, "logits", fl_shape_vector(1, 5), logits, 2e-6);
    for (int i = 0; i < TINY_MAPS; i++) {
        if (strcmp(tiny_maps[i].array, "ebp_at_relus2_sum") == 0) continue;          /* below, by channels */
        map = rig_explain(&r, tiny_maps[i].method, clip, tiny_maps[i].o);
        s = tiny_values(&r, map, corner, &values);
        check_array(&f, tiny_maps[i].array, s, values, tiny_maps[i].tolerance);
    }
    /* channels that a map adds up */
    rig_explain(&r, "excitation", clip, WITH(.unfolded = true));
    check_array(&f, "ebp_at_relus2", (fl_shape){1, 8, 8, 6, 6}, at_layer(&r, &s, false), 2e-6);
    map = rig_explain(&r, "hires_cam", clip, WITH(.signed_cam = true));
    check_array(&f, "layer_gradxact_relus2", (fl_shape){1, 8, 8, 6, 6}, at_layer(&r, &s, true), 2e-6);
    const real *product = read_array(&f, "layer_gradxact_relus2", s);
    if (product && CHECK(fl_shape_pixels(s) == 8 * 6 * 6)) {
        sum_channels(s, product, sum);
        CHECK_SAY(map && fl_relative_error(map, sum, 8 * 6 * 6) <= 2e-6, "hires_cam: not the sum over channels");
    }
    close_reference(&f);
    rig_down(&r);
}
