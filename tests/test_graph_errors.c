/* test_graph_errors.c: what the tape says when the world is wrong: shapes that do not fit, names twice, weights of
 * another network, no memory; and that our own mistakes stop instead of giving numbers. */
#include "autograd/ops.h"
#include "tensor/par.h"
#include "tests/random_graph.h"
#include "tests/test.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct bench { fl_error error; fl_arena arena; fl_graph *g; } bench;

static void bench_open(bench *b)
{
    memset(b, 0, sizeof *b);
    fl_arena_init(&b->arena, &b->error);
    b->g = fl_graph_new(&b->arena);
}

static void bench_close(bench *b) { fl_arena_free(&b->arena); }

static void check_message(const fl_error *e, fl_status status, const char *const words[], int count)
{
    CHECK_SAY(e->status == status, "status %d instead of %d: %s", (int)e->status, (int)status, e->message);
    for (int i = 0; i < count; i++)
        CHECK_SAY(strstr(e->message, words[i]) != NULL, "'%s' is not in: %s", words[i], e->message);
}
#define SAYS(error, status, ...)                                                                                     \
    check_message((error), (status), (const char *[]){__VA_ARGS__},                                                  \
                  (int)(sizeof(const char *[]){__VA_ARGS__} / sizeof(char *)))

/* ---- shapes ---- */

static fl_id leaf(fl_graph *g, const char *name, int n, int c, int t, int h, int w)
{
    return fl_node_input(g, name, (fl_shape){n, c, t, h, w});
}
static fl_id clip(fl_graph *g)   { return leaf(g, "x", 1, 3, 4, 4, 4); }
static fl_id kernel(fl_graph *g) { return leaf(g, "w", 8, 3, 3, 3, 3); }

