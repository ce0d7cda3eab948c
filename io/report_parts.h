/* report_parts.h: the cards of the page around the viewer. Each function appends one part; texts are escaped here. */
#ifndef FL_REPORT_PARTS_H
#define FL_REPORT_PARTS_H

#include "io/report_data.h"

void fl_report_warnings(fl_buffer *, const fl_result *, const fl_report_method *);     /* nothing without any */
void fl_report_controls(fl_buffer *, const fl_result *);                               /* method, sign, scale */
void fl_report_predictions(fl_buffer *, const fl_result *);
void fl_report_method_cards(fl_buffer *, const fl_result *, const fl_report_method *);    /* one visible */
void fl_report_curves(fl_buffer *, const fl_result *);                                 /* one card per method */
void fl_report_reading(fl_buffer *, const fl_result *, const char *target);            /* help; provenance */
void fl_report_tables(fl_buffer *, const fl_result *, const fl_report_method *);       /* frame by frame */

#endif
