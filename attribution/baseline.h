/* baseline.h: what a clip is compared with: clips that show nothing, or nothing of one kind. */
#ifndef FL_BASELINE_H
#define FL_BASELINE_H

#include "attribution/driver.h"

/* The baseline of that name for one clip x (n = 1, channels last) into b, which does not overlap x.
 * card: for black and white, else may be NULL. sigma: of blur, in pixels. seed: of those that draw.
 * FL_USAGE for an unknown name, or for a colour that the network's card does not give. */
fl_status fl_baseline_fill(const char *name, fl_shape, const real *x, const fl_card_input *card, double sigma,
                           uint64_t seed, real *b, fl_arena *scratch, fl_error *);

/* "black,white": how many names; the i-th, in the arena (NULL: memory ran out); whether one is among them. */
int   fl_baselines_count(const char *names);
char *fl_baselines_item(const char *names, int i, fl_arena *);
bool  fl_baselines_have(const char *names, const char *name);

/* ---- a run over its baselines (driver.h) ---- */

/* Lets the driver work once for every name of options.baseline; the map, and the score of the baselines, are the means. With one name
 * run->baseline stays, for the law; a method without baselines just works. */
fl_status fl_baselines_run(fl_run *);
/* The next draw of the run's own baseline, of those that draw; the others are what they are. */
fl_status fl_baselines_draw(const fl_run *, int k, real *b);

#endif
