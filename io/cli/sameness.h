/* sameness.h: a map that was made again, beside what its result tells of it and the file that lies beside the result. */
#ifndef FL_SAMENESS_H
#define FL_SAMENESS_H

#include "io/cli/recall.h"

typedef enum fl_verdict {            /* the later, the worse */
    FL_VERDICT_SAME,
    FL_VERDICT_UNKNOWN,              /* there is no hash and no file to compare with */
    FL_VERDICT_CHANGED,              /* what was recorded came out, and the file on the disk is another */
    FL_VERDICT_DIFFERS
} fl_verdict;

extern const char *const fl_verdict_name[];

typedef struct fl_sameness {
    const char *method, *map;        /* map: map.npy, with the method's name in front where there are several */
    const char *file;                /* the one that decided: map, or the worst of those that belong to it */
    fl_verdict verdict;
    const char *recorded;            /* its sha256; NULL: the result does not tell */
    fl_sha256_text got, on_disk;     /* on_disk "": no such file, or it cannot be read */
    double largest;                  /* of the differences between the file on the disk and the values now; NAN: not known */
} fl_sameness;

/* Method i of an explanation that has run. */
fl_status fl_sameness_of(const fl_recalled *, fl_cli *, const fl_explanation *, int i, fl_sameness *);

/* Whether there is anything to compare a file of that name with. */
bool fl_sameness_can(const fl_recalled *, const char *file);

#endif
