// libnvrtc and libcublas
#include "machine.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int compiler_version(int *major, int *minor) {
  ENTER(compiler_version);
  *major = 13;
  *minor = 1;
  return leave(0);
}

static int compiler_create(
    hc_handle *program, const char *source, const char *name, int header_count,
    const char *const *headers, const char *const *header_names) {
  ENTER(compiler_create);
  object *made = make(PROGRAM);
  made->memory = strdup(source);
  *program = made;
  return leave(0);
}

static int compiler_destroy(hc_handle *program) {
  ENTER(compiler_destroy);
  return leave(give_back(*program, PROGRAM));
}

/// Waits until as many threads compile as are wanted, some seconds at most.
static void meet_compilers(void) {
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += 20;
  machine->compilers++;
  pthread_cond_broadcast(&machine->compiling);
  while (machine->compilers < machine->wanted_compilers)
    if (pthread_cond_timedwait(&machine->compiling, &machine->lock, &end)) {
      fault("programs are compiled one after the other", 0);
      machine->wanted_compilers = 0;
    }
}

/// The code is the architecture's name and the text.
static int compiler_compile(hc_handle program, int option_count, const char *const *options) {
  ENTER(compiler_compile);
  if (machine->wanted_compilers) meet_compilers();
  object *o = find(program, PROGRAM);
  const char *architecture = NULL;
  for (int i = 0; i < option_count; i++)
    if (!strncmp(options[i], "--gpu-architecture=", 19)) architecture = options[i] + 19;
  if (!o || !architecture) return leave(5);
  size_t bytes = strlen(o->memory) + strlen(architecture) + 16;
  char *code = malloc(bytes);
  snprintf(code, bytes, "FAKE %s\n%s", architecture, o->memory);
  free(o->memory);
  o->memory = code;
  return leave(0);
}

static int compiler_binary_size(hc_handle program, size_t *bytes) {
  ENTER(compiler_binary_size);
  object *o = find(program, PROGRAM);
  *bytes = o ? strlen(o->memory) + 1 : 0;
  return leave(o ? 0 : INVALID_HANDLE);
}

static int compiler_binary(hc_handle program, char *binary) {
  ENTER(compiler_binary);
  object *o = find(program, PROGRAM);
  if (o) strcpy(binary, o->memory);
  return leave(o ? 0 : INVALID_HANDLE);
}

static const char log_text[] = "k.cu(1): error: this is the log";

static int compiler_log_size(hc_handle program, size_t *bytes) {
  ENTER(compiler_log_size);
  *bytes = sizeof log_text;
  return leave(0);
}

static int compiler_log(hc_handle program, char *log) {
  ENTER(compiler_log);
  memcpy(log, log_text, sizeof log_text);
  return leave(0);
}

static const char *skip_spaces(const char *text) {
  while (isspace((unsigned char)*text)) text++;
  return text;
}

static const char *skip_word(const char *text) {
  while (isalnum((unsigned char)*text) || *text == '_') text++;
  return text;
}

/// The end of a pair of brackets that begins here.
static const char *skip_brackets(const char *text) {
  int depth = 0;
  do {
    if (*text == '(') depth++;
    if (*text == ')') depth--;
    text++;
  } while (depth && *text);
  return text;
}

/// Whether a word stands with brackets between a kernel's keyword and its name.
static int is_bound(const char *word, const char *end) {
  const char *bounds[] = {"__launch_bounds__", "CLUSTERS_OF"};
  for (int i = 0; i < 2; i++)
    if (strlen(bounds[i]) == (size_t)(end - word) && !strncmp(word, bounds[i], end - word))
      return 1;
  return 0;
}

/// The bracket before the parameters of `KERNEL name(`, or of `KERNEL __launch_bounds__(n) name(`.
static const char *find_after(const char *keyword, const char *text, const char *name) {
  for (const char *at = strstr(text, keyword); at; at = strstr(at + 1, keyword)) {
    const char *word = skip_spaces(at + strlen(keyword)), *end = skip_word(word);
    while (is_bound(word, end)) {
      word = skip_spaces(skip_brackets(skip_spaces(end)));
      end = skip_word(word);
    }
    const char *bracket = skip_spaces(end);
    if (*bracket == '(' && strlen(name) == (size_t)(end - word) &&
        !strncmp(word, name, strlen(name)))
      return bracket;
  }
  return NULL;
}

const char *find_kernel(const char *text, const char *name) {
  const char *found = find_after("KERNEL", text, name);
  return found ? found : find_after("__global__ void", text, name);
}

static int has_word(const char *start, const char *end, const char *wanted) {
  size_t length = strlen(wanted);
  for (const char *at = start; at + length <= end; at++)
    if (!strncmp(at, wanted, length) && (at == start || !isalnum((unsigned char)at[-1])) &&
        !isalnum((unsigned char)at[length]) && at[length] != '_')
      return 1;
  return 0;
}

