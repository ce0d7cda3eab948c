/* test_excitation_recurrent.c: excitation through a ReLU-LSTM, by loops from its definition: conserving, contrastive, and as the authors'
 * code has it (gates, maps and states by the gradient, and a step's sum gives all to the input). */
#include "attribution/published.h"
#include "layers/layers.h"
#include "tests/attribution_rig.h"

#include "tensor/rng.h"

enum { IN = 3, HID = 4, T = 3, CLASSES = 2 };

/* One cell and a head, in double; rows of the gates i f o g. */
typedef struct cell {
    double wx[4 * HID][IN], wh[4 * HID][HID], b[4 * HID], head[CLASSES][HID];
    double x[T][IN], i[T][HID], f[T][HID], o[T][HID], g[T][HID], c[T + 1][HID], h[T + 1][HID];      /* c, h: [t + 1] after step t */
} cell;

static double positive(double v) { return v > 0 ? v : 0; }
static double logistic(double v) { return 1 / (1 + exp(-v)); }

static void run_cell(cell *s)
{
    for (int t = 0; t < T; t++)
        for (int j = 0; j < HID; j++) {
            double z[4];
            for (int q = 0; q < 4; q++) {
                const int row = q * HID + j;
                z[q] = s->b[row];
                for (int k = 0; k < IN; k++) z[q] += s->wx[row][k] * s->x[t][k];
                for (int k = 0; k < HID; k++) z[q] += s->wh[row][k] * s->h[t][k];
            }
            s->i[t][j] = logistic(z[0]), s->f[t][j] = logistic(z[1]), s->o[t][j] = logistic(z[2]), s->g[t][j] = positive(z[3]);
            s->c[t + 1][j] = s->f[t][j] * s->c[t][j] + s->i[t][j] * s->g[t][j];
            s->h[t + 1][j] = s->o[t][j] * positive(s->c[t + 1][j]);
        }
}

/* What the class has, shared among the last state by positive (sign 1) or negative weights; the other way round for contrast. */
static void share_head(const cell *s, int class_index, double sign, double *ph)
{
    double all = 0;
    for (int j = 0; j < HID; j++) all += s->h[T][j] * positive(sign * s->head[class_index][j]);
    for (int j = 0; j < HID; j++) ph[j] = all > 0 ? s->h[T][j] * positive(sign * s->head[class_index][j]) / all : 0;
}

/* Gates get nothing; kept and added share by size; z shares among x and h by what raises it. px: per frame, added to. */
static void conserve(const cell *s, const double *from, double scale, double *px)
{
    double ph[HID], pc[HID] = {0};
    for (int j = 0; j < HID; j++) ph[j] = from[j];
    for (int t = T - 1; t >= 0; t--) {
        double before[HID] = {0};
        for (int j = 0; j < HID; j++) {
            const double p = pc[j] + ph[j], kept = s->f[t][j] * s->c[t][j], added = s->i[t][j] * s->g[t][j], sum = kept + added;
            const double pg = sum > 0 ? p * added / sum : 0;
            const int row = 3 * HID + j;
            double up = 0;
            for (int k = 0; k < IN; k++) up += positive(s->wx[row][k] * s->x[t][k]);
            for (int k = 0; k < HID; k++) up += positive(s->wh[row][k] * s->h[t][k]);
            pc[j] = sum > 0 ? p * kept / sum : 0;
            for (int k = 0; k < IN && up > 0; k++) px[t] += scale * pg * positive(s->wx[row][k] * s->x[t][k]) / up;
            for (int k = 0; k < HID && up > 0; k++) before[k] += pg * positive(s->wh[row][k] * s->h[t][k]) / up;
        }
        memcpy(ph, before, sizeof ph);
    }
}

