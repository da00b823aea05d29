#include "model_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"

namespace edgeq {

bool ModelFile::open(const char *path) {
  close();
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  struct stat about = {};
  if (file < 0 || fstat(file, &about) != 0) {
    say("%s: cannot be read: %s.", path, strerror(errno));
    if (file >= 0) (void)::close(file);
    return false;
  }
  const size_t bytes = about.st_size > 0 ? static_cast<size_t>(about.st_size) : 0;
  void *data = bytes > 0 ? mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0) : MAP_FAILED;
  (void)::close(file);
  if (data == MAP_FAILED) {
    say("%s: cannot be read: %s.", path, bytes > 0 ? strerror(errno) : "the file is empty");
    return false;
  }
  data_ = data;
  bytes_ = bytes;
  return true;
}

void ModelFile::close() {
  if (data_ != nullptr) (void)munmap(data_, bytes_);
  data_ = nullptr;
  bytes_ = 0;
}

}  // namespace edgeq
