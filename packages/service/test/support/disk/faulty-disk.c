/*
 * Is loaded before libc (LD_PRELOAD), and does to a process what a disk or a kill may do at a system call: an error, a wait, the
 * end of the process before or after the call. Which calls are concerned is in a file that a test writes while the process runs.
 * Pages that were written to a store and not flushed are kept in a journal, so that a test can take them away as a power failure does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* As in faulty-disk.ts. */
enum { WRITE = 1, HEAD = 2, FLUSH = 4, SEND = 8, READ = 16 };
enum { KILL_BEFORE = 1, KILL_AFTER = 2, FAIL = 3, HOLD = 4, SHORTEN = 5 };

/* What a call does. */
enum { REFUSED = -1, USUAL = 0, DEADLY = 1, SHORT = 2 };
enum { RULES = 16, TEXT_BYTES = 232, HEAD_BYTES = 8192 };

struct rule {
  /* None: the rule does nothing. */
  _Atomic uint32_t calls;
  /* How many more calls pass. */
  _Atomic int32_t skip;
  /* How many more calls are concerned after those. */
  _Atomic int32_t times;
  uint32_t action;
  /* An errno; of KILL_BEFORE, for how many milliseconds the call is held before. */
  uint32_t value;
  /* How many calls were concerned so far. */
  _Atomic uint32_t hits;
  /* The end of the file's path; of what is sent, a part of it. */
  char text[TEXT_BYTES];
};

static struct rule *rules;
static int journal = -1;
/* In place of the first digits of the id that the kernel draws when the machine starts. */
static const char *boot;
enum { BOOT_DIGITS = 8 };

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("FAULTY_DISK_RULES");
  int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (fd == -1) return;
  void *map = mmap(NULL, RULES * sizeof(struct rule), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) abort();
  rules = map;
  boot = getenv("FAULTY_DISK_BOOT");
  path = getenv("FAULTY_DISK_JOURNAL");
  if (path != NULL) journal = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static int ends_with(int fd, const char *end) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path);
  ssize_t wanted = (ssize_t)strlen(end);
  return length >= wanted && memcmp(path + length - wanted, end, (size_t)wanted) == 0;
}

