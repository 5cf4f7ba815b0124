// The parts that /proc and /sys are made of: directories with fixed entries, texts that are made on
// reading, and links.
#ifndef POLLUX_OS_EMU_VFS_PROC_ENTRIES_H_
#define POLLUX_OS_EMU_VFS_PROC_ENTRIES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "abi/result.h"
#include "os_emu/task/kernel.h"
#include "os_emu/vfs/inode.h"
#include "os_emu/vfs/proc_fs.h"

namespace pollux::os_emu {

class ProcFs final : public Super, public std::enable_shared_from_this<ProcFs> {
 public:
  ProcFs(Kernel& kernel, uint64_t device, const char* type_name, uint64_t magic,
         DescriptionReopener* reopener)
      : Super(&kernel.files(), device, /*read_only=*/false),
        kernel_(kernel),
        type_name_(type_name),
        magic_(magic),
        reopener_(reopener) {}

  Kernel& kernel() const { return kernel_; }
  DescriptionReopener* reopener() const { return reopener_; }
  void FillStatus(FileSystemStatus* status) override;
  const char* TypeName() const override { return type_name_; }
  // Of fixed entries, in the order in which they are made.
  uint64_t NextNumber() { return ++last_number_; }

 private:
  Kernel& kernel_;
  const char* type_name_;
  uint64_t magic_;
  DescriptionReopener* reopener_;
  uint64_t last_number_ = 0;
};

// What a text is about. pid and tid are 0 outside of a process's directory.
struct ProcSubject {
  Kernel& kernel;
  Tid pid{0};
  Tid tid{0};
  bool of_task = false;   // Below task/: of the thread alone.
  int32_t number = 0;     // Of a descriptor; of a fixed value.
  const char* text = "";  // Of a fixed value.

  // kSrch: it has gone.
  Result<Process*> FindProcess() const;
  // Of the thread `tid`, which may have ended: a zombie's memory, directory and descriptors are
  // gone.
  Result<Thread*> FindTask() const;
  // kNoEnt: a zombie.
  Result<Thread*> FindLivingTask() const;
};
// What a text is about, and what becomes of it where that is gone.
enum class ProcNeeds {
  kNothing,
  kMemory,        // It is empty.
  kMemoryToOpen,  // It cannot be opened (kSrch), and is empty if it was.
  kMountsToOpen,  // It cannot be opened (kInval).
};
using ProcText = Result<std::string> (*)(const ProcSubject&);
using ProcWriter = Result<void> (*)(const ProcSubject&, std::string_view text);

class ProcInode : public Inode {
 public:
  ProcInode(std::shared_ptr<ProcFs> fs, uint64_t number, uint32_t mode, Tid pid = Tid{0})
      : Inode(std::move(fs), number, mode & kModeTypeMask), mode_(mode), pid_(pid) {}

  // Owned by the process that it belongs to, else by 0.
  Result<FileStatus> GetStatus() override;
  Result<void> SetAttributes(const AttributeChange&) override { return Errno::kPerm; }
  Result<DescriptionRef> Open(const Caller& caller, const DentryRef& self, uint32_t flags) override;

  ProcFs& fs() const { return static_cast<ProcFs&>(super()); }
  std::shared_ptr<ProcFs> shared_fs() const {
    return std::static_pointer_cast<ProcFs>(shared_super());
  }
  Tid pid() const { return pid_; }

 private:
  uint32_t mode_;
  Tid pid_;
};

class ProcDirectoryInode : public ProcInode {
 public:
  ProcDirectoryInode(std::shared_ptr<ProcFs> fs, uint64_t number, uint32_t mode = 0555,
                     Tid pid = Tid{0})
      : ProcInode(std::move(fs), number, kModeDirectory | mode, pid) {}

  void Add(std::string name, InodeRef inode) {
    entries_.emplace_back(std::move(name), std::move(inode));
  }
  ProcDirectoryInode* FindDirectory(std::string_view name) const;

  Result<DentryRef> Lookup(const DentryRef& self, std::string_view name) override;
  Result<std::vector<ListedEntry>> List(const DentryRef& self) override;
  bool LookupIsFinal() const override;

