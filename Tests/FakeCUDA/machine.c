#include "machine.h"

#include <stdlib.h>
#include <string.h>

_Thread_local fake_cuda *machine;

static const char *const symbols[] = {
#define NAME(member, symbol, parameters) symbol,
    HC_DRIVER_FUNCTIONS(NAME) HC_LAUNCHER_FUNCTIONS(NAME) HC_COMPILER_FUNCTIONS(NAME)
    HC_BLAS_FUNCTIONS(NAME) HC_FUSED_FUNCTIONS(NAME)};

const char *fake_symbol_name(int index) {
  return index >= 0 && index < call_count ? symbols[index] : NULL;
}

static int number_of(const char *symbol) {
  for (int i = 0; i < call_count; i++)
    if (!strcmp(symbols[i], symbol)) return i;
  abort();
}

fake_cuda *fake_create(int devices, size_t memory) {
  fake_cuda *fake = calloc(1, sizeof *fake);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&fake->lock, &attributes);
  pthread_cond_init(&fake->compiling, NULL);
  pthread_mutexattr_destroy(&attributes);
  fake->devices = devices;
  fake->memory = memory;
  fake->capability = 90;
  fake->driver_version = 13010;
  fake->shared_bytes = 232448;
  return fake;
}

void fake_destroy(fake_cuda *fake) {
  for (object *o = fake->objects, *next; o; o = next) {
    next = o->next;
    free(o->memory);
    free(o->list.items);
    free(o);
  }
  free(fake->launches);
  pthread_mutex_destroy(&fake->lock);
  if (machine == fake) machine = NULL;
  free(fake);
}

void fake_use(fake_cuda *fake) { machine = fake; }

void fake_set_capability(fake_cuda *fake, int capability) { fake->capability = capability; }
void fake_set_driver_version(fake_cuda *fake, int version) { fake->driver_version = version; }
void fake_set_shared_bytes(fake_cuda *fake, int bytes) { fake->shared_bytes = bytes; }

void fake_fail(fake_cuda *fake, const char *symbol, long call, int status) {
  int number = number_of(symbol);
  fake->failing_call[number] = call;
  fake->failing_status[number] = status;
}

long fake_calls(fake_cuda *fake, const char *symbol) { return fake->calls[number_of(symbol)]; }

fake_counts fake_live(fake_cuda *fake) {
  const long *live = fake->live;
  return (fake_counts){
      .blocks = live[BLOCK], .host_blocks = live[HOST_BLOCK], .streams = live[STREAM],
      .events = live[EVENT], .contexts = live[CONTEXT], .modules = live[MODULE],
      .programs = live[PROGRAM], .graphs = live[GRAPH], .executables = live[EXECUTABLE],
      .blas_handles = live[BLAS] + live[FUSED],
      .descriptions = live[OPERATION] + live[LAYOUT] + live[PREFERENCE], .bytes = fake->used};
}

long fake_launch_count(fake_cuda *fake) { return fake->launch_count; }
fake_launch fake_launch_at(fake_cuda *fake, long index) { return fake->launches[index]; }

void fake_on_launch(
    fake_cuda *fake, void (*function)(const fake_launch *, void *), void *context) {
  fake->on_launch = function;
  fake->context = context;
}

void fake_set_working(fake_cuda *fake, int working) { fake->idle = !working; }
void fake_expect_compilers(fake_cuda *fake, int count) { fake->wanted_compilers = count; }

long fake_replays(fake_cuda *fake) { return fake->replays; }
const char *fake_fault(fake_cuda *fake) { return fake->fault; }

int fake_is_device_memory(fake_cuda *fake, uint64_t address) {
  fake_cuda *own = machine;
  machine = fake;
  int inside = is_inside(BLOCK, (const void *)address, 0);
  machine = own;
  return inside;
}

int enter(int call) {
  if (!machine) return NOT_INITIALIZED;
  pthread_mutex_lock(&machine->lock);
  machine->calls[call]++;
  int failing = machine->failing_call[call] == machine->calls[call];
  return failing ? leave(machine->failing_status[call]) : 0;
}

int leave(int status) {
  pthread_mutex_unlock(&machine->lock);
  return status;
}

int fault(const char *what, int status) {
  if (!machine->fault) machine->fault = what;
  return status;
}