static char kind_of(const char *start, const char *end) {
  if (memchr(start, '*', (size_t)(end - start))) return 'p';
  // A whole table, which begins with a pointer.
  if (has_word(start, end, "Table")) return 'p';
  if (has_word(start, end, "long")) return 'l';
  if (has_word(start, end, "float")) return 'f';
  if (has_word(start, end, "int") || has_word(start, end, "uint")) return 'i';
  return '?';
}

/// The text after `#define name `; NULL where there is none.
static const char *definition(const char *text, const char *start, const char *end) {
  static const char keyword[] = "#define ";
  for (const char *at = strstr(text, keyword); at; at = strstr(at + 1, keyword)) {
    const char *name = at + strlen(keyword), *stop = skip_word(name);
    if (stop - name == end - start && !strncmp(name, start, (size_t)(end - start))) return stop;
  }
  return NULL;
}

/// The end of a line, with those that a backslash adds to it.
static const char *end_of_line(const char *text) {
  while (*text && (*text != '\n' || text[-1] == '\\')) text++;
  return text;
}

/// The kinds of a list of parameters, some of which may stand in a macro; their number.
static int parse_list(
    const char *text, const char *start, const char *end, char *kinds, int count) {
  for (const char *at = start; at <= end; at++) {
    if ((*at != ',' && at != end) || count >= FAKE_MOST_PARAMETERS) continue;
    const char *word = skip_spaces(start), *stop = skip_word(word);
    char kind = kind_of(start, at);
    const char *more = kind == '?' && skip_spaces(stop) == at ? definition(text, word, stop) : NULL;
    if (more)
      count = parse_list(text, more, end_of_line(more), kinds, count);
    else
      kinds[count++] = kind;
    start = at + 1;
  }
  return count;
}

/// The kinds of the parameters in brackets, and their number.
int parse_parameters(
    const char *text, const char *parameters, char kinds[FAKE_MOST_PARAMETERS]) {
  const char *end = skip_brackets(parameters) - 1, *start = parameters + 1;
  return skip_spaces(start) >= end ? 0 : parse_list(text, start, end, kinds, 0);
}

static int blas_create(hc_handle *blas) {
  ENTER(blas_create);
  *blas = make(BLAS);
  return leave(0);
}

static int blas_destroy(hc_handle blas) {
  ENTER(blas_destroy);
  return leave(give_back(blas, BLAS));
}

static int blas_version(hc_handle blas, int *version) {
  ENTER(blas_version);
  *version = 130102;
  return leave(0);
}

static int blas_set_stream(hc_handle blas, hc_handle stream) {
  ENTER(blas_set_stream);
  object *o = find(blas, BLAS);
  if (!o) return leave(INVALID_HANDLE);
  o->stream = find(stream, STREAM);
  return leave(o->stream ? 0 : INVALID_HANDLE);
}

static int blas_set_workspace(hc_handle blas, void *workspace, size_t bytes) {
  ENTER(blas_set_workspace);
  int inside = is_inside(BLOCK, workspace, bytes);
  return leave(inside && find(blas, BLAS) ? 0 : INVALID_VALUE);
}

/// What the library refuses: a distance of columns that is less than a column.
static int is_sound(int op_a, int op_b, int m, int n, int k, int lda, int ldb, int ldc) {
  return m >= 0 && n >= 0 && k >= 0 && lda >= (op_a ? k : m) && ldb >= (op_b ? n : k) &&
         ldc >= m && lda > 0 && ldb > 0 && ldc > 0;
}

static int blas_multiply(
    hc_handle blas, int op_a, int op_b, int m, int n, int k, const void *alpha, const void *a,
    int type_a, int lda, long long stride_a, const void *b, int type_b, int ldb,
    long long stride_b, const void *beta, void *c, int type_c, int ldc, long long stride_c,
    int batch, int compute, int algorithm) {
  ENTER(blas_multiply);
  object *o = find(blas, BLAS);
  if (!o || !o->stream || !is_sound(op_a, op_b, m, n, k, lda, ldb, ldc) || batch < 0 ||
      type_a || type_b || type_c || compute != HC_COMPUTE_32F_TF32)
    return leave(7);
  if (!is_inside(BLOCK, a, 4) || !is_inside(BLOCK, b, 4) || !is_inside(BLOCK, c, 4))
    return leave(fault("a product of memory that is not on the device", 13));
  work item = {
      .what = PRODUCT,
      .product = {op_a, op_b, m, n, k, lda, ldb, ldc, batch, *(const float *)alpha,
                  *(const float *)beta, a, b, NULL, c, stride_a, stride_b, stride_c}};
  return leave(queue(o->stream, &item));
}

void *driver_symbol(const char *symbol);
void *fused_symbol(const char *symbol);

void *fake_symbol(const char *symbol) {
#define FIND_COMPILER(member, name, parameters) \
  if (!strcmp(symbol, name)) return (void *)compiler_##member;
#define FIND_BLAS(member, name, parameters) \
  if (!strcmp(symbol, name)) return (void *)blas_##member;
  HC_COMPILER_FUNCTIONS(FIND_COMPILER)
  HC_BLAS_FUNCTIONS(FIND_BLAS)
  void *found = fused_symbol(symbol);
  return found ? found : driver_symbol(symbol);
}
