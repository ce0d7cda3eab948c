/* test_io_preprocess.c: resized, cropped, normalised, against the definition computed pixel by pixel; boxes. */
#include "io/preprocess.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

enum { T = 3 };

static unsigned char pixel(int t, int y, int x,
                           int c) { return (unsigned char)((t * 71 + y * 29 + x * x * 13 + c * 90 + x * y) % 256); }

static fl_clip make_clip(fl_arena *a, int height, int width)
{
    fl_clip clip = {.frames = T, .height = height, .width = width};
    unsigned char *rgb = FL_NEW(a, unsigned char, T * height * width * 3);
    for (int i = 0; i < T * height * width * 3; i++)
        rgb[i] = pixel(i / (height * width * 3), i / (width * 3) % height, i / 3 % width, i % 3);
    clip.rgb = rgb;
    return clip;
}

/* Bilinear, half-pixel centres: the value at clip position (y, x) between pixel centres, borders repeated. */
static double between(int t, double y, double x, int c, int height, int width)
{
    y = fmax(y, 0);
    x = fmax(x, 0);
    int y0 = (int)y, x0 = (int)x, y1 = y0 + (y0 < height - 1), x1 = x0 + (x0 < width - 1);
    double fy = y - y0, fx = x - x0;
    return (1 - fy) * ((1 - fx) * pixel(t, y0, x0, c) + fx * pixel(t, y0, x1, c))
         + fy * ((1 - fx) * pixel(t, y1, x0, c) + fx * pixel(t, y1, x1, c));
}

/* Checks against the formulas, given what the size before the crop must be. */
static void check(fl_card_input card, int height, int width, int resized_height, int resized_width)
{
    fl_error err = {0};
    fl_arena a;
    fl_network_clip n;
    const int index[] = {2, 0, 0, 1};
    fl_arena_init(&a, &err);
    fl_clip clip = make_clip(&a, height, width);
    CHECK_SAY(fl_preprocess(&a, &card, &clip, index, 4, &n) == FL_OK, "%s", err.message);
    CHECK(fl_shape_equal(n.input.shape, (fl_shape){1, 3, 4, card.height, card.width}));
    CHECK(n.fitting.resized_height == resized_height && n.fitting.resized_width == resized_width);
    int top = (resized_height - card.height) / 2, left = (resized_width - card.width) / 2;
    double worst = 0, worst_shown = 0;
    for (int64_t i = 0; n.input.data && i < fl_shape_count(n.input.shape); i++) {
        int c = (int)(i % 3), x = (int)(i / 3 % card.width), y = (int)(i / 3 / card.width % card.height);
        int t = (int)(i / 3 / card.width / card.height), source = card.bgr ? 2 - c : c;
        double cy = (y + top + 0.5) * height / resized_height - 0.5;
        double cx = (x + left + 0.5) * width / resized_width - 0.5;
        double value = between(index[t], cy, cx, source, height, width);
        double want = (value / 255 * card.white - card.mean[c]) / card.std[c];
        worst = fmax(worst, fabs((double)n.input.data[i] - want) * card.std[c] / card.white);
        worst_shown = fmax(worst_shown, fabs(n.shown[i] - between(index[t], cy, cx, c, height, width)));
    }
    CHECK_SAY(worst < 20 * FL_REAL_EPSILON, "off by %g", worst);
    CHECK_SAY(worst_shown <= 0.5001, "shown off by %g", worst_shown);
    fl_arena_free(&a);
}

static const fl_card_input kinetics = {
    .frames = 16, .height = 12, .width = 12, .white = 1,
    .mean = {0.43216, 0.394666, 0.37645}, .std = {0.22803, 0.22145, 0.216989},
};

TEST(io_preprocess_stretch)
{
    check(kinetics, 12, 12, 12, 12);          /* nothing to do but normalise */
    check(kinetics, 24, 32, 12, 12);          /* the study's rule for UCF101: shape is not kept */
    check(kinetics, 7, 5, 12, 12);            /* enlarged */
    check(kinetics, 1, 1, 12, 12);
}

