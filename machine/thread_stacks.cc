#include "machine/thread_stacks.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "machine/contained.h"
#include "machine/stack/backtrace.h"
#include "memory/user_buffer.h"
#include "os_emu/file/description.h"
#include "os_emu/file/file_status.h"
#include "os_emu/vfs/caller.h"

namespace pollux::machine {
namespace {

constexpr uint64_t kMostFileBytes = uint64_t{256} << 20, kMostBytes = uint64_t{512} << 20;
constexpr size_t kMostThreads = 256;

// Reads the files behind mappings, as far as `left` goes.
class FileReader {
 public:
  explicit FileReader(os_emu::FileSystem& files) : files_(files) {}

  std::string Read(const memory::Mapping& mapping) {
    const os_emu::Caller root = os_emu::RootCaller();
    const Result<os_emu::FileStatus> status = files_.Stat(root, {}, mapping.name);
    // Another file may have the name by now.
    if (!status.ok() || (status->mode & os_emu::kModeTypeMask) != os_emu::kModeRegular ||
        status->ino != mapping.inode || status->size > std::min(kMostFileBytes, left_))
      return {};
    const Result<os_emu::DescriptionRef> file = files_.Open(root, {}, mapping.name, 0);
    if (!file.ok()) return {};
    std::string bytes(status->size, '\0');
    size_t done = 0;
    while (done < bytes.size()) {
      memory::UserBuffer to = memory::UserBuffer::Host(
          {reinterpret_cast<uint8_t*>(bytes.data()) + done, bytes.size() - done});
      const Result<size_t> count = (*file)->ReadAt(to, done);
      if (!count.ok() || *count == 0) break;
      done += *count;
    }
    bytes.resize(done);
    left_ -= done;
    return bytes;
  }

 private:
  os_emu::FileSystem& files_;
  uint64_t left_ = kMostBytes;
};

// "INDEX\tFRAME" lines.
std::vector<std::vector<Frame>> Parse(std::string_view lines, size_t count) {
  std::vector<std::vector<Frame>> stacks(count);
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(lines.data(), lines.size()), '\n', absl::SkipEmpty())) {
    const size_t tab = line.find('\t');
    size_t index = 0;
    if (tab == absl::string_view::npos || !absl::SimpleAtoi(line.substr(0, tab), &index) ||
        index >= count || stacks[index].size() >= kMostFrames)
      continue;
    const absl::string_view rest = line.substr(tab + 1);
    std::optional<Frame> frame = DecodeFrame({rest.data(), rest.size()});
    if (frame.has_value()) stacks[index].push_back(*std::move(frame));
  }
  return stacks;
}

}  // namespace

std::vector<std::vector<Frame>> StacksOf(os_emu::FileSystem& files,
                                         std::span<const StackSubject> subjects) {
  const std::span<const StackSubject> shown =
      subjects.first(std::min(subjects.size(), kMostThreads));
  std::map<memory::AddressSpace*, std::unique_ptr<Backtracer>> tracers;
  const auto prepare = [&] {
    FileReader reader(files);
    for (const StackSubject& subject : shown) {
      std::unique_ptr<Backtracer>& tracer = tracers[subject.memory];
      if (tracer != nullptr) continue;
      tracer = std::make_unique<Backtracer>(
          *subject.memory,
          [&reader](const memory::Mapping& mapping) { return reader.Read(mapping); });
    }
  };
  const auto work = [&](const std::function<void(std::string_view)>& say) {
    for (size_t i = 0; i < shown.size(); ++i) {
      // This process is a copy of the machine, which may be changed.
      if (const StackCopy* const then = shown[i].then) {
        memory::UserBuffer to(shown[i].memory, then->start, then->bytes.size());
        to.CopyTo(then->bytes);
      }
      for (const Frame& frame : tracers.at(shown[i].memory)->StackOf(*shown[i].cpu))
        say(absl::StrCat(i, "\t", EncodeFrame(frame)));
    }
  };
  return Parse(RunContained(prepare, work), subjects.size());
}

}  // namespace pollux::machine
