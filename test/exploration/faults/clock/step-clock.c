/*
 * Sets the wall clock of one process forward or back, while it runs: the file STEP_CLOCK_FILE holds how far, in
 * microseconds, as a 64-bit integer. The monotonic clock is left alone. Load it by LD_PRELOAD.
 *
 * libfaketime does the same for most programs, but redis-server does not start under it: jemalloc asks for the time
 * before libfaketime is ready. This asks the kernel and needs nothing that has to be ready.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offset_us;

__attribute__((constructor)) static void map_offset(void) {
  const char *path = getenv("STEP_CLOCK_FILE");
  int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (mapped != MAP_FAILED) offset_us = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int failed = (int)syscall(SYS_clock_gettime, clock, now);
  if (failed || offset_us == NULL) return failed;
  if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return 0;
  int64_t ns = now->tv_nsec + *offset_us % 1000000 * 1000;
  int64_t carry = ns < 0 ? -1 : ns / 1000000000;
  now->tv_sec += *offset_us / 1000000 + carry;
  now->tv_nsec = ns - carry * 1000000000;
  return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec exact;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *result) {
  struct timespec exact;
  if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
  if (result != NULL) *result = exact.tv_sec;
  return exact.tv_sec;
}