static int is_socket(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

static int contains(const struct iovec *pieces, int count, const char *text) {
  for (int i = 0; i < count; i += 1)
    if (memmem(pieces[i].iov_base, pieces[i].iov_len, text, strlen(text)) != NULL) return 1;
  return 0;
}

static int concerns(struct rule *rule, uint32_t call, int fd, const struct iovec *pieces, int count) {
  if (call == SEND ? !contains(pieces, count, rule->text) || !is_socket(fd) : !ends_with(fd, rule->text)) return 0;
  if (atomic_fetch_sub(&rule->skip, 1) > 0) return 0;
  if (atomic_fetch_sub(&rule->times, 1) <= 0) return 0;
  atomic_fetch_add(&rule->hits, 1);
  return 1;
}

static void wait_for(uint32_t ms) {
  struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
  while (nanosleep(&time, &time) == -1 && errno == EINTR) continue;
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/* Returns what the call does; of one that is refused, errno has the error. */
static int before(uint32_t call, int fd, const struct iovec *pieces, int count) {
  int result = USUAL;
  for (int i = 0; rules != NULL && i < RULES; i += 1) {
    struct rule *rule = &rules[i];
    if ((atomic_load(&rule->calls) & call) == 0 || !concerns(rule, call, fd, pieces, count)) continue;
    /* Until the test ends the rule. */
    while (rule->action == HOLD && atomic_load(&rule->calls) != 0) wait_for(2);
    if (rule->action == KILL_BEFORE) {
      wait_for(rule->value);
      die();
    }
    if (rule->action == KILL_AFTER) result = DEADLY;
    if (rule->action == SHORTEN) result = SHORT;
    if (rule->action == FAIL) {
      errno = (int)rule->value;
      return REFUSED;
    }
  }
  return result;
}

static ssize_t after(int verdict, ssize_t result) {
  if (verdict == DEADLY) die();
  return result;
}

/* A record of the journal, and before it for UNFLUSHED what was in the file. */
struct record {
  uint32_t kind;
  uint32_t length;
  uint64_t offset;
};
/* FLUSHED: what was before this offset in the journal is on the disk. THROUGH: what was written there is. */
enum { UNFLUSHED = 1, FLUSHED = 2, THROUGH = 3 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int reader = -1;

static void note(uint32_t kind, uint32_t length, uint64_t offset, const char *content) {
  struct record record = {kind, length, offset};
  struct iovec pieces[] = {{&record, sizeof record}, {(void *)content, content == NULL ? 0 : length}};
  if (syscall(SYS_writev, journal, pieces, 2) == -1) abort();
}

/* Keeps what a write will replace; zeros after the end of the file. */
static void keep(int fd, uint64_t offset, const struct iovec *pieces, int count) {
  if (reader == -1) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    reader = open(link, O_RDONLY | O_CLOEXEC);
  }
  size_t length = 0;
  for (int i = 0; i < count; i += 1) length += pieces[i].iov_len;
  char *content = calloc(1, length);
  if (content == NULL || syscall(SYS_pread64, reader, content, length, offset) == -1) abort();
  note(UNFLUSHED, (uint32_t)length, offset, content);
  free(content);
}

static ssize_t write_file(int fd, const struct iovec *pieces, int count, off_t at) {
  off_t offset = at == -1 ? (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR) : at;
  /* What is sent has no offset. */
  int verdict = before(offset == -1 ? SEND : offset < HEAD_BYTES ? HEAD : WRITE, fd, pieces, count);
  if (verdict == REFUSED) return -1;
  if (verdict == SHORT) return 0;
  int isKept = journal != -1 && offset != -1 && ends_with(fd, "/store/data.mdb");
  if (isKept) {
    pthread_mutex_lock(&lock);
    keep(fd, (uint64_t)offset, pieces, count);
  }
  ssize_t result = at == -1 ? syscall(SYS_writev, fd, pieces, count) : syscall(SYS_pwritev, fd, pieces, count, at, 0);
  int error = errno;
  if (isKept) {
    if (result > 0 && (fcntl(fd, F_GETFL) & O_DSYNC) != 0) note(THROUGH, (uint32_t)result, (uint64_t)offset, NULL);
    pthread_mutex_unlock(&lock);
  }
  errno = error;
  return after(verdict, result);
}

static int flush(int fd, long number) {
  int verdict = before(FLUSH, fd, NULL, 0);
  if (verdict == REFUSED) return -1;
  int isKept = journal != -1 && ends_with(fd, "/store/data.mdb");
  uint64_t end = 0;
  if (isKept) {
    pthread_mutex_lock(&lock);
    end = (uint64_t)lseek(journal, 0, SEEK_END);
    pthread_mutex_unlock(&lock);
  }
  int result = (int)syscall(number, fd);
  if (isKept && result == 0) {
    pthread_mutex_lock(&lock);
    note(FLUSHED, 0, end, NULL);
    pthread_mutex_unlock(&lock);
  }
  return (int)after(verdict, result);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  struct iovec piece = {(void *)bytes, length};
  return write_file(fd, &piece, 1, -1);
}

ssize_t writev(int fd, const struct iovec *pieces, int count) { return write_file(fd, pieces, count, -1); }

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
  struct iovec piece = {(void *)bytes, length};
  return write_file(fd, &piece, 1, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) { return pwrite(fd, bytes, length, at); }

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t at) { return write_file(fd, pieces, count, at); }

ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off_t at) { return write_file(fd, pieces, count, at); }

int fdatasync(int fd) { return flush(fd, SYS_fdatasync); }

int fsync(int fd) { return flush(fd, SYS_fsync); }

ssize_t read(int fd, void *bytes, size_t length) {
  int verdict = before(READ, fd, NULL, 0);
  if (verdict == REFUSED) return -1;
  ssize_t result = syscall(SYS_read, fd, bytes, length);
  if (boot != NULL && result > BOOT_DIGITS && length < 64 && ends_with(fd, "/random/boot_id"))
    memcpy(bytes, boot, BOOT_DIGITS);
  return after(verdict, result);
}

ssize_t pread(int fd, void *bytes, size_t length, off_t at) {
  int verdict = before(READ, fd, NULL, 0);
  return verdict == REFUSED ? -1 : after(verdict, syscall(SYS_pread64, fd, bytes, length, at));
}

ssize_t pread64(int fd, void *bytes, size_t length, off_t at) { return pread(fd, bytes, length, at); }
