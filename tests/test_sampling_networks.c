/* test_sampling_networks.c: every method that samples, on every small network with its own weights' shapes: whole maps with errors, and
 * the same bits for any number of threads. */
#include "attribution/driver.h"
#include "tests/attribution_rig.h"

#include "tensor/par.h"
#include "tensor/rng.h"

static const char *const NETWORKS[] = {"tiny", "c3d_small", "r2plus1d_small", "i3d_small", "tsm_small", "cnn_lstm_small", "convlstm_small"};

typedef struct seen { uint64_t map, error; int samples; } seen;

static bool network_up(fl_rig *r, const char *name)
{
    memset(r, 0, sizeof *r);
    fl_arena_init(&r->arena, &r->error);
    fl_arena_init(&r->results, &r->result_error);
    r->g = fl_graph_new(&r->arena);
    const fl_model *m = fl_model_find(name);
    r->net = fl_model_build(r->g, m, &(fl_model_options){.n = 1});
    fl_model_fill_formula(r->g, m->gamma);
    r->e = fl_explainer_new(r->g, r->net, &m->input);
    return CHECK_SAY(r->e != NULL, "%s: %s", name, r->error.message);
}

static seen look(fl_rig *r, const fl_method *m, const real *clip, int threads)
{
    fl_threads_set(threads);
    const fl_mark mark = fl_arena_mark(&r->results);
    const int64_t pixels = fl_shape_pixels(fl_graph_shape(r->g, r->net.input));
    const bool fractions = fl_method_uses(m) & FL_READS(grid), small = fl_graph_shape(r->g, r->net.input).h < 32;
    rig_explain(r, m->name, clip, WITH(.window = "8,32,32", .samples = 5, .grid = "1,2,2", .cell = small ? "8,12,24" : "16,32,64",
                                       .pieces = 6, .stride = fractions ? "1" : NULL, .seed = 4));
    seen s = {0, 0, r->map.samples};
    if (r->map.data && r->map.standard_error) {
        s.map = fl_hash(r->map.data, (size_t)fl_shape_count(r->map.shape) * sizeof(real));
        s.error = fl_hash(r->map.standard_error, (size_t)pixels * sizeof(real));
        for (int64_t p = 0; p < pixels; p++)
            if (!CHECK_SAY(isfinite(r->map.standard_error[p]) && r->map.standard_error[p] >= 0, "%s: an error is no number", m->name))
                break;
    }
    fl_arena_release(&r->results, mark);
    fl_threads_set(0);
    return s;
}

TEST(sampling_runs_on_every_small_network)
{
    for (size_t n = 0; n < sizeof NETWORKS / sizeof *NETWORKS; n++) {
        fl_rig r;
        if (!network_up(&r, NETWORKS[n])) continue;
        fl_shape s = fl_graph_shape(r.g, r.net.input);
        real *clip = FL_NEW(&r.results, real, fl_shape_count(s));
        fl_rng_fill_normal(3, 1, 0, clip, fl_shape_count(s));
        for (const fl_method *m = fl_method_table; m->name; m++) {
            if (!m->driver->watches) continue;
            const seen one = look(&r, m, clip, 1), three = look(&r, m, clip, 3);
            CHECK_SAY(one.samples > 0 && one.map != 0, "%s on %s: no map", m->name, NETWORKS[n]);
            CHECK_SAY(one.map == three.map && one.error == three.error && one.samples == three.samples,
                      "%s on %s: other bits with 3 threads", m->name, NETWORKS[n]);
        }
        rig_down(&r);
    }
}
