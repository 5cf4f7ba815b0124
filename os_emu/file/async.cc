#include "os_emu/file/async.h"

#include <utility>

#include "abi/check.h"
#include "os_emu/file/description.h"
#include "os_emu/file/fd_label.h"

namespace pollux::os_emu {

AsyncList::~AsyncList() { POLLUX_CHECK(empty()) << "a description is signalled by what is gone"; }

bool AsyncList::Set(FileDescription& file, FdLabel fd, bool on) {
  Entry** at = &first_;
  while (*at != nullptr && (*at)->file != &file) at = &(*at)->next;
  if (on) {
    if (*at != nullptr) {
      (*at)->fd = fd.Reported();
      return false;
    }
    first_ = new Entry{&file, fd.Reported(), first_};
    file.set_status_flags(file.status_flags() | kOAsync);
    return true;
  }
  if (*at == nullptr) return false;
  delete std::exchange(*at, (*at)->next);
  file.set_status_flags(file.status_flags() & ~kOAsync);
  return true;
}

void AsyncList::Clear() {
  while (first_ != nullptr) Set(*first_->file, FdLabel(), false);
}

// kill_fasync_rcu()
void AsyncList::SignalAll(IoReason reason, bool urgent) const {
  for (const Entry* entry = first_; entry != nullptr; entry = entry->next) {
    const SignalOwner* owner = entry->file->signal_owner();
    if (owner == nullptr || owner->target == nullptr || (urgent && owner->signal == 0)) continue;
    owner->target->SendIo(owner->signal, reason, entry->fd);
  }
}

}  // namespace pollux::os_emu
