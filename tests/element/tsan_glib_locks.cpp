// For ThreadSanitizer only. It learns of locks by interposing pthread's, but GMutex and GCond are
// made of futexes inside a GLib that is not instrumented, so everything that GStreamer guards by
// them would look like a race. These functions stand before GLib's for all callers outside GLib and
// add nothing but the note of what is passed on by locking. (GRecMutex and GRWLock are pthread's.)
#include <dlfcn.h>
#include <glib.h>
#include <sanitizer/tsan_interface.h>

namespace {

template <typename Function>
Function* next_of(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

#define CDFSS_NEXT(function) static auto* const next = next_of(&(function), #function)

extern "C" {

void g_mutex_lock(GMutex* mutex) {
  CDFSS_NEXT(g_mutex_lock);
  next(mutex);
  __tsan_acquire(mutex);
}

gboolean g_mutex_trylock(GMutex* mutex) {
  CDFSS_NEXT(g_mutex_trylock);
  const gboolean locked = next(mutex);
  if (locked) __tsan_acquire(mutex);
  return locked;
}

void g_mutex_unlock(GMutex* mutex) {
  CDFSS_NEXT(g_mutex_unlock);
  __tsan_release(mutex);
  next(mutex);
}

void g_cond_wait(GCond* condition, GMutex* mutex) {
  CDFSS_NEXT(g_cond_wait);
  __tsan_release(mutex);
  next(condition, mutex);
  __tsan_acquire(mutex);
}

gboolean g_cond_wait_until(GCond* condition, GMutex* mutex, gint64 end) {
  CDFSS_NEXT(g_cond_wait_until);
  __tsan_release(mutex);
  const gboolean signalled = next(condition, mutex, end);
  __tsan_acquire(mutex);
  return signalled;
}

}  // extern "C"
