// Launches of kernels, whatever function of the driver they come from.
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// The text of the module that a function is in.
static const char *text_of(const char *function) {
  for (object *o = machine->objects; o; o = o->next)
    if (o->kind == MODULE && o->alive && function >= o->memory &&
        function < o->memory + o->bytes)
      return o->memory;
  return NULL;
}

static void kernel_name(const char *parameters, char name[64]) {
  const char *end = parameters;
  while (end[-1] == ' ') end--;
  const char *start = end;
  while (start[-1] == '_' || (start[-1] >= '0' && start[-1] <= '9') ||
         (start[-1] >= 'a' && start[-1] <= 'z') || (start[-1] >= 'A' && start[-1] <= 'Z'))
    start--;
  snprintf(name, 64, "%.*s", (int)(end - start), start);
}

static void keep(const fake_launch *launch) {
  if (machine->launch_count == machine->launch_capacity) {
    machine->launch_capacity = machine->launch_capacity ? 2 * machine->launch_capacity : 64;
    machine->launches =
        realloc(machine->launches, (size_t)machine->launch_capacity * sizeof *machine->launches);
  }
  machine->launches[machine->launch_count++] = *launch;
}

int launch_kernel(fake_launch launch, hc_handle function, hc_handle stream, void **values) {
  const char *text = text_of(function);
  if (!text) return fault("a kernel of a module that was unloaded", INVALID_HANDLE);
  const unsigned *grid = launch.grid, *block = launch.block;
  if (!grid[0] || !grid[1] || !grid[2] || grid[1] > 65535 || grid[2] > 65535 ||
      grid[0] > 0x7fffffff || launch.shared > (unsigned)machine->shared_bytes ||
      block[0] * block[1] * block[2] > 1024 || !block[0])
    return INVALID_VALUE;
  kernel_name(function, launch.name);
  launch.count = parse_parameters(text, function, launch.kinds);
  for (int i = 0; i < launch.count; i++)
    memcpy(&launch.slots[i], values[i], sizeof launch.slots[i]);
  keep(&launch);
  work item = {.what = LAUNCH, .launch = launch};
  return queue(stream, &item);
}
