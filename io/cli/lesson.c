/* lesson.c: footlight lesson: a course in attribution for video, in numbers that are computed while one reads. */
#include "io/cli/lesson/lecture.h"

#include <string.h>

const fl_lesson *const fl_lesson_table[] = {
#define FL_LESSON(name) &fl_lesson_##name,
#include "io/cli/lesson/lessons.def"
#undef FL_LESSON
    NULL};
enum { LESSONS = 0
#define FL_LESSON(name) + 1
#include "io/cli/lesson/lessons.def"
#undef FL_LESSON
};

static const fl_option options[] = {
    FL_OPTION_INT("clip", "N", "0", 0, 9e15, "which made clip of the seed; not with CLIP"),
    FL_OPTION_TEXT("boxes", 0, "FILE", NULL, "of CLIP: where the thing is: boxes or masks, as for explain"),
    FL_OPTION_TEXT("inject", 0, "FAULT", NULL,
                   "put a mistake into the network first, and see which claim notices; footlight check --inject list"),
    {0}};
static const fl_option_group group = {"Options of lesson", options};

static void list(const fl_cli *cli)
{
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    if (cli->json) fl_json_object(&j, NULL), fl_json_array(&j, "lessons");
    for (int i = 0; i < LESSONS; i++) {
        const fl_lesson *lesson = fl_lesson_table[i];
        if (!cli->json) {
            printf("  %2d  %-13s %s\n", i + 1, lesson->name, lesson->title);
            continue;
        }
        fl_json_object(&j, NULL);
        fl_json_int(&j, "number", i + 1);
        fl_json_string(&j, "name", lesson->name);
        fl_json_string(&j, "title", lesson->title);
        fl_json_close(&j);
    }
    if (!cli->json) {
        printf("\nfootlight lesson 1 begins; footlight lesson all gives all of them. "
               "The clip that they look at, and that their next commands\n"
               "explain, is made by footlight demo --model c3d_small.\n");
        return;
    }
    fl_json_close(&j);
    fl_json_close(&j);
    fl_json_end(&j);
}

/* "3", "path" or "all": lessons first .. last - 1. */
static fl_status choose(fl_cli *cli, const char *which, int *first, int *last)
{
    const char *known[LESSONS + 1] = {"all"};
    long long number;
    *first = 0;
    *last = LESSONS;
    if (strcmp(which, "all") == 0) return FL_OK;
    if (fl_text_int(which, &number)) {
        *first = (int)number - 1;
        *last = (int)number;
        if (number >= 1 && number <= LESSONS) return FL_OK;
        return fl_error_set(cli->error, FL_USAGE, "lesson: expected a number from 1 to %d, got %s; footlight lesson names them",
                            LESSONS, which);
    }
    for (int i = 0; i < LESSONS; i++) {
        known[i + 1] = fl_lesson_table[i]->name;
        *first = i;
        *last = i + 1;
        if (strcmp(which, known[i + 1]) == 0) return FL_OK;
    }
    return fl_cli_unknown(cli->error, "lesson", which, known, LESSONS + 1, "footlight lesson names them");
}

static void write_subject(fl_json *j, const fl_lecture *l)
{
    fl_json_string(j, "version", FL_VERSION);
    fl_json_string(j, "precision", FL_REAL_NAME);
    fl_cli_write_command(j, l->cli);
    fl_session_write(j, &l->s);
    if (l->made) fl_json_string(j, "shows", l->made->boxes.label);
    if (l->fault) fl_json_string(j, "injected", l->fault->name);
}

static void give(fl_lecture *l, int first, int last)
{
    fl_cli *cli = l->cli;
    const bool several = last - first > 1;
    if (l->j && several) fl_json_array(l->j, "lessons");
    for (int i = first; i < last && cli->error->status == FL_OK; i++) {
        const fl_mark mark = fl_arena_mark(cli->arena);
        const char *before = l->first;
        if (l->j && several) fl_json_object(l->j, NULL);
        if (!l->j && i > first) printf("\n\n");
        fl_lecture_give(l, fl_lesson_table[i], i + 1);
        if (l->j && several) fl_json_close(l->j);
        if (l->first == before) fl_arena_release(cli->arena, mark);          /* else it holds the name of the first that failed */
    }
    if (l->j && several) {
        fl_json_close(l->j);
        fl_json_int(l->j, "claims", l->claims);
        fl_json_int(l->j, "failed", l->failed);
    }
}

static fl_status run(fl_cli *cli)
{
    fl_lecture l;
    fl_json j;
    int first, last;
    if (!cli->arguments) {
        list(cli);
        return FL_OK;
    }
    if (choose(cli, cli->argument[0], &first, &last) != FL_OK || fl_lecture_open(cli, &l) != FL_OK) return cli->error->status;
    fl_json_to_stream(&j, stdout, true);
    if (cli->json) {
        l.j = &j;
        fl_json_object(&j, NULL);
        write_subject(&j, &l);
    }
    give(&l, first, last);
    if (cli->error->status != FL_OK) return cli->error->status;
    if (cli->json) {
        fl_json_close(&j);
        fl_json_end(&j);
    } else {
        printf("\n%d claims, %d failed\n", l.claims, l.failed);
    }
    if (!l.failed) return FL_OK;
    return fl_error_set(cli->error, FL_CHECK, "lesson: %d of %d claims failed, first: %s", l.failed, l.claims, l.first ? l.first : "");
}

const fl_command fl_command_lesson = {
    "lesson", "a course: what attribution computes, in numbers that are worked out while you read", "[N | NAME | all] [CLIP]", 0, 2,
    (const fl_option_group *const[]){&group, &fl_session_simple, &fl_session_weights, &fl_input_options, NULL},
    "  footlight lesson                                  names the lessons\n"
    "  footlight lesson 1\n"
    "  footlight lesson cam clip.y4m --model r2plus1d_small\n"
    "  footlight lesson chain --inject missing_mask      a claim fails, exit code 5\n\n"
    "Every lesson has an idea, a formula, numbers from the network and the clip at hand, the same number found in two ways, files to\n"
    "read, a command to type and a question. Claims are checked as they are printed: ok, or FAIL and exit code 5. Without CLIP: a\n"
    "made one, whose truth is known. Some claims are about what a network has learned: made-up weights fail them.",
    run};
