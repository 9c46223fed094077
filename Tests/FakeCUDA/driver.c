// libcuda
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int driver_init(unsigned flags) {
  ENTER(driver_init);
  return leave(machine->devices ? 0 : NO_DEVICE);
}

static int driver_driver_version(int *version) {
  ENTER(driver_driver_version);
  *version = machine->driver_version;
  return leave(0);
}

static int driver_error_name(int error, const char **text) {
  ENTER(driver_error_name);
  *text = "CUDA_ERROR_FAKE";
  return leave(0);
}

static int driver_error_text(int error, const char **text) {
  ENTER(driver_error_text);
  switch (error) {
    case OUT_OF_MEMORY: *text = "out of memory"; break;
    case NO_DEVICE: *text = "no CUDA-capable device is detected"; break;
    case ILLEGAL_ADDRESS: *text = "an illegal memory access was encountered"; break;
    default: *text = "something is wrong";
  }
  return leave(0);
}

static int driver_device_count(int *count) {
  ENTER(driver_device_count);
  *count = machine->devices;
  return leave(0);
}

static int driver_device_get(int *device, int ordinal) {
  ENTER(driver_device_get);
  if (ordinal < 0 || ordinal >= machine->devices) return leave(INVALID_VALUE);
  *device = ordinal;
  return leave(0);
}

static int driver_device_name(char *name, int length, int device) {
  ENTER(driver_device_name);
  snprintf(name, (size_t)length, "Imaginary GPU %d", device);
  return leave(0);
}

static int driver_device_attribute(int *value, int attribute, int device) {
  ENTER(driver_device_attribute);
  switch (attribute) {
    case HC_MULTIPROCESSORS: *value = 132; break;
    case HC_COMPUTE_MAJOR: *value = machine->capability / 10; break;
    case HC_COMPUTE_MINOR: *value = machine->capability % 10; break;
    case HC_SHARED_BYTES_PER_BLOCK: *value = machine->shared_bytes; break;
    case HC_CLOCK_KILOHERTZ: *value = 1980000; break;
    case HC_MEMORY_CLOCK_KILOHERTZ: *value = 3201000; break;
    case HC_MEMORY_BUS_BITS: *value = 6144; break;
    case HC_L2_BYTES: *value = 60 << 20; break;
    default: return leave(INVALID_VALUE);
  }
  return leave(0);
}

static int driver_device_memory(size_t *bytes, int device) {
  ENTER(driver_device_memory);
  *bytes = machine->memory;
  return leave(0);
}

/// The device's one context, which counts how often it was asked for.
static object *context_of(int device) {
  for (object *o = machine->objects; o; o = o->next)
    if (o->kind == CONTEXT && o->alive && o->mark == device) return o;
  return NULL;
}

static int driver_context_retain(hc_handle *context, int device) {
  ENTER(driver_context_retain);
  object *o = context_of(device);
  if (!o) o = make(CONTEXT);
  o->mark = device;
  o->bytes++;
  *context = o;
  return leave(0);
}

static int driver_context_release(int device) {
  ENTER(driver_context_release);
  object *o = context_of(device);
  if (!o) return leave(fault("a context given back twice", INVALID_CONTEXT));
  return leave(--o->bytes ? 0 : give_back(o, CONTEXT));
}

static int driver_context_set(hc_handle context) {
  ENTER(driver_context_set);
  return leave(find(context, CONTEXT) ? 0 : INVALID_CONTEXT);
}

static int driver_memory_info(size_t *free_bytes, size_t *total) {
  ENTER(driver_memory_info);
  *free_bytes = machine->memory - machine->used;
  *total = machine->memory;
  return leave(0);
}

static int driver_allocate(hc_address *address, size_t bytes) {
  ENTER(driver_allocate);
  if (!bytes) return leave(INVALID_VALUE);
  if (machine->used + bytes > machine->memory) return leave(OUT_OF_MEMORY);
  object *made = make(BLOCK);
  made->bytes = bytes;
  // The driver's blocks begin at multiples of 256 bytes.
  made->memory = aligned_alloc(256, (bytes + 255) & ~(size_t)255);
  // What is read before it is written is not 0.
  memset(made->memory, 0xa5, bytes < 1 << 20 ? bytes : 1 << 20);
  machine->used += bytes;
  *address = (hc_address)made->memory;
  return leave(0);
}

static int driver_release(hc_address address) {
  ENTER(driver_release);
  drain_all();
  for (object *o = machine->objects; o; o = o->next)
    if (o->kind == BLOCK && o->alive && (hc_address)o->memory == address) {
      machine->used -= o->bytes;
      return leave(give_back(o, BLOCK));
    }
  return leave(fault("memory given back twice", INVALID_VALUE));
}

