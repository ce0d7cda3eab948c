/* batchnorm.h: the statistics that training keeps for later use. */
#ifndef FL_BATCHNORM_H
#define FL_BATCHNORM_H

#include "tensor/tensor.h"

/* Mean and biased variance of every channel over n,t,h,w: two arrays of s.c doubles. work: fl_dot_pixels_scratch bytes. */
void fl_batch_statistics(fl_shape s, const real *x, double *mean, double *var, double *work);

#endif
