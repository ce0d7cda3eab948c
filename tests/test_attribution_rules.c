/* test_attribution_rules.c: rule sets on nets small enough to check by hand: the fixtures of Captum, DeepExplain, innvestigate and
 * the authors, with the numbers that they print; identities between methods; gates and recurrent cells. */
#include "attribution/rulesets.h"
#include "autograd/rules.h"
#include "tests/attribution_rig.h"

#ifdef FL_F64
#define EXACT 1e-9
#else
#define EXACT 1e-4
#endif

#define STABLE 1e-4                  /* where a rule has a stabiliser of 1e-6, in any precision */

TEST(attribution_rules_tanh_is_passed)
{
    const double w[9] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1};
    fl_rig r;
    rig_up(&r, fl_shape_vector(1, 3));
    rig_ready(&r, rig_linear(&r, "two", fl_node_tanh(r.g, "tanh", rig_linear(&r, "one", r.net.input, 3, w, NULL)), 1, w, NULL));
    GIVES(&r, "lrp_epsilon", V(1, 2, 3), CLASS(0), 5e-5, 0.0269, 0.0537, 0.0806);
    rig_down(&r);
}

/* y = 5 (x1 + x2) + x: a sum counts its operands in proportion, 25 to 3. */
TEST(attribution_rules_skip_connection)
{
    fl_rig r;
    rig_up(&r, fl_shape_vector(1, 2));
    rig_ready(&r, fl_node_add(r.g, "sum", rig_linear(&r, "five", r.net.input, 2, (const double[]){5, 5, 5, 5}, NULL), r.net.input));
    GIVES(&r, "lrp_epsilon", V(2, 3), CLASS(1), 28 * STABLE, 10, 18);
    rig_down(&r);
}

