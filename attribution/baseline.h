/* baseline.h: what a clip is compared with: clips that show nothing, or nothing of one kind. */
#ifndef FL_BASELINE_H
#define FL_BASELINE_H

#include "attribution/attribution.h"

/* The baseline of that name for one clip x (n = 1, channels last) into b, which does not overlap x.
 * card: for black and white, else may be NULL. sigma: of blur, in pixels. seed: of those that draw.
 * FL_USAGE for an unknown name, or for a colour that the network's card does not give. */
fl_status fl_baseline_fill(const char *name, fl_shape, const real *x, const fl_card_input *card, double sigma,
                           uint64_t seed, real *b, fl_arena *scratch, fl_error *);

#endif
