/* test_sampling.c: the mathematics of methods that change the clip and watch, without a network: masks, windows, sets of segments,
 * least squares. Against definitions written once more here. */
#include "attribution/coalitions.h"
#include "attribution/grid_mask.h"
#include "attribution/least_squares.h"
#include "attribution/windows.h"
#include "tests/mask_share.h"
#include "tests/test.h"

#include "tensor/rng.h"

#include <string.h>

typedef struct rig { fl_error err; fl_arena arena; } rig;
static void up(rig *r) { r->err = (fl_error){0}; fl_arena_init(&r->arena, &r->err); }

/* ---- masks ---- */

enum { T = 5, H = 12, W = 9, VOXELS = T * H * W };

TEST(sampling_masks_are_interpolated_cells)
{
    static const int grids[][3] = {{1, 3, 3}, {2, 4, 3}, {5, 12, 9}, {1, 1, 1}, {3, 5, 2}};
    for (size_t g = 0; g < sizeof grids / sizeof *grids; g++) {
        rig r;
        up(&r);
        const int *n = grids[g], cell[3] = {(T + n[0] - 1) / n[0], (H + n[1] - 1) / n[1], (W + n[2] - 1) / n[2]};
        fl_grid_mask m = {.clip = {1, 3, T, H, W}, .cells = {n[0], n[1], n[2]}, .keep = 0.4, .seed = 11};
        CHECK(fl_grid_mask_init(&m, &r.arena, &r.err) == FL_OK);
        static real mask[VOXELS], again[VOXELS];
        double mean = 0;
        bool shifted = false;
        int at_first[3] = {-1, -1, -1};
        for (int k = 0; k < 40; k++) {
            fl_grid_mask_make(&m, k, mask);
            bool found = false;
            int at[3];                                   /* some offset below a cell explains the mask, given its cells */
            for (at[0] = 0; at[0] < cell[0] && !found; at[0]++)
                for (at[1] = 0; at[1] < cell[1] && !found; at[1]++)
                    for (at[2] = 0; at[2] < cell[2] && !found; at[2]++) {
                        double worst = 0;
                        for (int p = 0; p < VOXELS; p++) {
                            const int t = p / (H * W), y = p / W % H, x = p % W;
                            double v = 0;
                            for (int i = 0; i < n[0] * n[1] * n[2]; i++)
                                v += m.grid[i] * mask_share(t, n[0] > 1 ? at[0] : 0, n[0], T, i / (n[1] * n[2])) *
                                     mask_share(y, at[1], n[1], H, i / n[2] % n[1]) * mask_share(x, at[2], n[2], W, i % n[2]);
                            worst = fmax(worst, fabs(v - (double)mask[p]));
                        }
                        found = worst < 1e-6;
                        for (int a = 0; a < 3 && found; a++) {
                            if (k > 0 && at_first[a] != at[a]) shifted = true;
                            if (k == 0) at_first[a] = at[a];
                        }
                    }
            CHECK_SAY(found, "grid %zu, mask %d is no enlarged grid", g, k);
            for (int p = 0; p < VOXELS; p++) mean += (double)mask[p] / (40.0 * VOXELS);
        }
        CHECK_NEAR(mean, 0.4, n[0] * n[1] * n[2] < 2 ? 0.25 : 0.1);
        CHECK(shifted || n[1] * n[2] == 1 || cell[1] * cell[2] == 1);
        fl_grid_mask_make(&m, 7, mask);                  /* a mask does not depend on those before */
        fl_grid_mask_make(&m, 3, again);
        fl_grid_mask_make(&m, 7, again);
        CHECK(memcmp(mask, again, sizeof mask) == 0);
        fl_arena_free(&r.arena);
    }
    rig r;
    up(&r);
    fl_grid_mask wide = {.clip = {1, 3, T, H, W}, .cells = {1, 13, 3}, .keep = 0.5};
    CHECK(fl_grid_mask_init(&wide, &r.arena, &r.err) == FL_USAGE && strstr(r.err.message, "12 rows"));
    fl_arena_free(&r.arena);
}

/* ---- windows ---- */

static int brute_count(int side, int size, int stride) { return size >= side ? 1 : (int)ceil((double)(side - size) / stride) + 1; }

