/* fold.h: what the files share that work out nodes whose operands are all constants.
 *
 * Whole numbers are int64, all others double; a result has at most 2^24 values, and all of a file together have 2^26, so that a few bytes
 * cannot ask for any amount of memory; to that come two for each value of the file, as what it holds may be unpacked and turned over. */
#ifndef FL_ONNX_FOLD_H
#define FL_ONNX_FOLD_H

#include "io/onnx/import.h"

/* A constant with its values at hand: one of the two lists. */
typedef struct fl_fold {
    int rank;
    int64_t dim[FL_ONNX_RANK], count;
    bool whole;
    const int64_t *i;
    const double *f;
} fl_fold;

/* Operand k. After a failure it is empty: ask fl_onnx_ok. */
fl_fold fl_fold_operand(fl_onnx_import *, int k);
static inline double fl_fold_real(const fl_fold *x, int64_t k) { return x->whole ? (double)x->i[k] : x->f[k]; }

int64_t fl_fold_count(int rank, const int64_t *dim);           /* of values; -1: too many, or a length below 0 */
void    fl_fold_strides(const fl_fold *, int64_t *stride);     /* how far an index moves along each axis */

/* Room for the values of a result: one of *i and *f. False with the error set. */
bool fl_fold_room(fl_onnx_import *, fl_onnx_value *y, bool whole, int64_t **i, double **f);

extern const fl_onnx_op fl_fold_moves[], fl_fold_values[], fl_fold_math[];       /* each ends without a name */

#endif
