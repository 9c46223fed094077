// A time of day that jumps by decades at each look, loaded before the C library's own.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <time.h>

static long jump(void) {
  static atomic_uint looks;
  static const long jumps[] = {0, -1500000000, 900000000, 3600, -86400, 1500000000, 7};
  return jumps[atomic_fetch_add(&looks, 1) % 7];
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int (*own)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
  int status = own(clock, time);
  if (status == 0 && clock == CLOCK_REALTIME) time->tv_sec += jump();
  return status;
}

time_t time(time_t *result) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result) *result = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}
