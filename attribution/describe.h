/* describe.h: what is worth saying about a finished map. */
#ifndef FL_DESCRIBE_H
#define FL_DESCRIBE_H

#include "attribution/attribution.h"

/* Fills in warnings: texts in the arena. FL_FAILED for memory. */
fl_status fl_map_warn(fl_map *, bool baseline_is_clip, fl_arena *, fl_error *);

#endif
