/* real.h: the one number type. float by default; `make F64=1` compiles the same sources with double.
 *
 * Every array of the library is an array of real. R(0.5) writes a literal of that type. Objects of the
 * two builds cannot be linked together: each one refers to fl_precision, which exists under one name
 * per precision only, so the linker names the mistake. */
#ifndef FL_REAL_H
#define FL_REAL_H

#ifdef FL_F64
typedef double real;
#define R(x)            x
#define FL_REAL_NAME    "float64"
#define FL_REAL_EPSILON 2.2204460492503131e-16
#define FL_REAL_FORMAT  "%.17g"
#define fl_precision    fl_precision_is_float64
#else
typedef float real;
#define R(x)            x##f
#define FL_REAL_NAME    "float32"
#define FL_REAL_EPSILON 1.1920928955078125e-07
#define FL_REAL_FORMAT  "%.9g"
#define fl_precision    fl_precision_is_float32
#endif

extern const char fl_precision[];                    /* defined once, in real.c */
static const char *const fl_precision_guard __attribute__((used)) = fl_precision;

#endif
