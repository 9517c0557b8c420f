/* html.h - one page of HTML: text is escaped, pictures are inside, and the look of the report (report_style.c) is in its head.
 *
 * Failures stick in rc, as in io/json: write on, and look at it at the end. */
#ifndef TOOLS_HTML_H
#define TOOLS_HTML_H

#include "io/file.h"

struct sv_html { struct sv_out out; struct sv_err *e; int rc; };

void sv_html(struct sv_html *h, const char *fmt, ...) SV_PRINTF(2, 3);          /* as it is: markup and numbers */
/* Anybody's text, for an element or a quoted attribute.  Bytes that are not UTF-8 and control characters become U+FFFD; so do the signs that
 * turn the direction of what follows: a name must not reorder the line it stands in. */
void sv_html_text(struct sv_html *h, const char *s);
void sv_html_base64(struct sv_html *h, const uint8_t *p, size_t n);

extern const char *const sv_report_style[];         /* lines; ends with NULL */

#endif
