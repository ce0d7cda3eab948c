/* flow_scene.c: frame 1 reads the texture where the inverse motion leads; nothing is interpolated. */
#include "tests/flow_scene.h"

#include <math.h>

enum { WAVES = 32 };

/* A sum of waves of 6 to 36 pixels in all directions, 0..255. */
static double texture(int which, double x, double y)
{
    double sum = 0;
    for (int i = 0; i < WAVES; i++) {
        const double angle = 2.4 * i + which, length = 6 + 30 * fmod(0.618 * (i + 1) + 0.1 * which, 1);
        sum += sin(2 * 3.14159265358979 / length * (cos(angle) * x + sin(angle) * y) + 1.7 * i * i + which);
    }
    return fmin(fmax(127 + sum * 90 / sqrt(WAVES), 0), 255);
}

/* Forward motion of a point; sign -1: backward. */
static void move(const scene *s, int sign, double cx, double cy, double *x, double *y)
{
    const double dx = *x - cx, dy = *y - cy, angle = sign * s->a * 3.14159265358979 / 180;
    const double factor = sign > 0 ? s->a : 1 / s->a;
    switch (s->kind) {
    case SCENE_SHIFT:
    case SCENE_OBJECT:
        *x += sign * s->a;
        *y += sign * s->b;
        break;
    case SCENE_TURN:
        *x = cx + dx * cos(angle) - dy * sin(angle);
        *y = cy + dx * sin(angle) + dy * cos(angle);
        break;
    case SCENE_ZOOM:
        *x = cx + dx * factor;
        *y = cy + dy * factor;
        break;
    }
}

static bool on_disc(int height, int width, double y, double x)
{
    return hypot(x - width / 2.0, y - height / 2.0) < fmin(height, width) / 5.0;
}

void scene_frame(const scene *s, int frame, int height, int width, real *grey)
{
    for (int i = 0; i < height * width; i++) {
        const int row = i / width;
        const double x = i % width, y = row;
        double back_x = x, back_y = y;
        if (frame == 1) move(s, -1, width / 2.0, height / 2.0, &back_x, &back_y);
        const bool object = s->kind == SCENE_OBJECT && on_disc(height, width, back_y, back_x);
        const bool moved = s->kind != SCENE_OBJECT || object;
        grey[i] = (real)floor((moved ? texture(object, back_x, back_y) : texture(0, x, y)) + 0.5);
    }
}

bool scene_truth(const scene *s, int height, int width, int y, int x, double *u, double *v)
{
    double to_x = x, to_y = y;
    const bool rests = s->kind == SCENE_OBJECT && !on_disc(height, width, y, x);
    if (!rests) move(s, 1, width / 2.0, height / 2.0, &to_x, &to_y);
    *u = to_x - x;
    *v = to_y - y;
    if (rests) return !on_disc(height, width, y - s->b, x - s->a);
    return to_x >= 0 && to_x <= width - 1 && to_y >= 0 && to_y <= height - 1;
}

double scene_error(const scene *s, int height, int width, const real *flow)
{
    double sum = 0;
    int seen = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, flow += 2) {
            double u, v;
            if (!scene_truth(s, height, width, y, x, &u, &v)) continue;
            sum += hypot((double)flow[0] - u, (double)flow[1] - v);
            seen++;
        }
    return sum / seen;
}
