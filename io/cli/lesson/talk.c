/* talk.c: a lesson as text for people, or as an object; claims: claims.c. */
#include "io/cli/lesson/lecture.h"

#include <string.h>

enum { WIDTH = 96 };

/* ---- text ---- */

/* Words of text in lines of WIDTH, which end with `end` if another follows; the first begins at column `at`, the others are indented. */
static void wrap_with(const char *end, const char *text, int at, int indent)
{
    const char *between = "";
    while (*(text += strspn(text, " \n"))) {
        const int word = (int)strcspn(text, " \n");
        if (at + (int)(strlen(between) + strlen(end)) + word > WIDTH) {
            printf("%s\n%*s", end, indent, "");
            at = indent;
            between = "";
        }
        at += printf("%s%.*s", between, word, text);
        between = " ";
        text += word;
    }
    printf("\n");
}

void fl_lesson_wrap(const char *text, int at, int indent) { wrap_with("", text, at, indent); }

static void print_lines(const char *text, int indent)
{
    while (*text) {
        const int line = (int)strcspn(text, "\n");
        printf("%*s%.*s\n", indent, "", line, text);
        text += line + (text[line] == '\n');
    }
}

static void print_entry(const char *head, const char *text) { fl_lesson_wrap(text, printf("%-10s", head), 10); }

static void print_subject(const fl_lecture *l)
{
    const fl_session *s = &l->s;
    const char *label = fl_session_label(s, l->best);
    const char *line = fl_arena_text(l->cli->arena, "%s, %s, looks at %s%s%s and says %s%s%d, with probability %.4f.", s->model->name,
        s->weights.name, s->input.source, l->made ? ", which shows " : "", l->made ? l->made->boxes.label : "", label ? label : "",
        label ? ", class " : "class ", l->best, s->probabilities[l->best]);
    if (line) fl_lesson_wrap(line, printf("  "), 2);
    if (l->knows && !l->sure)
        fl_lesson_wrap("It is wrong, or not sure (below 0.9), so claims about what it has learned to see in this clip are left out.",
                       printf("  "), 2);
    if (l->fault) fl_lesson_wrap(l->fault->doc, printf("  A mistake was put in, %s: ", l->fault->name), 2);
}

/* ---- talk ---- */

void fl_lecture_say(fl_lecture *l, const char *format, ...)
{
    const fl_mark mark = fl_arena_mark(l->cli->arena);
    va_list args;
    va_start(args, format);
    const char *text = fl_arena_vtext(l->cli->arena, format, args);
    va_end(args);
    if (text && l->j) {
        fl_json_object(l->j, NULL);
        fl_json_string(l->j, "say", text);
        fl_json_close(l->j);
    } else if (text) {
        printf("\n");
        fl_lesson_wrap(text, printf("  "), 2);
    }
    fl_arena_release(l->cli->arena, mark);
}

void fl_lecture_show(fl_lecture *l, const char *format, ...)
{
    const fl_mark mark = fl_arena_mark(l->cli->arena);
    va_list args;
    va_start(args, format);
    char *text = fl_arena_vtext(l->cli->arena, format, args);
    va_end(args);
    for (size_t n = text ? strlen(text) : 0; n > 0 && text[n - 1] == ' '; n--) text[n - 1] = 0;
    if (text && l->j) {
        fl_json_object(l->j, NULL);
        fl_json_string(l->j, "show", text);
        fl_json_close(l->j);
    } else if (text) {
        printf("    %s\n", text);
    }
    fl_arena_release(l->cli->arena, mark);
}

/* ---- a whole lesson ---- */

static void print_head(const fl_lecture *l, const fl_lesson *lesson, int number)
{
    const int length = printf("Lesson %d, %s: %s\n", number, lesson->name, lesson->title) - 1;
    for (int i = 0; i < length; i++) printf("=");
    printf("\n\n");
    fl_lesson_wrap(lesson->idea, printf("  "), 2);
    printf("\n");
    print_lines(lesson->formula, 6);
    printf("\n");
    print_subject(l);
}

static void write_head(fl_json *j, const fl_lesson *lesson, int number)
{
    fl_json_int(j, "number", number);
    fl_json_string(j, "name", lesson->name);
    fl_json_string(j, "title", lesson->title);
    fl_json_string(j, "idea", lesson->idea);
    fl_json_string(j, "formula", lesson->formula);
    fl_json_array(j, "walk");
}

void fl_lecture_give(fl_lecture *l, const fl_lesson *lesson, int number)
{
    const int claims = l->claims, failed = l->failed;
    const char *next = fl_arena_text(l->cli->arena, "footlight %s", lesson->next);
    if (l->j) write_head(l->j, lesson, number);
    else print_head(l, lesson, number);
    lesson->give(l);
    if (l->j) {
        fl_json_close(l->j);
        fl_json_int(l->j, "claims", l->claims - claims);
        fl_json_int(l->j, "failed", l->failed - failed);
        fl_json_string(l->j, "read", lesson->read);
        fl_json_string(l->j, "next", next);
        fl_json_string(l->j, "question", lesson->question);
    } else if (next && l->cli->error->status == FL_OK) {
        printf("\n");
        print_entry("Read", lesson->read);
        wrap_with(" \\", next, printf("%-10s", "Next"), 14);
        print_entry("Question", lesson->question);
    }
    fflush(stdout);
}
