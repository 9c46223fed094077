// A new file of the script is a text and a line in the list.
#include "CReportPage.h"

static const char template_text[] = {
#embed "page/page.html"
    , 0};
static const char style_text[] = {
#embed "page/style.css"
    , 0};
static const char basics_text[] = {
#embed "page/basics.js"
    , 0};
static const char state_text[] = {
#embed "page/state.js"
    , 0};
static const char table_text[] = {
#embed "page/table.js"
    , 0};
static const char scale_text[] = {
#embed "page/scale.js"
    , 0};
static const char plot_text[] = {
#embed "page/plot.js"
    , 0};
static const char figures_text[] = {
#embed "page/figures.js"
    , 0};
static const char sections_text[] = {
#embed "page/sections.js"
    , 0};
static const char details_text[] = {
#embed "page/details.js"
    , 0};
static const char page_text[] = {
#embed "page/page.js"
    , 0};

static const char *const scripts[] = {
    basics_text,  state_text,    table_text,   scale_text, plot_text,
    figures_text, sections_text, details_text, page_text,
};

const char *report_page_template(void) { return template_text; }

const char *report_page_style(void) { return style_text; }

const char *report_page_script(int index) {
  const int count = sizeof scripts / sizeof *scripts;
  return index >= 0 && index < count ? scripts[index] : 0;
}
