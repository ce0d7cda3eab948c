/* segments_slic.c: supervoxels by SLIC (Achanta et al. 2012, SLIC Superpixels Compared to State-of-the-art), as skimage does it
 * for volumes: clusters c of voxels i with places p and colours q (CIE Lab for three channels, else 0..100; over the compactness),
 *
 *   d(i, c)^2 = sum over axes of (spacing (p_i - p_c))^2 / S^2  +  |q_i - q_c|^2 [ / m_c with SLIC-zero ]
 *
 * S the longest step of the grid on which the clusters begin; m_c: the largest square of a distance of colours seen in c, 1 at
 * first. A voxel looks at the clusters within two steps along every axis and takes the nearest, of equals the first; then
 * every cluster takes the mean place and colour of its voxels, until nothing changes. In the first round colours are 0. At the
 * end pieces are connected; those smaller than half of a step's box join a neighbour, and none is larger than three. */
#include "attribution/segments_parts.h"

#include "tensor/blur.h"
#include "tensor/math.h"
#include "tensor/par.h"

#include <string.h>

enum { REACH = 2 };              /* steps */

typedef struct slic {
    const fl_segment_task *k;
    int size[3], channels;
    const real *colour, *at;     /* V,C; V,2 or NULL */
    int step[3], first[3], along[3], clusters;
    double *mean;                /* per cluster: t, h, w, colours */
    double *spread;              /* m_c */
    double weight[3];            /* (spacing / S)^2 */
    int bins[3];
    int32_t *head, *next;        /* clusters by the box of the grid that they are in, each list in ascending order */
} slic;

static int width(const slic *s) { return 3 + s->channels; }

static void place_of(const slic *s, int64_t i, double *p)
{
    const int64_t w = i % s->size[2], row = i / s->size[2], h = row % s->size[1], t = row / s->size[1];
    p[0] = (double)t;
    p[1] = s->at ? (double)s->at[2 * i] : (double)h;
    p[2] = s->at ? (double)s->at[2 * i + 1] : (double)w;
}

/* ---- where clusters begin ---- */

static int to_even(double x)
{
    const double low = floor(x), rest = x - low;
    return (int)low + (rest > 0.5 || (rest == 0.5 && (int)low % 2 != 0));
}

static double root(double x, int n) { return n == 1 ? x : n == 2 ? sqrt(x) : fl_pow64(x, 1.0 / n); }

/* About `pieces` places at equal steps; axes shorter than the step have one, and the others share what is left. */
static void lay_grid(slic *s, int pieces)
{
    int order[3] = {0, 1, 2};
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            if (s->size[order[j]] > s->size[order[j + 1]]) {
                const int swap = order[j];
                order[j] = order[j + 1];
                order[j + 1] = swap;
            }
    double space = (double)s->size[0] * s->size[1] * s->size[2], length[3];
    if (space <= pieces) space = pieces;
    for (int i = 0; i < 3; i++) length[i] = root(space / pieces, 3);
    for (int axis = 0; axis < 2 && s->size[order[axis]] < length[axis]; axis++) {
        length[axis] = s->size[order[axis]];
        space /= length[axis];
        for (int i = axis + 1; i < 3; i++) length[i] = root(space / pieces, 2 - axis);
    }
    s->clusters = 1;
    for (int i = 0; i < 3; i++) {
        const int axis = order[i], step = to_even(length[i]);
        s->step[axis] = step < 1 ? 1 : step > s->size[axis] ? s->size[axis] : step;
        s->first[axis] = (int)(length[i] / 2) < s->size[axis] ? (int)(length[i] / 2) : s->size[axis] - 1;
        s->along[axis] = (s->size[axis] - s->first[axis] + s->step[axis] - 1) / s->step[axis];
        s->bins[axis] = s->size[axis] / s->step[axis] + 1;
        s->clusters *= s->along[axis];
    }
}

static void begin(slic *s)
{
    const int longest = s->step[0] > s->step[1] ? (s->step[0] > s->step[2] ? s->step[0] : s->step[2])
                                                : (s->step[1] > s->step[2] ? s->step[1] : s->step[2]);
    for (int axis = 0; axis < 3; axis++) {
        const double w = s->k->o->spacing[axis] / longest;
        s->weight[axis] = w * w;
    }
    for (int c = 0; c < s->clusters; c++) {
        double *m = s->mean + (int64_t)c * width(s);
        const int w = c % s->along[2], row = c / s->along[2], h = row % s->along[1], t = row / s->along[1];
        m[0] = s->first[0] + t * s->step[0];
        m[1] = s->first[1] + h * s->step[1];
        m[2] = s->first[2] + w * s->step[2];
        s->spread[c] = 1;
    }
}

