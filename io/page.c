/* page.c: head, brand, foot. */
#include "io/page.h"
#include "io/html.h"
#include "io/report_style.h"

void fl_page_begin(fl_buffer *b, const char *what, const char *where, const char *more)
{
    fl_buffer_text(b, "<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
        "<meta HTTP-EQUIV=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n");
    fl_html(b, "<title>%s in %s - footlight</title>\n<style>\n", what, where);
    fl_buffer_text(b, fl_report_style);
    if (more) fl_buffer_text(b, more);
    fl_buffer_text(b, "</style>\n</head>\n<body>\n<div class='page'>\n");
}

void fl_page_brand(fl_buffer *b)
{
    fl_buffer_text(b,
        "<p class='brand'><svg viewBox='0 0 26 18' aria-hidden='true'>"
        "<path d='M5 17a8 8 0 0 1 16 0z' fill='currentColor'/><path d='M13 1.2v4M4.3 4.8l2.4 2.9M21.7 4.8l-2.4 2.9' "
        "stroke='currentColor' stroke-width='2' stroke-linecap='round'/></svg>footlight</p>\n");
}

void fl_page_foot(fl_buffer *b)
{
    fl_buffer_text(b, "<footer>Made by footlight. This page needs no network and keeps nothing.</footer>\n</div>\n");
}
