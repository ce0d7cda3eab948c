/* colour.c: percentiles, limits and levels; see colour.h for the formulas. */
#include "io/colour.h"

#include <math.h>

fl_look fl_look_default(void)
{
    return (fl_look){FL_SHOW_both, FL_SCOPE_clip, FL_PALETTE_auto, 99.9, 0.9};
}

const char *fl_show_name(fl_show show)
{
    static const char *const name[] = {"both", "positive", "negative", "abs"};
    return name[show];
}

const char *fl_scope_name(fl_scope scope) { return scope == FL_SCOPE_frame ? "frame" : "clip"; }

static real middle(real a, real b, real c) { return a < b ? (b < c ? b : a < c ? c : a) : a < c ? a : b < c ? c : b; }

/* Puts the value of the given rank (from 0) in its place; smaller ones before it, larger behind (Hoare's select). */
static real select_rank(real *v, int64_t n, int64_t rank)
{
    int64_t low = 0, high = n - 1;
    while (low < high) {
        real pivot = middle(v[low], v[low + (high - low) / 2], v[high]);
        int64_t i = low, j = high;
        while (i <= j) {
            while (v[i] < pivot) i++;
            while (v[j] > pivot) j--;
            if (i <= j) {
                real t = v[i];
                v[i++] = v[j];
                v[j--] = t;
            }
        }
        if (rank <= j) high = j;
        else if (rank >= i) low = i;
        else break;
    }
    return v[rank];
}

double fl_percentile(real *values, int64_t n, double p)
{
    double place = p / 100 * (double)(n - 1);
    int64_t rank = (int64_t)place;
    double below = (double)select_rank(values, n, rank);
    if (rank + 1 >= n) return below;
    real above = values[rank + 1];
    for (int64_t i = rank + 2; i < n; i++)
        if (values[i] < above) above = values[i];
    return below + (place - (double)rank) * ((double)above - below);
}

static double shown(fl_show show, real value)
{
    double v = isfinite(value) ? (double)value : 0;
    if (show == FL_SHOW_abs) return fabs(v);
    return (show == FL_SHOW_positive && v < 0) || (show == FL_SHOW_negative && v > 0) ? 0 : v;
}

/* The limit of n values; scratch has room for them. */
static double limit_of(const real *map, int64_t n, fl_look look, real *scratch)
{
    real largest = 0;
    for (int64_t i = 0; i < n; i++) {
        scratch[i] = (real)fabs(shown(look.show, map[i]));
        if (scratch[i] > largest) largest = scratch[i];
    }
    double limit = largest > 0 ? fl_percentile(scratch, n, look.percentile) : 0;
    return limit > 0 ? limit : (double)largest;
}

static void find_range(fl_scaled *s)
{
    int64_t n = s->frames * s->pixels, finite = 0;
    for (int64_t i = 0; i < n; i++) {
        double v = (double)s->map[i];
        if (!isfinite(v)) continue;
        if (finite == 0 || v < s->min) s->min = v;
        if (finite == 0 || v > s->max) s->max = v;
        finite++;
    }
    s->not_finite = n - finite;
    s->flat = !(s->min < s->max);
}

fl_status fl_scale_map(fl_scaled *s, fl_arena *arena, const real *map, int frames, int64_t pixels, fl_look look)
{
    *s = (fl_scaled){.map = map, .frames = frames, .pixels = pixels, .look = look};
    if (!(look.percentile >= 0 && look.percentile <= 100 && look.opacity >= 0 && look.opacity <= 1))
        return fl_error_set(arena->error, FL_USAGE, "drawing a map: percentile %g and opacity %g; expected 0 to 100 "
                            "and 0 to 1", look.percentile, look.opacity);
    fl_assert(frames >= 1 && pixels >= 1);
    s->limit = FL_NEW(arena, double, frames);
    fl_mark mark = fl_arena_mark(arena);
    bool per_frame = look.scope == FL_SCOPE_frame;
    real *scratch = FL_NEW(arena, real, per_frame ? pixels : frames * pixels);
    if (!s->limit || !scratch) return FL_FAILED;
    find_range(s);
    if (look.palette == FL_PALETTE_auto)
        s->look.palette = look.show == FL_SHOW_abs || (look.show == FL_SHOW_both && s->min >= 0) ? FL_PALETTE_heat
                                                                                                 : FL_PALETTE_signed;
    fl_palette_fill(s->look.palette, s->table);
    double whole = s->flat || per_frame ? 0 : limit_of(map, frames * pixels, look, scratch);
    for (int t = 0; t < frames && !s->flat; t++)
        s->limit[t] = per_frame ? limit_of(map + t * pixels, pixels, look, scratch) : whole;
    fl_arena_release(arena, mark);
    return FL_OK;
}

double fl_scaled_level(const fl_scaled *s, int frame, int64_t pixel)
{
    double limit = s->limit[frame], u = shown(s->look.show, s->map[frame * s->pixels + pixel]);
    return limit <= 0 ? 0 : u >= limit ? 1 : u <= -limit ? -1 : u / limit;
}

bool fl_scaled_two_sided(const fl_scaled *s) { return s->look.show == FL_SHOW_both && s->min < 0; }

fl_ink fl_scaled_colour(const fl_scaled *s, double level)
{
    bool both_halves = s->look.palette == FL_PALETTE_signed || fl_scaled_two_sided(s);
    double place = both_halves ? (level + 1) / 2 : fabs(level);
    const unsigned char *c = s->table[(int)(255 * place + 0.5)];
    return (fl_ink){c[0], c[1], c[2]};
}

double fl_scaled_alpha(const fl_scaled *s, double level)
{
    double n = fabs(level);
    return s->look.opacity * n * (3 - n) / 2;
}

/* Luma with the weights of Rec. 709 in 256ths, compressed to 40 .. 244. */
static double grey(const unsigned char *rgb)
{
    return 40 + 0.8 * (54 * rgb[0] + 183 * rgb[1] + 19 * rgb[2]) / 256;
}

static unsigned char mix(double under, unsigned char over, double alpha)
{
    return (unsigned char)((1 - alpha) * under + alpha * over + 0.5);
}

void fl_scaled_overlay(const fl_scaled *s, int frame, const unsigned char *rgb, unsigned char *out)
{
    for (int64_t i = 0; i < s->pixels; i++) {
        double level = fl_scaled_level(s, frame, i), alpha = fl_scaled_alpha(s, level);
        fl_ink ink = fl_scaled_colour(s, level);
        double under = grey(rgb + 3 * i);
        out[3 * i] = mix(under, ink.r, alpha);
        out[3 * i + 1] = mix(under, ink.g, alpha);
        out[3 * i + 2] = mix(under, ink.b, alpha);
    }
}
