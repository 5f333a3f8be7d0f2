/* Stands between a program and the C library, counts the file operations under given folders, and lets the N-th one go wrong.
 *
 *   cc -O1 -shared -fPIC -o shim.so shim.c -ldl        then LD_PRELOAD=shim.so FAULTS_UNDER=... program
 *
 *   FAULTS_UNDER  folders separated by `:`; only operations on files in them count (a rename, where either name is)
 *   FAULTS_LOG    a file that gets a line for each operation: its number, what it is, on which file
 *   FAULTS_AT     number of the operation that goes wrong, from 1
 *   FAULTS_DO     what happens there:
 *                 `errno:E`   it fails with the error E, and so does every later one of its class (a full disk stays full)
 *                 `once:E`    it alone fails with the error E
 *                 `kill`      the process is killed before it; of a write, after the first half of its bytes
 *                 `signal:S`  the process gets the signal S before it; for SIGXFSZ it also fails with EFBIG, as the kernel does
 *   FAULTS_READS  1: reads (`read`, `pread`) of files under the folders count as well
 *   FAULTS_FLOCK  `flock` fails everywhere, with this error
 *   FAULTS_SLOW   milliseconds that every counted operation takes longer
 *
 * Operations that give space back or end something (unlink, rmdir, close) never fail with ENOSPC or EDQUOT, and a close never fails at all.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* What a failure with ENOSPC spares. */
enum class { TAKES_SPACE, GIVES_BACK, READS, ENDS };

static atomic_int count;
static int log_fd = -1;
/* Files opened for writing (1) or reading (2) under the folders, by descriptor. */
#define MOST_FILES 65536
static _Atomic unsigned char watched[MOST_FILES];

static struct {
    const char *under, *act;
    int at, reads, flock_error, slow_ms;
} set;

__attribute__((constructor)) static void start(void) {
    const char *log = getenv("FAULTS_LOG");
    const char *at = getenv("FAULTS_AT"), *reads = getenv("FAULTS_READS"), *lock = getenv("FAULTS_FLOCK"), *slow = getenv("FAULTS_SLOW");
    set.under = getenv("FAULTS_UNDER");
    set.act = getenv("FAULTS_DO");
    set.at = at ? atoi(at) : 0;
    set.reads = reads && atoi(reads);
    set.flock_error = lock ? atoi(lock) : 0;
    set.slow_ms = slow ? atoi(slow) : 0;
    if (log)
        log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

#define REAL(name) \
    static typeof(name) *real; \
    if (!real) real = (typeof(name) *)dlsym(RTLD_NEXT, #name)

static int begins_with_a_folder(const char *path) {
    for (const char *folder = set.under; folder && *folder;) {
        size_t len = strcspn(folder, ":");
        if (len && !strncmp(path, folder, len) && (path[len] == '/' || !path[len])) return 1;
        folder += len + (folder[len] == ':');
    }
    return 0;
}

/* The absolute path that a name stands for below the folder `dir`; links are not followed. */
static const char *absolute(int dir, const char *name, char *out) {
    if (name[0] == '/') return name;
    char link[64];
    ssize_t len;
    if (dir == AT_FDCWD) {
        len = getcwd(out, PATH_MAX) ? (ssize_t)strlen(out) : -1;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
        len = readlink(link, out, PATH_MAX - 1);
    }
    if (len < 0 || len + strlen(name) + 2 > PATH_MAX) return name;
    out[len] = '/';
    strcpy(out + len + 1, name);
    return out;
}

static const char *name_of(int fd, char *out) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, out, PATH_MAX - 1);
    out[len < 0 ? 0 : len] = 0;
    return out;
}

static int spared(enum class class, int error) {
    int full = error == ENOSPC || error == EDQUOT;
    return class == ENDS || (full && class != TAKES_SPACE) || (error == EROFS && class == READS);
}