/* Down to z by the gradient; from there by positive weights to x, with nothing to the state. Only the cell leads back in time. */
static void as_published(const cell *s, const double *from, double *px)
{
    double pc[HID] = {0};
    for (int t = T - 1; t >= 0; t--)
        for (int j = 0; j < HID; j++) {
            const double ph = t == T - 1 ? from[j] : 0, i = s->i[t][j], f = s->f[t][j], o = s->o[t][j], c = s->c[t + 1][j];
            const double p = pc[j] + (c > 0 ? ph * o : 0);
            const double z[4] = {p * s->g[t][j] * i * (1 - i), p * s->c[t][j] * f * (1 - f), ph * positive(c) * o * (1 - o),
                                 s->g[t][j] > 0 ? p * i : 0};
            pc[j] = p * f;
            for (int q = 0; q < 4; q++) {
                double up = 0;
                for (int k = 0; k < IN; k++) up += s->x[t][k] * positive(s->wx[q * HID + j][k]);
                if (up > 0) px[t] += z[q];                       /* over all of x: the whole of it */
            }
        }
}

static void put(fl_rig *r, const char *name, const double *values, int rows, int columns)
{
    real *to = fl_graph_value(r->g, fl_graph_find(r->g, name));
    for (int k = 0; k < rows * columns; k++) to[k] = (real)values[k];
}

static void fill(cell *s, uint64_t seed)
{
    double *const all[] = {&s->wx[0][0], &s->wh[0][0], s->b, &s->head[0][0]};
    const int count[] = {4 * HID * IN, 4 * HID * HID, 4 * HID, CLASSES * HID};
    for (int a = 0; a < 4; a++)
        for (int k = 0; k < count[a]; k++) all[a][k] = (double)(float)(0.7 * fl_rng_normal(seed, (uint64_t)a, (uint64_t)k));
    for (int t = 0; t < T; t++)
        for (int k = 0; k < IN; k++) s->x[t][k] = (double)(float)fl_rng_uniform(seed, 9, (uint64_t)t * IN + (uint64_t)k);
}

static void check_frames(const char *what, const real *got, const double *want)
{
    for (int t = 0; t < T && got; t++)
        CHECK_SAY(fabs((double)got[t] - want[t]) <= 100 * FL_REAL_EPSILON,
                  "%s, frame %d: %.9g, wanted %.9g", what, t, (double)got[t], want[t]);
}

TEST(excitation_recurrent_is_its_definition)
{
    int reached = 0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        static cell s;
        fl_rig r;
        memset(&s, 0, sizeof s);
        fill(&s, seed);
        run_cell(&s);
        rig_up(&r, (fl_shape){1, IN, T, 1, 1});
        const fl_id states = fl_layer_lstm(r.g, "lstm1", r.net.input, HID, FL_LSTM_RELU, FL_BPTT_FULL);
        const fl_id last = fl_node_slice(r.g, "last", states, FL_AXIS_T, T - 1, T);
        rig_ready(&r, rig_linear(&r, "head", last, CLASSES, &s.head[0][0], NULL));
        if (!r.e) return;
        put(&r, "lstm1.fc_x.weight", &s.wx[0][0], 4 * HID, IN);
        put(&r, "lstm1.fc_x.bias", s.b, 1, 4 * HID);
        put(&r, "lstm1.fc_h.weight", &s.wh[0][0], 4 * HID, HID);
        fl_graph_touch(r.g);
        real x[T * IN];
        for (int k = 0; k < T * IN; k++) x[k] = (real)s.x[k / IN][k % IN];
        for (int c = 0; c < CLASSES; c++) {
            double up[HID], down[HID], plain[T] = {0}, contrast[T] = {0}, published[T] = {0};
            share_head(&s, c, 1, up);
            share_head(&s, c, -1, down);
            conserve(&s, up, 1, plain);
            conserve(&s, up, 1, contrast);
            conserve(&s, down, -1, contrast);
            as_published(&s, up, published);
            reached += plain[0] > 0.01 && fabs(contrast[0]) > 0.01;
            check_frames("conserving", rig_explain(&r, "excitation_recurrent", x, CLASS(c, .layer = "x")), plain);
            check_frames("contrastive", rig_explain(&r, "contrastive_excitation_recurrent", x, CLASS(c, .layer = "x", .signed_cam = true)),
                         contrast);
            check_frames("as published", rig_explain(&r, "excitation_recurrent", x, CLASS(c, .layer = "x", .as_published = true)),
                         published);
        }
        rig_down(&r);
    }
    CHECK_SAY(reached >= 3, "the first frame has something to say in %d of 8", reached);
}