/* The study's rule for VGG16: resize to 240 x 320, crop 224; values 0..255; here in the same proportions, with BGR
 * on top. */
TEST(io_preprocess_stretch_and_crop)
{
    fl_card_input card = kinetics;
    card.fit_height = 15;
    card.fit_width = 20;
    card.white = 255;
    card.bgr = true;
    for (int c = 0; c < 3; c++) card.mean[c] *= 255, card.std[c] = 1;
    check(card, 30, 30, 15, 20);
}

TEST(io_preprocess_short_side_keeps_the_shape)
{
    fl_card_input card = kinetics;
    card.fit = FL_FIT_SHORT_SIDE;
    card.fit_height = 16;
    check(card, 24, 32, 16, 21);              /* 16 * 32 / 24 = 21.33 */
    check(card, 32, 24, 21, 16);
    check(card, 9, 9, 16, 16);
    card.fit_height = 0;
    check(card, 24, 32, 12, 16);
}

TEST(io_preprocess_boxes)
{
    fl_error err = {0};
    fl_fitting f;
    fl_card_input card = {.frames = 16, .height = 112, .width = 112, .white = 1, .std = {1, 1, 1}};
    double box[4];
    CHECK(fl_fitting_of(&card, 240, 320, &f, &err) == FL_OK);
    CHECK(fl_preprocess_box(&f, (const double[]){160, 120, 320, 240}, box));
    CHECK(box[0] == 56 && box[1] == 56 && box[2] == 112 && box[3] == 112);
    /* VGG16 of the study: 320 x 240 stays, the crop takes away 48 and 8 */
    card = (fl_card_input){.frames = 16, .height = 224, .width = 224, .fit_height = 240, .fit_width = 320,
                           .white = 255, .std = {1, 1, 1}};
    CHECK(fl_fitting_of(&card, 240, 320, &f, &err) == FL_OK);
    CHECK(fl_preprocess_box(&f, (const double[]){50, 10, 300, 100}, box));
    CHECK(box[0] == 2 && box[1] == 2 && box[2] == 224 && box[3] == 92);
    CHECK(!fl_preprocess_box(&f, (const double[]){0, 0, 48, 240}, box) && box[2] == 0);
    CHECK(!fl_preprocess_box(&f, (const double[]){0, 0, 0, 0}, box));
}

TEST(io_preprocess_refuses)
{
    fl_error err = {0};
    fl_fitting f;
    fl_card_input card = kinetics;
    card.fit = FL_FIT_SHORT_SIDE;
    card.fit_height = 11;
    CHECK(fl_fitting_of(&card, 24, 24, &f, &err) == FL_USAGE && strstr(err.message, "11 x 11"));
    fl_error_clear(&err);
    card.fit_height = 128;
    CHECK(fl_fitting_of(&card, 1, 16384, &f, &err) == FL_USAGE && strstr(err.message, "2097152"));
    fl_error_clear(&err);
    card.std[1] = 0;
    CHECK(fl_fitting_of(&card, 24, 24, &f, &err) == FL_USAGE && strstr(err.message, "channel 1"));
    fl_error_clear(&err);
    card.width = 0;
    CHECK(fl_fitting_of(&card, 24, 24, &f, &err) == FL_USAGE);
}

TEST(io_preprocess_survives_every_failed_allocation)
{
    bool done = false;
    for (long k = 1; !done && k < 20; k++) {
        fl_error err = {0};
        fl_arena a;
        fl_network_clip n;
        fl_arena_init(&a, &err);
        fl_clip clip = make_clip(&a, 20, 20);
        fl_arena_fail_at(k);
        fl_status status = fl_preprocess(&a, &kinetics, &clip, (const int[]){0}, 1, &n);
        fl_arena_fail_at(0);
        done = status == FL_OK;
        CHECK(status == err.status && (done || status == FL_FAILED));
        fl_arena_free(&a);
    }
    CHECK(done);
}