static int driver_allocate_host(void **address, size_t bytes, unsigned flags) {
  ENTER(driver_allocate_host);
  object *made = make(HOST_BLOCK);
  made->bytes = bytes;
  made->memory = malloc(bytes ? bytes : 1);
  *address = made->memory;
  return leave(0);
}

static int driver_release_host(void *address) {
  ENTER(driver_release_host);
  drain_all();
  for (object *o = machine->objects; o; o = o->next)
    if (o->kind == HOST_BLOCK && o->alive && o->memory == address)
      return leave(give_back(o, HOST_BLOCK));
  return leave(fault("host memory given back twice", INVALID_VALUE));
}

static int driver_copy_in(hc_address to, const void *from, size_t bytes, hc_handle stream) {
  ENTER(driver_copy_in);
  work item = {.what = COPY_IN, .to = (char *)to, .from = from, .bytes = bytes};
  return leave(queue(stream, &item));
}

static int driver_copy_out(void *to, hc_address from, size_t bytes, hc_handle stream) {
  ENTER(driver_copy_out);
  work item = {.what = COPY_OUT, .to = to, .from = (const char *)from, .bytes = bytes};
  return leave(queue(stream, &item));
}

static int driver_copy_across(hc_address to, hc_address from, size_t bytes, hc_handle stream) {
  ENTER(driver_copy_across);
  work item = {
      .what = COPY_ACROSS, .to = (char *)to, .from = (const char *)from, .bytes = bytes};
  return leave(queue(stream, &item));
}

static int driver_fill(hc_address to, unsigned value, size_t count, hc_handle stream) {
  ENTER(driver_fill);
  work item = {.what = FILL, .to = (char *)to, .bytes = 4 * count, .value = value};
  return leave(queue(stream, &item));
}

static int driver_stream_create(hc_handle *stream, unsigned flags) {
  ENTER(driver_stream_create);
  *stream = make(STREAM);
  return leave(0);
}

static int driver_stream_destroy(hc_handle stream) {
  ENTER(driver_stream_destroy);
  object *o = find(stream, STREAM);
  if (o) drain(o, o->list.count);
  // A recording that was never ended goes with its stream.
  if (o && o->graph) give_back(o->graph, GRAPH);
  return leave(give_back(stream, STREAM));
}

static int driver_stream_wait(hc_handle stream) {
  ENTER(driver_stream_wait);
  object *o = find(stream, STREAM);
  if (!o) return leave(INVALID_HANDLE);
  if (o->graph) return leave(CAPTURE_UNSUPPORTED);
  drain(o, o->list.count);
  return leave(machine->fault ? ILLEGAL_ADDRESS : 0);
}

static int driver_stream_wait_event(hc_handle stream, hc_handle event, unsigned flags) {
  ENTER(driver_stream_wait_event);
  object *o = find(event, EVENT);
  if (o && o->stream) drain(o->stream, o->mark);
  return leave(o ? 0 : INVALID_HANDLE);
}

static int driver_capture_begin(hc_handle stream, int mode) {
  ENTER(driver_capture_begin);
  object *o = find(stream, STREAM);
  if (!o || o->graph) return leave(CAPTURE_UNSUPPORTED);
  o->graph = make(GRAPH);
  return leave(0);
}

static int driver_capture_end(hc_handle stream, hc_handle *graph) {
  ENTER(driver_capture_end);
  object *o = find(stream, STREAM);
  if (!o || !o->graph) return leave(CAPTURE_UNSUPPORTED);
  *graph = o->graph;
  o->graph = NULL;
  return leave(0);
}

static int driver_graph_nodes(hc_handle graph, hc_handle *nodes, size_t *count) {
  ENTER(driver_graph_nodes);
  object *o = find(graph, GRAPH);
  if (!o) return leave(INVALID_HANDLE);
  *count = (size_t)o->list.count;
  return leave(0);
}

static int driver_graph_instantiate(
    hc_handle *executable, hc_handle graph, unsigned long long flags) {
  ENTER(driver_graph_instantiate);
  object *o = find(graph, GRAPH);
  if (!o) return leave(INVALID_HANDLE);
  object *made = make(EXECUTABLE);
  for (long i = 0; i < o->list.count; i++) append(&made->list, &o->list.items[i]);
  *executable = made;
  return leave(0);
}

