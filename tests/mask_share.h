/* mask_share.h: the weight that a cell has at a place of a random mask (attribution/grid_mask.h), from its definition. */
#ifndef FL_MASK_SHARE_H
#define FL_MASK_SHARE_H

#include <math.h>

/* Of cell i at place o of an axis of `side` places that is shifted by s: linear interpolation, mirrored at the ends. */
static inline double mask_share(int o, int s, int cells, int side, int i)
{
    const int cell = (side + cells - 1) / cells;
    if (cells == 1) return 1;
    double at = (o + s + 0.5) * cells / ((cells + 1.0) * cell) - 0.5;
    if (at < 0) at = -at;
    if (at > cells - 1) at = 2 * (cells - 1) - at;
    const double d = fabs(at - i);
    return d < 1 ? 1 - d : 0;
}

#endif