 protected:
  // What is not fixed. Null: no such entry.
  virtual InodeRef FindMore(std::string_view) { return nullptr; }
  virtual void ListMore(std::vector<ListedEntry>&) {}

 private:
  std::vector<std::pair<std::string, InodeRef>> entries_;
};

class ProcTextInode final : public ProcInode {
 public:
  ProcTextInode(std::shared_ptr<ProcFs> fs, uint64_t number, uint32_t mode, ProcText text,
                ProcSubject subject, ProcWriter writer = nullptr,
                ProcNeeds needs = ProcNeeds::kNothing)
      : ProcInode(std::move(fs), number, kModeRegular | mode, subject.pid),
        text_(text),
        writer_(writer),
        needs_(needs),
        subject_(subject) {}

  Result<DescriptionRef> Open(const Caller& caller, const DentryRef& self, uint32_t flags) override;
  Result<std::string> Text() const;
  Result<void> Write(std::string_view text) const;
  // Opening with O_TRUNC is harmless.
  Result<void> Truncate(uint64_t) override { return {}; }

 private:
  ProcText text_;
  ProcWriter writer_;
  ProcNeeds needs_;
  ProcSubject subject_;
};

// A link with a text that depends on the subject or on who asks.
class ProcLinkInode final : public ProcInode {
 public:
  using Target = Result<std::string> (*)(const ProcSubject&, const Caller&);
  ProcLinkInode(std::shared_ptr<ProcFs> fs, uint64_t number, Target target, ProcSubject subject)
      : ProcInode(std::move(fs), number, kModeLink | 0777, subject.pid),
        target_(target),
        subject_(subject) {}

  Result<std::string> ReadLink(const Caller& caller) override { return target_(subject_, caller); }

 private:
  Target target_;
  ProcSubject subject_;
};

// A link that leads to an open description: /proc/PID/fd/N, cwd.
class ProcMagicInode final : public ProcInode {
 public:
  using Target = Result<DescriptionRef> (*)(const ProcSubject&);
  ProcMagicInode(std::shared_ptr<ProcFs> fs, uint64_t number, uint32_t mode, Target target,
                 ProcSubject subject)
      : ProcInode(std::move(fs), number, kModeLink | mode, subject.pid),
        target_(target),
        subject_(subject) {}

  Result<std::string> ReadLink(const Caller& caller) override;
  Result<DentryRef> FollowMagic(const Caller& caller) override;

 private:
  Target target_;
  ProcSubject subject_;
};

// The directory of one process, or of one thread below task/.
InodeRef MakeProcessDirectory(const std::shared_ptr<ProcFs>& fs, Tid pid, Tid tid, bool of_task);
// Fills /proc and /sys with what belongs to no process.
void AddProcTexts(const std::shared_ptr<ProcFs>& fs, ProcDirectoryInode& root);
void AddSysTexts(const std::shared_ptr<ProcFs>& fs, ProcDirectoryInode& root);

// ---- Texts about processes (proc_texts.cc).
namespace proc_text {
Result<std::string> AuxiliaryVector(const ProcSubject& subject);
Result<std::string> CommandLine(const ProcSubject& subject);
Result<std::string> CommandName(const ProcSubject& subject);
Result<void> SetCommandName(const ProcSubject& subject, std::string_view name);
Result<std::string> CoreDumpFilter(const ProcSubject& subject);
Result<void> SetCoreDumpFilter(const ProcSubject& subject, std::string_view text);
Result<std::string> Environment(const ProcSubject& subject);
Result<std::string> FdInfo(const ProcSubject& subject);
Result<std::string> Limits(const ProcSubject& subject);
Result<std::string> Maps(const ProcSubject& subject);
Result<std::string> MountInfo(const ProcSubject& subject);
Result<std::string> Mounts(const ProcSubject& subject);
Result<std::string> Stat(const ProcSubject& subject);
Result<std::string> StatM(const ProcSubject& subject);
Result<std::string> Status(const ProcSubject& subject);
// subject.text
Result<std::string> Fixed(const ProcSubject& subject);
}  // namespace proc_text

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_PROC_ENTRIES_H_