TEST(sampling_windows_cover_as_defined)
{
    static const struct { int size[3], stride[3]; } cases[] = {
        {{2, 4, 3}, {1, 2, 3}}, {{1, 1, 1}, {1, 1, 1}}, {{5, 12, 9}, {5, 12, 9}}, {{9, 5, 4}, {1, 3, 4}}, {{3, 7, 9}, {2, 5, 1}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fl_window_grid w = {.clip = {1, 2, T, H, W}};
        memcpy(w.size, cases[i].size, sizeof w.size);
        memcpy(w.stride, cases[i].stride, sizeof w.stride);
        fl_window_grid_count(&w);
        const int side[3] = {T, H, W};
        for (int a = 0; a < 3; a++) CHECK(w.n[a] == brute_count(side[a], w.size[a], w.stride[a]));
        int cover[VOXELS] = {0};
        bool seen[4096] = {false};
        for (int64_t k = 0; k < w.count; k++) {
            const int64_t j = fl_window_order(&w, k);
            CHECK(j >= 0 && j < w.count && !seen[j]);
            seen[j] = true;
            const fl_region b = fl_window_at(&w, j);
            fl_region path[T];
            const fl_region all = fl_window_path(&w, j, path);
            CHECK(memcmp(&b, &all, sizeof b) == 0);
            for (int t = b.lo[0]; t < b.hi[0]; t++)
                for (int y = b.lo[1]; y < b.hi[1]; y++)
                    for (int x = b.lo[2]; x < b.hi[2]; x++) cover[(t * H + y) * W + x]++;
        }
        for (int p = 0; p < VOXELS; p++) {
            const int at[3] = {p / (H * W), p / W % H, p % W};
            int wanted = 1;
            for (int a = 0; a < 3; a++) {
                int n = 0;
                for (int j = 0; j < w.n[a]; j++) n += at[a] >= j * w.stride[a] && at[a] < j * w.stride[a] + w.size[a];
                wanted *= n;
            }
            CHECK(cover[p] == wanted && wanted > 0);
        }
    }
}

TEST(sampling_windows_as_fractions)
{
    fl_window_grid w = {.clip = {1, 3, 16, 112, 112}, .kind = FL_WINDOWS_FRACTIONS, .size = {4, 7, 7}, .stride = {2, 2, 2}};
    fl_window_grid_count(&w);
    CHECK(w.n[0] == 7 && w.n[1] == 13 && w.n[2] == 13);
    const fl_region first = fl_window_at(&w, 0), last = fl_window_at(&w, w.count - 1), next = fl_window_at(&w, 1);
    CHECK(first.hi[0] == 4 && first.hi[1] == 16 && first.hi[2] == 16 && next.lo[2] == 8 && next.hi[2] == 24 && next.lo[1] == 0);
    CHECK(last.lo[0] == 12 && last.hi[0] == 16 && last.lo[1] == 96 && last.hi[2] == 112);
}

/* A flow of (2.4, -1) everywhere: windows move by its sums, rounded, until they reach the border. */
TEST(sampling_windows_follow_the_flow)
{
    real flow[(T - 1) * H * W * 2];
    for (size_t i = 0; i < sizeof flow / sizeof *flow; i++) flow[i] = i % 2 ? (real)-1 : (real)2.4;
    fl_window_grid w = {.clip = {1, 3, T, H, W}, .size = {4, 3, 2}, .stride = {1, 1, 1}, .flow = flow};
    fl_window_grid_count(&w);
    fl_region box[T];
    const int64_t j = (int64_t)2 * w.n[2] + 1;           /* frames 0 to 3, row 2, column 1 */
    const fl_region all = fl_window_path(&w, j, box);
    static const int rows[4] = {2, 1, 0, 0}, columns[4] = {1, 3, 6, 7};
    for (int t = 0; t < 4; t++)
        CHECK_SAY(box[t].lo[0] == t && box[t].hi[0] == t + 1 && box[t].lo[1] == rows[t] && box[t].hi[1] == rows[t] + 3 &&
                      box[t].lo[2] == columns[t] && box[t].hi[2] == columns[t] + 2, "frame %d: row %d, column %d", t, box[t].lo[1],
                          box[t].lo[2]);
    CHECK(all.lo[1] == 0 && all.hi[1] == 5 && all.lo[2] == 1 && all.hi[2] == 9 && all.lo[0] == 0 && all.hi[0] == 4);
}

/* ---- sets of segments ---- */

static int members(const bool *on, int m)
{
    int n = 0;
    for (int i = 0; i < m; i++) n += on[i];
    return n;
}

static int bits_of(const bool *on, int m)
{
    int bits = 0;
    for (int i = 0; i < m; i++) bits |= on[i] << i;
    return bits;
}

/* All of 2^m - 2 subsets once, with the kernel's weights: (m-1) / (C(m,s) s (m-s)) over their sum. */
TEST(sampling_kernel_counts_all_subsets)
{
    for (int m = 2; m <= 9; m++) {
        rig r;
        up(&r);
        fl_coalitions c;
        bool on[16], seen[512] = {false};
        double all = 0, sum = 0, choose = 1;
        CHECK(fl_coalitions_init(&c, FL_DESIGN_KERNEL, m, 0, 1, &r.arena, &r.err) == FL_OK);
        CHECK_SAY(c.count == (1 << m) - 2 && c.fixed == c.count, "%d segments: %lld samples", m, (long long)c.count);
        for (int s = 1; s < m; s++) all += (m - 1.0) / (s * (m - s));        /* C(m,s) subsets of this size */
        for (int64_t k = 0; k < c.count; k++) {
            const double w = fl_coalition(&c, k, on);
            const int s = members(on, m), b = bits_of(on, m);
            choose = 1;
            for (int i = 1; i <= s; i++) choose = choose * (m - s + i) / i;
            CHECK(s > 0 && s < m && !seen[b]);
            seen[b] = true;
            CHECK_NEAR(w, (m - 1.0) / (choose * s * (m - s)) / all, 1e-12);
            sum += w;
        }
        CHECK_NEAR(sum, 1, 1e-12);
        fl_arena_free(&r.arena);
    }
}

/* Too few samples for all: whole sizes first (with the rule of shap), then pairs of complements; sizes as often as they weigh. */
TEST(sampling_kernel_draws_the_rest)
{
    enum { M = 12, N = 2000 };
    rig r;
    up(&r);
    fl_coalitions c;
    bool on[M], other[M];
    double sum = 0, size[M + 1] = {0}, wanted[M + 1] = {0}, all = 0;
    CHECK(fl_coalitions_init(&c, FL_DESIGN_KERNEL, M, N, 1, &r.arena, &r.err) == FL_OK);
    CHECK_SAY(c.count == N && c.fixed == 24 + 132 + 440 && c.whole == 3, "%lld whole", (long long)c.fixed);
    for (int s = c.whole + 1; s < M - c.whole; s++) all += wanted[s] = 1.0 / (s * (M - s));
    for (int64_t k = 0; k < c.count; k++) {
        sum += fl_coalition(&c, k, on);
        if (k < c.fixed) continue;
        size[members(on, M)] += 1.0 / (double)(N - c.fixed);
        fl_coalition(&c, k ^ 1, other);
        for (int i = 0; i < M; i++) CHECK(on[i] != other[i]);
    }
    CHECK_NEAR(sum, 1, 1e-9);
    for (int s = 0; s <= M; s++) CHECK_NEAR(size[s], wanted[s] / all, 0.04);
    /* few samples: nothing whole, and still pairs */
    CHECK(fl_coalitions_init(&c, FL_DESIGN_KERNEL, M, 10, 1, &r.arena, &r.err) == FL_OK && c.fixed == 0 && c.count == 10);
    fl_arena_free(&r.arena);
}

TEST(sampling_other_designs)
{
    enum { M = 5 };
    rig r;
    up(&r);
    fl_coalitions c;
    bool on[M + 16];
    CHECK(fl_coalitions_init(&c, FL_DESIGN_ORDERS, M, 300, 3, &r.arena, &r.err) == FL_OK && c.count == 300 * (M - 1));
    int first[M] = {0};
    for (int64_t k = 0; k < c.count; k++) {
        bool before[M];
        fl_coalition(&c, k, on);
        CHECK(members(on, M) == 1 + k % (M - 1));
        if (k % (M - 1) == 0) first[bits_of(on, M) == 1 ? 0 : bits_of(on, M) == 2 ? 1 : bits_of(on, M) == 4 ? 2 : bits_of(on,
            M) == 8 ? 3 : 4]++;
        else {
            fl_coalition(&c, k - 1, before);
            for (int i = 0; i < M; i++) CHECK(!before[i] || on[i]);
        }
    }
    for (int i = 0; i < M; i++) CHECK_NEAR(first[i], 60, 28);                /* 4 standard deviations */
    CHECK(fl_coalitions_init(&c, FL_DESIGN_CHANCE, M, 2000, 3, &r.arena, &r.err) == FL_OK);
    int shown = 0;
    for (int64_t k = 0; k < c.count; k++) {
        fl_coalition(&c, k, on);
        if (k == 0) CHECK(members(on, M) == M);
        else shown += members(on, M);
    }
    CHECK_NEAR(shown / 1999.0 / M, 0.5, 0.02);
    CHECK(fl_coalitions_init(&c, FL_DESIGN_SIZES, M, 4000, 3, &r.arena, &r.err) == FL_OK);
    double size[M + 1] = {0};
    for (int64_t k = 0; k < c.count; k++) {
        fl_coalition(&c, k, on);
        size[members(on, M)]++;
    }
    CHECK_NEAR(size[1] / size[2], 6.0 / 4, 0.15);                            /* 1 / (1 4) to 1 / (2 3) */
    CHECK(size[0] == 0 && size[M] == 0);
    CHECK(fl_coalitions_init(&c, FL_DESIGN_SUBSETS, 21, 0, 3, &r.arena, &r.err) == FL_USAGE && strstr(r.err.message, "2^21"));
    fl_arena_free(&r.arena);
}

/* ---- least squares ---- */

/* Gauss-Jordan with pivots on the normal equations as a full matrix. */
static void independent_solve(int n, int rows, double x[][8], const double *y, const double *w, double ridge, int penalised, double *b)
{
    double a[8][9] = {{0}};
    for (int k = 0; k < rows; k++)
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) a[i][j] += w[k] * x[k][i] * x[k][j];
            a[i][n] += w[k] * x[k][i] * y[k];
        }
    for (int i = 0; i < penalised; i++) a[i][i] += ridge;
    for (int i = 0; i < n; i++) {
        int p = i;
        for (int j = i; j < n; j++)
            if (fabs(a[j][i]) > fabs(a[p][i])) p = j;
        for (int j = 0; j <= n; j++) { const double s = a[i][j]; a[i][j] = a[p][j]; a[p][j] = s; }
        for (int k = 0; k < n; k++) {
            const double f = a[k][i] / a[i][i];
            for (int j = 0; j <= n && k != i; j++) a[k][j] -= f * a[i][j];
        }
    }
    for (int i = 0; i < n; i++) b[i] = a[i][n] / a[i][i];
}

