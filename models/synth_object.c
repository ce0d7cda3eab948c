/* synth_object.c: things with a random outline, a two-colour texture, a light and a dark rim; drawn without seams.
 *
 * Outlines are rho(direction), kept in a table over the pseudo-angle p of a vector (x, y): with d = |x| + |y|,
 *     p = y/d (right half, +4 below), 2 - y/d (left half),   0 <= p < 4, one division, no arc tangent.
 * Distance to the outline ~ (rho - |q|) * steep, in pixels; a pixel's coverage is clamp(distance + 1/2), which makes
 * sub-pixel motion smooth. Texture edges are softened the same way. */
#include "models/synth_parts.h"
#include "tensor/math.h"

#include <math.h>

enum { MAX_VERTICES = 16 };

/* The class's colours, two each: pleasant, well apart, and of no use to a classifier. */
static const unsigned char palette[FL_SYNTH_CLASSES][2][3] = {
    {{214,  58,  52}, {250, 214, 170}}, {{240, 140,  40}, { 72,  44,  90}},
    {{244, 206,  70}, { 40,  84, 120}}, {{ 88, 176,  80}, {240, 240, 200}},
    {{ 40, 168, 168}, { 20,  48,  80}}, {{ 62, 112, 214}, {250, 226, 120}},
    {{142,  84, 196}, {214, 236, 160}}, {{232, 108, 168}, { 60,  60,  66}},
};

static double clamp01(double v) { return v < 0 ? 0 : v > 1 ? 1 : v; }

static void direction(int sector, double *x, double *y)       /* the unit vector of table entry `sector` */
{
    double p = 4.0 * sector / SYNTH_SECTORS;
    *x = p < 2 ? 1 - p : p - 3;
    *y = p < 1 ? p : p < 3 ? 2 - p : p - 4;
    double length = sqrt(*x * *x + *y * *y);
    *x /= length;
    *y /= length;
}

static void polygon(int n, const double vx[], const double vy[], double rho[])     /* vertices by rising angle */
{
    for (int s = 0; s < SYNTH_SECTORS; s++) {
        double x, y;
        direction(s, &x, &y);
        for (int i = 0; i < n; i++) {
            int j = (i + 1) % n;
            double ex = vx[j] - vx[i], ey = vy[j] - vy[i];
            if (vx[i] * y - vy[i] * x < 0 || x * vy[j] - y * vx[j] <= 0) continue;   /* not between vertex i and j */
            rho[s] = (vx[i] * ey - vy[i] * ex) / (x * ey - y * ex);
            break;
        }
    }
}

/* Irregular polygon with 3 to 6 corners, or a star whose arms differ. */
static void draw_corners(fl_rng *draw, int star, double rho[])
{
    double vx[MAX_VERTICES], vy[MAX_VERTICES];
    int n = star ? 2 * (4 + fl_rng_next_below(draw, 2)) : 3 + fl_rng_next_below(draw, 4);
    double waist = synth_uniform(draw, 0.42, 0.55);
    for (int i = 0; i < n; i++) {
        double jitter = synth_uniform(draw, -1, 1) * (star ? 0.12 : n == 3 ? 0.10 : 0.22);
        double angle = 2 * FL_PI * (i + jitter) / n;
        double radius = star && i % 2 ? waist : synth_uniform(draw, star ? 0.65 : 0.70, 1.0);
        vx[i] = radius * fl_cos64(angle);
        vy[i] = radius * fl_sin64(angle);
    }
    polygon(n, vx, vy, rho);
}

/* 1 + a1 cos(t + p1) + ... + a4 cos(4t + p4), by the recurrence of cos(kt), sin(kt). */
static void draw_blob(fl_rng *draw, double rho[])
{
    double a[4], b[4];
    for (int k = 0; k < 4; k++) {
        double size = synth_uniform(draw, 0.06, 0.22), phase = synth_uniform(draw, 0, 2 * FL_PI);
        a[k] = size * fl_cos64(phase);
        b[k] = size * fl_sin64(phase);
    }
    for (int s = 0; s < SYNTH_SECTORS; s++) {
        double x, y, c = 1, z = 0, r = 1;
        direction(s, &x, &y);
        for (int k = 0; k < 4; k++) {
            double turned = c * x - z * y;
            z = z * x + c * y;
            c = turned;
            r += a[k] * c - b[k] * z;
        }
        rho[s] = r > 0.3 ? r : 0.3;
    }
}

