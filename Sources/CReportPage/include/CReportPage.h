#pragma once

// The parts of report.html that are the same in every report, as texts that end with a zero byte.

/// The page with places for the other parts: "{{style}}".
const char *report_page_template(void);
const char *report_page_style(void);
/// The files of the script in the order in which they are joined; NULL after the last.
const char *report_page_script(int index);
