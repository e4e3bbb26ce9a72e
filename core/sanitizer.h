/* core/sanitizer.h: which sanitizers this build has, whether gcc or clang compiles it. Each macro is 1 or 0. */
#ifndef RONDO_CORE_SANITIZER_H
#define RONDO_CORE_SANITIZER_H

#if defined(__has_feature)
#define SANITIZER_FEATURE(name) __has_feature(name)
#else
#define SANITIZER_FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || SANITIZER_FEATURE(address_sanitizer)
#define SANITIZER_ADDRESS 1
#else
#define SANITIZER_ADDRESS 0
#endif

#if defined(__SANITIZE_THREAD__) || SANITIZER_FEATURE(thread_sanitizer)
#define SANITIZER_THREAD 1
#else
#define SANITIZER_THREAD 0
#endif

/* A sanitizer whose shadow memory takes terabytes of addresses, and which replaces the allocator. */
#define SANITIZER_SHADOW (SANITIZER_ADDRESS || SANITIZER_THREAD || SANITIZER_FEATURE(memory_sanitizer))

#endif