TEST(attribution_rules_the_maximum_takes_all)
{
    fl_rig r;
    rig_up(&r, (fl_shape){1, 1, 2, 2, 2});
    const fl_window whole = {{2, 2, 2}, {2, 2, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
    rig_ready(&r, fl_node_maxpool(r.g, "pool", r.net.input, whole, false));
    GIVES(&r, "lrp_epsilon", V(1, 2, 3, 4, 5, 6, 8, 7), CLASS(0), STABLE, 0, 0, 0, 0, 0, 0, 8, 0);
    rig_down(&r);
}

/* Two classes with W2 = -W1: the contrast changes its sign. */
TEST(attribution_rules_contrast_changes_sign)
{
    fl_rig r;
    rig_up(&r, (fl_shape){1, 1, 1, 1, 2});
    const fl_id flat = fl_node_flatten(r.g, "flat", r.net.input);
    rig_ready(&r, rig_linear(&r, "y", flat, 2, (const double[]){3, -1, -3, 1}, NULL));
    GIVES(&r, "contrastive_excitation", V(1, 2), CLASS(0, .layer = "x", .signed_cam = true), EXACT, 1, -1);
    GIVES(&r, "contrastive_excitation", V(1, 2), CLASS(1, .layer = "x", .signed_cam = true), EXACT, -1, 1);
    GIVES(&r, "contrastive_excitation", V(1, 2), CLASS(1, .layer = "x"), EXACT, 0, 1);
    rig_down(&r);
}

/* ---- identities on a net of weights, ReLUs and pools without biases ---- */

enum { SIDE = 8, VOXELS = 2 * 3 * SIDE * SIDE };
static real net_clip[VOXELS];

static fl_id random_conv(fl_rig *r, const char *name, fl_id x, int out, fl_window win, uint64_t stream)
{
    const fl_shape s = {out, fl_graph_shape(r->g, x).c, win.k[0], win.k[1], win.k[2]};
    const size_t mark = fl_graph_enter(r->g, "%s", name);
    const fl_id w = fl_node_param(r->g, "w", s);
    fl_graph_leave(r->g, mark);
    fl_rng_fill_normal(7, stream, 0, fl_graph_value(r->g, w), fl_shape_count(s));
    return fl_node_conv(r->g, name, x, w, FL_NONE, win, 1);
}

static void bias_free(fl_rig *r)
{
    static const fl_window pool = {{1, 2, 2}, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
    rig_up(r, (fl_shape){1, 2, 3, SIDE, SIDE});
    fl_id x = fl_node_relu(r->g, "r1", random_conv(r, "c1", r->net.input, 5, fl_window_cube(3, 3, 3, 1, 1, 1), 1));
    x = fl_node_maxpool(r->g, "pool", x, pool, false);
    const fl_id y = random_conv(r, "c2", x, 5, fl_window_cube(1, 3, 3, 1, 1, 1), 2);
    r->net.cam = x = fl_node_relu(r->g, "r2", fl_node_add(r->g, "add", x, y));
    x = fl_node_global_average(r->g, "mean", x);
    rig_ready(r, random_conv(r, "fc", x, 4, fl_window_cube(1, 1, 1, 1, 1, 1), 3));
    fl_rng_fill_normal(8, 0, 0, net_clip, VOXELS);
}

static real kept[VOXELS];

static void keep(fl_rig *r, const char *method, fl_explain_options o)
{
    const real *map = rig_explain(r, method, net_clip, o);
    if (map) memcpy(kept, map, sizeof kept);
}

static void same_as_kept(fl_rig *r, const char *method, fl_explain_options o, double factor, double bound)
{
    const real *map = rig_explain(r, method, net_clip, o);
    double off = 0, size = 0;
    for (int i = 0; map && i < VOXELS; i++) {
        off += pow((double)map[i] * factor - (double)kept[i], 2);
        size += pow((double)kept[i], 2);
    }
    CHECK_SAY(map && size > 0 && sqrt(off / size) <= bound, "%s: off by %g", method, sqrt(off / size));
}

TEST(attribution_rules_four_ways_to_one_map)
{
    fl_rig r;
    bias_free(&r);
    keep(&r, "gradient_x_input", CLASS(1));
    same_as_kept(&r, "lrp_zero", CLASS(1), 1, EXACT);
    CHECK_NEAR(r.map.sum, r.map.score, EXACT * fabs(r.map.score));
    CHECK_NEAR(r.map.absorbed, 0, EXACT * fabs(r.map.score));
    same_as_kept(&r, "deeplift", CLASS(1), 1, EXACT);
    same_as_kept(&r, IG, CLASS(1, .steps = 3), 1, EXACT);
    same_as_kept(&r, "lrp_epsilon", CLASS(1, .epsilon = 1e-12), 1, EXACT);
    same_as_kept(&r, "lrp_gamma", CLASS(1, .gamma = 1e-12), 1, 100 * STABLE);
    rig_down(&r);
}

TEST(attribution_rules_limits_and_scales)
{
    fl_rig r;
    bias_free(&r);
    keep(&r, "lrp_zplus", CLASS(1));
    same_as_kept(&r, "lrp_excitation", CLASS(1), r.map.score, EXACT);        /* E3: one begins with 1, the other with the score */
    same_as_kept(&r, "lrp_alpha2_beta1", CLASS(1, .beta = 1e-7), 1, STABLE);
    keep(&r, "lrp_zbox", CLASS(1, .lowest = -1e-9, .highest = 1e-9));
    same_as_kept(&r, "lrp_epsilon", CLASS(1), 1, 100 * STABLE);              /* L3 */
    rig_down(&r);
}

/* L5: with squared weights everywhere nothing but the score depends on the clip, as long as the same ReLUs are on. */
TEST(attribution_rules_conserve_and_keep_their_sign)
{
    static const char *const conserving[] = {"lrp_zero", "lrp_gamma", "lrp_zplus", "lrp_w2", "lrp_flat", "lrp_zbox", "deep_taylor",
                                             "deep_taylor_unbounded", "lrp_lstm_conserving"};
    fl_rig r;
    bias_free(&r);
    for (size_t m = 0; m < sizeof conserving / sizeof *conserving; m++)
        for (int c = 0; c < 4; c++) {
            const real *map = rig_explain(&r, conserving[m], net_clip, CLASS(c));
            const bool taylor = strncmp(conserving[m], "deep", 4) == 0;
            double least = 0;
            CHECK_SAY(r.map.residual < EXACT, "%s: %g + %g, not %g", conserving[m], r.map.sum, r.map.absorbed, r.map.wanted);
            CHECK(r.map.wanted == (taylor && r.map.score < 0 ? 0 : r.map.score));
            for (int i = 0; map && i < VOXELS; i++) least = fmin(least, (double)map[i]);
            CHECK(!taylor || least >= 0);
        }
    rig_down(&r);
}

/* Rules are linear in what they begin with: the margin of two classes is the difference of their maps. */
TEST(attribution_rules_are_linear_in_the_start)
{
    static const char *const methods[] = {"lrp_zero", "lrp_gamma", "lrp_alpha2_beta1", "lrp_epsilon_plus_flat",
                                          "deeplift", "lrp_excitation"};
    static real one[VOXELS];
    fl_rig r;
    bias_free(&r);
    for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
        const real *map = rig_explain(&r, methods[m], net_clip, CLASS(1));
        if (map) memcpy(one, map, sizeof one);
        map = rig_explain(&r, methods[m], net_clip, CLASS(2));
        for (int i = 0; map && i < VOXELS; i++) kept[i] = one[i] - map[i];
        same_as_kept(&r, methods[m], WITH(.target = {.class_index = 1, .other = 2, .score = FL_SCORE_MARGIN}), 1, EXACT);
    }
    rig_down(&r);
}

/* ---- recurrent networks ---- */

/* With bias factor 1, nothing is lost: the input and the states that time begins with have the whole score. */
static void check_conserved(fl_rig *r, const char *net, const real *clip)
{
    fl_id wrt[8] = {r->net.input};
    int n = 1;
    real seed[64] = {0};
    double sum = 0;
    for (fl_id i = 0; i < r->g->count; i++) {
        const char *name = r->g->node[i].name;
        const size_t length = strlen(name);
        if (r->g->node[i].role == FL_INPUT && i != r->net.input && length > 3 && name[length - 1] == '0' && n < 8) wrt[n++] = i;
    }
    fl_graph_plan(r->g, &(fl_plan){.keep = FL_KEEP_FOR_BACKWARD, .out = &r->net.logits, .n_out = 1, .root = r->net.logits, .wrt = wrt,
                                   .n_wrt = n, .rules = &fl_rules_lrp_lstm_conserving});
    fl_graph_set(r->g, r->net.input, clip);
    fl_graph_forward(r->g);
    seed[2] = fl_graph_value(r->g, r->net.logits)[2];
    fl_graph_backward(r->g, seed);
    for (int k = 0; k < n; k++) sum += fl_sum(fl_graph_signal(r->g, wrt[k]), fl_shape_count(fl_graph_shape(r->g, wrt[k])));
    CHECK_SAY(n >= 3 && fabs(sum - (double)seed[2]) <= 10 * EXACT * fabs((double)seed[2]), "%s: %g of %g, in %d places", net, sum,
              (double)seed[2], n);
    CHECK(fabs(fl_graph_absorbed(r->g)) <= 10 * EXACT * fabs((double)seed[2]));
}

TEST(attribution_rules_through_time)
{
    static const char *const nets[] = {"cnn_lstm_small", "convlstm_small"};
    for (int n = 0; n < 2; n++) {
        fl_rig r;
        real *clip;
        if (!rig_network(&r, nets[n], &(fl_model_options){.n = 1, .frames = 5, .height = 24, .width = 20}, &clip)) return;
        check_conserved(&r, nets[n], clip);
        rig_explain(&r, "lrp_lstm", clip, CLASS(2));
        CHECK(r.map.residual < EXACT && r.map.absorbed != 0);
        rig_explain(&r, "excitation_recurrent", clip, CLASS(2));
        CHECK_SAY(fabs(r.map.sum + r.map.absorbed - 1) < EXACT && fabs(r.map.absorbed) < 0.01, "%s: %g arrives, %g is absorbed", nets[n],
                  r.map.sum, r.map.absorbed);
        double least = 0;
        for (int64_t i = 0; r.map.data && i < fl_shape_count(r.map.shape); i++) least = fmin(least, (double)r.map.data[i]);
        CHECK(least >= 0);
        static const char *const both[] = {"deeplift", "deeplift_reveal_cancel"};
        for (int k = 0; k < 2; k++) {
            rig_explain(&r, both[k], clip, CLASS(2));
            CHECK_SAY(r.map.residual < 10 * EXACT, "%s on %s: off by %g", both[k], nets[n], r.map.residual);
        }
        rig_down(&r);
    }
}

/* Arras' recursion, written out: R_h, R_c back through the steps, shares z_i / (z + e sign z) of the sums, gates nothing. A step's sum of
 * both products is stabilised once. */
enum { STEPS = 4, IN = 3, HID = 2 };

static double at(const fl_graph *g, const char *name, int t, int j)
{
    char full[48];
    snprintf(full, sizeof full, "lstm.t%d.%s", t, name);
    return (double)fl_graph_value(g, fl_graph_find(g, full))[j];
}

static double stable(double z, double e) { return z < 0 ? z - e : z + e; }

static void arras(const fl_graph *g, const double *head, const real *x, double e, double R[STEPS][IN])
{
    const real *wx = fl_graph_value(g, fl_graph_find(g, "lstm.weight_ih")), *wh = fl_graph_value(g, fl_graph_find(g, "lstm.weight_hh"));
    double rh[HID], rc[HID] = {0};
    double score = 0;
    for (int j = 0; j < HID; j++) score += head[j] * at(g, "h", STEPS - 1, j);
    for (int j = 0; j < HID; j++) rh[j] = head[j] * at(g, "h", STEPS - 1, j) / stable(score, e) * score;
    for (int t = STEPS - 1; t >= 0; t--) {
        double rg[HID], next[HID] = {0};
        for (int j = 0; j < HID; j++) {
            rc[j] += rh[j];
            rg[j] = rc[j] * at(g, "added", t, j) / stable(at(g, "c", t, j), e);
            rc[j] *= at(g, "kept", t, j) / stable(at(g, "c", t, j), e);
        }
        for (int i = 0; i < IN; i++) R[t][i] = 0;
        for (int j = 0; j < HID; j++) {
            const int row = 2 * HID + j;                 /* gates i f g o */
            const double z = stable(at(g, "z", t, row), e);
            for (int i = 0; i < IN; i++) R[t][i] += (double)x[t * IN + i] * (double)wx[row * IN + i] / z * rg[j];
            for (int k = 0; k < HID && t > 0; k++) next[k] += at(g, "h", t - 1, k) * (double)wh[row * HID + k] / z * rg[j];
        }
        memcpy(rh, next, sizeof rh);
    }
}

TEST(attribution_rules_follow_arras)
{
    static const double head[HID] = {1.5, -0.75};
    fl_rig r;
    rig_up(&r, (fl_shape){1, IN, STEPS, 1, 1});
    fl_id x = fl_layer_lstm(r.g, "lstm", r.net.input, HID, FL_LSTM_TANH, FL_BPTT_FULL);
    for (fl_id i = 0; i < r.g->count; i++)
        if (r.g->node[i].role == FL_PARAM) fl_rng_fill_normal(3, (uint64_t)i, 0, r.g->node[i].value, fl_shape_count(r.g->node[i].shape));
    x = fl_node_flatten(r.g, "last", fl_node_slice(r.g, "end", x, FL_AXIS_T, STEPS - 1, STEPS));
    rig_ready(&r, rig_linear(&r, "head", x, 1, head, NULL));
    real clip[STEPS * IN];
    double want[STEPS][IN];
    fl_rng_fill_normal(4, 0, 0, clip, STEPS * IN);
    static const double epsilon[] = {1e-9, 1e-3, 0.1};
    double maps[3][STEPS * IN] = {{0}};
    for (int k = 0; k < 3; k++) {
        const real *map = rig_explain(&r, "lrp_lstm", clip, CLASS(0, .epsilon = epsilon[k]));
        for (int i = 0; map && i < STEPS * IN; i++) maps[k][i] = (double)map[i];
    }
    fl_graph_plan(r.g, &(fl_plan){.keep = FL_KEEP_ALL, .out = &r.net.logits, .n_out = 1});
    fl_graph_set(r.g, r.net.input, clip);
    fl_graph_forward(r.g);
    for (int k = 0; k < 3; k++) {
        arras(r.g, head, clip, epsilon[k], want);
        for (int i = 0; i < STEPS * IN; i++) CHECK_NEAR(maps[k][i], want[i / IN][i % IN], 10 * EXACT);
    }
    rig_down(&r);
}

/* Values of some 1/epsilon that add up to 1: each is right to its last bit, and so the sum is not; the map says why. */
TEST(attribution_rules_say_what_cancels)
{
    enum { N = 12 };
    double w[N], sum = 0;
    real x[N];
    for (int i = 0; i < N; i++) {
        x[i] = (real)(1.0 / 3 + i / 7.0);
        w[i] = (double)(real)((i % 2 ? -1 : 1) * (1 + i / 10.0) / FL_REAL_EPSILON);
        if (i == N - 1) w[i] = (double)(real)((1 - sum) / (double)x[i]);
        sum += w[i] * (double)x[i];
    }
    fl_rig r;
    rig_up(&r, fl_shape_vector(1, N));
    rig_ready(&r, rig_linear(&r, "sum", r.net.input, 1, w, NULL));
    rig_explain(&r, "deeplift", x, CLASS(0));
    CHECK_SAY(r.map.residual > 0.01, "off by %g only", r.map.residual);
    bool said = false;
    for (int i = 0; i < r.map.warnings; i++) said |= strstr(r.map.warning[i], "its values cancel: sizes sum to") != NULL;
    CHECK_SAY(said, "%d warnings, first %s", r.map.warnings, r.map.warnings ? r.map.warning[0] : "");
    rig_down(&r);
}

/* ---- what the parts of a network are to rules ---- */

/* Linear layers are dense wherever they stand: on every frame, as large as a frame, the two of a recurrent step; convolutions are not. */
TEST(attribution_rules_know_dense_layers)
{
    static const struct { const char *net, *dense, *other; } list[] = {
        {"tsm_small", "new_fc", "conv1"}, {"cnn_lstm_small", "fc6 lstm1.zx lstm1.t1.zh fc8_final", "conv1.conv"},
        {"i3d_small", "logits", "conv1"}, {"tiny", "fc", "stem"}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        fl_rig r;
        real *x;
        if (!rig_network(&r, list[i].net, &(fl_model_options){.n = 1}, &x)) return;
        fl_graph_plan(r.g, &(fl_plan){.keep = FL_KEEP_FOR_BACKWARD, .out = &r.net.logits, .n_out = 1, .root = r.net.logits,
                                      .wrt = &r.net.input, .n_wrt = 1, .rules = &fl_rules_lrp_epsilon_plus});
        int dense = 0, found = 0;
        for (fl_id id = 0; id < r.g->count; id++) {
            const fl_node *node = &r.g->node[id];
            const fl_rule *rule = fl_graph_rule(r.g, id);
            if (!(node->op->flags & FL_WEIGHTED) || !rule) continue;
            const bool is_dense = strcmp(rule->name, "epsilon") == 0;
            const char *at = strstr(list[i].dense, node->name);
            dense += is_dense;
            found += at != NULL && is_dense;
            CHECK_SAY(!(at && strcmp(at, node->name) == 0) || is_dense, "%s: %s has rule %s", list[i].net, node->name, rule->name);
            CHECK_SAY(strcmp(node->name, list[i].other) != 0 || !is_dense, "%s: %s has rule %s", list[i].net, node->name, rule->name);
        }
        CHECK_SAY(*list[i].dense ? found > 0 : dense == 0, "%s: %d dense layers, %d of them named", list[i].net, dense, found);
        rig_down(&r);
    }
}

/* The mean of frames' scores, which any of them may be against: excitation begins alike in each, and nothing is below 0. */
TEST(attribution_rules_excitation_begins_alike_in_all_frames)
{
    const double w[2] = {1, 2};
    const real x[] = {1, 2, 3, 1, 2, 2};                                          /* 3 frames, 2 channels */
    fl_rig r;
    rig_up(&r, (fl_shape){1, 2, 3, 1, 1});
    const fl_id weight = rig_param(&r, "w", fl_shape_vector(1, 2), w);
    const fl_id bias = rig_param(&r, "b", fl_shape_vector(1, 1), (const double[]){-5.5});
    const fl_id scores = fl_node_dense(r.g, "scores", r.net.input, weight, bias);     /* -0.5, -0.5, 0.5 */
    r.net.cam = r.net.input;
    rig_ready(&r, fl_node_mean(r.g, "frames", scores, 1u << FL_AXIS_T));
    const real *map = rig_explain(&r, "excitation", x, CLASS(0));
    check_values("excitation", map, (const double[]){1 / 3.0, 1 / 3.0, 1 / 3.0}, 3, EXACT);
    rig_down(&r);
}

/* Summation to the difference, through a softmax: of the score, of every frame's in the network. */
TEST(attribution_rules_differences_cross_a_softmax)
{
    const double w[12] = {1, -2, 0.5, 3, -1, 2, 0.25, 1, -3, 0.5, 1, -1};
    real x[24];
    fl_rng_fill_normal(5, 1, 0, x, 24);
    for (int inside = 0; inside < 2; inside++)
        for (int k = 0; k < 2; k++) {
            const fl_score score = k ? FL_SCORE_LOG_PROBABILITY : FL_SCORE_PROBABILITY;
            fl_rig r;
            rig_up(&r, (fl_shape){1, 3, inside ? 8 : 1, 1, 1});
            const fl_id weight = rig_param(&r, "w", fl_shape_vector(4, 3), w);
            const fl_id scores = fl_node_dense(r.g, "scores", r.net.input, weight, FL_NONE);
            if (inside) {
                r.net.output = fl_node_mean(r.g, "frames", fl_node_softmax(r.g, "p", scores), 1u << FL_AXIS_T);
                r.e = fl_explainer_new(r.g, r.net, NULL);
            } else {
                rig_ready(&r, scores);
            }
            for (int c = 0; c < 4; c++) {
                rig_explain(&r, "deeplift", x, WITH(.target = {.class_index = c, .score = score}));
                CHECK_SAY(r.map.residual < EXACT, "class %d, score %s, %d: off by %g", c, fl_score_name[score], inside, r.map.residual);
            }
            rig_down(&r);
        }
}

/* Sums of sums of one thing: as many ways down as 2^50, and each node is looked at once. */
TEST(attribution_rules_look_at_sums_once)
{
    enum { DEEP = 50 };
    const double w[2] = {1, 3};
    fl_rig r;
    rig_up(&r, fl_shape_vector(1, 2));
    fl_id x = rig_linear(&r, "fc", r.net.input, 1, w, NULL);
    for (int i = 0; i < DEEP; i++) {
        char name[16];
        snprintf(name, sizeof name, "sum%d", i);
        x = fl_node_add(r.g, name, x, x);
    }
    rig_ready(&r, x);
    GIVES(&r, "lrp_lstm", V(2, 1), CLASS(0, .epsilon = 1e-9), 1e-4 * ldexp(1, DEEP), ldexp(2, DEEP), ldexp(3, DEEP));
    rig_down(&r);
}

TEST(attribution_rules_patterns_end)
{
    CHECK(fl_name_matches("*", "") && fl_name_matches("*.zh", "lstm.t1.zh") && fl_name_matches("l?yer*.*", "layer3.1.conv"));
    CHECK(!fl_name_matches("*.zh", "lstm.t1.zx") && !fl_name_matches("", "x") && !fl_name_matches("a?", "a"));
    CHECK(fl_name_matches("a**b*", "ab"));
    CHECK(!fl_name_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"));
}
