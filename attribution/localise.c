/* localise.c: the pointing game and the energy inside boxes (localise.h). */
#include "attribution/localise.h"

#include <math.h>

static fl_box enlarge(fl_box b, int tolerance)
{
    if (b.x1 <= b.x0 || b.y1 <= b.y0) return (fl_box){0, 0, 0, 0};
    return (fl_box){b.x0 - tolerance, b.y0 - tolerance, b.x1 + tolerance, b.y1 + tolerance};
}

static bool inside(fl_box b, int y, int x) { return x >= b.x0 && x < b.x1 && y >= b.y0 && y < b.y1; }

static bool voxel_inside(fl_shape s, int64_t voxel, const fl_box *box, int tolerance)
{
    const int x = (int)(voxel % s.w), y = (int)(voxel / s.w % s.h);
    return inside(enlarge(box[voxel / s.w / s.h], tolerance), y, x);
}

int64_t fl_pointing_voxel(fl_shape s, const real *map)
{
    int64_t best = 0;
    for (int64_t i = 1; i < fl_shape_pixels(s); i++)
        if (map[i] > map[best]) best = i;
    return best;
}

bool fl_pointing_hit(fl_shape s, const real *map, const fl_box *box, int tolerance)
{
    fl_assert(s.n == 1 && s.c == 1);
    return voxel_inside(s, fl_pointing_voxel(s, map), box, tolerance);
}

double fl_pointing_chance(fl_shape s, const fl_box *box, int tolerance)
{
    int64_t hits = 0;
    for (int64_t i = 0; i < fl_shape_pixels(s); i++) hits += voxel_inside(s, i, box, tolerance);
    return (double)hits / (double)fl_shape_pixels(s);
}

double fl_energy_inside(fl_shape s, const real *map, const fl_box *box)
{
    fl_assert(s.n == 1 && s.c == 1);
    double within = 0, all = 0;
    for (int64_t i = 0; i < fl_shape_pixels(s); i++) {
        if (!(map[i] > 0)) continue;
        all += (double)map[i];
        if (voxel_inside(s, i, box, 0)) within += (double)map[i];
    }
    return all > 0 ? within / all : (double)NAN;
}
