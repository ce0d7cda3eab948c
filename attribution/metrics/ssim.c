/* ssim.c: structural similarity of two maps, frame by frame (agreement.h).
 *
 *   SSIM = (2 m_a m_b + C1)(2 v_ab + C2) / ((m_a^2 + m_b^2 + C1)(v_a + v_b + C2))        C1 = 0.01^2, C2 = 0.03^2
 *
 * m, v: mean, variance and covariance under the window, the latter two times 121 / 120 (sample covariance of 11 x 11 values).
 * Wang, Bovik, Sheikh and Simoncelli 2004, IEEE TIP 13(4), equation 13. */
#include "attribution/metrics/agreement.h"
#include "tensor/blur.h"

#include <math.h>

enum { HALF = 5, TAPS = (2 * HALF + 1) * (2 * HALF + 1), PARTS = 5 };

/* a, b, aa, bb, ab of the maps in unit range, as five channels, and their means under the window. */
static real *moments(fl_shape s, const double *a, const double *b, fl_arena *arena)
{
    const fl_shape five = {1, PARTS, s.t, s.h, s.w};
    const fl_blur window = {{0, 1.5, 1.5}, {0, HALF, HALF}, FL_BORDER_REFLECT};
    real *x = FL_NEW(arena, real, fl_shape_count(five)), *y = FL_NEW(arena, real, fl_shape_count(five));
    void *work = FL_NEW(arena, char, fl_blur_scratch(five, &window));
    if (!x || !y || !work) return NULL;
    for (int64_t i = 0; i < fl_shape_pixels(s); i++) {
        const double part[PARTS] = {a[i], b[i], a[i] * a[i], b[i] * b[i], a[i] * b[i]};
        for (int k = 0; k < PARTS; k++) x[i * PARTS + k] = (real)part[k];
    }
    fl_blur_forward(five, &window, x, y, work);
    return y;
}

static double at_place(const real *m)
{
    const double norm = (double)TAPS / (TAPS - 1), c1 = 0.01 * 0.01, c2 = 0.03 * 0.03, ma = (double)m[0], mb = (double)m[1];
    const double va = norm * ((double)m[2] - ma * ma), vb = norm * ((double)m[3] - mb * mb), vab = norm * ((double)m[4] - ma * mb);
    return (2 * ma * mb + c1) * (2 * vab + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
}

double fl_ssim(fl_shape s, const real *map_a, const real *map_b, fl_arena *arena)
{
    const fl_mark mark = fl_arena_mark(arena);
    const int64_t n = fl_shape_pixels(s);
    const double *a = fl_unit_range(n, map_a, arena), *b = fl_unit_range(n, map_b, arena);
    const real *m = a && b ? moments(s, a, b, arena) : NULL;
    const int edge = s.h > 2 * HALF && s.w > 2 * HALF ? HALF : 0;
    double sum = 0;
    int64_t places = 0;
    bool varies[2] = {false, false};
    for (int64_t i = 0; m && i < n; i++) {
        const int x = (int)(i % s.w), y = (int)(i / s.w % s.h);
        varies[0] = varies[0] || a[i] > 0;
        varies[1] = varies[1] || b[i] > 0;
        if (x < edge || x >= s.w - edge || y < edge || y >= s.h - edge) continue;
        sum += at_place(m + i * PARTS);
        places++;
    }
    fl_arena_release(arena, mark);
    return m && varies[0] && varies[1] ? sum / (double)places : (double)NAN;
}