/* Counts one operation; the error it is to fail with, or 0, or -1 where the process is to be killed in its middle. */
static int goes_wrong(enum class class, const char *what, const char *path) {
    if (class == READS && !set.reads) return 0;
    int number = atomic_fetch_add(&count, 1) + 1;
    if (log_fd >= 0) {
        char line[PATH_MAX + 64];
        int len = snprintf(line, sizeof line, "%d %s %s\n", number, what, path);
        syscall(SYS_write, log_fd, line, len < (int)sizeof line ? len : (int)sizeof line);
    }
    if (set.slow_ms) usleep(1000 * set.slow_ms);
    if (!set.act || !set.at || number < set.at) return 0;
    int value = strchr(set.act, ':') ? atoi(strchr(set.act, ':') + 1) : 0;
    if (!strncmp(set.act, "errno:", 6)) return spared(class, value) ? 0 : value;
    if (number > set.at) return 0;
    if (!strncmp(set.act, "once:", 5)) return spared(class, value) ? 0 : value;
    if (!strcmp(set.act, "kill")) return -1;
    if (!strncmp(set.act, "signal:", 7)) {
        kill(getpid(), value);
        return value == SIGXFSZ && class == TAKES_SPACE ? EFBIG : 0;
    }
    return 0;
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* Lets an operation on a path, or on two, go wrong: true with errno set where it is to fail. */
static int stops(enum class class, const char *what, int dir, const char *path, int dir2, const char *path2) {
    char one[PATH_MAX], two[PATH_MAX];
    const char *first = absolute(dir, path, one), *second = path2 ? absolute(dir2, path2, two) : NULL;
    if (!begins_with_a_folder(first) && !(second && begins_with_a_folder(second))) return 0;
    int error = goes_wrong(class, what, second ? second : first);
    if (error < 0) die();
    if (error) errno = error;
    return error;
}

static int is_watched(int fd, int how) { return fd >= 0 && fd < MOST_FILES && watched[fd] == how; }

static int stops_file(enum class class, const char *what, int fd) {
    char path[PATH_MAX];
    if (!is_watched(fd, class == READS ? 2 : 1)) return 0;
    int error = goes_wrong(class, what, name_of(fd, path));
    if (error < 0 && class != TAKES_SPACE) die();
    if (error > 0) errno = error;
    return error;
}

static int watch(int fd, int dir, const char *path, int flags) {
    char out[PATH_MAX];
    if (fd >= 0 && fd < MOST_FILES && !(flags & O_DIRECTORY))
        watched[fd] = !begins_with_a_folder(absolute(dir, path, out)) ? 0 : (flags & O_ACCMODE) == O_RDONLY ? 2 : 1;
    return fd;
}

static int opens(int dir, const char *path, int flags) {
    if ((flags & (O_ACCMODE | O_CREAT | O_TRUNC)) == O_RDONLY) return 0;
    return stops(TAKES_SPACE, flags & O_CREAT ? "create" : "open", dir, path, 0, NULL);
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) {
    REAL(open);
    MODE(flags);
    return opens(AT_FDCWD, path, flags) ? -1 : watch(real(path, flags, mode), AT_FDCWD, path, flags);
}
int open64(const char *path, int flags, ...) {
    REAL(open64);
    MODE(flags);
    return opens(AT_FDCWD, path, flags) ? -1 : watch(real(path, flags, mode), AT_FDCWD, path, flags);
}
int openat(int dir, const char *path, int flags, ...) {
    REAL(openat);
    MODE(flags);
    return opens(dir, path, flags) ? -1 : watch(real(dir, path, flags, mode), dir, path, flags);
}
int openat64(int dir, const char *path, int flags, ...) {
    REAL(openat64);
    MODE(flags);
    return opens(dir, path, flags) ? -1 : watch(real(dir, path, flags, mode), dir, path, flags);
}
int creat(const char *path, mode_t mode) { return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open64(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

/* A write of `len` bytes by `call`, which says how many it is to write. */
#define WRITE(fd, len, what, half, call) \
    int error = stops_file(TAKES_SPACE, what, fd); \
    if (error > 0) return -1; \
    if (error < 0) { \
        size_t part = (len) / 2; \
        if (part) half; \
        die(); \
    } \
    return call

ssize_t write(int fd, const void *data, size_t len) {
    REAL(write);
    WRITE(fd, len, "write", (void)!real(fd, data, part), real(fd, data, len));
}
ssize_t pwrite(int fd, const void *data, size_t len, off_t at) {
    REAL(pwrite);
    WRITE(fd, len, "pwrite", (void)!real(fd, data, part, at), real(fd, data, len, at));
}
ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at) {
    REAL(pwrite64);
    WRITE(fd, len, "pwrite", (void)!real(fd, data, part, at), real(fd, data, len, at));
}
ssize_t writev(int fd, const struct iovec *parts, int n) {
    REAL(writev);
    WRITE(fd, n ? parts[0].iov_len : 0, "writev", (void)!write(fd, parts[0].iov_base, part), real(fd, parts, n));
}
ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t len, unsigned flags) {
    REAL(copy_file_range);
    WRITE(to, len, "copy_file_range", (void)!real(from, from_at, to, to_at, part, flags), real(from, from_at, to, to_at, len, flags));
}
ssize_t sendfile(int to, int from, off_t *at, size_t len);
ssize_t sendfile64(int to, int from, off64_t *at, size_t len) {
    REAL(sendfile64);
    WRITE(to, len, "sendfile", (void)!real(to, from, at, part), real(to, from, at, len));
}
ssize_t sendfile(int to, int from, off_t *at, size_t len) {
    REAL(sendfile);
    WRITE(to, len, "sendfile", (void)!real(to, from, at, part), real(to, from, at, len));
}
ssize_t read(int fd, void *data, size_t len) {
    REAL(read);
    return stops_file(READS, "read", fd) ? -1 : real(fd, data, len);
}
ssize_t pread(int fd, void *data, size_t len, off_t at) {
    REAL(pread);
    return stops_file(READS, "pread", fd) ? -1 : real(fd, data, len, at);
}
ssize_t pread64(int fd, void *data, size_t len, off64_t at) {
    REAL(pread64);
    return stops_file(READS, "pread", fd) ? -1 : real(fd, data, len, at);
}

/* Operations on a descriptor that cannot be done by half. */
#define ON_FILE(what, call) \
    int error = stops_file(TAKES_SPACE, what, fd); \
    if (error < 0) die(); \
    return error ? -1 : call

/* Counted, but not done: what a process wrote outlives it in the system's cache, and the disk need not wait for a test. */
static int sync_file(const char *what, int fd, int (*real)(int)) {
    char path[PATH_MAX];
    /* Folders are opened for reading, and synced all the same. */
    if (!begins_with_a_folder(name_of(fd, path))) return real(fd);
    int error = goes_wrong(TAKES_SPACE, what, path);
    if (error < 0) die();
    if (error) errno = error;
    return error ? -1 : 0;
}
int fsync(int fd) {
    REAL(fsync);
    return sync_file("fsync", fd, real);
}
int fdatasync(int fd) {
    REAL(fdatasync);
    return sync_file("fdatasync", fd, real);
}
int ftruncate(int fd, off_t len) {
    REAL(ftruncate);
    ON_FILE("ftruncate", real(fd, len));
}
int ftruncate64(int fd, off64_t len) {
    REAL(ftruncate64);
    ON_FILE("ftruncate", real(fd, len));
}
int close(int fd) {
    REAL(close);
    stops_file(ENDS, "close", fd);
    if (fd >= 0 && fd < MOST_FILES) watched[fd] = 0;
    return real(fd);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    return stops(TAKES_SPACE, "rename", AT_FDCWD, from, AT_FDCWD, to) ? -1 : real(from, to);
}
int renameat(int from_dir, const char *from, int to_dir, const char *to) {
    REAL(renameat);
    return stops(TAKES_SPACE, "rename", from_dir, from, to_dir, to) ? -1 : real(from_dir, from, to_dir, to);
}
int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    REAL(renameat2);
    return stops(TAKES_SPACE, "rename", from_dir, from, to_dir, to) ? -1 : real(from_dir, from, to_dir, to, flags);
}
int link(const char *from, const char *to) {
    REAL(link);
    return stops(TAKES_SPACE, "link", AT_FDCWD, to, 0, NULL) ? -1 : real(from, to);
}
int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
    REAL(linkat);
    return stops(TAKES_SPACE, "link", to_dir, to, 0, NULL) ? -1 : real(from_dir, from, to_dir, to, flags);
}
int symlink(const char *target, const char *path) {
    REAL(symlink);
    return stops(TAKES_SPACE, "symlink", AT_FDCWD, path, 0, NULL) ? -1 : real(target, path);
}
int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    return stops(TAKES_SPACE, "mkdir", AT_FDCWD, path, 0, NULL) ? -1 : real(path, mode);
}
int mkdirat(int dir, const char *path, mode_t mode) {
    REAL(mkdirat);
    return stops(TAKES_SPACE, "mkdir", dir, path, 0, NULL) ? -1 : real(dir, path, mode);
}
int unlink(const char *path) {
    REAL(unlink);
    return stops(GIVES_BACK, "unlink", AT_FDCWD, path, 0, NULL) ? -1 : real(path);
}
int unlinkat(int dir, const char *path, int flags) {
    REAL(unlinkat);
    return stops(GIVES_BACK, flags & AT_REMOVEDIR ? "rmdir" : "unlink", dir, path, 0, NULL) ? -1 : real(dir, path, flags);
}
int rmdir(const char *path) {
    REAL(rmdir);
    return stops(GIVES_BACK, "rmdir", AT_FDCWD, path, 0, NULL) ? -1 : real(path);
}

int flock(int fd, int how) {
    REAL(flock);
    if (set.flock_error) {
        errno = set.flock_error;
        return -1;
    }
    return real(fd, how);
}
