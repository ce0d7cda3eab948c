/* html.h: texts from anywhere, made harmless for a page that must never reach for the network.
 *
 * & < > " ' become references; bytes that are not UTF-8 and control characters become U+FFFD; the colon in front of
 * a slash becomes a reference too, so that no address stands in the page as such. Safe in text and in quoted
 * attributes. Texts never enter a script: the page's data block holds numbers and base64 only. */
#ifndef FL_HTML_H
#define FL_HTML_H

#include "io/buffer.h"

void fl_html_text(fl_buffer *, const char *utf8);       /* NULL: nothing */

/* A small printf: %s an escaped text, %d an int, %g a double with four digits ("n/a" when not finite), %% a percent
 * sign. The rest of the format is markup and goes out as it is; its attributes are in single quotes. */
void fl_html(fl_buffer *, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
