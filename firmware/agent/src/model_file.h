/* The .tflite, mapped into memory. */
#ifndef EDGEQ_AGENT_MODEL_FILE_H
#define EDGEQ_AGENT_MODEL_FILE_H

#include <stddef.h>

namespace edgeq {

class ModelFile {
 public:
  ModelFile() = default;
  ModelFile(const ModelFile &) = delete;
  ModelFile &operator=(const ModelFile &) = delete;
  ~ModelFile() { close(); }

  /* Says on stderr what is wrong, and returns false. */
  bool open(const char *path);
  void close();

  const void *data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  void *data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace edgeq

#endif
