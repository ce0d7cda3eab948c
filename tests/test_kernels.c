/* test_kernels.c: instruction sets are chosen by name; what the machine can do at most is measured. */
#include "tensor/kernels.h"
#include "tensor/par.h"
#include "tensor/peak.h"
#include "tests/test.h"

#include <string.h>

TEST(kernels_have_names)
{
    fl_error err = {0};
    CHECK(fl_isa_choose("sparc", &err) == FL_USAGE && strstr(err.message, "base"));
    CHECK(strcmp(fl_isa_available(0), "base") == 0);
    CHECK(fl_isa_choose("base", NULL) == FL_OK && strcmp(fl_isa_name(), "base") == 0);
    CHECK(fl_isa_choose(NULL, NULL) == FL_OK);
}

TEST(kernels_peak_is_measured)
{
    fl_arena a;
    fl_error err = {0};
    fl_peak peak;
    fl_arena_init(&a, &err);
    CHECK(fl_peak_measure(&a, &peak) == FL_OK);
    CHECK(peak.threads == fl_threads() && peak.flops > 1e8 && peak.flops_one_thread > 1e8 && peak.bytes > 1e7);
    fl_arena_free(&a);
    fl_arena_init(&a, &err);
    fl_arena_fail_at(2);
    CHECK(fl_peak_measure(&a, &peak) == FL_FAILED && err.status == FL_FAILED);
    fl_arena_fail_at(0);
    fl_arena_free(&a);
}