/* ---- a round ---- */

static int bin_of(const slic *s, int axis, double place)
{
    const int b = (int)(place / s->step[axis]);
    return b < 0 ? 0 : b >= s->bins[axis] ? s->bins[axis] - 1 : b;
}

static void sort_into_bins(slic *s)
{
    memset(s->head, -1, (size_t)s->bins[0] * (size_t)s->bins[1] * (size_t)s->bins[2] * sizeof *s->head);
    for (int c = s->clusters - 1; c >= 0; c--) {
        const double *m = s->mean + (int64_t)c * width(s);
        int32_t *head = &s->head[(bin_of(s, 0, m[0]) * s->bins[1] + bin_of(s, 1, m[1])) * s->bins[2] + bin_of(s, 2, m[2])];
        s->next[c] = *head;
        *head = c;
    }
}

static double colour_distance(const slic *s, const real *q, const double *m)
{
    double sum = 0;
    for (int c = 0; c < s->channels; c++) {
        const double d = (double)q[c] - m[3 + c];
        sum += d * d;
    }
    return sum;
}

/* The square of the distance, or -1: out of reach. */
static double distance(const slic *s, const double *p, const real *q, int c)
{
    const double *m = s->mean + (int64_t)c * width(s);
    double sum = 0;
    for (int axis = 0; axis < 3; axis++) {
        const double d = p[axis] - m[axis];
        if (fabs(d) > REACH * s->step[axis]) return -1;
        sum += d * d * s->weight[axis];
    }
    return sum + colour_distance(s, q, m) / s->spread[c];
}

static int32_t nearest(const slic *s, int64_t i, int32_t now)
{
    double p[3], least = 0;
    int low[3], high[3];
    int32_t best = -1;
    place_of(s, i, p);
    for (int axis = 0; axis < 3; axis++) {
        const int b = bin_of(s, axis, p[axis]);
        low[axis] = b < REACH ? 0 : b - REACH;
        high[axis] = b + REACH >= s->bins[axis] ? s->bins[axis] - 1 : b + REACH;
    }
    for (int t = low[0]; t <= high[0]; t++)
        for (int h = low[1]; h <= high[1]; h++)
            for (int w = low[2]; w <= high[2]; w++)
                for (int32_t c = s->head[(t * s->bins[1] + h) * s->bins[2] + w]; c >= 0; c = s->next[c]) {
                    const double d = distance(s, p, s->colour + i * s->channels, c);
                    if (d < 0 || (best >= 0 && (d > least || (d == least && c > best)))) continue;
                    best = c;
                    least = d;
                }
    return best < 0 ? now : best;
}

static bool assign(slic *s)
{
    const int64_t rows = (int64_t)s->size[0] * s->size[1];
    int32_t *label = s->k->label;
    bool *moved = fl_segments_scratch(s->k, rows, sizeof *moved);
    if (!moved) return false;
    sort_into_bins(s);
    FL_PARALLEL(row, rows, rows * s->size[2] * 1000) {
        for (int64_t i = row * s->size[2]; i < (row + 1) * s->size[2]; i++) {
            const int32_t to = nearest(s, i, label[i]);
            moved[row] |= to != label[i];
            label[i] = to;
        }
    }
    bool any = false;
    for (int64_t row = 0; row < rows; row++) any |= moved[row];
    return any;
}

static void move_clusters(slic *s, double *sum, int64_t *members)
{
    const int64_t voxels = fl_shape_pixels(s->k->s);
    const int w = width(s);
    memset(sum, 0, (size_t)s->clusters * (size_t)w * sizeof *sum);
    memset(members, 0, (size_t)s->clusters * sizeof *members);
    for (int64_t i = 0; i < voxels; i++) {
        double p[3], *to = sum + (int64_t)s->k->label[i] * w;
        place_of(s, i, p);
        members[s->k->label[i]]++;
        for (int axis = 0; axis < 3; axis++) to[axis] += p[axis];
        for (int c = 0; c < s->channels; c++) to[3 + c] += (double)s->colour[i * s->channels + c];
    }
    for (int c = 0; c < s->clusters; c++)
        for (int j = 0; j < w && members[c]; j++) s->mean[(int64_t)c * w + j] = sum[(int64_t)c * w + j] / (double)members[c];
    for (int64_t i = 0; s->k->o->zero && i < voxels; i++) {
        const int32_t c = s->k->label[i];
        const double d = colour_distance(s, s->colour + i * s->channels, s->mean + (int64_t)c * w);
        if (d > s->spread[c]) s->spread[c] = d;
    }
}