object *make(kind kind) {
  object *made = calloc(1, sizeof *made);
  made->kind = kind;
  made->alive = 1;
  made->next = machine->objects;
  machine->objects = made;
  machine->live[kind]++;
  return made;
}

object *find(void *handle, kind kind) {
  for (object *o = machine->objects; o; o = o->next)
    if (o == handle && o->kind == kind && o->alive) return o;
  fault("a handle that is not, or no longer, one of its kind", 0);
  return NULL;
}

int give_back(void *handle, kind kind) {
  object *o = find(handle, kind);
  if (!o) return INVALID_HANDLE;
  o->alive = 0;
  machine->live[kind]--;
  free(o->memory);
  free(o->list.items);
  o->memory = NULL;
  o->list = (work_list){0};
  return 0;
}

int is_inside(kind kind, const void *address, size_t bytes) {
  const char *start = address;
  for (object *o = machine->objects; o; o = o->next)
    if (o->kind == kind && o->alive && start >= o->memory &&
        start + bytes <= o->memory + o->bytes)
      return 1;
  return 0;
}

void append(work_list *list, const work *item) {
  if (list->count == list->capacity) {
    list->capacity = list->capacity ? 2 * list->capacity : 16;
    list->items = realloc(list->items, (size_t)list->capacity * sizeof *list->items);
  }
  list->items[list->count++] = *item;
}

int queue(hc_handle stream, const work *item) {
  object *o = find(stream, STREAM);
  if (!o) return INVALID_HANDLE;
  if (o->graph) o = o->graph;
  if (item->what == LAUNCH && item->launch.overlaps && !o->ends_with_launch)
    return fault("a kernel that overlaps with what is no kernel", INVALID_VALUE);
  append(&o->list, item);
  o->ends_with_launch = item->what == LAUNCH;
  return 0;
}

static void multiply(const product *p) {
  for (int batch = 0; batch < p->batch; batch++) {
    const float *a = p->a + batch * p->stride_a, *b = p->b + batch * p->stride_b;
    float *c = p->c + batch * p->stride_c;
    for (int j = 0; j < p->n; j++)
      for (int i = 0; i < p->m; i++) {
        double sum = 0;
        for (int l = 0; l < p->k; l++)
          sum += (double)a[p->transpose_a ? l + (long)i * p->lda : i + (long)l * p->lda] *
                 b[p->transpose_b ? j + (long)l * p->ldb : l + (long)j * p->ldb];
        float *place = c + i + (long)j * p->ldc;
        double old = p->beta == 0 ? 0 : p->beta * *place;
        *place = (float)(p->alpha * sum + old + (p->bias ? p->bias[i] : 0));
      }
  }
}

/// Both ends of a copy must be the caller's memory when its turn comes, not only when it was queued.
static void copy(const work *item) {
  int in = item->what == COPY_IN, out = item->what == COPY_OUT;
  if (!out && !is_inside(BLOCK, item->to, item->bytes)) {
    fault("a copy to memory that is not on the device", 0);
    return;
  }
  if (!in && !is_inside(BLOCK, item->from, item->bytes)) {
    fault("a copy from memory that is not on the device", 0);
    return;
  }
  if (in && !is_inside(HOST_BLOCK, item->from, item->bytes)) {
    fault("a copy from memory that is not page-locked", 0);
    return;
  }
  memmove(item->to, item->from, item->bytes);
}

static void run(const work *item) {
  switch (item->what) {
    case COPY_IN:
    case COPY_OUT:
    case COPY_ACROSS: copy(item); break;
    case FILL:
      if (!is_inside(BLOCK, item->to, item->bytes)) {
        fault("a filling of memory that is not on the device", 0);
        break;
      }
      for (size_t i = 0; i < item->bytes / 4; i++) ((unsigned *)item->to)[i] = item->value;
      break;
    case LAUNCH:
      if (machine->on_launch) machine->on_launch(&item->launch, machine->context);
      break;
    case PRODUCT: multiply(&item->product); break;
  }
}

void drain(object *stream, long end) {
  while (stream->done < end) {
    // The list may grow elsewhere meanwhile.
    work item = stream->list.items[stream->done++];
    if (!machine->idle) run(&item);
  }
}

void drain_all(void) {
  for (object *o = machine->objects; o; o = o->next)
    if (o->kind == STREAM && o->alive) drain(o, o->list.count);
}
