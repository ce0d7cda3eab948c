/* test_ops_bits.c: what every op promises besides its numbers: it writes all that it should and reads only what it
 * says, its bits depend on neither threads nor batch mates, and it survives the failure of every allocation. */
#include "autograd/ops.h"
#include "tensor/par.h"
#include "tests/op_cases.h"
#include "tests/test.h"

#include <string.h>

static bool same_bits(const real *a, const real *b, int64_t n)
{
    return fl_hash(a, (size_t)n * sizeof *a) == fl_hash(b, (size_t)n * sizeof *b);
}

static bool any_nan(const real *a, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (isnan(a[i])) return true;
    return false;
}

/* y, a random gy, and gx of operand k, into fresh arrays full of NaN */
typedef struct passes { real *y, *gy, *gx[8]; } passes;

static passes run(op_case *c)
{
    const int64_t results = op_case_count(c, -1);
    passes p = {.y = op_case_array(c, results), .gy = op_case_array(c, results)};
    c->op->forward(c->node, c->in, p.y);
    fl_rng_fill_normal(21, 0, 0, p.gy, results);
    for (int k = 0; k < c->node->n_in; k++) {
        p.gx[k] = op_case_array(c, op_case_count(c, k));
        c->op->vjp(c->node, k, c->in, p.y, p.gy, p.gx[k]);
    }
    return p;
}

/* ---- writes everything ---- */

static void check_overwrites(op_case *c)
{
    const passes p = run(c);
    CHECK_SAY(!any_nan(p.y, op_case_count(c, -1)), "%s: forward leaves elements of y as they were", c->label);
    CHECK_SAY(op_case_guarded(p.y, op_case_count(c, -1)), "%s: forward writes past y", c->label);
    for (int k = 0; k < c->node->n_in; k++) {
        CHECK_SAY(!any_nan(p.gx[k], op_case_count(c, k)),
                  "%s: vjp leaves elements of operand %d's signal as they were", c->label, k);
        CHECK_SAY(op_case_guarded(p.gx[k], op_case_count(c, k)), "%s: vjp writes past operand %d's signal", c->label,
                  k);
    }
}
TEST(ops_write_all_of_their_results_and_no_more) { op_cases_each(1, check_overwrites); }

/* ---- reads what its flags say ---- */

static bool may_read(const fl_op *op, int k, int i) /* may the vjp of operand k read the value of operand i? */
{
    if (!(op->flags & FL_WEIGHTED)) return (op->flags & FL_READS_IN) != 0;
    return (k == 0 && i == 1) || (k == 1 && i == 0);
}

static bool reads_in[FL_OPS], reads_out[FL_OPS];          /* was the permission ever used? */

static void check_reads(op_case *c)
{
    const passes p = run(c);
    const int64_t results = op_case_count(c, -1);
    real *nothing = op_case_array(c, results);
    for (int k = 0; k < c->node->n_in; k++) {
        const int64_t count = op_case_count(c, k);
        real *gx = op_case_array(c, count);
        for (int i = -1; i < c->node->n_in; i++) {            /* -1: y */
            const real *in[8], *y = i < 0 ? nothing : p.y;
            memcpy(in, c->in, (size_t)c->node->n_in * sizeof *in);
            if (i >= 0) in[i] = op_case_array(c, op_case_count(c, i));
            c->op->vjp(c->node, k, in, y, p.gy, gx);
            const bool same = same_bits(gx, p.gx[k], count),
                       may = i < 0 ? c->op->flags & FL_READS_OUT : may_read(c->op, k, i);
            CHECK_SAY(same || may, "%s: the vjp of operand %d reads the value of %s %d, against its flags", c->label,
                      k, i < 0 ? "the result" : "operand", i);
            if (!same) *(i < 0 ? &reads_out[c->op->kind] : &reads_in[c->op->kind]) = true;
        }
    }
}

TEST(ops_vjp_reads_what_its_flags_say)
{
    op_cases_each(1, check_reads);
    for (int kind = 0; kind < FL_OPS; kind++) {
        const fl_op *op = fl_op_table[kind];
        CHECK_SAY(!(op->flags & FL_READS_IN) || reads_in[kind], "%s keeps its operands for nothing", op->name);
        CHECK_SAY(!(op->flags & FL_READS_OUT) || reads_out[kind], "%s keeps its result for nothing", op->name);
    }
}

/* forward and vjp are asked with a copy of the weights: packing made on the spot must not differ from the graph's. */
static void check_substitution(op_case *c)
{
    const passes p = run(c);
    const int64_t results = op_case_count(c, -1);
    real *y = op_case_array(c, results);
    const real *in[8];
    for (int k = 0; k < c->node->n_in; k++) {
        real *copy = op_case_array(c, op_case_count(c, k));
        memcpy(copy, c->in[k], (size_t)op_case_count(c, k) * sizeof *copy);
        in[k] = copy;
    }
    c->op->forward(c->node, in, y);
    CHECK_SAY(same_bits(y, p.y, results), "%s: forward differs with copied operands", c->label);
    for (int k = 0; k < c->node->n_in; k++) {
        real *gx = op_case_array(c, op_case_count(c, k));
        c->op->vjp(c->node, k, in, p.y, p.gy, gx);
        CHECK_SAY(same_bits(gx, p.gx[k], op_case_count(c, k)), "%s: vjp of operand %d differs with copied operands",
                  c->label, k);
    }
}
TEST(ops_take_substituted_operands) { op_cases_each(1, check_substitution); }

