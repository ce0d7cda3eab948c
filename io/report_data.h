/* report_data.h: the numbers of the page, in the block that its script reads. No text of the user is in it. */
#ifndef FL_REPORT_DATA_H
#define FL_REPORT_DATA_H

#include "io/buffer.h"
#include "io/result.h"

/* One method with what several parts of the page need. */
typedef struct fl_report_method {
    const fl_method_map *method;
    double *importance;              /* per frame */
    double *least, *most;            /* of each frame, finite values only */
    double min, max;                 /* of the clip */
    bool flat;                       /* zero or constant */
    int64_t not_finite;
} fl_report_method;

/* An array of method_count, owned by the arena, or NULL when memory ran out. */
fl_report_method *fl_report_methods(fl_arena *, const fl_result *);

int fl_report_peak(const fl_result *, const fl_report_method *);      /* the first frame of highest importance */

/* {"frames": ..., "methods": [{"map": base64 ...}]} */
void fl_report_data(fl_buffer *, const fl_result *, const fl_report_method *);

#endif
