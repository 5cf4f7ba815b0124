// The program as a guest: a machine that is run until it has written the mark of a batch's end. The
// time is the host's, and passes only while the machine is run.
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "abi/check.h"
#include "absl/strings/str_cat.h"
#include "benchmarks/epoll_wait/scene.h"
#include "machine/machine.h"

namespace pollux::benchmarks {
namespace {

uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t all = 0, resident = 0;
  POLLUX_CHECK(static_cast<bool>(statm >> all >> resident));
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// A directory with the file that the guest reads its commands from.
class CommandFile {
 public:
  CommandFile() {
    std::string path = (std::filesystem::temp_directory_path() / "epoll_wait.XXXXXX").string();
    POLLUX_CHECK(mkdtemp(path.data()) != nullptr) << path;
    directory_ = path;
    Write({});
  }
  ~CommandFile() { std::filesystem::remove_all(directory_); }
  CommandFile(const CommandFile&) = delete;
  CommandFile& operator=(const CommandFile&) = delete;

  const std::string& directory() const { return directory_; }
  void Write(const Command& command) {
    std::fstream file(directory_ + "/" + kName, std::ios::binary | std::ios::out |
                                                    (written_ ? std::ios::in : std::ios::trunc));
    file.write(reinterpret_cast<const char*>(&command), sizeof(command));
    POLLUX_CHECK(static_cast<bool>(file.flush()));
    written_ = true;
  }

  static constexpr char kName[] = "command";

 private:
  std::string directory_;
  bool written_ = false;
};

class GuestScene final : public Scene {
 public:
  GuestScene(const std::string& path, SceneKind kind, uint32_t size) : size_(size) {
    std::ifstream file(path, std::ios::binary);
    POLLUX_CHECK(file.is_open()) << path;
    const std::string guest(std::istreambuf_iterator<char>(file), {});
    machine::Options options;
    options.mounts = {absl::StrCat("/control=", command_file_.directory(), ":ro")};
    options.max_memory_bytes = uint64_t{16} << 30;
    options.output = [this](int stream, std::string_view bytes) { OnOutput(stream, bytes); };
    absl::StatusOr<std::unique_ptr<machine::Machine>> machine =
        machine::Machine::Create(std::move(options));
    POLLUX_CHECK(machine.ok()) << machine.status();
    machine_ = *std::move(machine);
    const absl::Status loaded =
        machine_->Load(guest, "program",
                       {"program", absl::StrCat(static_cast<uint32_t>(kind)), absl::StrCat(size),
                        absl::StrCat("/control/", CommandFile::kName)});
    POLLUX_CHECK(loaded.ok()) << loaded;
  }

  void Begin(const Command& command) override {
    const uint32_t sequence = command_.sequence + 1;
    command_ = command;
    command_.sequence = sequence;
    command_file_.Write(command_);
    finished_.clear();
  }
  Seconds Batch() override {
    while (finished_.empty()) RunOn();
    const Seconds taken = finished_.front();
    finished_.pop_front();
    return taken;
  }
  std::optional<double> bytes_per_registration() const override {
    if (registered_bytes_ == 0) return std::nullopt;
    return (static_cast<double>(registered_bytes_) - static_cast<double>(created_bytes_)) / size_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  // For a millisecond or a few.
  void RunOn() {
    constexpr uint64_t kInstructions = 1'000'000;
    resumed_ = Clock::now();
    const std::optional<machine::Outcome> outcome =
        machine_->RunUntil(machine_->instructions() + kInstructions);
    run_ += Clock::now() - resumed_;
    POLLUX_CHECK(!outcome.has_value()) << "the guest has ended. " << outcome->explanation << error_;
  }
  void OnOutput(int stream, std::string_view bytes) {
    const Clock::duration now = run_ + (Clock::now() - resumed_);
    Mark mark;
    if (stream != STDOUT_FILENO || bytes.size() != sizeof(mark)) {
      error_ += bytes;
      return;
    }
    std::memcpy(&mark, bytes.data(), sizeof(mark));
    if (mark.sequence == 0) {
      (mark.end == 0 ? created_bytes_ : registered_bytes_) = ResidentBytes();
    } else if (mark.end == 0) {
      begin_ = now;
    } else if (mark.sequence == command_.sequence) {
      finished_.push_back(now - begin_);
    }
  }

  CommandFile command_file_;
  const uint32_t size_;
  std::unique_ptr<machine::Machine> machine_;
  Command command_;
  std::deque<Seconds> finished_;
  Clock::duration run_{0}, begin_{0};  // How long the machine has run; when the batch began.
  Clock::time_point resumed_;
  uint64_t created_bytes_ = 0, registered_bytes_ = 0;
  std::string error_;
};

}  // namespace

std::unique_ptr<Scene> MakeGuestScene(const std::string& guest, SceneKind kind, uint32_t size) {
  return std::make_unique<GuestScene>(guest, kind, size);
}

}  // namespace pollux::benchmarks
