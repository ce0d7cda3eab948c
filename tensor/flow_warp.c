/* flow_warp.c: frame 1 and its gradient, read where the flow leads: bicubic interpolation (Keys 1981, a = -1/2), and
 * how well a flow explains a pair.
 *
 *     value(x + f) = sum over i = -1..2 of w_i(f) I(x + i),     w: the cubic with the slopes of central differences
 *
 * The gradient is by central differences, borders repeated. */
#include "tensor/flow_parts.h"

#include <math.h>

static int inside(int i, int n) { return i < 0 ? 0 : i >= n ? n - 1 : i; }

void fl_flow_image(const fl_flow_level *l, const real *frame1)
{
    const int h = l->height, w = l->width;
    real *to = l->image;
    for (int y = 0; y < h; y++) {
        const real *row = frame1 + (int64_t)y * w;
        const real *above = frame1 + (int64_t)inside(y - 1, h) * w, *below = frame1 + (int64_t)inside(y + 1, h) * w;
        for (int x = 0; x < w; x++, to += 3) {
            to[0] = row[x];
            to[1] = (row[inside(x + 1, w)] - row[inside(x - 1, w)]) / 2;
            to[2] = (below[x] - above[x]) / 2;
        }
    }
}

static void weights(real f, real w[4])
{
    w[0] = f * (f * (2 - f) - 1) / 2;
    w[1] = (f * f * (3 * f - 5) + 2) / 2;
    w[2] = f * (f * (4 - 3 * f) + 1) / 2;
    w[3] = f * f * (f - 1) / 2;
}

/* channels values at (y, x) of an image of H,W,channels; false, and zeros, when the place lies outside. */
static bool sample(const real *image, int h, int w, int channels, real y, real x, real *value)
{
    for (int c = 0; c < channels; c++) value[c] = 0;
    if (!(y >= 0 && y <= (real)(h - 1) && x >= 0 && x <= (real)(w - 1))) return false;
    const int y0 = (int)y, x0 = (int)x;
    real wy[4], wx[4];
    weights(y - (real)y0, wy);
    weights(x - (real)x0, wx);
    for (int i = 0; i < 4; i++) {
        const real *row = image + (int64_t)inside(y0 + i - 1, h) * w * channels;
        for (int j = 0; j < 4; j++) {
            const real *pixel = row + (int64_t)inside(x0 + j - 1, w) * channels, weight = wy[i] * wx[j];
            for (int c = 0; c < channels; c++) value[c] += weight * pixel[c];
        }
    }
    return true;
}

void fl_flow_warp(const fl_flow_level *l, const real *frame0)
{
    const real huge = R(1e30);       /* times any residual it is cut to lambda theta, and that times g = 0 is 0 */
    for (int y = 0; y < l->height; y++)
        for (int x = 0; x < l->width; x++) {
            const int64_t at = fl_flow_at(l, y, x);
            const real u = l->u[0][at], v = l->u[1][at];
            real seen[3];
            const bool partner = sample(l->image, l->height, l->width, 3, (real)y + v, (real)x + u, seen);
            const real square = seen[1] * seen[1] + seen[2] * seen[2];
            l->g[0][at] = seen[1];
            l->g[1][at] = seen[2];
            l->inverse[at] = square > R(1e-10) ? 1 / square : huge;
            l->rest[at] = partner ? seen[0] - seen[1] * u - seen[2] * v - frame0[(int64_t)y * l->width + x] : 0;
        }
}

double fl_flow_residual(const real *frame0, const real *frame1, int height, int width, const real *flow)
{
    double sum = 0;
    int64_t inside_count = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, flow += 2) {
            real seen;
            if (!sample(frame1, height, width, 1, (real)y + flow[1], (real)x + flow[0], &seen)) continue;
            const double r = (double)seen - (double)frame0[(int64_t)y * width + x];
            sum += r * r;
            inside_count++;
        }
    return inside_count ? sqrt(sum / (double)inside_count) : 0;
}
