/* sample.h: which frames of a clip a network sees. Rules of the study and of TSM; n frames in, T = frames indices
 * out.
 *
 *   long_range_last     n-1 - (T-1-k) r, r = floor(n / T): evenly spread, the last frame included. The default
 *   long_range_first    of 0, r, 2r, ... < n the last T
 *   long_range_random   one frame at random of each r frames (the last part takes what is left over), the last T of
 * them
 *   segments            floor((2k+1) n / (2T)): the middle of each of T equal parts
 *   dense               (p + k) stride: neighbours; p = floor(m (2i+1) / (2C)) for clip i of C, m = floor(n /
 * stride) - T + 1
 *   random              the same with p at random in 0 .. m-1, different for each clip of C
 *   stride              start + k stride
 *
 * A clip is too short when n < T, or when dense, random or stride reach beyond its end. What then happens is the
 * caller's word: clamp repeats the last frame, loop begins again, error is an error. Callers show the indices to
 * the user. */
#ifndef FL_SAMPLE_H
#define FL_SAMPLE_H

#include "tensor/error.h"

#include <stdint.h>

typedef enum fl_short_clip { FL_SHORT_CLAMP, FL_SHORT_LOOP, FL_SHORT_ERROR } fl_short_clip;

enum { FL_SAMPLE_CLIPS = 64 };

typedef struct fl_sample_options {
    int frames;                  /* T, at least 1 */
    const char *rule;            /* NULL: stride when stride or start is above 0, else long_range_last */
    int stride, start;           /* stride 0: 1 */
    fl_short_clip short_clip;
    int clip, clips;             /* dense, random: clip 0 .. clips-1 of at most FL_SAMPLE_CLIPS; clips 0: 1 */
    uint64_t seed, stream;       /* of the random rules */
} fl_sample_options;

/* index[0 .. frames-1], each in 0 .. n-1. FL_USAGE: unknown rule, an option out of range, too short a clip. */
fl_status fl_sample(const fl_sample_options *, int n, int *index, fl_error *);

const char *fl_sample_rule(int i);                   /* names for help texts; NULL after the last */
fl_status fl_short_clip_named(const char *name, fl_short_clip *, fl_error *);      /* clamp, loop, error */

#endif
