/* test_optimiser.c: SGD and Adam against torch.optim, and what must hold without it.
 *
 * The numbers are those of PyTorch 1.13 in float64 (golden/make_golden.py): five values, first -1 -0.5 0 0.5 1, after
 * each of five steps with gradient ((7 step + 3 i) mod 11 - 5) / 4 and rate 1/8. */
#include "autograd/optimiser.h"
#include "tensor/par.h"
#include "tensor/rng.h"
#include "tests/test.h"

#include <string.h>

#ifdef FL_F64
static const double BOUND = 2e-14;
#else
static const double BOUND = 4e-7;
#endif

enum { VALUES = 5, STEPS = 5 };

static const struct expected {
    const char *name;
    fl_optimiser_kind kind;
    double momentum, dampening, decay;
    double value[STEPS][VALUES];
} PYTORCH[] = {
    {"sgd", FL_SGD, 0, 0, 0,
     {{-0.84375, -0.4375, -0.03125, 0.375, 1.125},
      {-0.90625, -0.59375, 0.0625, 0.375, 1.03125},
      {-0.84375, -0.625, -0.0625, 0.5, 1.0625},
      {-1, -0.53125, -0.0625, 0.40625, 1.21875},
      {-1.03125, -0.65625, 0.0625, 0.4375, 1.15625}}},
    {"momentum", FL_SGD, 0.9, 0, 0,
     {{-0.84375, -0.4375, -0.03125, 0.375, 1.125},
      {-0.765625, -0.5375, 0.034375, 0.2625, 1.14375},
      {-0.6328125, -0.65875, -0.0315625, 0.28625, 1.191875},
      {-0.66953125, -0.674125, -0.09090625, 0.213875, 1.3914375},
      {-0.733828125, -0.8129625, -0.019315625, 0.1799875, 1.50854375}}},
    {"dampening", FL_SGD, 0.9, 0.25, 0.0625,
     {{-0.8359375, -0.43359375, -0.03125, 0.37109375, 1.1171875},
      {-0.730258178710937, -0.488475036621094, 0.01112060546875, 0.252903747558594, 1.14579772949219},
      {-0.583992933034897, -0.558443536162376, -0.0445610094070435, 0.238800887465477, 1.18827077746391},
      {-0.566119878334459, -0.547830555654829, -0.0944133631307632, 0.154396589431679, 1.33672149655176},
      {-0.570154520441949, -0.628818928535997, -0.0449772781825166, 0.100965553685059, 1.41561979121197}}},
    {"adam", FL_ADAM, 0, 0, 0,
     {{-0.875000001, -0.3750000025, -0.124999995, 0.37500000125, 1.12499999875},
      {-0.831799270464811, -0.430276909892369, -0.0632262669426858, 0.291242720667736, 1.13616562454933},
      {-0.772674212563648, -0.486874015687933, -0.0962762942417107, 0.301976184842238, 1.16030137283785},
      {-0.78389004776506, -0.492601524053334, -0.123348865516538, 0.275681517674007, 1.22530103847865},
      {-0.802177102048123, -0.533487494506986, -0.0992274159979312, 0.264257890136568, 1.25979243679525}}},
    {"adam, decay", FL_ADAM, 0, 0, 0.0625,
     {{-0.875000000952381, -0.375000002352941, -0.124999995, 0.375000001212121, 1.12499999866667},
      {-0.825587202004075, -0.427086961118976, -0.0628896578996216, 0.289149829117765, 1.12675055705381},
      {-0.760551544918086, -0.479964610642845, -0.0952138770497984, 0.296191489475546, 1.1394919569164},
      {-0.764722089873455, -0.481229842253366, -0.121352687281533, 0.266742215045391, 1.19679495395543},
      {-0.775393028569, -0.518114613636436, -0.0964033709116549, 0.251849304662805, 1.22115316546984}}},
};

static fl_optimiser make(const struct expected *e)
{
    return e->kind == FL_ADAM ? fl_optimiser_adam(0.125) : fl_optimiser_sgd(0.125, e->momentum, e->dampening);
}

TEST(optimiser_follows_pytorch)
{
    for (size_t k = 0; k < sizeof PYTORCH / sizeof *PYTORCH; k++) {
        const struct expected *e = &PYTORCH[k];
        fl_optimiser o = make(e);
        real p[VALUES] = {-1, R(-0.5), 0, R(0.5), 1}, state1[VALUES] = {0}, state2[VALUES] = {0}, g[VALUES];
        CHECK(fl_optimiser_states(&o) == (e->kind == FL_ADAM ? 2 : 1));
        for (int step = 0; step < STEPS; step++) {
            for (int i = 0; i < VALUES; i++) g[i] = (real)((7 * step + 3 * i) % 11 - 5) / 4;
            fl_optimiser_begin(&o);
            fl_optimiser_update(&o, VALUES, p, g, state1, state2, e->decay);
            for (int i = 0; i < VALUES; i++)
                CHECK_SAY(fabs((double)p[i] - e->value[step][i]) <= BOUND, "%s, step %d, value %d: %.17g, wanted %.17g",
                          e->name, step, i, (double)p[i], e->value[step][i]);
        }
        CHECK(o.steps == STEPS);
    }
}

