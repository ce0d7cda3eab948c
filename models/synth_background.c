/* synth_background.c: a smooth texture that drifts, and the noise of the sensor.
 *
 * colour(p) = c0 + f(p) (c1 - c0) + g(p) (c2 - c0); f, g are value noise: random numbers on a lattice of the torus,
 * joined smoothly, in octaves. f also carries a faint grating whose wave vector is integer: it closes on the torus.
 * Painting is bilinear interpolation in integers. */
#include "models/synth_parts.h"

#include <math.h>
#include <stddef.h>

typedef double field[SYNTH_TORUS][SYNTH_TORUS];

/* Adds one octave with `cells` random values each way (a divisor of the torus), of the given amplitude around 0. */
static void add_octave(fl_rng *draw, int cells, double amplitude, field f)
{
    double lattice[SYNTH_TORUS / 4][SYNTH_TORUS / 4], weight[SYNTH_TORUS] = {0};
    double row[SYNTH_TORUS / 4 + 1] = {0};
    int step = SYNTH_TORUS / cells;
    for (int i = 0; i < cells; i++)
        for (int j = 0; j < cells; j++) lattice[i][j] = synth_uniform(draw, -amplitude, amplitude);
    for (int k = 0; k < step; k++) {
        double u = (double)k / step;
        weight[k] = u * u * (3.0 - 2.0 * u);
    }
    for (int y = 0; y < SYNTH_TORUS; y++) {
        const double *above = lattice[y / step], *below = lattice[(y / step + 1) % cells];
        for (int j = 0; j < cells; j++) row[j] = above[j] + weight[y % step] * (below[j] - above[j]);
        row[cells] = row[0];
        for (int j = 0; j < cells; j++)
            for (int k = 0; k < step; k++) f[y][j * step + k] += row[j] + weight[k] * (row[j + 1] - row[j]);
    }
}

/* Triangle wave of period 1 between -1 and 1: a grating without a sine. */
static double triangle(double u) { return 4.0 * fabs(u - floor(u) - 0.5) - 1.0; }

static void add_grating(fl_rng *draw, field f)
{
    int kx = fl_rng_next_below(draw, 13) - 6, ky = fl_rng_next_below(draw, 13) - 6;
    double phase = synth_uniform(draw, 0, 1), amplitude = synth_uniform(draw, 0, 0.25);
    for (int y = 0; y < SYNTH_TORUS; y++)
        for (int x = 0; x < SYNTH_TORUS; x++)
            f[y][x] += amplitude * triangle(phase + (double)(kx * x + ky * y) / SYNTH_TORUS);
}

static double clamp(double v, double low, double high) { return v < low ? low : v > high ? high : v; }

void synth_background_draw(fl_rng *draw, int frames, synth_background *b)
{
    field f = {{0}}, g = {{0}};
    double c[3][3], level = synth_uniform(draw, 80, 170), sum[3] = {0, 0, 0};
    for (int i = 0; i < 3; i++) {
        double shift = i == 0 ? 0 : synth_uniform(draw, -70, 70);
        for (int k = 0; k < 3; k++) c[i][k] = level + shift + synth_uniform(draw, -28, 28);
    }
    add_octave(draw, 6, 0.55, f);
    add_octave(draw, 12, 0.30, f);
    add_octave(draw, 24, 0.15, f);
    add_octave(draw, 4, 0.5, g);
    add_grating(draw, f);
    for (int y = 0; y < SYNTH_TORUS; y++)
        for (int x = 0; x < SYNTH_TORUS; x++)
            for (int k = 0; k < 3; k++) {
                double u = f[y][x] + 0.5, v = g[y][x] + 0.5;
                double colour = clamp(c[0][k] + u * (c[1][k] - c[0][k]) + v * (c[2][k] - c[0][k]), 12, 243);
                b->texel[y][x][k] = (uint16_t)(colour * 256.0);
                sum[k] += colour;
            }
    for (int k = 0; k < 3; k++) b->mean[k] = sum[k] / (SYNTH_TORUS * SYNTH_TORUS);
    double scale = 16.0 / frames;                     /* a clip sees the same drift, however finely it is cut */
    b->x = synth_uniform(draw, 0, SYNTH_TORUS);
    b->y = synth_uniform(draw, 0, SYNTH_TORUS);
    b->vx = scale * synth_uniform(draw, -1.25, 1.25);
    b->vy = scale * synth_uniform(draw, -1.25, 1.25);
}

typedef struct tap { size_t first, second; uint32_t weight; } tap;     /* first + weight/256 (second - first) */

static tap tap_at(double u)
{
    double wrapped = u - SYNTH_TORUS * floor(u / SYNTH_TORUS), whole = floor(wrapped);
    size_t i = (size_t)whole % SYNTH_TORUS;
    return (tap){i, (i + 1) % SYNTH_TORUS, (uint32_t)((wrapped - whole) * 256.0)};
}

void synth_background_paint(const synth_background *b, double time, double unit, synth_canvas canvas)
{
    tap across[FL_SYNTH_MAX_SIZE];
    for (int x = 0; x < canvas.width; x++) across[x] = tap_at(b->x - b->vx * time + (x + 0.5) / unit);
    for (int y = 0; y < canvas.height; y++) {
        tap down = tap_at(b->y - b->vy * time + (y + 0.5) / unit);
        const uint16_t *above = b->texel[down.first][0], *below = b->texel[down.second][0];
        uint32_t row[SYNTH_TORUS * 3];
        for (int i = 0; i < SYNTH_TORUS * 3; i++)
            row[i] = (above[i] * (256 - down.weight) + below[i] * down.weight) / 256;
        unsigned char *out = canvas.rgb + (int64_t)y * canvas.width * 3;
        for (int x = 0; x < canvas.width; x++) {
            const uint32_t *left = &row[across[x].first * 3], *right = &row[across[x].second * 3];
            uint32_t w = across[x].weight;
            for (int k = 0; k < 3; k++)
                out[3 * x + k] = (unsigned char)((left[k] * (256 - w) + right[k] * w + 32768) / 65536);
        }
    }
}

/* Triangular noise, the sum of two bytes in 1/256 of a level before rounding. One draw per frame starts a xorshift
 * generator (Marsaglia 2003); each of its 8-byte words serves four values. */
void synth_noise(fl_rng draw, int frame, synth_canvas canvas)
{
    int64_t values = (int64_t)canvas.height * canvas.width * 3;
    uint64_t word = fl_rng_bits(draw.seed, draw.stream, (uint64_t)frame) | 1;    /* its state must not be 0 */
    for (int64_t first = 0; first < values; first += 4) {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        uint64_t bits = word;
        int64_t last = first + 4 < values ? first + 4 : values;
        for (int64_t i = first; i < last; i++, bits >>= 16) {
            int noise = ((int)(bits & 255) + (int)(bits >> 8 & 255) - 255) * 5;
            int v = (int)((unsigned)(canvas.rgb[i] * 256 + noise + 128 + 65536) / 256) - 256;   /* +65536: above 0 */
            canvas.rgb[i] = (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
    }
}
