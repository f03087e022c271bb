/* Files that a user names: see file.h. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int tp_file_open(const char *path, size_t most, const char **why) {
  struct stat about;
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  *why = NULL;
  if (fd < 0 || fstat(fd, &about) != 0) {
    *why = strerror(errno);
  } else if (S_ISDIR(about.st_mode)) {
    *why = strerror(EISDIR);
    errno = 0;
  } else if (!S_ISREG(about.st_mode)) {
    *why = "it is no regular file";
    errno = 0;
  } else if (most > 0 && about.st_size > (off_t)most) {
    *why = "it has more than 1 MiB";
    errno = 0;
  }
  if (*why == NULL) return fd;
  if (fd >= 0) close(fd);
  return -1;
}
