/* formula.h: inputs that every language can make again: functions of a name and an index in file order.
 *
 *   clip   sin(2 pi (x + 2t) / W) cos(2 pi y / H) k[c] + 0.5 (2u - 1), rounded to float32;  k = 1, 0.5, -0.75, 1, ...
 *   seed   2u - 1
 *
 * u: splitmix64 started at the FNV-1a hash of "input:<name>" or "seed:<name>" (rng.h). */
#ifndef FL_TEST_FORMULA_H
#define FL_TEST_FORMULA_H

#include "models/model.h"
#include "tensor/rng.h"
#include "tensor/tensor.h"

#include <stdio.h>

static inline uint64_t formula_hash(const char *kind, const char *name)
{
    char key[96];
    snprintf(key, sizeof key, "%s:%s", kind, name);
    return fl_rng_name(key);
}

/* to: channels last */
static inline void formula_clip(const char *name, fl_shape s, real *to) { fl_model_formula_clip(name, s, to); }

/* to: file order */
static inline void formula_seed(const char *name, int64_t count, real *to)
{
    const uint64_t hash = formula_hash("seed", name);
    for (int64_t i = 0; i < count; i++) to[i] = (real)(2 * fl_rng_named(hash, (uint64_t)i) - 1);
}

#endif
