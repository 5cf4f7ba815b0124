#include "os_emu/file/watch.h"

#include "abi/check.h"

namespace pollux::os_emu {

FileWatch::FileWatch(WatchedFile& file) : file_(file) {
  file_.HoldForWatch();
  if (file_.first_watch_ == nullptr) {
    file_.first_watch_ = this;
    return;
  }
  FileWatch* last = file_.first_watch_;
  while (last->next_ != nullptr) last = last->next_;
  last->next_ = this;
  previous_ = last;
}

FileWatch::~FileWatch() {
  (previous_ != nullptr ? previous_->next_ : file_.first_watch_) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  file_.LetGoForWatch();
}

WatchedFile::~WatchedFile() {
  POLLUX_CHECK(first_watch_ == nullptr) << "a file was destroyed with watches";
}

void WatchedFile::Tell(const FileEvent& event) {
  if (first_watch_ == nullptr) return;
  HoldForWatch();  // The last watch may go.
  for (FileWatch* watch = first_watch_; watch != nullptr;) {
    FileWatch* next = watch->next_;
    watch->OnEvent(event);
    watch = next;
  }
  LetGoForWatch();
}

void WatchedFile::TellGone() {
  if (first_watch_ == nullptr) return;
  HoldForWatch();
  Tell({.mask = kEventDeleteSelf});
  while (first_watch_ != nullptr) {
    FileWatch* watch = first_watch_;
    watch->OnGone();
    POLLUX_CHECK(first_watch_ != watch) << "a watch outlives its file";
  }
  LetGoForWatch();
}

}  // namespace pollux::os_emu
