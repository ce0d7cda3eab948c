/* winograd.h: convolution with fewer multiplications: three taps, stride 1, forward and to the input.
 *
 *   Y = A^T [ (G g) . (B^T d) ]          one axis: m outputs from m+2 inputs d and three weights g, m+2 products
 *
 * (Toom 1963, Cook 1966; Winograd 1980; for networks Lavin and Gray, arXiv:1509.09308). Polynomials of degree 2 and
 * m-1 are multiplied by their values at m+1 points and infinity, and convolution is the transpose of that: row i of
 * G is (1, p, p^2) / prod_{j != i} (p_i - p_j), row i of B^T holds the coefficients of prod_{j != i} (x - p_j),
 * column i of A^T is 1, p, p^2, .. ; the last of each belongs to infinity. F(2,3) has the points 0, 1, -1 (and the
 * sign of its first row in G and B^T turned). F(4,3) has 0, +-2/3, +-3/2: the usual 0, +-1, +-2 lose four times as
 * much. Axes nest.
 *
 * A tile of m[0] x m[1] x m[2] outputs so becomes `points` numbers per channel, and the convolution becomes `points`
 * matrix products [tiles x channels] [channels x outputs]. Windows with three taps along t, h and w have tiles in the
 * plane; the taps along t are more channels of the products, from three planes that are transformed once: fewer numbers
 * to move and smaller errors than with tiles in space-time. The transforms say where they fuse, the products run through
 * kernels.h: every machine with fused multiply-add gives the same bits.
 *
 * The gradient of the weights is that formula's transpose: gw = G^T [ sum over tiles of (A gy) . (B^T x) ].
 *
 * Internal to tensor/. */
#ifndef FL_WINOGRAD_H
#define FL_WINOGRAD_H

#include "tensor/conv.h"

enum { FL_WINOGRAD_POINTS = 36, FL_WINOGRAD_OUTPUTS = 16 };   /* of a tile, at most */

typedef struct fl_winograd {
    fl_shape in, out;               /* the arrays that are read and written */
    int m[3], k[3];                 /* outputs of a tile and taps along t, h, w */
    int side[3];                    /* inputs of a tile: m+2 where m > 1, else 1 */
    int lo[3];                      /* a tile's input begins so far before its output */
    int tiles[3];                   /* of a clip */
    int taps;                       /* along t, where tiles lie in the plane: summed like channels */
    int points;                     /* side[0] * side[1] * side[2] */
    int blocks;                     /* of FL_BLOCK output channels */
    bool transposed;                /* to the input: taps backwards, channels exchanged */
    bool turned;                    /* ... from what is packed for the way forward (conv_turn.h) */
} fl_winograd;

/* Whether this convolution goes by tiles, and how: a function of channels, window and the extents of a clip. */
bool    fl_winograd_make(const fl_conv *, fl_conv_pass, fl_winograd *);

int64_t fl_winograd_packed_count(const fl_winograd *);                       /* [point][block][tap][channel][FL_BLOCK] */
/* Rows first .. first+count-1 of the weight, which begin at `rows`; first is a multiple of FL_BLOCK, count too but for the last. */
void    fl_winograd_pack(const fl_winograd *, int first, int count, const real *rows, real *packed);
/* The forward point whose numbers point p has after taps are flipped, and their sign. */
int     fl_winograd_flipped(const fl_winograd *, int p, real *sign);
size_t  fl_winograd_scratch(const fl_winograd *);
int64_t fl_winograd_pieces(const fl_winograd *);         /* of a clip: each goes through all weights */
void    fl_winograd_run(const fl_winograd *, const real *in, const real *packed, const real *b, const fl_finish *,
                        real *out, void *scratch);

/* The gradient of the weights by the same tiles; what is transformed of one clip is in scratch as a whole. */
bool    fl_winograd_weights_suit   (const fl_conv *, fl_winograd *);
size_t  fl_winograd_weights_scratch(const fl_winograd *);
void    fl_winograd_weights        (const fl_winograd *, const real *x, const real *gy, real *gw, void *scratch);

/* The transforms, one table per instruction set. Channels are rounded up to whole vectors of 64 bytes. */
typedef struct fl_transforms {
    /* Input pixel i of the tile is at pixel[i], [channels], and that of the next tile at next[i]; point p goes to
     * v[p * step + channel], every `wide` channels `strip` further. */
    void (*input )(const int m[3], const real *const *pixel, const real *const *next, int channels, real *v,
                   int64_t step, int wide, int64_t strip);
    /* Point p comes from v[p * step + channel]; output i goes to pixel[i], NULL where there is none. bias: whole
     * vectors. So for `tiles` tiles: v_next further, pixel_next further. In place, channels are whole vectors. */
    void (*output)(const int m[3], const real *v, int64_t step, const real *bias, int channels, real *const *pixel, int tiles,
                   int64_t v_next, int64_t pixel_next);
    /* A y: output pixel i of the tile is at pixel[i]; `tall` channels from s*low + min(s, high) on, of point p, go to
     * v[p * step + s * strip ..]. */
    void (*spread)(const int m[3], const real *const *pixel, int strips, int low, int high, int tall, real *v, int64_t step,
                   int64_t strip);
    /* G^T m: point p comes from v[p * step + lane], kernel element i goes to to[i * tap + lane], or is added to what is there. */
    void (*weight)(const int m[3], const real *v, int64_t step, int lanes, bool add, real *to, int64_t tap);
} fl_transforms;

#endif