static fl_status iterate(slic *s)
{
    double *sum = fl_segments_scratch(s->k, (int64_t)s->clusters * width(s), sizeof *sum);
    int64_t *members = fl_segments_scratch(s->k, s->clusters, sizeof *members);
    if (!sum || !members) return s->k->err->status;
    for (int round = 0; round < s->k->o->rounds; round++) {
        const fl_mark mark = fl_arena_mark(s->k->scratch);
        const bool moved = assign(s);
        fl_arena_release(s->k->scratch, mark);
        if (s->k->err->status) return s->k->err->status;
        if (!moved && round > 0) break;
        move_clusters(s, sum, members);
    }
    return FL_OK;
}

/* ---- colours ---- */

static double linear_light(double v) { return v > 0.04045 ? fl_pow64((v + 0.055) / 1.055, 2.4) : v / 12.92; }
static double lightness(double v) { return v > 0.008856 ? fl_pow64(v, 1.0 / 3) : 7.787 * v + 16.0 / 116; }

/* sRGB, 0..1, to CIE Lab under D65 (IEC 61966-2-1; CIE 15). */
static void to_lab(real *p)
{
    static const double xyz[3][3] = {
        {0.412453, 0.357580, 0.180423}, {0.212671, 0.715160, 0.072169}, {0.019334, 0.119193, 0.950227}};
    static const double white[3] = {0.95047, 1, 1.08883};
    double f[3];
    const double r = linear_light((double)p[0]), g = linear_light((double)p[1]), b = linear_light((double)p[2]);
    for (int i = 0; i < 3; i++) f[i] = lightness((xyz[i][0] * r + xyz[i][1] * g + xyz[i][2] * b) / white[i]);
    p[0] = (real)(116 * f[1] - 16);
    p[1] = (real)(500 * (f[0] - f[1]));
    p[2] = (real)(200 * (f[1] - f[2]));
}

static real *soften(const fl_segment_task *k, real *picture)
{
    fl_blur how = {.border = FL_BORDER_REFLECT};
    if (k->o->sigma == 0) return picture;
    for (int axis = 0; axis < 3; axis++) {
        how.sigma[axis] = k->o->sigma / k->o->spacing[axis];
        how.half[axis] = (int)(4 * how.sigma[axis] + 0.5);
    }
    real *soft = fl_segments_scratch(k, fl_shape_count(k->s), sizeof *soft);
    void *work = soft ? fl_segments_scratch(k, (int64_t)fl_blur_scratch(k->s, &how), 1) : NULL;
    if (work) fl_blur_forward(k->s, &how, picture, soft, work);
    return work ? soft : NULL;
}

static const real *colours(const fl_segment_task *k)
{
    const int channels = k->s.c;
    real *p = fl_segments_picture(k, k->o->stretch_frames);
    if (p) p = soften(k, p);
    if (!p) return NULL;
    FL_PARALLEL(t, k->s.t, fl_shape_count(k->s) * 50) {
        const int64_t frame = (int64_t)k->s.h * k->s.w;
        for (int64_t i = t * frame; i < (t + 1) * frame; i++) {
            if (channels == 3) to_lab(p + 3 * i);
            const double scale = channels == 3 ? 1 : 100;        /* as lightness has */
            for (int c = 0; c < channels; c++) p[i * channels + c] = (real)(scale * (double)p[i * channels + c] / k->o->compactness);
        }
    }
    return p;
}

fl_status fl_slic(const fl_segment_task *k, const real *at)
{
    slic s = {.k = k, .size = {k->s.t, k->s.h, k->s.w}, .channels = k->s.c, .at = at, .colour = colours(k)};
    if (!s.colour) return k->err->status;
    lay_grid(&s, k->o->pieces);
    s.mean = fl_segments_scratch(k, (int64_t)s.clusters * width(&s), sizeof *s.mean);
    s.spread = fl_segments_scratch(k, s.clusters, sizeof *s.spread);
    s.next = fl_segments_scratch(k, s.clusters, sizeof *s.next);
    s.head = fl_segments_scratch(k, (int64_t)s.bins[0] * s.bins[1] * s.bins[2], sizeof *s.head);
    if (!s.mean || !s.spread || !s.next || !s.head) return k->err->status;
    begin(&s);
    if (iterate(&s)) return k->err->status;
    const double share = (double)fl_shape_pixels(k->s) / s.clusters;
    return fl_segments_connect(k, (int64_t)(0.5 * share), (int64_t)(3 * share));
}

fl_status fl_segments_slic(const fl_segment_task *k) { return fl_slic(k, NULL); }
