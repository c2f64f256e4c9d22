/* Faults of a disk, for tests: preloaded into a process, it makes writes or syncs fail.

   The first byte of the file that FAULTS names says which, and may change at any time:
   'f' the disk is full (writes fail with ENOSPC), 's' syncs fail with EIO, 'r' the disk has become
   read-only (writes fail with EROFS), else all is well.
   Only regular files are struck, so that pipes go on telling what happens. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static const volatile char *mode;

__attribute__((constructor)) static void prepare(void) {
    const char *path = getenv("FAULTS");
    int descriptor = path ? open(path, O_RDONLY) : -1;
    if (descriptor < 0) return;
    void *page = mmap(NULL, 1, PROT_READ, MAP_SHARED, descriptor, 0);
    if (page != MAP_FAILED) mode = page;
    close(descriptor);
}

static int struck(int descriptor, char fault) {
    struct stat about;
    return mode && *mode == fault && fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define UNWRITTEN(descriptor) \
    if (struck(descriptor, 'f')) { errno = ENOSPC; return -1; } \
    if (struck(descriptor, 'r')) { errno = EROFS; return -1; }
#define UNSYNCED(descriptor) \
    if (struck(descriptor, 's')) { errno = EIO; return -1; }

ssize_t write(int d, const void *data, size_t size) { UNWRITTEN(d) return REAL(write)(d, data, size); }

ssize_t pwrite(int d, const void *data, size_t size, off_t place) {
    UNWRITTEN(d) return REAL(pwrite)(d, data, size, place);
}

ssize_t pwrite64(int d, const void *data, size_t size, off64_t place) {
    UNWRITTEN(d) return REAL(pwrite64)(d, data, size, place);
}

int fsync(int d) { UNSYNCED(d) return REAL(fsync)(d); }

int fdatasync(int d) { UNSYNCED(d) return REAL(fdatasync)(d); }

int posix_fallocate(int d, off_t start, off_t size) {
    return struck(d, 'f') ? ENOSPC : struck(d, 'r') ? EROFS : REAL(posix_fallocate)(d, start, size);
}

int posix_fallocate64(int d, off64_t start, off64_t size) {
    return struck(d, 'f') ? ENOSPC : struck(d, 'r') ? EROFS : REAL(posix_fallocate64)(d, start, size);
}

int msync(void *start, size_t size, int flags) {
    if (mode && *mode == 's') { errno = EIO; return -1; }
    return REAL(msync)(start, size, flags);
}