/* ---- bits ---- */

static void compare_passes(op_case *c, const passes *want, const char *how, int threads)
{
    const fl_mark mark = fl_arena_mark(&c->arena);
    const passes got = run(c);
    CHECK_SAY(same_bits(want->y, got.y, op_case_count(c, -1)), "%s: forward has other bits with %s %d", c->label, how,
              threads);
    for (int k = 0; k < c->node->n_in; k++)
        CHECK_SAY(same_bits(want->gx[k], got.gx[k], op_case_count(c, k)),
                  "%s: vjp of operand %d has other bits with %s %d", c->label, k, how, threads);
    fl_arena_release(&c->arena, mark);
}

static void check_threads(op_case *c)
{
    static const int counts[] = {2, 3, 5, 8, 16};
    fl_parallel_min = 0;
    fl_threads_set(1);
    const passes serial = run(c);
    fl_parallel_backwards = true;
    compare_passes(c, &serial, "items backwards, threads:", 1);
    fl_parallel_backwards = false;
    for (int i = 0; i < 5; i++) {
        fl_threads_set(counts[i]);
        compare_passes(c, &serial, "threads:", counts[i]);
    }
    fl_threads_set(16);                                    /* the next case is planned for as many */
    fl_parallel_min = FL_PARALLEL_MIN;
}

TEST(ops_bits_do_not_depend_on_threads)
{
    fl_threads_set(16);
    op_cases_each(25, check_threads);                      /* large enough for several blocks of every loop */
    fl_threads_set(0);
}

static void check_batch(op_case *c)
{
    if (!op_case_splits(c)) return;
    const int samples = c->node->shape.n;
    const passes all = run(c);
    for (int n = 0; n < samples; n++) {
        op_case alone;
        op_case_open_sample(&alone, c, n);
        const int64_t part = op_case_count(&alone, -1);
        real *y = op_case_array(&alone, part);
        alone.op->forward(alone.node, alone.in, y);
        CHECK_SAY(same_bits(y, all.y + n * part, part), "%s: sample %d of %d has other bits than alone", c->label, n,
                  samples);
        for (int k = 0; k < c->node->n_in; k++) {
            if (!op_case_batched(c->node, k)) continue;
            const int64_t size = op_case_count(&alone, k);
            real *gx = op_case_array(&alone, size);
            alone.op->vjp(alone.node, k, alone.in, y, all.gy + n * part, gx);
            CHECK_SAY(same_bits(gx, all.gx[k] + n * size, size),
                      "%s: signal of operand %d, sample %d of %d, has other bits than alone", c->label, k, n,
                      samples);
        }
        op_case_close(&alone);
    }
}
TEST(ops_bits_do_not_depend_on_batch_mates) { op_cases_each(3, check_batch); }

/* ---- memory that runs out ---- */

/* Builds and plans an example; true when all went well. Otherwise there must be an error, and nothing but the arena
 * to free. */
static bool build(const fl_op *op, int which, fl_error *error)
{
    fl_arena arena;
    fl_arena_init(&arena, error);
    fl_rng rng = {1, 0, 0};
    fl_graph *g = fl_graph_new(&arena);
    const fl_id y = op->example(g, &rng, which);
    fl_status status = FL_FAILED;
    if (fl_graph_ok(g)) {
        const int n_in = g->node[y].n_in;
        const fl_plan plan = {.keep = FL_KEEP_FOR_BACKWARD, .out = &y, .n_out = 1, .root = y,
                              .wrt = n_in ? g->node[y].in : &y, .n_wrt = n_in ? n_in : 1};
        status = fl_graph_plan(g, &plan);
    } else {
        CHECK_SAY(y == FL_NONE, "%s: a builder returns a node after a failure", op->name);
    }
    fl_arena_free(&arena);
    return status == FL_OK;
}

TEST(ops_survive_every_failing_allocation)
{
    for (int kind = 0; kind < FL_OPS; kind++) {
        const fl_op *op = fl_op_table[kind];
        op_case c;
        for (int which = 0; op_case_open(&c, op, which, 1); which++) {
            op_case_close(&c);
            bool done = false;
            int k = 0;
            while (!done && k < 1000) {
                fl_error error = {0};
                fl_arena_fail_at(++k);
                done = build(op, which, &error);
                CHECK_SAY(done || (error.status == FL_FAILED && error.message[0]),
                          "%s example %d: no error when allocation %d fails", op->name, which, k);
            }
            fl_arena_fail_at(0);
            CHECK_SAY(done && k > 8, "%s example %d: %d allocations tried", op->name, which, k);
        }
    }
}
