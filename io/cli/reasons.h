/* reasons.h: why a map that is made again may not come out as it was. */
#ifndef FL_REASONS_H
#define FL_REASONS_H

#include "io/cli/recall.h"

enum { FL_MAX_REASONS = 12 };

typedef struct fl_reasons { const char *text[FL_MAX_REASONS]; int count; } fl_reasons;

/* Known before the run: another precision, other arithmetic, another version. */
fl_status fl_reasons_of_build(const fl_recalled *, fl_reasons *);

/* Known after it: other frames, another target, other settings, a map that --time stopped. */
fl_status fl_reasons_of_run(const fl_recalled *, const fl_explanation *, fl_reasons *);

#endif