/* An ellipse with a wedge cut out, somewhere. */
static void draw_notched(fl_rng *draw, double rho[])
{
    double flat = synth_uniform(draw, 0.68, 1.0), where = synth_uniform(draw, 0, 2 * FL_PI);
    double wx = fl_cos64(where), wy = fl_sin64(where), open = synth_uniform(draw, 0.86, 0.92);
    for (int s = 0; s < SYNTH_SECTORS; s++) {
        double x, y;
        direction(s, &x, &y);
        double ellipse = 1.0 / sqrt(x * x + y * y / (flat * flat));
        double inside = clamp01((x * wx + y * wy - open) / 0.05);
        rho[s] = ellipse * (1.0 - 0.65 * inside);
    }
}

/* A drop: round at the back, drawn out to a point in front. */
static void draw_drop(fl_rng *draw, double rho[])
{
    double back = synth_uniform(draw, 0.56, 0.72), lean = synth_uniform(draw, -0.5, 0.5);
    double lx = fl_cos64(lean), ly = fl_sin64(lean);
    for (int s = 0; s < SYNTH_SECTORS; s++) {
        double x, y;
        direction(s, &x, &y);
        double front = x * lx + y * ly;
        rho[s] = back + (front > 0 ? (1.0 - back) * front * front * front * front : 0);
    }
}

static void finish_outline(double rho[], double steep[])     /* maximum 1, closed, and the slope of the outline */
{
    double most = 0;
    for (int s = 0; s < SYNTH_SECTORS; s++) most = rho[s] > most ? rho[s] : most;
    for (int s = 0; s < SYNTH_SECTORS; s++) rho[s] /= most;
    rho[SYNTH_SECTORS] = rho[0];
    for (int s = 0; s < SYNTH_SECTORS; s++) {
        double ax, ay, bx, by;
        int before = (s + SYNTH_SECTORS - 1) % SYNTH_SECTORS;
        direction(before, &ax, &ay);
        direction((s + 1) % SYNTH_SECTORS, &bx, &by);
        double sine = ax * by - ay * bx;                     /* of a small angle: the angle itself, near enough */
        double slope = (rho[s + 1] - rho[before]) / (sine * rho[s]);
        steep[s] = 1.0 / sqrt(1.0 + slope * slope);
    }
    steep[SYNTH_SECTORS] = steep[0];
}

/* Two colours: those of some class, or free ones. */
static void draw_colours(fl_rng *draw, double colour[2][3])
{
    int owner = fl_rng_next_below(draw, FL_SYNTH_CLASSES), of_palette = synth_uniform(draw, 0, 1) < 0.6;
    int swap = fl_rng_next_below(draw, 2);
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3; k++)
            colour[i][k] = of_palette ? palette[owner][i ^ swap][k] + synth_uniform(draw, -12, 12)
                                      : synth_uniform(draw, 20, 245);
}

static double apart(const double a[3], const double b[3])    /* squared distance of colours */
{
    double sum = 0;
    for (int k = 0; k < 3; k++) sum += (a[k] - b[k]) * (a[k] - b[k]);
    return sum;
}

enum { STRIPES, HALVES, CHECKER, SPOTS, RINGS, TEXTURES };

void synth_object_draw(fl_rng *draw, const double background[3], synth_object *o)
{
    switch (fl_rng_next_below(draw, 5)) {
    case 0: draw_corners(draw, 0, o->rho); break;
    case 1: draw_corners(draw, 1, o->rho); break;
    case 2: draw_blob(draw, o->rho); break;
    case 3: draw_notched(draw, o->rho); break;
    default: draw_drop(draw, o->rho); break;
    }
    finish_outline(o->rho, o->steep);
    for (int attempt = 0; attempt < 6; attempt++) {          /* the main colour off the background, the two apart */
        draw_colours(draw, o->colour);
        if (apart(o->colour[0], background) > 80 * 80 && apart(o->colour[0], o->colour[1]) > 90 * 90) break;
    }
    double angle = synth_uniform(draw, 0, 2 * FL_PI), light = synth_uniform(draw, 0, 2 * FL_PI);
    o->texture = fl_rng_next_below(draw, TEXTURES);
    o->nx = fl_cos64(angle);
    o->ny = fl_sin64(angle);
    o->offset = synth_uniform(draw, -0.25, 0.25);
    o->rate = synth_uniform(draw, 1.0, 1.7);
    for (int i = 0; i < 3; i++) {
        o->spot[i][0] = synth_uniform(draw, -0.55, 0.55);
        o->spot[i][1] = synth_uniform(draw, -0.55, 0.55);
        o->spot[i][2] = synth_uniform(draw, 0.18, 0.36);
    }
    o->light_x = 0.22 * fl_cos64(light);
    o->light_y = 0.22 * fl_sin64(light);
}

/* Signed distance to the next edge of a stripe, in periods. */
static double stripe(double u) { return fabs(u - floor(u) - 0.5) - 0.25; }

