/* refind.h: the files of a result as they lie now: where they are, and whether they are still the same. */
#ifndef FL_REFIND_H
#define FL_REFIND_H

#include "io/cli/recall.h"

extern const fl_option_group fl_refind_options;      /* --clip --weights --files */

/* Points the recalled command at the files. Each is looked for where --files says, as it was written, then from the result's folder and
 * those above it. FL_UNREADABLE: it is in none of these places. */
fl_status fl_refind(fl_cli *, fl_recalled *);

/* Opens the explanation, and compares the SHA-256 of all that was read with what the result says. FL_UNREADABLE: the clip, or
 * another file; FL_MISFIT: weights. */
fl_status fl_refind_open(fl_recalled *, fl_explanation *, fl_session *);

#endif