TEST(sampling_least_squares_like_an_independent_solve)
{
    enum { N = 7, ROWS = 40 };
    double x[ROWS][8], y[ROWS], w[ROWS], sums[64] = {0}, scratch[64], b[N], wanted[N];
    fl_rng rng = {4, 4, 0};
    for (int k = 0; k < ROWS; k++) {
        for (int i = 0; i < N; i++) x[k][i] = i == N - 1 ? 1 : fl_rng_next_normal(&rng);
        y[k] = fl_rng_next_normal(&rng);
        w[k] = 0.1 + fl_rng_next_uniform(&rng);
        double row[8];
        memcpy(row, x[k], sizeof row);
        row[N] = y[k];
        fl_squares_add(N, sums, w[k], row);
    }
    CHECK(fl_squares_size(N) == 36);
    for (int r = 0; r < 3; r++) {
        const double ridge = r * 2.5;
        independent_solve(N, ROWS, x, y, w, ridge, N - 1, wanted);
        CHECK(fl_squares_solve(N, sums, ridge, N - 1, b, scratch));
        for (int i = 0; i < N; i++) CHECK_NEAR(b[i], wanted[i], 1e-12);
    }
    /* two equal columns: open; both get half */
    double twice[64] = {0};
    for (int k = 0; k < ROWS; k++) fl_squares_add(2, twice, w[k], (const double[]){x[k][0], x[k][0], 3 * x[k][0]});
    CHECK(!fl_squares_solve(2, twice, 0, 0, b, scratch));
    CHECK_NEAR(b[0], 1.5, 1e-6);
    CHECK_NEAR(b[1], 1.5, 1e-6);
    double none[64] = {0};
    CHECK(!fl_squares_solve(2, none, 0, 0, b, scratch) && b[0] == 0 && b[1] == 0);
}
