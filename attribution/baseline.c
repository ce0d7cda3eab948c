/* baseline.c: the baselines, one function each: x is a clip (1,C,T,H,W, channels last), b its baseline.
 *
 * zero is zero in network space, which is the data set's mean colour and not black: black is (0 - mean)/std. Frozen,
 * reversed, shuffled and time_mean keep the look of the clip and take away motion, its direction, or order. */
#include "attribution/baseline.h"

#include "tensor/math.h"

#include <string.h>

typedef struct task {
    fl_shape s;
    const real *x;
    real *b;
    const fl_card_input *card;
    double sigma;
    uint64_t seed;
    fl_arena *scratch;
    fl_error *err;
} task;

/* Streams of the random numbers; noisy samples count from 0 (drive_noise.c), these are far from there. */
enum { STREAM_NOISE = 0x42000000, STREAM_SHUFFLE = 0x42000001 };

static int64_t pixels(const task *k) { return fl_shape_pixels(k->s); }
static int64_t frame_size(const task *k) { return (int64_t)k->s.h * k->s.w * k->s.c; }

static void fill_channel(const task *k, int c, double value)
{
    for (int64_t i = 0; i < pixels(k); i++) k->b[i * k->s.c + c] = (real)value;
}

static void copy_frame(const task *k, int to, int from)
{
    memcpy(k->b + to * frame_size(k), k->x + from * frame_size(k), (size_t)frame_size(k) * sizeof(real));
}

static double channel_mean(const task *k, int c)
{
    double sum = 0;
    for (int64_t i = 0; i < pixels(k); i++) sum += (double)k->x[i * k->s.c + c];
    return sum / (double)pixels(k);
}

static double channel_deviation(const task *k, int c, double mean)
{
    double sum = 0;
    for (int64_t i = 0; i < pixels(k); i++) {
        const double d = (double)k->x[i * k->s.c + c] - mean;
        sum += d * d;
    }
    return sqrt(sum / (double)pixels(k));
}

static fl_status zero(const task *k)
{
    for (int c = 0; c < k->s.c; c++) fill_channel(k, c, 0.0);
    return FL_OK;
}

static fl_status grey(const task *k, const char *name, double level)
{
    if (!k->card || k->s.c > 3 || k->card->source != FL_SOURCE_RGB)
        return fl_error_set(k->err, FL_USAGE, "baseline %s: this network's card does not say what %s is for its %d "
                            "channels; use zero or mean", name, name, k->s.c);
    for (int c = 0; c < k->s.c; c++)
        fill_channel(k, c, (level * k->card->white - k->card->mean[c]) / k->card->std[c]);
    return FL_OK;
}

static fl_status black(const task *k) { return grey(k, "black", 0); }
static fl_status white(const task *k) { return grey(k, "white", 1); }

/* What the study compares every network with: black after the normalisation of its Kinetics networks. */
static fl_status kinetics_black(const task *k)
{
    static const double black_of[3] = {-1.8952, -1.7822, -1.7349};
    if (k->s.c != 3)
        return fl_error_set(k->err, FL_USAGE, "baseline kinetics_black: it is a colour, and this network has %d channels; use zero",
                            k->s.c);
    for (int c = 0; c < 3; c++) fill_channel(k, c, black_of[c]);
    return FL_OK;
}

static fl_status mean(const task *k)
{
    for (int c = 0; c < k->s.c; c++) fill_channel(k, c, channel_mean(k, c));
    return FL_OK;
}

static fl_status blur_by(const task *k, fl_blur how)
{
    void *work = FL_NEW(k->scratch, char, fl_blur_scratch(k->s, &how));
    if (!work) return fl_error_set(k->err, FL_FAILED, "baseline: %s", k->scratch->error->message);
    fl_blur_forward(k->s, &how, k->x, k->b, work);
    return FL_OK;
}

static fl_status blur(const task *k) { return blur_by(k, fl_blur_frames(k->sigma, FL_BORDER_NEAREST)); }

static fl_status temporal_blur(const task *k)
{
    return blur_by(k, (fl_blur){.sigma = {k->sigma, 0, 0}, .half = {fl_blur_half(k->sigma), 0, 0}, .border = FL_BORDER_NEAREST});
}

static fl_status of_the_caller(const task *k)
{
    return fl_error_set(k->err, FL_USAGE, "baseline clip: no other clip was given; --baseline-clip FILE names one");
}

