/* report_parts.h: the cards of the page around the viewer. Each function appends one part; texts are escaped here. */
#ifndef FL_REPORT_PARTS_H
#define FL_REPORT_PARTS_H

#include "io/report_data.h"

void fl_report_warnings(fl_buffer *, const fl_result *, const fl_report_method *);        /* nothing when there are none */
void fl_report_controls(fl_buffer *, const fl_result *);                                  /* method, sign, scale, colours */
void fl_report_predictions(fl_buffer *, const fl_result *);
void fl_report_method_cards(fl_buffer *, const fl_result *, const fl_report_method *);    /* one per method, one visible */
void fl_report_reading(fl_buffer *, const fl_result *, const char *target);               /* how to read this map; provenance */
void fl_report_tables(fl_buffer *, const fl_result *, const fl_report_method *);          /* numbers frame by frame */

#endif
