/* test_slab.c: buffers that live at the same time never overlap, and the slab is as short as two orders make it. */
#include "autograd/slab.h"
#include "tensor/rng.h"
#include "tests/test.h"

enum { MOST = 40, TIMES = 60, ROUNDS = 60 };

static bool lives(const fl_buffer *b, int time) { return (b->birth <= time && time <= b->death) || (b->again <= time && time <= b->end); }

static bool overlap(const fl_buffer *a, const fl_buffer *b)
{
    return a->offset < b->offset + b->count && b->offset < a->offset + a->count;
}

/* n buffers in the order of birth, every third with a second life. */
static int make(uint64_t seed, fl_buffer *list, real **to)
{
    fl_rng rng = {seed, 3, 0};
    const int n = 1 + fl_rng_next_below(&rng, MOST);
    for (int i = 0, birth = 0; i < n; i++) {
        birth += fl_rng_next_below(&rng, TIMES / n + 1);
        list[i] = fl_buffer_make(&to[i], fl_rng_next_below(&rng, 3000), birth, birth + fl_rng_next_below(&rng, TIMES / 4));
        if (fl_rng_next_below(&rng, 3)) continue;
        list[i].again = list[i].death + 1 + fl_rng_next_below(&rng, TIMES / 2);
        list[i].end = list[i].again + fl_rng_next_below(&rng, 5);
    }
    return n;
}

TEST(slab_keeps_apart_what_lives_together)
{
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        fl_buffer list[MOST], *room[2 * MOST];
        real *to[MOST];
        const int n = make(seed, list, to);
        const int64_t slab = fl_slab_place(list, n, room);
        int64_t most = 0, all = 0;
        for (int time = 0; time < 4 * TIMES; time++) {
            int64_t alive = 0;
            for (int i = 0; i < n; i++) {
                if (!lives(&list[i], time)) continue;
                alive += list[i].count;
                CHECK(list[i].offset >= 0 && list[i].offset % 16 == 0 && list[i].offset + list[i].count <= slab);
                for (int j = 0; j < i; j++) CHECK(!lives(&list[j], time) || !overlap(&list[i], &list[j]));
            }
            most = alive > most ? alive : most;
        }
        for (int i = 0; i < n; i++) all += list[i].count;
        CHECK_SAY(most <= slab && slab <= all, "seed %d: %lld, %lld alive", (int)seed, (long long)slab, (long long)most);
    }
}

/* What a gradient of a pooled layer is made of: in the order of birth the large signal finds no place. */
TEST(slab_places_large_buffers_first_where_that_is_shorter)
{
    real *to[4], memory[16 * 11];
    fl_buffer *room[8], list[4] = {fl_buffer_make(&to[0], 16 * 8, 0, 1), fl_buffer_make(&to[1], 16 * 1, 1, 3),
                                   fl_buffer_make(&to[2], 16 * 2, 2, 3), fl_buffer_make(&to[3], 16 * 8, 3, 4)};
    CHECK(fl_slab_place(list, 4, room) == 16 * 11);            /* in the order of birth: 17 */
    fl_slab_hand_out(list, 4, memory);
    for (int i = 0; i < 4; i++) CHECK(to[i] == memory + list[i].offset);
    CHECK(to[0] == memory && to[3] == memory);
}
