/* costs.c: what every method costs here, and how well it keeps its law.
 *
 * Seconds are those of the clock; with one thread those of the processor, which are the same while nothing else runs and hold while
 * something does. */
#include "io/cli/costs.h"

#include "tensor/par.h"

#include <math.h>
#include <time.h>

typedef struct cost { const fl_method *method; const char *law, *why_not; double residual, seconds; int passes; size_t bytes; } cost;

static double now(void)
{
    struct timespec t;
    clock_gettime(fl_threads() == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void print_row(const cost *c)
{
    char residual[32] = "";
    if (isfinite(c->residual)) snprintf(residual, sizeof residual, "%.1e", c->residual);
    if (c->why_not) printf("| %s | | | | | | %s |\n", c->method->name, c->why_not);
    else printf("| %s | %s | %s | %d | %.3f | %.1f | |\n", c->method->name, c->law, residual, c->passes, c->seconds,
                (double)c->bytes / 1048576);
    fflush(stdout);
}

static void write_row(fl_json *j, const cost *c)
{
    fl_json_object(j, NULL);
    fl_json_string(j, "method", c->method->name);
    if (c->why_not) fl_json_string(j, "refused", c->why_not);
    else {
        fl_json_string(j, "law", c->law);
        fl_json_number(j, "residual", c->residual);
        fl_json_int(j, "passes", c->passes);
        fl_json_number(j, "seconds", c->seconds);
        fl_json_int(j, "bytes", (long long)c->bytes);
    }
    fl_json_close(j);
}

/* Peaks of the arenas are of the whole run: what a method takes is seen in an arena of its own for results, and in the graph's. */
static fl_status measure(fl_cli *cli, const fl_session *s, const fl_explain_options *given, cost *c)
{
    fl_explain_options o = *given;
    fl_arena results;
    fl_map map;
    fl_arena_init_beside(&results, cli->arena);
    const double start = now();
    const fl_status status = fl_explain(s->explainer, c->method, s->input.values, &o, &results, &map);
    c->seconds = now() - start;
    c->bytes = results.peak + cli->work->used + map.bytes;
    if (status == FL_OK) {
        c->law = fl_law_name[c->method->law];
        c->residual = map.residual;
        c->passes = map.passes;
    } else if (status == FL_USAGE) {
        c->why_not = fl_arena_text(cli->arena, "%s", cli->error->message);
        fl_error_clear(cli->error);
    }
    fl_arena_free(&results);
    return status == FL_USAGE ? FL_OK : status;
}

fl_status fl_costs_print(fl_cli *cli, const fl_session *s, const fl_method_list *list, const fl_explain_options *o)
{
    fl_json j;
    if (cli->json) {
        fl_json_to_stream(&j, stdout, true);
        fl_json_object(&j, NULL);
        fl_json_array(&j, "costs");
    } else printf("| method | law | residual | passes | seconds | MiB | |\n|---|---|---|---|---|---|---|\n");
    for (int i = 0; list->count ? i < list->count : fl_method_table[i].name != NULL; i++) {
        cost c = {.method = list->count ? list->item[i] : &fl_method_table[i], .residual = (double)NAN};
        if (measure(cli, s, o, &c) != FL_OK) return cli->error->status;
        if (cli->json) write_row(&j, &c);
        else print_row(&c);
    }
    if (cli->json) {
        fl_json_close(&j);
        fl_json_close(&j);
        fl_json_end(&j);
    }
    return FL_OK;
}
