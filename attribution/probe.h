/* probe.h: the scores of many variants of one clip: what every method asks that changes the input and watches.
 *
 *     fl_probe *p = fl_probe_open(explainer, &target, clip, scratch);        the clip is the base
 *     fl_probe_score(p, &(fl_variants){.end = n, .region = where, .fill = change, .take = keep, .user = me});
 *
 * Variant k is the base with some voxels changed. The caller writes it when asked (masks are made on the fly), and gets its
 * score: fill and take are each called with k = first, first+1, .. end-1 in this order, fill some way ahead of take. Memory does not
 * grow with the number of variants. Without regions every variant is a whole pass and has its bits. With regions only what they can
 * change is computed (autograd/cone.h), and scores are those of whole passes up to the rounding of Winograd's tiles: 1e-5 of their
 * size in float32; cumulative variants have all bits of whole passes, and take longer. In either case the score of variant k is a
 * function of the base, of its region and its voxels: not of its neighbours, of threads, or of where the run began. */
#ifndef FL_PROBE_H
#define FL_PROBE_H

#include "attribution/attribution.h"
#include "attribution/target.h"

typedef struct fl_probe fl_probe;

/* Takes the explainer's graph with its norms folded, and its plan, until the explainer is used for something else: that ends
 * FL_CLASS_AUTO in the target means the strongest class at the clip. clip: 1,C,T,H,W, channels last, in network
 * space; copied. The probe lives in the arena, which is not the graph's. NULL with the graph's error set: FL_USAGE (class, score),
 * FL_FAILED (memory). */
fl_probe *fl_probe_open(fl_explainer *, const fl_target *, const real *clip, fl_arena *);

double    fl_probe_base(const fl_probe *);       /* score of the base */
fl_target fl_probe_target(const fl_probe *);     /* with its classes filled in */
const real *fl_probe_clip(const fl_probe *);     /* the base; valid until the probe's end, changed by cumulative variants */

typedef struct fl_variants {
    int64_t first, end;                          /* k runs over first .. end-1 */
    /* Frames, rows and columns that variant k may change, inside the clip; NULL: any. Called once, before fill. An empty region is the
     * base itself: nothing is filled. */
    fl_region (*region)(void *user, int64_t k);
    /* Writes variant k: clip holds the base (cumulative: the variant before), and no voxel outside the region may be written. */
    void (*fill)(void *user, int64_t k, real *clip);
    /* score: of the target. y: what the network returned at the node of the target (target.h), one value per class; valid during the
     * call. Returning false stops. */
    bool (*take)(void *user, int64_t k, double score, const real *y);
    /* Each variant is made from the one before; the last one becomes the base. After a stop it is the last one that was taken. */
    bool cumulative;
    void *user;
} fl_variants;

/* FL_LIMIT, with the graph's error set: take returned false. FL_FAILED or the arena's FL_LIMIT: memory. */
fl_status fl_probe_score(fl_probe *, const fl_variants *);

/* Another base. */
void fl_probe_rebase(fl_probe *, const real *clip);

#endif
