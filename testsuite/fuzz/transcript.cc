#include "testsuite/fuzz/transcript.h"

#include <cinttypes>
#include <cstring>
#include <string>

namespace fuzz {
namespace {

uint64_t Mix(uint64_t digest, uint64_t word) {
  digest = (digest ^ word) * 0xff51afd7ed558ccd;
  return digest ^ digest >> 32;
}

const char* ResultName(int result) {
  if (result > 0) return "positive";
  return result == 0 ? "0" : strerrorname_np(-result);
}

// Makes descriptors, or is about something else.
bool TakesNoDescriptor(Sys call) {
  switch (call) {
    case Sys::k_close_range:
    case Sys::k_epoll_create1:
    case Sys::k_eventfd2:
    case Sys::k_getpid:
    case Sys::k_gettid:
    case Sys::k_inotify_init1:
    case Sys::k_kill:
    case Sys::k_memfd_create:
    case Sys::k_mkdirat:
    case Sys::k_mknodat:
    case Sys::k_openat:
    case Sys::k_pidfd_open:
    case Sys::k_pipe2:
    case Sys::k_ppoll:
    case Sys::k_pselect6:
    case Sys::k_renameat2:
    case Sys::k_rt_sigprocmask:
    case Sys::k_rt_sigtimedwait:
    case Sys::k_socket:
    case Sys::k_socketpair:
    case Sys::k_tgkill:
    case Sys::k_timerfd_create:
    case Sys::k_unlinkat:
      return true;
    default:
      return false;
  }
}

}  // namespace

const char* NameOf(Type type) {
  static constexpr const char* kNames[] = {
#define POLLUX_FUZZ_NAME(enumerator, name) name,
      POLLUX_FUZZ_TYPES(POLLUX_FUZZ_NAME)
#undef POLLUX_FUZZ_NAME
  };
  return kNames[type];
}

void Transcript::Add(const Entry& entry) {
  ++count_;
  digest_ = Mix(digest_, static_cast<uint64_t>(entry.call) << 8 | entry.type);
  for (int64_t word : entry.asked) digest_ = Mix(digest_, static_cast<uint64_t>(word));
  digest_ = Mix(digest_, static_cast<uint64_t>(entry.result));
  for (uint64_t word : entry.seen) digest_ = Mix(digest_, word);
  const int result = entry.result > 0 ? 1 : static_cast<int>(entry.result);
  ++reached_[static_cast<size_t>(entry.call)][entry.type][result];
  if (lines_ == nullptr) return;
  std::string line = std::to_string(count_) + " " + NameOf(entry.call) + "(" + NameOf(entry.type);
  for (int64_t word : entry.asked) line += ", " + std::to_string(word);
  line += ") = ";
  line +=
      entry.result < 0 ? ResultName(static_cast<int>(entry.result)) : std::to_string(entry.result);
  for (uint64_t word : entry.seen) {
    char text[24];
    std::snprintf(text, sizeof(text), " %" PRIx64, word);
    line += text;
  }
  line += "\n";
  std::fwrite(line.data(), 1, line.size(), lines_);
}

uint64_t Transcript::TakeDigest() {
  const uint64_t digest = digest_;
  digest_ = kSeed;
  return digest;
}

std::vector<std::pair<Sys, Type>> Transcript::Holes() const {
  std::vector<std::pair<Sys, Type>> holes;
  for (size_t call = 0; call < kSysCount; ++call) {
    if (TakesNoDescriptor(static_cast<Sys>(call))) continue;
    for (size_t type = 0; type < kTypeCount; ++type) {
      if (reached_[call][type].empty()) {
        holes.emplace_back(static_cast<Sys>(call), static_cast<Type>(type));
      }
    }
  }
  return holes;
}

void Transcript::PrintCoverage(std::FILE* to) const {
  for (size_t call = 0; call < kSysCount; ++call) {
    for (size_t type = 0; type < kTypeCount; ++type) {
      if (reached_[call][type].empty()) continue;
      std::fprintf(to, "%-18s %-14s", NameOf(static_cast<Sys>(call)),
                   NameOf(static_cast<Type>(type)));
      for (const auto& [result, times] : reached_[call][type]) {
        std::fprintf(to, " %s:%" PRIu64, ResultName(result), times);
      }
      std::fprintf(to, "\n");
    }
  }
  for (const auto& [call, type] : Holes()) {
    std::fprintf(to, "%-18s %-14s never\n", NameOf(call), NameOf(type));
  }
}

}  // namespace fuzz