static const fl_window CUBE = {{3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}};
static const fl_window HOLE = {{3, 3, 3}, {1, 0, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}};
static const fl_window BARE = {{3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
static const fl_window WIDE = {{3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 3, 1}, {1, 1, 1}};

static void axis_of_zero(fl_graph *g)    { leaf(g, "bad", 1, 3, 0, 4, 4); }
static void conv_channels(fl_graph *g)
{
    fl_node_conv(g, "bad", clip(g), leaf(g, "w", 8, 5, 3, 3, 3), FL_NONE, CUBE, 1);
}
static void conv_kernel(fl_graph *g)
{
    fl_node_conv(g, "bad", clip(g), leaf(g, "w", 8, 3, 1, 3, 3), FL_NONE, CUBE, 1);
}
static void conv_groups(fl_graph *g)
{
    fl_node_conv(g, "bad", leaf(g, "x", 1, 4, 4, 4, 4), leaf(g, "w", 9, 2, 3, 3, 3), FL_NONE, CUBE, 2);
}
static void conv_no_groups(fl_graph *g)
{
    fl_node_conv(g, "bad", leaf(g, "x", 1, 4, 4, 4, 4), leaf(g, "w", 9, 2, 3, 3, 3), FL_NONE, CUBE, 0);
}
static void conv_no_stride(fl_graph *g)  { fl_node_conv(g, "bad", clip(g), kernel(g), FL_NONE, HOLE, 1); }
static void conv_too_small(fl_graph *g)
{
    fl_node_conv(g, "bad", leaf(g, "x", 1, 3, 2, 4, 4), kernel(g), FL_NONE, BARE, 1);
}
static void conv_bias(fl_graph *g)
{
    fl_node_conv(g, "bad", clip(g), kernel(g), leaf(g, "b", 8, 1, 1, 1, 1), CUBE, 1);
}
static void linear_unflat(fl_graph *g)
{
    fl_node_linear(g, "bad", leaf(g, "x", 1, 3, 1, 2, 1), leaf(g, "w", 8, 6, 1, 1, 1), FL_NONE);
}
static void linear_features(fl_graph *g)
{
    fl_node_linear(g, "bad", leaf(g, "x", 2, 6, 1, 1, 1), leaf(g, "w", 8, 5, 1, 1, 1), FL_NONE);
}
static void norm_channels(fl_graph *g)
{
    const fl_id v = leaf(g, "v", 1, 3, 1, 1, 1), u = leaf(g, "u", 1, 4, 1, 1, 1);
    fl_node_batchnorm(g, "bad", clip(g), v, v, u, v, 1e-5);
}
static void pool_too_small(fl_graph *g)  { fl_node_maxpool(g, "bad", leaf(g, "x", 1, 3, 2, 4, 4), BARE, false); }
static void pool_no_stride(fl_graph *g)  { fl_node_avgpool(g, "bad", clip(g), HOLE, false, true); }
static void pool_padding(fl_graph *g)    { fl_node_maxpool(g, "bad", clip(g), WIDE, false); }
static void add_shapes(fl_graph *g)
{
    fl_node_add(g, "bad", leaf(g, "a", 1, 3, 4, 4, 4), leaf(g, "b", 1, 2, 4, 4, 4));
}
static void mul_shapes(fl_graph *g)
{
    fl_node_mul(g, "bad", leaf(g, "a", 2, 3, 4, 4, 4), leaf(g, "b", 3, 3, 4, 4, 4));
}
static void blend_shapes(fl_graph *g)
{
    fl_node_blend(g, "bad", clip(g), leaf(g, "s", 1, 3, 4, 4, 4), leaf(g, "m", 1, 1, 4, 5, 4));
}
static void concat_shapes(fl_graph *g)
{
    fl_node_concat(g, "bad", FL_AXIS_C, 2, (fl_id[]){leaf(g, "a", 1, 3, 4, 4, 4), leaf(g, "b", 1, 3, 4, 4, 5)});
}
static void slice_range(fl_graph *g)     { fl_node_slice(g, "bad", clip(g), FL_AXIS_T, 2, 5); }
static void reshape_count(fl_graph *g)   { fl_node_reshape(g, "bad", clip(g), (fl_shape){1, 3, 4, 4, 5}); }
static void reshape_negative(fl_graph *g) { fl_node_reshape(g, "bad", clip(g), (fl_shape){1, -3, -4, 4, 4}); }
static void permute_twice(fl_graph *g)   { fl_node_permute(g, "bad", clip(g), (int[]){0, 1, 2, 2, 4}); }
static void shift_fold(fl_graph *g)      { fl_node_shift(g, "bad", clip(g), 2); }
static void resize_to_none(fl_graph *g)
{
    fl_node_resize(g, "bad", clip(g), (fl_shape){1, 1, 4, 0, 4}, FL_RESIZE_LINEAR, false);
}
static void pick_outside(fl_graph *g)    { fl_node_pick(g, "bad", leaf(g, "x", 1, 3, 1, 1, 1), 3, 0, 0, 0); }
static void loss_shapes(fl_graph *g)
{
    fl_node_cross_entropy(g, "bad", leaf(g, "x", 2, 3, 1, 1, 1), leaf(g, "p", 1, 3, 1, 1, 1));
}
static void lrn_size(fl_graph *g)        { fl_node_lrn(g, "bad", leaf(g, "x", 1, 3, 1, 1, 1), 0, 1, 1, 1); }
static void not_found(fl_graph *g)       { fl_node_relu(g, "bad", fl_graph_find(g, "nobody")); }

TEST(graph_errors_name_the_node_and_both_shapes)
{
    static const struct { void (*build)(fl_graph *); const char *expected, *got; } list[] = {
        {axis_of_zero, "at least 1", "1,3,0,4,4"},
        {conv_channels, "3 input channels", "8,5,3,3,3"},
        {conv_kernel, "3,3,3", "8,3,1,3,3"},
        {conv_groups, "1,4,4,4,4", "2 groups"},
        {conv_no_groups, "1,4,4,4,4", "0 groups"},
        {conv_no_stride, "at least 1", "along H"},
        {conv_too_small, "does not fit", "1,3,2,4,4"},
        {conv_bias, "1,8,1,1,1", "8,1,1,1,1"},
        {linear_unflat, "flatten", "1,3,1,2,1"},
        {linear_features, "2,6,1,1,1", "8,5,1,1,1"},
        {norm_channels, "1,3,1,1,1", "1,4,1,1,1"},
        {pool_too_small, "does not fit", "1,3,2,4,4"},
        {pool_no_stride, "at least 1", "stride"},
        {pool_padding, "padding", "3,3,3"},
        {add_shapes, "1,3,4,4,4", "1,2,4,4,4"},
        {mul_shapes, "2,3,4,4,4", "3,3,4,4,4"},
        {blend_shapes, "1,3,4,4,4", "1,1,4,5,4"},
        {concat_shapes, "1,3,4,4,4", "1,3,4,4,5"},
        {slice_range, "<= 4", "2 and 5"},
        {reshape_count, "1,3,4,4,4", "1,3,4,4,5"},
        {reshape_negative, "would have shape", "1,-3,-4,4,4"},
        {permute_twice, "permutation", "axes"},
        {shift_fold, "2 x 2", "of 3"},
        {resize_to_none, "would have shape", "1,3,4,0,4"},
        {pick_outside, "c=3", "3,1,1,1"},
        {loss_shapes, "2,3,1,1,1", "1,3,1,1,1"},
        {lrn_size, "at least 1", "0"},
        {not_found, "operand 0", "does not exist"},
    };
    for (int i = 0; i < (int)(sizeof list / sizeof *list); i++) {
        bench b;
        bench_open(&b);
        const size_t mark = fl_graph_enter(b.g, "layer%d", 4);
        list[i].build(b.g);
        fl_graph_leave(b.g, mark);
        SAYS(&b.error, FL_MISFIT, "'layer4.bad'", list[i].expected, list[i].got);
        CHECK(!strchr(b.error.message, '\n'));
        bench_close(&b);
    }
}

TEST(graph_errors_stick)
{
    bench b;
    bench_open(&b);
    const fl_id x = leaf(b.g, "x", 1, 3, 4, 4, 4);
    const fl_id bad = fl_node_slice(b.g, "first", x, FL_AXIS_C, 0, 9);
    const int count = b.g->count;
    CHECK(bad == FL_NONE && !fl_graph_ok(b.g));
    CHECK(fl_node_relu(b.g, "second", bad) == FL_NONE);
    CHECK(fl_node_relu(b.g, "third", x) == FL_NONE);                       /* nothing wrong with this one */
    CHECK(fl_node_slice(b.g, "fourth", x, FL_AXIS_C, 0, 9) == FL_NONE);
    CHECK(fl_node_flatten(b.g, "fifth", bad) == FL_NONE &&
          fl_node_param(b.g, "sixth", fl_shape_vector(1, 1)) == FL_NONE);
    CHECK(b.g->count == count);
    CHECK(fl_shape_valid(fl_graph_shape(b.g, bad)));
    SAYS(&b.error, FL_MISFIT, "'first'", "slice");
    CHECK(fl_graph_plan(b.g, &(fl_plan){.out = &x, .n_out = 1}) == FL_MISFIT);
    bench_close(&b);
    CHECK(fl_node_relu(NULL, "nowhere", 0) == FL_NONE &&
          fl_graph_plan(NULL, &(fl_plan){.keep = FL_KEEP_ALL}) == FL_FAILED);
}

TEST(graph_names_are_unique_and_scoped)
{
    bench b;
    bench_open(&b);
    const size_t outer = fl_graph_enter(b.g, "block%d", 1), inner = fl_graph_enter(b.g, "conv");
    const fl_id x = leaf(b.g, "x", 1, 1, 1, 1, 1);
    fl_graph_leave(b.g, inner);
    const fl_id y = leaf(b.g, "x", 1, 1, 1, 1, 1);
    fl_graph_leave(b.g, outer);
    const fl_id z = leaf(b.g, "x", 1, 1, 1, 1, 1);
    CHECK(fl_graph_ok(b.g) && fl_graph_find(b.g, "block1.conv.x") == x && fl_graph_find(b.g, "block1.x") == y &&
          fl_graph_find(b.g, "x") == z);
    CHECK(fl_graph_find(b.g, "conv.x") == FL_NONE);
    char text[80];
    CHECK(strcmp(fl_node_describe(b.g, x, text, sizeof text), "node 0 'block1.conv.x' (input)") == 0);
    CHECK(fl_node_relu(b.g, "x", z) == FL_NONE);
    SAYS(&b.error, FL_MISFIT, "'x'", "relu", "exists already");
    bench_close(&b);
}

TEST(graph_prints_its_tape)
{
    bench b;
    bench_open(&b);
    const random_graph net = random_graph_build(b.g, 5, false);
    const char *before = fl_graph_print(b.g, &b.arena);
    CHECK(before && strstr(before, " -- "));
    CHECK(fl_graph_plan(b.g, &(fl_plan){.root = net.root, .wrt = &net.x, .n_wrt = 1}) == FL_OK);
    const char *printed = fl_graph_print(b.g, &b.arena), *text = printed ? printed : "";
    int lines = 0;
    for (const char *p = text; *p; p++) lines += *p == '\n';
    CHECK_SAY(lines == b.g->count + 2, "%d lines for %d nodes", lines, b.g->count);
    char line[128];
    snprintf(line, sizeof line, "2,3,3,5,4           fb  %11d \n", 360 * (int)sizeof(real));
    CHECK(strstr(text, "    0  input          x ") && strstr(text, line));
    snprintf(line, sizeof line, "%5d  logsoftmax ", net.root);
    const char *last = strstr(text, line), *end = last ? strchr(last, '\n') : NULL;
    CHECK(last && strstr(last, "2,5,1,1,1           fb") && end);
    snprintf(line, sizeof line, "  %d\n", b.g->node[net.root].in[0]);
    CHECK(end && strncmp(end - strlen(line) + 1, line, strlen(line)) == 0);
    CHECK(strstr(text, "  param  ") && strstr(text, " f- "));             /* weights are read but carry nothing */
    bench_close(&b);
}

/* ---- weights ---- */

TEST(graph_weights_there_and_back)
{
    bench a, b;
    bench_open(&a);
    bench_open(&b);
    fl_bundle bundle;
    fl_bundle_init(&bundle, &a.arena);
    const random_graph net = random_graph_build(a.g, 9, false);
    random_graph_build(b.g, 9, false);
    CHECK(fl_graph_store(a.g, &bundle) == FL_OK && bundle.count == net.n_wrt - 1);      /* all but the input */
    for (int i = 1; i < net.n_wrt; i++)
        fl_scale(fl_graph_value(b.g, net.wrt[i]), 0, fl_shape_count(fl_graph_shape(b.g, net.wrt[i])));
    const fl_plan plan = {.out = &net.root, .n_out = 1};
    CHECK(fl_graph_plan(a.g, &plan) == FL_OK && fl_graph_plan(b.g, &plan) == FL_OK);
    fl_graph_forward(a.g);
    fl_graph_forward(b.g);
    const size_t bytes = 10 * sizeof(real);
    const uint64_t want = fl_hash(fl_graph_value(a.g, net.root), bytes);
    CHECK(fl_hash(fl_graph_value(b.g, net.root), bytes) != want);
    CHECK(fl_graph_load(b.g, &bundle) == FL_OK); /* into a planned graph: repacks */
    fl_graph_forward(b.g);
    CHECK(fl_hash(fl_graph_value(b.g, net.root), bytes) == want);
    bench_close(&a);
    bench_close(&b);
}

/* Value i of the file is i. */
static void read_index(const fl_entry *e, int64_t first, int64_t count, real *to)
{
    (void)e;
    for (int64_t i = 0; i < count; i++) to[i] = (real)(first + i);
}

/* Too large for one piece: rows of the first axis come some at a time, and each lands at its place. */
TEST(graph_weights_are_read_on_demand)
{
    bench b;
    bench_open(&b);
    const fl_shape s = {300, 40, 3, 3, 2};
    fl_id w = fl_node_param(b.g, "w", s), v = fl_node_param(b.g, "v", (fl_shape){50, 70, 1, 1, 1});
    fl_bundle bundle;
    fl_bundle_init(&bundle, &b.arena);
    CHECK(fl_bundle_add_source(&bundle, "w", 5, (int64_t[]){300, 40, 3, 3, 2}, read_index, NULL) == FL_OK);
    CHECK(fl_bundle_add_source(&bundle, "v", 2, (int64_t[]){50, 70}, read_index, NULL) == FL_OK);
    const size_t before = b.arena.used;
    CHECK(fl_graph_load(b.g, &bundle) == FL_OK);
    CHECK(b.arena.used == before && b.arena.peak - before <= sizeof(real) << 16);
    const real *got = fl_graph_value(b.g, w);
    int wrong = 0;
    for (int i = 0, n = 0; n < s.n; n++)
        for (int c = 0; c < s.c; c++)
            for (int t = 0; t < s.t; t++)
                for (int h = 0; h < s.h; h++)
                    for (int x = 0; x < s.w; x++) wrong += got[fl_at(s, n, c, t, h, x)] != (real)i++;
    CHECK_SAY(wrong == 0, "%d values are wrong", wrong);
    for (int i = 0; i < 3500; i++) wrong += fl_graph_value(b.g, v)[i] != (real)i;
    CHECK(wrong == 0);
    bench_close(&b);
}

TEST(graph_weights_in_file_order)
{
    const real file[24] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
    bench b;
    bench_open(&b);
    fl_bundle bundle;
    fl_bundle_init(&bundle, &b.arena);
    const fl_id w = fl_node_param(b.g, "w", (fl_shape){2, 3, 1, 2, 2}),
                s = fl_node_buffer(b.g, "s", fl_shape_vector(1, 3));
    CHECK(fl_bundle_add(&bundle, "w", 4, (int64_t[]){2, 3, 2, 2}, file) ==
          FL_OK); /* O,I,KH,KW: a file of a 2-D network */
    CHECK(fl_bundle_add(&bundle, "s", 1, (int64_t[]){3}, file) == FL_OK);
    CHECK(fl_bundle_add(&bundle, "more", 0, NULL, file) == FL_OK);
    CHECK(fl_graph_load(b.g, &bundle) == FL_OK);
    CHECK_NEAR((double)fl_graph_value(b.g, w)[fl_at(fl_graph_shape(b.g, w), 1, 2, 0, 0, 1)], 21, 0);
    CHECK_NEAR((double)fl_graph_value(b.g, s)[2], 2, 0);
    bench_close(&b);
}

TEST(graph_weights_of_another_network)
{
    static const struct { const char *name; int axes; int64_t size[5]; const char *says; } list[] = {
        {"conv.weights", 5, {4, 3, 1, 3, 3}, "missing"},
        {"conv.weight", 5, {4, 3, 3, 3, 3}, "4,3,3,3,3"},
        {"conv.weight", 5, {3, 4, 1, 3, 3}, "3,4,1,3,3"},
        {"conv.weight", 4, {4, 3, 3, 1}, "4,3,3,1"},
        {"conv.weight", 1, {108}, "108"},
        {"conv.weight", 0, {0}, "got"},
    };
    static const real values[4096];
    for (int i = 0; i < (int)(sizeof list / sizeof *list); i++) {
        bench b;
        bench_open(&b);
        fl_bundle bundle;
        fl_bundle_init(&bundle, &b.arena);
        fl_node_param(b.g, "conv.weight", (fl_shape){4, 3, 1, 3, 3});
        CHECK(fl_bundle_add(&bundle, list[i].name, list[i].axes, list[i].size, values) == FL_OK);
        CHECK(fl_graph_load(b.g, &bundle) == FL_MISFIT);
        SAYS(&b.error, FL_MISFIT, "'conv.weight'", "4,3,1,3,3", list[i].says);
        bench_close(&b);
    }
    bench b;
    bench_open(&b);
    fl_bundle empty;
    fl_bundle_init(&empty, &b.arena);
    fl_node_buffer(b.g, "mean", fl_shape_vector(1, 3));
    CHECK(fl_graph_load(b.g, &empty) == FL_MISFIT);
    SAYS(&b.error, FL_MISFIT, "'mean'", "missing", "0 tensors");
    bench_close(&b);
}

/* ---- memory ---- */

static bool build_plan_store(fl_error *error)
{
    bench b;
    memset(&b, 0, sizeof b);
    fl_arena_init(&b.arena, error);
    b.g = fl_graph_new(&b.arena);
    bool done = false;
    if (b.g) {
        fl_bundle bundle;
        fl_bundle_init(&bundle, &b.arena);
        const size_t mark = fl_graph_enter(b.g, "net");
        const random_graph net = random_graph_build(b.g, 1, false);
        fl_graph_leave(b.g, mark);
        const fl_plan plan = {
            .out = (fl_id[]){net.root}, .n_out = 1, .root = net.root, .wrt = net.wrt, .n_wrt = net.n_wrt};
        done = fl_graph_plan(b.g, &plan) == FL_OK && fl_graph_store(b.g, &bundle) == FL_OK &&
               fl_graph_load(b.g, &bundle) == FL_OK && fl_graph_print(b.g, &b.arena) != NULL;
    }
    fl_arena_free(&b.arena);
    return done;
}

TEST(graph_survives_every_failing_allocation)
{
    bool done = false;
    int k = 0;
    while (!done && k < 5000) {
        fl_error error = {0};
        fl_arena_fail_at(++k);
        done = build_plan_store(&error);
        CHECK_SAY(done || (error.status == FL_FAILED && error.message[0]), "no error when allocation %d fails", k);
    }
    fl_arena_fail_at(0);
    CHECK_SAY(done && k > 200, "%d allocations tried", k);
}

/* ---- our own mistakes ---- */

/* Whether f ends in an assertion, tried in a child. */
static bool stops(void (*f)(bench *))
{
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        bench b;
        if (!freopen("/dev/null", "w", stderr)) _exit(0);
        fl_threads_set(1);
        bench_open(&b);
        f(&b);
        _exit(0);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void two_backwards(bench *b, fl_keep keep)
{
    const real one = 1;
    const fl_id x = leaf(b->g, "x", 1, 1, 1, 1, 1), y = fl_node_tanh(b->g, "y", x);
    fl_graph_plan(b->g, &(fl_plan){.keep = keep, .root = y, .wrt = &x, .n_wrt = 1});
    fl_graph_forward(b->g);
    fl_graph_backward(b->g, &one);
    fl_graph_backward(b->g, &one);
}
static void backward_twice(bench *b) { two_backwards(b, FL_KEEP_FOR_BACKWARD); }
static void backward_twice_on_all(bench *b) { two_backwards(b, FL_KEEP_ALL); }
static void backward_without_root(bench *b)
{
    const real one = 1;
    const fl_id x = leaf(b->g, "x", 1, 1, 1, 1, 1), y = fl_node_tanh(b->g, "y", x);
    fl_graph_plan(b->g, &(fl_plan){.out = &y, .n_out = 1});
    fl_graph_forward(b->g);
    fl_graph_backward(b->g, &one);
}
static void set_computed(bench *b)
{
    const real one = 1;
    fl_graph_set(b->g, fl_node_tanh(b->g, "y", leaf(b->g, "x", 1, 1, 1, 1, 1)), &one);
}
#ifdef _OPENMP
static void more_threads_than_planned(bench *b)
{
    const fl_id x = leaf(b->g, "x", 1, 1, 1, 1, 1), y = fl_node_tanh(b->g, "y", x);
    fl_graph_plan(b->g, &(fl_plan){.out = &y, .n_out = 1});
    fl_threads_set(2);
    fl_graph_forward(b->g);
}
#endif

TEST(graph_misuse_stops)
{
    CHECK(stops(backward_twice));
    CHECK(!stops(backward_twice_on_all));
    CHECK(stops(backward_without_root));
    CHECK(stops(set_computed));
#ifdef _OPENMP
    CHECK(stops(more_threads_than_planned));
#endif
}
