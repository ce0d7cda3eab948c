/* agreement.h: how alike two maps of one clip are. For `footlight compare`, and for sanity checks (Adebayo et al. 2018,
 * arXiv:1810.03292), which want them unlike.
 *
 *   spearman      rank correlation of the values (ties share their rank)
 *   spearman_abs  the same of |values|
 *   pearson       linear correlation of the values
 *   ssim          structural similarity (Wang et al. 2004) of (a - min) / (max - min): per frame, Gaussian window of 11 x 11 and
 *                 deviation 1.5, K1 0.01, K2 0.03, sample covariance, range 1; mean over the places whose window lies inside the
 *                 frame (all places in frames with a side below 11), then over frames
 *   hog           Spearman of the histograms of oriented gradients (Dalal and Triggs 2005) of the same two: 9 orientations, cells
 *                 of 16 x 16 pixels (a third of the shorter side where that is less), blocks of 3 x 3 cells, L2-Hys
 *   overlap       of the top k voxels of each: those in both / k, k = a tenth of all (rounded up); of equal values the first
 *
 * All are 1 for a map and itself. NAN: not defined, because one of the maps is constant. */
#ifndef FL_AGREEMENT_H
#define FL_AGREEMENT_H

#include "tensor/tensor.h"

typedef struct fl_agreement {
    const char *name, *doc;
    double (*measure)(fl_shape, const real *a, const real *b, fl_arena *);      /* T,H,W each */
} fl_agreement;

extern const fl_agreement fl_agreement_table[];     /* the last row has no name */
enum { FL_AGREEMENTS = 6 };

double fl_top_overlap(int64_t n, const real *a, const real *b, int64_t k, fl_arena *);
double fl_ssim(fl_shape, const real *a, const real *b, fl_arena *);
double fl_hog_similarity(fl_shape, const real *a, const real *b, fl_arena *);

/* The vector that fl_hog_similarity compares, of one frame h x w of values; NULL: memory. Its length into *count. */
double *fl_hog(int h, int w, const double *frame, int *count, fl_arena *);

/* (a - min) / (max - min), zeros for a constant map; NULL: memory. */
double *fl_unit_range(int64_t n, const real *a, fl_arena *);

/* Ranks (0 smallest .. 1 largest, ties shared) of b minus those of a, per voxel; NULL: memory. The voxel where that is largest in size,
 * and its difference there. */
real *fl_rank_difference(int64_t n, const real *a, const real *b, fl_arena *);
int64_t fl_largest_disagreement(int64_t n, const real *a, const real *b, double *difference, fl_arena *);

#endif
