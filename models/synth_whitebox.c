/* synth_whitebox.c: clips whose evidence is one square, or one frame, and nothing else.
 *
 * Grey noise; in the evidence it is crossed by stripes, light and dark in equal parts, with a random phase, width and
 * tint. The direction of the stripes is the class: horizontal, vertical, falling (\), rising (/). */
#include "models/synth_parts.h"

#include <math.h>

typedef struct stripes {
    double across_x, across_y;      /* wave vector, periods per pixel */
    double phase, tint[3];
} stripes;

/* Every draw is made for every class. */
static stripes stripes_draw(fl_rng *draw, int label, double unit)
{
    const double half = 0.70710678118654752440;      /* sqrt(1/2) */
    const double normal[FL_SYNTH_PATTERNS][2] = {{0, 1}, {1, 0}, {half, -half}, {half, half}};
    double period = (unit > 0.75 ? unit : 0.75) * synth_uniform(draw, 5.0, 7.0);
    stripes s = {.phase = synth_uniform(draw, 0, 1)};
    s.across_x = normal[label][0] / period;
    s.across_y = normal[label][1] / period;
    for (int k = 0; k < 3; k++) s.tint[k] = synth_uniform(draw, 40, 75);
    return s;
}

static double stripe_at(const stripes *s, int x, int y)      /* a softened square wave between -1 and 1, mean 0 */
{
    double u = s->phase + s->across_x * x + s->across_y * y;
    double wave = 6.0 * (fabs(u - floor(u) - 0.5) - 0.25);
    return wave < -1 ? -1 : wave > 1 ? 1 : wave;
}

void synth_whitebox(const fl_synth_options *o, uint64_t index, int label, unsigned char *rgb, unsigned char *mask,
                    fl_synth_truth *truth)
{
    int smaller = o->height < o->width ? o->height : o->width, side = smaller / 4;
    fl_rng draw = synth_stream(o->seed, index, SYNTH_REGION), noise = synth_stream(o->seed, index, SYNTH_NOISE);
    stripes s = stripes_draw(&draw, label, smaller / 64.0);
    int x0 = fl_rng_next_below(&draw, o->width - side + 1), y0 = fl_rng_next_below(&draw, o->height - side + 1);
    int moment = fl_rng_next_below(&draw, o->frames), region = o->kind == FL_SYNTH_ONE_REGION;
    fl_synth_box box = {0, 0, o->width, o->height};
    if (region) box = (fl_synth_box){x0, y0, x0 + side, y0 + side};
    truth->begin = region ? 0 : moment;
    truth->end = region ? o->frames : moment + 1;
    int64_t pixels = (int64_t)o->height * o->width;
    for (int t = 0; t < o->frames; t++) {
        if (t >= truth->begin && t < truth->end) truth->box[t] = box;
        fl_synth_box b = truth->box[t];
        for (int y = 0; y < o->height; y++)
            for (int x = 0; x < o->width; x++) {
                int64_t p = (int64_t)y * o->width + x, at = t * pixels + p;
                int evidence = x >= b.x0 && x < b.x1 && y >= b.y0 && y < b.y1;
                if (mask && evidence) mask[at] = 255;
                if (!rgb) continue;
                uint64_t bits = fl_rng_bits(noise.seed, noise.stream, (uint64_t)(region ? p : at));
                double wave = evidence ? stripe_at(&s, x, y) : 0;
                for (int k = 0; k < 3; k++, bits >>= 8)
                    rgb[3 * at + k] = (unsigned char)(96.5 + (double)(bits & 63) + wave * s.tint[k]);   /* 21..234 */
            }
    }
}