/* PyTorch's buffer of momentum starts as the first gradient, whole: dampening does not touch it. */
TEST(optimiser_dampening_spares_the_first_step)
{
    fl_optimiser o = fl_optimiser_sgd(1, 0.5, 0.75);
    real p = 0, v = 0;
    const real g = 4;
    fl_optimiser_begin(&o);
    fl_optimiser_update(&o, 1, &p, &g, &v, NULL, 0);
    CHECK(v == 4 && p == -4);
    fl_optimiser_begin(&o);
    fl_optimiser_update(&o, 1, &p, &g, &v, NULL, 0);
    CHECK(v == 3 && p == -7);                            /* 0.5 * 4 + 0.25 * 4 */
}

/* Two tensors of one step: both are at step 1, whatever the order, and see the same correction. */
TEST(optimiser_begin_counts_steps_not_tensors)
{
    fl_optimiser o = fl_optimiser_adam(0.5);
    real p[2] = {1, 1}, m[2] = {0}, s[2] = {0};
    const real g[2] = {3, 3};
    for (int step = 0; step < 3; step++) {
        fl_optimiser_begin(&o);
        for (int i = 0; i < 2; i++) fl_optimiser_update(&o, 1, &p[i], &g[i], &m[i], &s[i], 0);
    }
    CHECK(p[0] == p[1] && o.steps == 3);
    CHECK_NEAR((double)p[0], 1 - 3 * 0.5, 1e-6);         /* a constant gradient moves by the rate, each step */
}

/* Adam does not see the scale of the gradient (eps aside), nor does it move without one. */
TEST(optimiser_adam_is_free_of_scale)
{
    real p[2][3] = {{0}}, m[2][3] = {{0}}, s[2][3] = {{0}};
    for (int k = 0; k < 2; k++) {
        fl_optimiser o = fl_optimiser_adam(0.125);
        for (int step = 0; step < 4; step++) {
            const real scale = k ? 1024 : 1, g[3] = {scale * (real)(step - 2), scale * (real)(3 - step), 0};
            fl_optimiser_begin(&o);
            fl_optimiser_update(&o, 3, p[k], g, m[k], s[k], 0);
        }
    }
    for (int i = 0; i < 2; i++) CHECK(p[0][i] != 0 && fabs((double)(p[0][i] - p[1][i])) <= 1e-6);
    CHECK(p[0][2] == 0 && p[1][2] == 0);
}

/* Every value is on its own: blocks, threads and neighbours change no bit. */
static void run_many(fl_optimiser o, int64_t first, int64_t n, real *p, real *state1, real *state2, const real *g)
{
    for (int step = 0; step < 3; step++) {
        fl_optimiser_begin(&o);
        fl_optimiser_update(&o, n, p + first, g + first, state1 + first, state2 + first, 0.01);
    }
}

TEST(optimiser_bits_follow_neither_threads_nor_blocks)
{
    enum { N = 3 * 4096 + 17 };
    static real p[N], state1[N], state2[N], g[N], want[N];
    const double before = fl_parallel_min;
    for (int kind = FL_SGD; kind <= FL_ADAM; kind++) {
        const fl_optimiser o = kind == FL_ADAM ? fl_optimiser_adam(0.01) : fl_optimiser_sgd(0.01, 0.9, 0.5);
        for (int threads = 0; threads <= 3; threads++) {
            fl_rng_fill_normal(1, 0, 0, p, N);
            fl_rng_fill_normal(1, 1, 0, g, N);
            memset(state1, 0, sizeof state1);
            memset(state2, 0, sizeof state2);
            if (threads) {
                fl_parallel_min = 0;
                fl_threads_set(threads);
                run_many(o, 0, N, p, state1, state2, g);
                CHECK_SAY(memcmp(p, want, sizeof p) == 0, "%d threads", threads);
            } else {                                     /* one by one */
                for (int i = 0; i < N; i++) run_many(o, i, 1, p, state1, state2, g);
                memcpy(want, p, sizeof p);
            }
            fl_parallel_min = before;
        }
    }
    fl_threads_set(0);
}

/* A mask is optimised the same way: momentum finds the bottom of a narrow valley. */
static double valley(const real *x, real *g)
{
    g[0] = x[0] - 1;
    g[1] = 20 * (x[1] + 2);
    return 0.5 * ((double)g[0] * (double)g[0] + (double)g[1] * (double)g[1] / 20);
}

TEST(optimiser_finds_the_bottom_of_a_valley)
{
    for (int kind = FL_SGD; kind <= FL_ADAM; kind++) {
        fl_optimiser o = kind == FL_ADAM ? fl_optimiser_adam(0.1) : fl_optimiser_sgd(0.04, 0.8, 0);
        real x[2] = {4, 3}, g[2], state1[2] = {0}, state2[2] = {0};
        const double start = valley(x, g);
        for (int step = 0; step < 300; step++) {
            valley(x, g);
            fl_optimiser_begin(&o);
            fl_optimiser_update(&o, 2, x, g, state1, state2, 0);
        }
        const double end = valley(x, g);
        CHECK_SAY(end < 1e-4 * start, "%s: from %g to %g", kind == FL_ADAM ? "adam" : "sgd", start, end);
    }
}
