#include "os_emu/vfs/default_tree.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "os_emu/vfs/dev_fs.h"

namespace pollux::os_emu {
namespace {

struct Directory {
  const char* path;
  uint32_t mode;
};
constexpr Directory kDirectories[] = {
    {"/etc", 0755},      {"/home", 0755},      {"/mnt", 0755},     {"/opt", 0755},
    {"/root", 0700},     {"/run", 0755},       {"/srv", 0755},     {"/tmp", 01777},
    {"/usr", 0755},      {"/usr/bin", 0755},   {"/usr/lib", 0755}, {"/usr/local", 0755},
    {"/usr/sbin", 0755}, {"/usr/share", 0755}, {"/var", 0755},     {"/var/lib", 0755},
    {"/var/log", 0755},  {"/var/tmp", 01777},
};

struct SymbolicLink {
  const char* path;
  const char* target;
};
constexpr SymbolicLink kLinks[] = {
    {"/bin", "usr/bin"},
    {"/lib", "usr/lib"},
    {"/sbin", "usr/sbin"},
    {"/var/run", "/run"},
    {"/etc/mtab", "../proc/self/mounts"},
};

// Makes files as uid 0; remembers the first thing that went wrong.
class Builder {
 public:
  explicit Builder(FileSystem& files) : files_(files) {}

  void MakeDirectory(const std::string& path, uint32_t mode) {
    Note(path, files_.MakeDirectory(root_, base_, path, mode));
  }
  void MakeSymlink(const std::string& path, const std::string& target) {
    Note(path, files_.MakeSymlink(root_, target, base_, path));
  }
  void MakeFile(const std::string& path, const std::string& contents) {
    Note(path, files_.MakeFile(path, contents, 0644));
  }
  void ChangeOwner(const std::string& path, uint32_t uid, uint32_t gid) {
    Note(path, files_.ChangeOwner(root_, base_, path, uid, gid));
  }
  void Note(const std::string& path, const Result<void>& result) {
    if (!result.ok() && status_.ok()) {
      status_ = absl::ResourceExhaustedError(
          absl::StrCat(path, ": ", std::string(ErrnoText(result.error()))));
    }
  }
  const absl::Status& status() const { return status_; }

 private:
  FileSystem& files_;
  const Caller root_ = RootCaller();
  const DescriptionRef base_;
  absl::Status status_;
};

}  // namespace

absl::Status BuildDefaultTree(FileSystem& files, const TreeOptions& options) {
  Builder build(files);
  for (const Directory& directory : kDirectories)
    build.MakeDirectory(directory.path, directory.mode);
  for (const SymbolicLink& link : kLinks) build.MakeSymlink(link.path, link.target);

  std::string home = "/root";
  if (options.uid != 0) {
    home = absl::StrCat("/home/", options.user);
    build.MakeDirectory(home, 0755);
    build.ChangeOwner(home, options.uid, options.gid);
  }

  std::string passwd = "root:x:0:0:root:/root:/bin/sh\n";
  std::string group = "root:x:0:\n";
  if (options.uid != 0) {
    absl::StrAppend(&passwd, options.user, ":x:", options.uid, ":", options.gid, ":", options.user,
                    ":", home, ":/bin/sh\n");
  }
  if (options.gid != 0) absl::StrAppend(&group, options.user, ":x:", options.gid, ":\n");
  absl::StrAppend(&passwd, "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n");
  absl::StrAppend(&group, "nogroup:x:65534:\n");
  build.MakeFile("/etc/passwd", passwd);
  build.MakeFile("/etc/group", group);
  build.MakeFile("/etc/hostname", absl::StrCat(options.hostname, "\n"));
  build.MakeFile("/etc/hosts", absl::StrCat("127.0.0.1\tlocalhost\n127.0.1.1\t", options.hostname,
                                            "\n::1\tlocalhost ip6-localhost ip6-loopback\n"));
  // There is no name server: a query to the loopback is refused at once.
  build.MakeFile("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
  build.MakeFile("/etc/nsswitch.conf",
                 "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\n"
                 "protocols: files\nservices: files\n");
  build.MakeFile("/etc/host.conf", "multi on\n");
  build.MakeFile(
      "/etc/services",
      "echo\t7/tcp\necho\t7/udp\ndiscard\t9/tcp\ndiscard\t9/udp\nftp\t21/tcp\nssh\t22/tcp\n"
      "telnet\t23/tcp\nsmtp\t25/tcp\ndomain\t53/tcp\ndomain\t53/udp\nhttp\t80/tcp\n"
      "pop3\t110/tcp\nntp\t123/udp\nimap2\t143/tcp\nhttps\t443/tcp\nhttps\t443/udp\n"
      "imaps\t993/tcp\nmysql\t3306/tcp\npostgresql\t5432/tcp\nhttp-alt\t8080/tcp\n");
  build.MakeFile("/etc/protocols",
                 "ip\t0\tIP\nicmp\t1\tICMP\nigmp\t2\tIGMP\ntcp\t6\tTCP\nudp\t17\tUDP\n"
                 "ipv6\t41\tIPv6\nipv6-icmp\t58\tIPv6-ICMP\nsctp\t132\tSCTP\n");
  build.MakeFile("/etc/os-release",
                 "NAME=\"Pollux\"\nID=pollux\nPRETTY_NAME=\"Pollux\"\nHOME_URL=\"\"\n");
  build.MakeFile("/etc/machine-id", "706f6c6c757800000000000000000001\n");
  if (!build.status().ok()) return build.status();
  return MountDev(files, options.random);
}

}  // namespace pollux::os_emu
