/* mask_parts.c: the pieces of mask optimisation that are numbers: sizes of grids, cores, areas, losses, the summed map (mask.h). */
#include "attribution/mask.h"

#include "autograd/ops.h"
#include "tensor/blur.h"
#include "tensor/math.h"
#include "tensor/par.h"

#include <stdlib.h>
#include <string.h>

fl_discs fl_discs_of(fl_shape clip, int step, double sigma)
{
    const int side = clip.h > clip.w ? clip.h : clip.w;
    fl_discs d = {.step = step > 0 ? step : (side + 8) / 16, .sigma = sigma};
    if (d.step < 1) d.step = 1;
    if (!(d.sigma > 0)) d.sigma = floor(1.65 * d.step);              /* 11 for steps of 7, 23 for steps of 14 */
    d.margin = (int)(d.sigma + 0.5);
    d.rows = (clip.h + d.step - 1) / d.step;
    d.columns = (clip.w + d.step - 1) / d.step;
    while (fl_smoothmax_length(d.rows, d.step, d.margin, d.sigma) < d.margin + clip.h ||
           fl_smoothmax_length(d.columns, d.step, d.margin, d.sigma) < d.margin + clip.w)
        d.margin++;                      /* sigma itself, for the study's sizes */
    return d;
}

/* Place i of n on -1 .. 1; a single one lies in the middle. */
static double on_line(int i, int n) { return n > 1 ? 2.0 * i / (n - 1) - 1 : 0; }

int fl_core_fill(fl_core_shape shape, int frames, int size, real *to)
{
    int count = 0;
    for (int t = 0; t < frames; t++)
        for (int h = 0; h < size; h++)
            for (int w = 0; w < size; w++) {
                const double a = shape == FL_CORE_CYLINDER ? 0 : on_line(t, frames), b = on_line(h, size), c = on_line(w, size);
                const bool inside = sqrt(a * a + b * b + c * c) <= 1;
                count += inside;
                if (to) to[(t * size + h) * size + w] = inside;
            }
    for (int i = 0; count == 0 && to && i < frames * size * size; i++) to[i] = 1;
    return count ? count : frames * size * size;
}

/* What the network says of class c against all others, -log(1 - p_c), and its gradient: p_c at c, -p_c p_j / (1 - p_c) at j. */
static double deletion(fl_end end, int classes, const real *y, int c, double weight, real *seed)
{
    if (end.probabilities) {
        const double rest = 1 - (double)y[c] > 1e-12 ? 1 - (double)y[c] : 1e-12;
        for (int j = 0; j < classes; j++) seed[j] = j == c ? (real)(weight / rest) : 0;
        return -fl_log64(rest);
    }
    const int top = fl_strongest(classes, y, c);
    if (top == FL_CLASS_AUTO) {                          /* one class: p is 1, whatever it returns */
        seed[c] = 0;
        return 0;
    }
    double others = 0;
    for (int j = 0; j < classes; j++)
        if (j != c) others += fl_exp64((double)y[j] - (double)y[top]);
    const double rest = (double)y[top] + fl_log64(others);           /* log of the sum of exp z_j over the others */
    const double log_p = fl_log_softmax(classes, y, c), p = fl_exp64(log_p);
    for (int j = 0; j < classes; j++) seed[j] = (real)(weight * (j == c ? p : -p * fl_exp64((double)y[j] - rest)));
    return (double)y[c] - log_p - rest;
}

double fl_mask_loss(const fl_target *target, fl_end end, int classes, const real *y, int sign, double weight, real *seed)
{
    const int c = target->class_index;
    if (target->score == FL_SCORE_LOG_PROBABILITY && sign > 0) return deletion(end, classes, y, c, weight, seed);
    if (target->score == FL_SCORE_LOG_PROBABILITY && end.probabilities && (double)y[c] < 1e-12) {
        for (int j = 0; j < classes; j++) seed[j] = j == c ? (real)(weight * sign * 1e12) : 0;
        return sign * fl_log64(1e-12);
    }
    fl_target_seed(target, end, classes, y, seed);
    for (int j = 0; j < classes; j++) seed[j] = (real)(sign * weight * (double)seed[j]);
    return sign * fl_target_score(target, end, classes, y);
}

int fl_areas_read(const char *text, double *areas, fl_error *err)
{
    int n = 0;
    for (const char *at = text; at; n++) {
        char *end;
        if (n == FL_MASK_AREAS) {
            fl_error_set(err, FL_USAGE, "areas: at most %d of them, got '%s'", FL_MASK_AREAS, text);
            return 0;
        }
        areas[n] = strtod(at, &end);
        const bool number = end != at && (*end == ',' || !*end);
        if (!number || !(areas[n] > 0 && areas[n] < 1) || (n && areas[n] <= areas[n - 1])) {
            fl_error_set(err, FL_USAGE, "areas: expected shares between 0 and 1, ascending, with commas between, such as 0.05,0.1; "
                         "got '%s'", text);
            return 0;
        }
        at = *end ? end + 1 : NULL;
    }
    return n;
}

fl_status fl_masks_sum(fl_shape clip, int sets, const real *masks, real *map, fl_arena *scratch)
{
    const fl_shape s = {1, 1, clip.t, clip.h, clip.w};
    const int64_t count = fl_shape_count(s);
    const int side = clip.h > clip.w ? clip.h : clip.w;
    const fl_blur blur = fl_blur_frames(10.0 * side / 112, FL_BORDER_NEAREST);
    real *sum = FL_NEW(scratch, real, count);
    void *work = FL_NEW(scratch, char, fl_blur_scratch(s, &blur));
    if (!sum || !work) return FL_FAILED;
    FL_EACH(i, count) {
        double all = 0;
        for (int k = 0; k < sets; k++) all += (double)masks[k * count + i];
        sum[i] = (real)all;
    }
    fl_blur_forward(s, &blur, sum, map, work);
    real low, high;
    fl_min_max(map, count, &low, &high);
    if (high > 0) FL_EACH(i, count) map[i] = (real)((double)map[i] / (double)high);
    return FL_OK;
}
