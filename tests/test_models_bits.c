/* test_models_bits.c: the bits of a network follow neither threads nor batch mates, its gradients are differences, and
 * too little memory is an error like any other. */
#include "autograd/gradcheck.h"
#include "tensor/kernels.h"
#include "tensor/par.h"
#include "tests/model_rig.h"
#include "tests/test.h"

static bool rig_small(rig *r, const char *model, int n, bool exact)
{
    fl_model_options o = SMALL;
    o.n = n;
    o.exact = exact;
    rig_up(r, model, &o);
    rig_plan(r, FL_KEEP_FOR_BACKWARD);
    fl_model_fill_formula(r->g, 1);
    return CHECK_SAY(fl_graph_ok(r->g), "%s: %s", model, r->error.message);
}

/* Clip number `clip` of the test's own; up and down with a seed that differs from class to class. */
static void run(rig *r, int first_clip)
{
    const fl_shape s = fl_graph_shape(r->g, r->net.input), logits = fl_graph_shape(r->g, r->net.logits);
    const int64_t one = fl_shape_count(s) / s.n;
    real seed[3 * 16];
    for (int n = 0; n < s.n; n++)
        fl_rng_fill_normal(1, (uint64_t)first_clip + (uint64_t)n, 0, fl_graph_value(r->g, r->net.input) + n * one, one);
    for (int i = 0; i < fl_shape_count(logits); i++) seed[i] = (real)(i % logits.c + 1) / 4;
    fl_graph_forward(r->g);
    fl_graph_backward(r->g, seed);
}

static bool same(const real *a, const real *b, int64_t n) { return memcmp(a, b, (size_t)n * sizeof *a) == 0; }

/* Three clips in one pass, and each on its own: logits and gradients. */
static void check_mates(const fl_model *model, bool exact)
{
    const char *name = model->name;
    rig all, one;
    const bool built = rig_small(&all, name, 3, exact);
    if (rig_small(&one, name, 1, exact) && built) {
        const int64_t clip = fl_shape_count(fl_graph_shape(one.g, one.net.input));
        const int classes = model->classes;
        run(&all, 0);
        const real *logits = fl_graph_value(all.g, all.net.logits);
        const real *gradient = fl_graph_signal(all.g, all.net.input);
        for (int n = 0; n < 3; n++) {
            run(&one, n);
            CHECK_SAY(same(logits + n * classes, fl_graph_value(one.g, one.net.logits), classes), "%s: logits of clip %d", name, n);
            CHECK_SAY(same(gradient + n * clip, fl_graph_signal(one.g, one.net.input), clip), "%s: gradient of clip %d", name, n);
        }
    }
    fl_arena_free(&all.arena);
    fl_arena_free(&one.arena);
}

TEST(models_bits_do_not_follow_batch_mates)
{
    for (int m = 0; small_model(m); m++)
        for (int exact = 0; exact < 2; exact++) check_mates(small_model(m), exact);
}

static void hash_run(const char *name, bool exact, uint64_t hash[2])
{
    rig r;
    if (rig_small(&r, name, 2, exact)) {
        run(&r, 0);
        const int64_t logits = fl_shape_count(fl_graph_shape(r.g, r.net.logits));
        const int64_t input = fl_shape_count(fl_graph_shape(r.g, r.net.input));
        hash[0] = fl_hash(fl_graph_value(r.g, r.net.logits), (size_t)logits * sizeof(real));
        hash[1] = fl_hash(fl_graph_signal(r.g, r.net.input), (size_t)input * sizeof(real));
    }
    fl_arena_free(&r.arena);
}

TEST(models_bits_do_not_follow_threads)
{
    static const int threads[] = {1, 2, 3, 16};
    const double before = fl_parallel_min;
    fl_parallel_min = 0;
    for (int k = 0; small_model(k / 2); k++) {
        const char *name = small_model(k / 2)->name;
        uint64_t first[2] = {0}, now[2] = {0};
        for (int i = 0; i < 4; i++) {
            fl_threads_set(threads[i]);
            hash_run(name, k % 2, i ? now : first);
            if (i)
                CHECK_SAY(now[0] == first[0] && now[1] == first[1], "%s%s: %d threads change bits",
                          name, k % 2 ? ", exact" : "", threads[i]);
        }
    }
    fl_threads_set(0);
    fl_parallel_min = before;
}

