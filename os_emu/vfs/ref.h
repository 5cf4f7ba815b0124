// Ref<T>: a strong reference to an object that counts its own references (Ref() and Unref()). For
// the graph of inodes and dentries: one pointer wide, and the object decides how it goes, so that
// long chains are let go in a loop and not by recursion. Single-threaded.
#ifndef POLLUX_OS_EMU_VFS_REF_H_
#define POLLUX_OS_EMU_VFS_REF_H_

#include <cstddef>
#include <utility>

namespace pollux::os_emu {

template <typename T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}  // NOLINT: implicit by intent.
  // Takes a fresh object (no reference yet) or shares a living one.
  explicit Ref(T* object) : object_(object) {
    if (object_ != nullptr) object_->AddReference();
  }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->DropReference();
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const Ref& a, const Ref& b) { return a.object_ == b.object_; }
  friend bool operator==(const Ref& a, const T* b) { return a.object_ == b; }

  // Gives the pointer away with its reference.
  T* Release() { return std::exchange(object_, nullptr); }

 private:
  T* object_ = nullptr;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_REF_H_
