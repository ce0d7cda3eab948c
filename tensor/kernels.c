/* kernels.c: which instruction set the hot loops use: --isa, else FOOTLIGHT_ISA, else the best there is. */
#include "tensor/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const fl_kernels fl_kernels_base;

static const fl_kernels *chosen;

#if defined(__x86_64__)
extern const fl_kernels fl_kernels_avx2, fl_kernels_avx512;
enum { SETS = 3 };
static const fl_kernels *const sets[SETS] = {&fl_kernels_base, &fl_kernels_avx2, &fl_kernels_avx512};
static int have(int i)
{
    if (i == 0) return 1;
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0;
    return i == 1 || (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"));
}
#elif defined(__aarch64__)
extern const fl_kernels fl_kernels_neon;
enum { SETS = 2 };
static const fl_kernels *const sets[SETS] = {&fl_kernels_base, &fl_kernels_neon};
static int have(int i) { return i < SETS; }   /* NEON belongs to the 64-bit architecture */
#else
enum { SETS = 1 };
static const fl_kernels *const sets[SETS] = {&fl_kernels_base};
static int have(int i) { return i < SETS; }
#endif

static const fl_kernels *best(void)
{
    int i = SETS - 1;
    while (!have(i)) i--;
    return sets[i];
}

fl_status fl_isa_choose(const char *name, fl_error *err)
{
    const char *from = "--isa";
    if (!name || !*name) {
        name = getenv("FOOTLIGHT_ISA");
        from = "FOOTLIGHT_ISA";
    }
    if (!name || !*name) {
        chosen = best();
        return FL_OK;
    }
    char known[64] = "";
    size_t length = 0;
    for (int i = 0; i < SETS; i++) {
        if (!have(i)) continue;
        if (strcmp(sets[i]->name, name) == 0) {
            chosen = sets[i];
            return FL_OK;
        }
        length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", length ? ", " : "", sets[i]->name);
    }
    return fl_error_set(err, FL_USAGE, "%s: no instruction set \"%.32s\" on this machine; choose one of: %s", from,
                        name, known);
}

const fl_kernels *fl_kernels_now(void)
{
    if (!chosen && fl_isa_choose(NULL, NULL) != FL_OK) chosen = best();
    return chosen;
}

const char *fl_isa_name(void) { return fl_kernels_now()->name; }

const char *fl_isa_available(int i)
{
    for (int set = 0; set < SETS; set++)
        if (have(set) && i-- == 0) return sets[set]->name;
    return NULL;
}