/* Signed distance to the border of the second colour at q, in radii. */
static double texture_at(const synth_object *o, double qx, double qy)
{
    double u = qx * o->nx + qy * o->ny + o->offset, v = qy * o->nx - qx * o->ny + o->offset;
    switch (o->texture) {
    case STRIPES: return stripe(u * o->rate) / o->rate;
    case HALVES: return u;
    case CHECKER: {
        double a = stripe(u * o->rate * 0.8), b = stripe(v * o->rate * 0.8);
        double both = a < b ? a : b, none = -a < -b ? -a : -b;
        return (both > none ? both : none) / (o->rate * 0.8);
    }
    case SPOTS: {
        double best = -1;
        for (int i = 0; i < 3; i++) {
            double dx = qx - o->spot[i][0], dy = qy - o->spot[i][1], d = o->spot[i][2] - sqrt(dx * dx + dy * dy);
            best = d > best ? d : best;
        }
        return best;
    }
    default: {
        double dx = qx - o->spot[0][0], dy = qy - o->spot[0][1];
        return stripe(sqrt(dx * dx + dy * dy) * o->rate) / o->rate;
    }
    }
}

/* Signed distance from q to the outline, in radii, positive inside. */
static double outline_at(const synth_object *o, double qx, double qy)
{
    double d = fabs(qx) + fabs(qy), ratio = d > 1e-12 ? qy / d : 0;
    double p = (qx < 0 ? 2 - ratio : ratio < 0 ? 4 + ratio : ratio) * (SYNTH_SECTORS / 4.0);
    int s = (int)p < SYNTH_SECTORS ? (int)p : SYNTH_SECTORS - 1;
    double w = p - s;
    double rho = o->rho[s] + w * (o->rho[s + 1] - o->rho[s]);
    double steep = o->steep[s] + w * (o->steep[s + 1] - o->steep[s]);
    return (rho - sqrt(qx * qx + qy * qy)) * steep;
}

static void shade(const synth_object *o, double qx, double qy, double radius, double inside, double cover,
                  unsigned char *rgb)
{
    double second = clamp01(texture_at(o, qx, qy) * radius + 0.5);
    double rim_width = 0.9 + 0.04 * radius, rim = clamp01(inside - rim_width + 0.5);   /* 0 on the rim, 1 within */
    double light = (1.0 + qx * o->light_x + qy * o->light_y) * (0.35 + 0.65 * rim);
    for (int k = 0; k < 3; k++) {
        double paint = light * (o->colour[0][k] + second * (o->colour[1][k] - o->colour[0][k]));
        paint = paint < 0 ? 0 : paint > 255 ? 255 : paint;
        rgb[k] = (unsigned char)(rgb[k] + cover * (paint - rgb[k]) + 0.5);
    }
}

static int limit(double v, int most) { return v < 0 ? 0 : v > most ? most : (int)v; }

static void widen(fl_synth_box *box, int x, int y)
{
    if (box->x1 == 0) *box = (fl_synth_box){x, y, x + 1, y + 1};
    if (x < box->x0) box->x0 = x;
    if (x >= box->x1) box->x1 = x + 1;
    if (y >= box->y1) box->y1 = y + 1;                       /* rows come in order: y0 is the first */
}

void synth_object_paint(const synth_object *o, const fl_synth_pose *pose, synth_canvas canvas,
                        fl_synth_box *actor_box)
{
    double c = fl_cos64(pose->angle) / pose->radius, s = fl_sin64(pose->angle) / pose->radius;
    double reach = pose->radius + 1.0, out = 1.0 + 0.5 / pose->radius;
    int x0 = limit(pose->x - reach, canvas.width), x1 = limit(pose->x + reach + 1, canvas.width);
    int y0 = limit(pose->y - reach, canvas.height), y1 = limit(pose->y + reach + 1, canvas.height);
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            double dx = x + 0.5 - pose->x, dy = y + 0.5 - pose->y;
            double qx = c * dx + s * dy, qy = c * dy - s * dx;
            if (qx * qx + qy * qy > out * out) continue;
            double inside = outline_at(o, qx, qy) * pose->radius;
            if (actor_box && inside < 0 && fabs(dx) <= 0.5 && fabs(dy) <= 0.5) inside = 0;   /* tiny: one pixel */
            double cover = clamp01(inside + 0.5);
            if (cover <= 0) continue;
            int64_t at = (int64_t)y * canvas.width + x;
            if (canvas.rgb) shade(o, qx, qy, pose->radius, inside, cover, canvas.rgb + 3 * at);
            if (actor_box && inside >= 0) {
                widen(actor_box, x, y);
                if (canvas.mask) canvas.mask[at] = 255;
            }
        }
}
