/* method_options.h: the options of everything that makes maps: which methods, what is explained, how it is drawn. */
#ifndef FL_METHOD_OPTIONS_H
#define FL_METHOD_OPTIONS_H

#include "io/cli/session.h"

extern const fl_option_group fl_target_options;       /* --target --target-kind --against */
extern const fl_option_group fl_method_options;       /* --rules, and the rows of attribution/options.def */
extern const fl_option_group fl_picture_options;      /* --channels --polarity --norm --percentile ... */

enum { FL_MAX_METHODS = 160 };

typedef struct fl_method_list {
    const fl_method *item[FL_MAX_METHODS];
    int count;
} fl_method_list;

/* "grad_cam", "gradient,grad_cam", or "all". FL_USAGE: an unknown name, one name twice, too many. option: for messages. */
fl_status fl_methods_parse(fl_cli *, const char *option, const char *names, fl_method_list *);

/* FL_USAGE for an option of fl_method_options that none of the methods reads: it would do nothing. */
fl_status fl_methods_check_options(fl_cli *, const fl_method_list *);

/* What the options say; everything that was not given is left to the method. The session knows the classes; the second leaves the
 * target alone. */
fl_status fl_methods_read_options(fl_cli *, const fl_session *, fl_explain_options *);
fl_status fl_methods_read_rows(fl_cli *, fl_explain_options *);

fl_reduction fl_picture_reduction(const fl_cli *);
fl_look fl_picture_look(const fl_cli *);

#endif
