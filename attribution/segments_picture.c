/* segments_picture.c: the clip as the eye sees it: colours before normalisation, red first, 0..1. */
#include "attribution/segments_parts.h"

#include "tensor/par.h"

static void stretch(real *p, int64_t n)
{
    real low, high;
    fl_min_max(p, n, &low, &high);
    const double range = (double)high - (double)low;
    for (int64_t i = 0; i < n; i++) p[i] = range > 0 ? (real)(((double)p[i] - (double)low) / range) : 0;
}

real *fl_segments_picture(const fl_segment_task *k, bool every_frame)
{
    const int channels = k->s.c;
    const int64_t pixels = fl_shape_pixels(k->s);
    const fl_card_input *card = k->card && k->card->source == FL_SOURCE_RGB && channels == 3 ? k->card : NULL;
    real *p = fl_segments_scratch(k, pixels * channels, sizeof *p);
    if (!p) return NULL;
    for (int64_t i = 0; i < pixels; i++)
        for (int c = 0; c < channels; c++) {
            const int from = card && card->bgr ? 2 - c : c;
            const double v = (double)k->x[i * channels + from];
            p[i * channels + c] = (real)(card ? (v * card->std[from] + card->mean[from]) / card->white : v);
        }
    const int parts = every_frame ? k->s.t : 1;
    FL_PARALLEL(part, parts, 4 * pixels * channels)
        stretch(p + part * (pixels / parts) * channels, pixels / parts * channels);
    return p;
}
