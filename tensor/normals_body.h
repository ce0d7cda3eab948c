/* normals_body.h: runs of normal numbers, written for a compiler that turns loops into vectors; normals_*.c set ISA and include it.
 *
 * Everything is in double, nothing is contracted: the same bits from every instruction set, and as one by one (rng.h). */
#include "tensor/rng_parts.h"

enum { RUN = 256 };

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

void PASTE(fl_normals_, ISA)(uint64_t key, uint64_t pair, double *to, int pairs);
void PASTE(fl_normals_, ISA)(uint64_t key, uint64_t pair, double *to, int pairs)
{
    double radius[RUN], angle[RUN];
    for (int done = 0; done < pairs; done += RUN, pair += RUN) {
        const int n = pairs - done < RUN ? pairs - done : RUN;
        for (int i = 0; i < n; i++) fl_normal_pair(key, pair + (uint64_t)i, radius + i, angle + i);
        for (int i = 0; i < n; i++) {
            const double r = radius[i], a = angle[i];
            radius[i] = r * fl_cos64(a);
            angle[i] = r * fl_sin64(a);
        }
        for (int i = 0; i < n; i++) {
            to[2 * (done + i)] = radius[i];
            to[2 * (done + i) + 1] = angle[i];
        }
    }
}
