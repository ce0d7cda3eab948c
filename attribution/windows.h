/* windows.h: boxes that slide over a clip in time and space, all of them or along the optical flow.
 *
 *   slide       window j of an axis of d voxels: j stride .. j stride + size, cut at the end;  ceil((d - size) / stride) + 1 of them
 *   full        the same without the cut ones:  floor((d - size) / stride) + 1
 *   fractions   size d / n, stride d / (n parts):  round(j d / (n parts)) .. round((j + parts) d / (n parts));  (n - 1) parts + 1
 *
 * With flow (T-1,H,W,2: u, v from every frame to the next) a window keeps its place in its first frame; in the next ones it goes
 * with the mean flow inside it, as far as the picture reaches (Uchiyama et al. 2022: adaptive occlusion). */
#ifndef FL_WINDOWS_H
#define FL_WINDOWS_H

#include "tensor/tensor.h"

typedef enum fl_window_kind { FL_WINDOWS_SLIDE, FL_WINDOWS_FULL, FL_WINDOWS_FRACTIONS } fl_window_kind;

typedef struct fl_window_grid {
    fl_shape clip;               /* n = 1 */
    fl_window_kind kind;
    int size[3], stride[3];      /* fractions: n and parts */
    const real *flow;            /* or NULL */
    int n[3];                    /* windows per axis */
    int64_t count;
} fl_window_grid;

/* Counts them; sizes are cut to the clip. size and stride are 1 or more, stride at most size unless the window covers the axis. */
void fl_window_grid_count(fl_window_grid *);

fl_region fl_window_at(const fl_window_grid *, int64_t j);                      /* where it is in its first frame; all of its frames */
/* Where it is in every of its frames: box[i] for frame lo[0] + i, and all of them inside the region returned. */
fl_region fl_window_path(const fl_window_grid *, int64_t j, fl_region *box);

/* The k-th window to look at: an order in which any beginning covers the clip about evenly. */
int64_t fl_window_order(const fl_window_grid *, int64_t k);

#endif