static int driver_graph_launch(hc_handle executable, hc_handle stream) {
  ENTER(driver_graph_launch);
  object *o = find(executable, EXECUTABLE);
  if (!o) return leave(INVALID_HANDLE);
  machine->replays++;
  object *s = find(stream, STREAM);
  if (!s) return leave(INVALID_HANDLE);
  for (long i = 0; i < o->list.count; i++) append(&s->list, &o->list.items[i]);
  s->ends_with_launch = 0;
  return leave(0);
}

static int driver_graph_destroy(hc_handle graph) {
  ENTER(driver_graph_destroy);
  return leave(give_back(graph, GRAPH));
}

static int driver_graph_executable_destroy(hc_handle executable) {
  ENTER(driver_graph_executable_destroy);
  return leave(give_back(executable, EXECUTABLE));
}

static int driver_event_create(hc_handle *event, unsigned flags) {
  ENTER(driver_event_create);
  *event = make(EVENT);
  return leave(0);
}

static int driver_event_record(hc_handle event, hc_handle stream) {
  ENTER(driver_event_record);
  object *o = find(event, EVENT), *s = find(stream, STREAM);
  if (!o || !s) return leave(INVALID_HANDLE);
  o->stream = s;
  o->mark = s->list.count;
  s->ends_with_launch = 0;
  return leave(0);
}

static int driver_event_wait(hc_handle event) {
  ENTER(driver_event_wait);
  object *o = find(event, EVENT);
  if (!o) return leave(INVALID_HANDLE);
  if (o->stream) drain(o->stream, o->mark);
  return leave(0);
}

static int driver_event_elapsed(float *milliseconds, hc_handle from, hc_handle to) {
  ENTER(driver_event_elapsed);
  *milliseconds = 0;
  return leave(0);
}

static int driver_event_destroy(hc_handle event) {
  ENTER(driver_event_destroy);
  return leave(give_back(event, EVENT));
}

static int driver_module_load(hc_handle *module, const void *image) {
  ENTER(driver_module_load);
  char begin[16];
  snprintf(begin, sizeof begin, "FAKE sm_%d", machine->capability);
  const char *rest = (const char *)image + strlen(begin);
  if (strncmp(image, begin, strlen(begin)) || (*rest != '\n' && strncmp(rest, "a\n", 2)))
    return leave(INVALID_IMAGE);
  object *made = make(MODULE);
  made->memory = strdup(rest);
  made->bytes = strlen(made->memory);
  *module = made;
  return leave(0);
}

static int driver_module_unload(hc_handle module) {
  ENTER(driver_module_unload);
  return leave(give_back(module, MODULE));
}

static int driver_module_function(hc_handle *function, hc_handle module, const char *name) {
  ENTER(driver_module_function);
  object *o = find(module, MODULE);
  if (!o) return leave(INVALID_HANDLE);
  const char *found = find_kernel(o->memory, name);
  if (!found) return leave(NOT_FOUND);
  *function = (hc_handle)found;
  return leave(0);
}

static int driver_function_set(hc_handle function, int attribute, int value) {
  ENTER(driver_function_set);
  return leave(function && value <= machine->shared_bytes ? 0 : INVALID_VALUE);
}

static int driver_launch(
    hc_handle function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
    unsigned block_y, unsigned block_z, unsigned shared_bytes, hc_handle stream,
    void **parameters, void **extra) {
  ENTER(driver_launch);
  fake_launch launch = {
      .grid = {grid_x, grid_y, grid_z}, .block = {block_x, block_y, block_z},
      .shared = shared_bytes};
  return leave(launch_kernel(launch, function, stream, parameters));
}

static int launcher_launch(
    const hc_launch_configuration *c, hc_handle function, void **parameters, void **extra) {
  ENTER(launcher_launch);
  fake_launch launch = {
      .grid = {c->grid_x, c->grid_y, c->grid_z}, .block = {c->block_x, c->block_y, c->block_z},
      .shared = c->shared_bytes};
  for (unsigned i = 0; i < c->attribute_count; i++) {
    const hc_launch_attribute *attribute = &c->attributes[i];
    if (attribute->which != HC_LAUNCH_OVERLAPS || machine->capability < 90)
      return leave(INVALID_VALUE);
    launch.overlaps = (int)attribute->value[0];
  }
  return leave(launch_kernel(launch, function, c->stream, parameters));
}

void *driver_symbol(const char *symbol) {
#define FIND(member, name, parameters) \
  if (!strcmp(symbol, name)) return (void *)driver_##member;
#define FIND_LAUNCHER(member, name, parameters) \
  if (!strcmp(symbol, name)) return (void *)launcher_##member;
  HC_DRIVER_FUNCTIONS(FIND)
  HC_LAUNCHER_FUNCTIONS(FIND_LAUNCHER)
  return NULL;
}
