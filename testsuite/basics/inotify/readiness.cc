// readiness: when poll, select and epoll report an inotify instance, level- and edge-triggered and
// one-shot: each event that is queued is a change, one that is merged is none.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "testsuite/basics/inotify/events.h"

namespace {

int epoll;

void Wait(const char* what) {
  epoll_event events[4];
  const int count = epoll_wait(epoll, events, 4, 0);
  std::printf("  %s: %d", what, count);
  for (int i = 0; i < count; ++i) std::printf(" %x", events[i].events);
  std::printf("\n");
}

void Touch(const char* path, mode_t mode) { Must(chmod(path, mode) == 0, "chmod"); }

void Triggering(const char* how, uint32_t flags) {
  std::printf("%s\n", how);
  const int instance = inotify_init1(IN_NONBLOCK);
  const int watch = inotify_add_watch(instance, ".", IN_ALL_EVENTS);
  epoll = epoll_create1(0);
  epoll_event event = {};
  event.events = flags;
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, instance, &event) == 0, "epoll_ctl");
  char bytes[4096];
  Wait("at first");
  Touch("a", 0600);
  Wait("an event");
  Wait("again");
  Touch("a", 0600);
  Wait("the same: merged");
  Touch("b", 0600);
  Wait("another");
  Must(read(instance, bytes, 32) == 32, "read");
  Wait("one of two read");
  Wait("again");
  Must(read(instance, bytes, 32) == 32, "read");
  Wait("all read");
  Touch("a", 0600);
  Must(read(instance, bytes, 32) == 32, "read");
  Wait("an event that was read");
  Touch("a", 0600);
  Must(epoll_ctl(epoll, EPOLL_CTL_MOD, instance, &event) == 0, "epoll_ctl");
  Wait("modified while ready");
  Wait("again");
  Must(read(instance, bytes, sizeof bytes) == 32, "read");
  Must(inotify_rm_watch(instance, watch) == 0, "inotify_rm_watch");
  Wait("the watch removed");
  Touch("a", 0600);
  Wait("nobody watches");
  Must(read(instance, bytes, sizeof bytes) == 16, "read");
  Wait("read");
  close(instance);
  Wait("closed");
  close(epoll);
}

}  // namespace

int main() {
  EnterScratchDirectory();
  WriteFile("a", "");
  WriteFile("b", "");
  Triggering("level-triggered", EPOLLIN);
  Triggering("level-triggered, everything",
             EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLRDNORM);
  Triggering("edge-triggered", EPOLLIN | EPOLLET);
  Triggering("edge-triggered, everything",
             EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLRDNORM | EPOLLET);
  Triggering("one-shot", EPOLLIN | EPOLLONESHOT);
  Triggering("for writing only", EPOLLOUT | EPOLLET);

  const int instance = inotify_init1(IN_NONBLOCK);
  Must(inotify_add_watch(instance, "a", IN_ATTRIB) == 1, "inotify_add_watch");
  pollfd entry = {instance, POLLIN | POLLOUT | POLLRDNORM, 0};
  std::printf("poll: %d", poll(&entry, 1, 0));
  Touch("a", 0600);
  const int ready = poll(&entry, 1, 0);
  std::printf(", then %d with %x\n", ready, entry.revents);

  fd_set set;
  FD_ZERO(&set);
  FD_SET(instance, &set);
  timeval timeout = {10, 0};
  std::printf("select: %d\n", select(instance + 1, &set, nullptr, nullptr, &timeout));
  entry.events = POLLIN;
  std::printf("poll that could wait: %d\n", poll(&entry, 1, 10000));
  char bytes[100];
  Must(read(instance, bytes, sizeof bytes) == 16, "read");
  std::printf("poll that waits: %d\n", poll(&entry, 1, 20));
  return 0;
}