/* Normal, with the mean and the standard deviation of each channel of the clip. Counted in file order. */
static fl_status noise(const task *k)
{
    uint64_t index = 0;
    for (int c = 0; c < k->s.c; c++) {
        const double m = channel_mean(k, c), d = channel_deviation(k, c, m);
        for (int64_t i = 0; i < pixels(k); i++)
            k->b[i * k->s.c + c] = (real)(m + d * fl_rng_normal(k->seed, STREAM_NOISE, index++));
    }
    return FL_OK;
}

static fl_status frozen(const task *k)
{
    for (int t = 0; t < k->s.t; t++) copy_frame(k, t, 0);
    return FL_OK;
}

static fl_status reversed(const task *k)
{
    for (int t = 0; t < k->s.t; t++) copy_frame(k, t, k->s.t - 1 - t);
    return FL_OK;
}

static fl_status shuffled(const task *k)
{
    fl_rng rng = {k->seed, STREAM_SHUFFLE, 0};
    int *order = FL_NEW(k->scratch, int, k->s.t);
    if (!order) return fl_error_set(k->err, FL_FAILED, "baseline shuffled: %s", k->scratch->error->message);
    for (int t = 0; t < k->s.t; t++) order[t] = t;
    fl_rng_shuffle(order, k->s.t, &rng);
    for (int t = 0; t < k->s.t; t++) copy_frame(k, t, order[t]);
    return FL_OK;
}

static fl_status time_mean(const task *k)
{
    for (int64_t i = 0; i < frame_size(k); i++) {
        double sum = 0;
        for (int t = 0; t < k->s.t; t++) sum += (double)k->x[t * frame_size(k) + i];
        for (int t = 0; t < k->s.t; t++) k->b[t * frame_size(k) + i] = (real)(sum / k->s.t);
    }
    return FL_OK;
}

const char *const fl_baseline_name[] = {"zero",   "black",    "white",    "mean",      "blur", "temporal_blur", "noise",
                                        "frozen", "reversed", "shuffled", "time_mean", "kinetics_black", "clip", NULL};
const char *const fl_baseline_doc[] = {
    "zero in network space: the mean colour of the training data",
    "black pixels, as the network's preprocessing gives them",
    "white pixels, as the network's preprocessing gives them",
    "the mean of each channel over the clip",
    "every frame blurred by a Gaussian, borders repeated",
    "every pixel blurred along time by a Gaussian: no moment, no fast motion",
    "normal noise with the mean and deviation of each channel of the clip",
    "the first frame in all places: no motion",
    "the frames from last to first: motion the other way",
    "the frames in random order: no motion, same frames",
    "the mean frame in all places: no motion, no moment",
    "the black of Kinetics' mean and deviation, whatever the network: what the study published",
    "another clip, which --baseline-clip names",
    NULL};
static fl_status (*const make[])(const task *) = {zero,  black,  white,    mean,     blur,      temporal_blur,
                                                  noise, frozen, reversed, shuffled, time_mean, kinetics_black, of_the_caller};

fl_status fl_baseline_fill(const char *name, fl_shape s, const real *x, const fl_card_input *card, double sigma,
                           uint64_t seed, real *b, fl_arena *scratch, fl_error *err)
{
    fl_assert(s.n == 1);
    const task k = {s, x, b, card, sigma, seed, scratch, err};
    const int which = fl_name_find(fl_baseline_name, name);
    if (which < 0)
        return fl_error_set(err, FL_USAGE, "baseline: there is none called '%s'; did you mean '%s'?", name,
                            fl_name_nearest(fl_baseline_name, name));
    const fl_mark mark = fl_arena_mark(scratch);
    const fl_status status = make[which](&k);
    fl_arena_release(scratch, mark);
    return status;
}

/* ---- lists of names ---- */

int fl_baselines_count(const char *names)
{
    int n = 1;
    for (; *names; names++) n += *names == ',';
    return n;
}

char *fl_baselines_item(const char *names, int i, fl_arena *arena)
{
    for (; i > 0; i--) names = strchr(names, ',') + 1;
    return fl_arena_text(arena, "%.*s", (int)strcspn(names, ","), names);
}

bool fl_baselines_have(const char *names, const char *name)
{
    const size_t n = strlen(name);
    for (; names; names = strchr(names, ','), names = names ? names + 1 : NULL)
        if (strncmp(names, name, n) == 0 && (names[n] == 0 || names[n] == ',')) return true;
    return false;
}