/* Exact sums and their remainders are the same on machines with and without fused multiply-add. (In float64 no product is exact.) */
TEST(models_bits_of_exact_graphs_do_not_follow_the_machine)
{
    if (sizeof(real) == sizeof(double)) SKIP("float64");
    for (int m = 0; small_model(m); m++) {
        uint64_t first[2] = {0}, now[2] = {0};
        for (int isa = 0; fl_isa_available(isa); isa++) {
            fl_isa_choose(fl_isa_available(isa), NULL);
            hash_run(small_model(m)->name, true, isa ? now : first);
            if (isa) CHECK_SAY(now[0] == first[0] && now[1] == first[1], "%s: %s changes bits", small_model(m)->name, fl_isa_name());
        }
    }
    fl_isa_choose(NULL, NULL);
}

/* ---- gradients ---- */

#ifdef FL_F64
/* The input, and every ninth parameter. */
static void check_gradients(const char *name)
{
    enum { MOST = 64 };
    fl_id wrt[MOST];
    int n = 0, params = 0;
    rig r;
    rig_up(&r, name, &(fl_model_options){.frames = 2, .height = 16, .width = 16});
    for (fl_id i = 0; i < r.g->count && n < MOST; i++)
        if (i == r.net.input || (r.g->node[i].role == FL_PARAM && params++ % 9 == 3)) wrt[n++] = i;
    fl_graph_plan(r.g, &(fl_plan){.keep = FL_KEEP_FOR_BACKWARD, .out = &r.net.logits, .n_out = 1,
                                  .root = r.net.logits, .wrt = wrt, .n_wrt = n});
    if (CHECK_SAY(fl_graph_ok(r.g), "%s: %s", name, r.error.message)) {
        const fl_shape s = fl_graph_shape(r.g, r.net.input);
        fl_gradcheck result;
        fl_model_fill_formula(r.g, 1);
        fl_rng_fill_normal(1, 1, 0, fl_graph_value(r.g, r.net.input), fl_shape_count(s));
        fl_gradcheck_run(r.g, wrt, n, &(fl_gradcheck_options){.samples = 1, .seed = 3}, &result);
        CHECK_SAY(result.worst <= 1e-9, "%s: worst %g at %s", name, result.worst, result.where);
        CHECK_SAY(result.directional <= 1e-9, "%s: along a direction %g", name, result.directional);
        CHECK_SAY(result.checked > 2 * result.kinks && result.directions > 0,
                  "%s: %d elements, %d kinks, %d directions", name, result.checked, result.kinks, result.directions);
    }
    fl_arena_free(&r.arena);
}

TEST(models_gradients_are_differences)
{
    fl_threads_set(1);                                   /* thousands of small passes */
    for (int m = 0; small_model(m); m++) check_gradients(fl_model_table[m]->name);
    fl_threads_set(0);
}
#endif

/* ---- memory ---- */

/* A graph, a network in it, a plan for both directions. The number of allocations, or 0 when one failed. */
static long build_and_plan(const char *name, bool exact, long fail_at)
{
    rig r;
    memset(&r, 0, sizeof r);
    fl_arena_init(&r.arena, &r.error);
    fl_arena_fail_at(fail_at);
    r.g = fl_graph_new(&r.arena);
    if (r.g) {
        r.net = fl_model_build(r.g, fl_model_find(name), &(fl_model_options){.frames = 2, .height = 16, .width = 16, .exact = exact});
        if (fl_graph_ok(r.g)) rig_plan(&r, FL_KEEP_FOR_BACKWARD);
    }
    const long count = fl_arena_count();
    const bool ok = r.error.status == FL_OK;
    fl_arena_fail_at(0);
    CHECK_SAY(ok || (r.error.status == FL_FAILED && strstr(r.error.message, "memory")), "%s: '%s'", name,
              r.error.message);
    fl_arena_free(&r.arena);
    return ok ? count : 0;
}

TEST(models_survive_without_memory)
{
    static const char *const names[] = {"tiny", "cnn_lstm_small", "convlstm_small"};
    for (int m = 0; m < 3; m++) {
        const long count = build_and_plan(names[m], m > 0, 0);
        CHECK_SAY(count > 100, "%s: %ld allocations", names[m], count);
        for (long k = 1; k <= count; k++)
            CHECK_SAY(build_and_plan(names[m], m > 0, k) == 0, "%s: allocation %ld failed unnoticed", names[m], k);
    }
}
