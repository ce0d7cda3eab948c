/* colour.h: from the values of a map to colours: which sign, which scale, which palette. Nothing is implied.
 *
 *     shown value   u = v (both), max(v,0) (positive), min(v,0) (negative), |v| (abs)
 *     limit         L = percentile of |u| over the clip, or over each frame
 *     level         n = u / L, cut to -1 .. 1;  0 always stays 0
 *     overlay       (1 - a) grey(frame) + a colour(n),  a = opacity * |n| (3 - |n|) / 2
 *
 * The frame below the colours is grey, so that a red ball is not taken for red evidence; grey = 40 + 0.8 luma. The
 * ramp of a lifts middle values like the power 0.8 that the study uses. A percentile between two order
 * statistics is interpolated linearly. Where the percentile is 0 but the map is not (a map of few points), L is
 * the largest |u|. A map without any difference (all zero, or all one value) has no levels: it is drawn as nothing
 * and named. Values that are not finite count as 0 and are counted. */
#ifndef FL_COLOUR_H
#define FL_COLOUR_H

#include "io/canvas.h"
#include "tensor/real.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum fl_show { FL_SHOW_both, FL_SHOW_positive, FL_SHOW_negative, FL_SHOW_abs } fl_show;
typedef enum fl_scope { FL_SCOPE_clip, FL_SCOPE_frame } fl_scope;

/* signed: blue, white, red; heat: dark violet to light yellow, for maps without negative values; jet: the rainbow of
 * the study. auto: heat where nothing negative can be shown by both or abs, signed otherwise. */
typedef enum fl_palette { FL_PALETTE_auto, FL_PALETTE_signed, FL_PALETTE_heat, FL_PALETTE_jet } fl_palette;

typedef struct fl_look {
    fl_show show;
    fl_scope scope;
    fl_palette palette;
    double percentile;           /* 0 .. 100 */
    double opacity;              /* 0 .. 1 */
} fl_look;

fl_look fl_look_default(void);   /* both, clip, auto, 99.9, 0.9 */
const char *fl_show_name(fl_show);
const char *fl_scope_name(fl_scope);

/* 256 colours: of the values -1 .. 1 for signed, 0 .. 1 for the others. auto is not a table. */
void fl_palette_fill(fl_palette, unsigned char table[256][3]);

/* The p-th percentile (0 .. 100) of n >= 1 values, which are reordered. */
double fl_percentile(real *values, int64_t n, double p);

typedef struct fl_scaled {
    const real *map;             /* frames x pixels, borrowed */
    int frames;
    int64_t pixels;              /* of one frame */
    fl_look look;                /* palette is never auto here */
    double *limit;               /* per frame; 0 where there is nothing to draw; owned by the arena */
    double min, max;             /* of the finite values of the whole clip */
    int64_t not_finite;
    bool flat;                   /* zero map or constant map: no levels */
    unsigned char table[256][3];
} fl_scaled;

/* FL_USAGE for a percentile or an opacity out of range, FL_FAILED for memory. */
fl_status fl_scale_map(fl_scaled *, fl_arena *, const real *map, int frames, int64_t pixels, fl_look);

double fl_scaled_level(const fl_scaled *, int frame, int64_t pixel);     /* -1 .. 1 */
bool fl_scaled_two_sided(const fl_scaled *);     /* the colour bar runs from -L to L, not from 0 */
fl_ink fl_scaled_colour(const fl_scaled *, double level);
double fl_scaled_alpha(const fl_scaled *, double level);

/* The overlay of one frame (pixels x 3 bytes) into out, which may not be the frame itself. */
void fl_scaled_overlay(const fl_scaled *, int frame, const unsigned char *rgb, unsigned char *out);

#endif
