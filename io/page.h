/* page.h: what all pages begin and end with. A page is one file that fetches nothing: its policy forbids every request. */
#ifndef FL_PAGE_H
#define FL_PAGE_H

#include "io/buffer.h"

/* Up to <body> and the page's box. what and where make its title; more: further style, or NULL. */
void fl_page_begin(fl_buffer *, const char *what, const char *where, const char *more);
void fl_page_brand(fl_buffer *);

void fl_page_foot(fl_buffer *);             /* and the end of the box */

#endif
