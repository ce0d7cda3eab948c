/* drive_random.c: a map that knows nothing: normal noise, one value per voxel and channel, counted in file order.
 *
 * What a metric says of it is what the metric's values mean (Li et al. 2021, arXiv:2109.00222). */
#include "attribution/driver.h"

#include "tensor/par.h"
#include "tensor/rng.h"

enum { STREAM = 0x52000000 };

static fl_status run(fl_run *r)
{
    const int64_t pixels = fl_shape_pixels(r->map->shape);
    const int channels = r->map->shape.c;
    FL_EACH(i, pixels * channels) {
        const uint64_t place = (uint64_t)(i % channels * pixels + i / channels);
        r->map->data[i] = (real)fl_rng_normal(r->o.seed, STREAM, place);
    }
    return FL_OK;
}

const fl_driver fl_drive_random = {.name = "random", .uses = {FL_READS(seed)}, .run = run};
