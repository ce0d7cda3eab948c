/* drive_guided_cam.c: guided Grad-CAM (Selvaraju et al. 2017): where, by Grad-CAM; what there, by guided backpropagation.
 *
 *   a = guided(x) * enlarged(grad_cam)         value by value; the coarse map is repeated in time and bilinear in space */
#include "attribution/driver.h"

#include "tensor/par.h"

static fl_status compose(fl_run *r)
{
    fl_map cam, guided;
    const fl_reduction how = {.upsample = r->o.enlarge};
    if (fl_run_part(r, "grad_cam", r->x, &r->o, &cam)) return r->g->error->status;
    const real *where = fl_map_reduce(&cam, &how, r->scratch);
    if (!where) return fl_run_no_memory(r);
    if (fl_run_part(r, "guided_backprop", r->x, &r->o, &guided)) return r->g->error->status;
    r->o.layer = cam.options.layer;
    const int channels = r->clip.c;
    FL_EACH(i, r->voxels) r->map->data[i] = (real)((double)guided.data[i] * (double)where[i / channels]);
    return FL_OK;
}

const fl_driver fl_drive_guided_cam = {
    .name = "guided_cam", .uses = {FL_READS(layer) | FL_READS(pooling) | FL_READS(unfolded) | FL_READS(enlarge)}, .compose = compose};
