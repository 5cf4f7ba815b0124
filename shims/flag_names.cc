#include "shims/flag_names.h"

#include <string>

#include "absl/strings/str_format.h"

namespace pollux::shims {
namespace {

// A name says its value itself where it is a single bit or a small number; the lists below give
// both, once.
constexpr FlagName kAccessModeNames[] = {{4, "R_OK"}, {2, "W_OK"}, {1, "X_OK"}, {0, "F_OK"}};
constexpr FlagName kAtNames[] = {{0x100, "AT_SYMLINK_NOFOLLOW"}, {0x200, "AT_REMOVEDIR"},
                                 {0x400, "AT_SYMLINK_FOLLOW"},   {0x800, "AT_NO_AUTOMOUNT"},
                                 {0x1000, "AT_EMPTY_PATH"},      {0x8000, "AT_RECURSIVE"}};
constexpr FlagName kAtAccessNames[] = {
    {0x100, "AT_SYMLINK_NOFOLLOW"}, {0x200, "AT_EACCESS"}, {0x1000, "AT_EMPTY_PATH"}};
constexpr FlagName kStatxSyncNames[] = {{0, "AT_STATX_SYNC_AS_STAT"},
                                        {0x2000, "AT_STATX_FORCE_SYNC"},
                                        {0x4000, "AT_STATX_DONT_SYNC"},
                                        {0x6000, "AT_STATX_FORCE_SYNC|AT_STATX_DONT_SYNC"}};
constexpr FlagName kClockNames[] = {
    {0, "CLOCK_REALTIME"},          {1, "CLOCK_MONOTONIC"},     {2, "CLOCK_PROCESS_CPUTIME_ID"},
    {3, "CLOCK_THREAD_CPUTIME_ID"}, {4, "CLOCK_MONOTONIC_RAW"}, {5, "CLOCK_REALTIME_COARSE"},
    {6, "CLOCK_MONOTONIC_COARSE"},  {7, "CLOCK_BOOTTIME"},      {8, "CLOCK_REALTIME_ALARM"},
    {9, "CLOCK_BOOTTIME_ALARM"},    {11, "CLOCK_TAI"}};
constexpr FlagName kCloneNames[] = {{0x100, "CLONE_VM"},
                                    {0x200, "CLONE_FS"},
                                    {0x400, "CLONE_FILES"},
                                    {0x800, "CLONE_SIGHAND"},
                                    {0x1000, "CLONE_PIDFD"},
                                    {0x2000, "CLONE_PTRACE"},
                                    {0x4000, "CLONE_VFORK"},
                                    {0x8000, "CLONE_PARENT"},
                                    {0x10000, "CLONE_THREAD"},
                                    {0x20000, "CLONE_NEWNS"},
                                    {0x40000, "CLONE_SYSVSEM"},
                                    {0x80000, "CLONE_SETTLS"},
                                    {0x100000, "CLONE_PARENT_SETTID"},
                                    {0x200000, "CLONE_CHILD_CLEARTID"},
                                    {0x800000, "CLONE_UNTRACED"},
                                    {0x1000000, "CLONE_CHILD_SETTID"},
                                    {0x2000000, "CLONE_NEWCGROUP"},
                                    {0x4000000, "CLONE_NEWUTS"},
                                    {0x8000000, "CLONE_NEWIPC"},
                                    {0x10000000, "CLONE_NEWUSER"},
                                    {0x20000000, "CLONE_NEWPID"},
                                    {0x40000000, "CLONE_NEWNET"},
                                    {0x80000000, "CLONE_IO"},
                                    {0x100000000, "CLONE_CLEAR_SIGHAND"},
                                    {0x200000000, "CLONE_INTO_CGROUP"}};
constexpr FlagName kCloseRangeNames[] = {{2, "CLOSE_RANGE_UNSHARE"}, {4, "CLOSE_RANGE_CLOEXEC"}};
constexpr FlagName kEpollCreateNames[] = {{02000000, "EPOLL_CLOEXEC"}};
constexpr FlagName kEpollEventNames[] = {{0x1, "EPOLLIN"},
                                         {0x2, "EPOLLPRI"},
                                         {0x4, "EPOLLOUT"},
                                         {0x8, "EPOLLERR"},
                                         {0x10, "EPOLLHUP"},
                                         {0x20, "EPOLLNVAL"},
                                         {0x40, "EPOLLRDNORM"},
                                         {0x80, "EPOLLRDBAND"},
                                         {0x100, "EPOLLWRNORM"},
                                         {0x200, "EPOLLWRBAND"},
                                         {0x400, "EPOLLMSG"},
                                         {0x2000, "EPOLLRDHUP"},
                                         {1u << 28, "EPOLLEXCLUSIVE"},
                                         {1u << 29, "EPOLLWAKEUP"},
                                         {1u << 30, "EPOLLONESHOT"},
                                         {1u << 31, "EPOLLET"}};
constexpr FlagName kEpollOpNames[] = {
    {1, "EPOLL_CTL_ADD"}, {2, "EPOLL_CTL_DEL"}, {3, "EPOLL_CTL_MOD"}};
constexpr FlagName kEventfdNames[] = {
    {1, "EFD_SEMAPHORE"}, {02000000, "EFD_CLOEXEC"}, {04000, "EFD_NONBLOCK"}};
constexpr FlagName kFallocateNames[] = {
    {1, "FALLOC_FL_KEEP_SIZE"},      {2, "FALLOC_FL_PUNCH_HOLE"},  {4, "FALLOC_FL_NO_HIDE_STALE"},
    {8, "FALLOC_FL_COLLAPSE_RANGE"}, {16, "FALLOC_FL_ZERO_RANGE"}, {32, "FALLOC_FL_INSERT_RANGE"},
    {64, "FALLOC_FL_UNSHARE_RANGE"}};
constexpr FlagName kFcntlNames[] = {{0, "F_DUPFD"},
                                    {1, "F_GETFD"},
                                    {2, "F_SETFD"},
                                    {3, "F_GETFL"},
                                    {4, "F_SETFL"},
                                    {5, "F_GETLK"},
                                    {6, "F_SETLK"},
                                    {7, "F_SETLKW"},
                                    {8, "F_SETOWN"},
                                    {9, "F_GETOWN"},
                                    {10, "F_SETSIG"},
                                    {11, "F_GETSIG"},
                                    {15, "F_SETOWN_EX"},
                                    {16, "F_GETOWN_EX"},
                                    {17, "F_GETOWNER_UIDS"},
                                    {36, "F_OFD_GETLK"},
                                    {37, "F_OFD_SETLK"},
                                    {38, "F_OFD_SETLKW"},
                                    {1024, "F_SETLEASE"},
                                    {1025, "F_GETLEASE"},
                                    {1026, "F_NOTIFY"},
                                    {1027, "F_DUPFD_QUERY"},
                                    {1028, "F_CREATED_QUERY"},
                                    {1030, "F_DUPFD_CLOEXEC"},
                                    {1031, "F_SETPIPE_SZ"},
                                    {1032, "F_GETPIPE_SZ"},
                                    {1033, "F_ADD_SEALS"},
                                    {1034, "F_GET_SEALS"},
                                    {1035, "F_GET_RW_HINT"},
                                    {1036, "F_SET_RW_HINT"}};
constexpr FlagName kFdFlagNames[] = {{1, "FD_CLOEXEC"}};
constexpr FlagName kFlockNames[] = {{1, "LOCK_SH"}, {2, "LOCK_EX"}, {4, "LOCK_NB"}, {8, "LOCK_UN"}};
constexpr FlagName kFutexNames[] = {{0, "FUTEX_WAIT"},
                                    {1, "FUTEX_WAKE"},
                                    {2, "FUTEX_FD"},
                                    {3, "FUTEX_REQUEUE"},
                                    {4, "FUTEX_CMP_REQUEUE"},
                                    {5, "FUTEX_WAKE_OP"},
                                    {6, "FUTEX_LOCK_PI"},
                                    {7, "FUTEX_UNLOCK_PI"},
                                    {8, "FUTEX_TRYLOCK_PI"},
                                    {9, "FUTEX_WAIT_BITSET"},
                                    {10, "FUTEX_WAKE_BITSET"},
                                    {11, "FUTEX_WAIT_REQUEUE_PI"},
                                    {12, "FUTEX_CMP_REQUEUE_PI"},
                                    {13, "FUTEX_LOCK_PI2"}};
constexpr FlagName kGetrandomNames[] = {
    {1, "GRND_NONBLOCK"}, {2, "GRND_RANDOM"}, {4, "GRND_INSECURE"}};
constexpr FlagName kInotifyInitNames[] = {{04000, "IN_NONBLOCK"}, {02000000, "IN_CLOEXEC"}};
constexpr FlagName kInotifyNames[] = {
    {0x1, "IN_ACCESS"},
    {0x2, "IN_MODIFY"},
    {0x4, "IN_ATTRIB"},
    {0x8, "IN_CLOSE_WRITE"},
    {0x10, "IN_CLOSE_NOWRITE"},
    {0x20, "IN_OPEN"},
    {0x40, "IN_MOVED_FROM"},
    {0x80, "IN_MOVED_TO"},
    {0x100, "IN_CREATE"},
    {0x200, "IN_DELETE"},
    {0x400, "IN_DELETE_SELF"},
    {0x800, "IN_MOVE_SELF"},
    {0x2000, "IN_UNMOUNT"},
    {0x4000, "IN_Q_OVERFLOW"},
    {0x8000, "IN_IGNORED"},
    {0x1000000, "IN_ONLYDIR"},
    {0x2000000, "IN_DONT_FOLLOW"},
    {0x4000000, "IN_EXCL_UNLINK"},
    {0x10000000, "IN_MASK_CREATE"},
    {0x20000000, "IN_MASK_ADD"},
    {0x40000000, "IN_ISDIR"},
    {0x80000000, "IN_ONESHOT"},
};
constexpr FlagName kIoctlNames[] = {{0x5401, "TCGETS"},
                                    {0x5402, "TCSETS"},
                                    {0x5403, "TCSETSW"},
                                    {0x5404, "TCSETSF"},
                                    {0x5409, "TCSBRK"},
                                    {0x540a, "TCXONC"},
                                    {0x540b, "TCFLSH"},
                                    {0x540c, "TIOCEXCL"},
                                    {0x540d, "TIOCNXCL"},
                                    {0x540e, "TIOCSCTTY"},
                                    {0x540f, "TIOCGPGRP"},
                                    {0x5410, "TIOCSPGRP"},
                                    {0x5411, "TIOCOUTQ"},
                                    {0x5412, "TIOCSTI"},
                                    {0x5413, "TIOCGWINSZ"},
                                    {0x5414, "TIOCSWINSZ"},
                                    {0x5415, "TIOCMGET"},
                                    {0x541b, "FIONREAD"},
                                    {0x5420, "TIOCPKT"},
                                    {0x5421, "FIONBIO"},
                                    {0x5422, "TIOCNOTTY"},
                                    {0x5423, "TIOCSETD"},
                                    {0x5424, "TIOCGETD"},
                                    {0x5425, "TCSBRKP"},
                                    {0x5429, "TIOCGSID"},
                                    {0x5441, "TIOCGPTPEER"},
                                    {0x5450, "FIONCLEX"},
                                    {0x5451, "FIOCLEX"},
                                    {0x5452, "FIOASYNC"},
                                    {0x5460, "FIOQSIZE"},
                                    {0x8901, "FIOSETOWN"},
                                    {0x8902, "SIOCSPGRP"},
                                    {0x8903, "FIOGETOWN"},
                                    {0x8904, "SIOCGPGRP"},
                                    {0x8905, "SIOCATMARK"},
                                    {0x8906, "SIOCGSTAMP_OLD"},
                                    {0x8907, "SIOCGSTAMPNS_OLD"},
                                    {0x80108906, "SIOCGSTAMP_NEW"},
                                    {0x80108907, "SIOCGSTAMPNS_NEW"},
                                    {0x802c542a, "TCGETS2"},
                                    {0x402c542b, "TCSETS2"},
                                    {0x402c542c, "TCSETSW2"},
                                    {0x402c542d, "TCSETSF2"},
                                    {0x80045430, "TIOCGPTN"},
                                    {0x40045431, "TIOCSPTLCK"},
                                    {0x80045438, "TIOCGPKT"},
                                    {0x80045439, "TIOCGPTLCK"},
                                    {0x80045440, "TIOCGEXCL"},
                                    {0x40085400, "TFD_IOC_SET_TICKS"}};
constexpr FlagName kItimerNames[] = {{0, "ITIMER_REAL"}, {1, "ITIMER_VIRTUAL"}, {2, "ITIMER_PROF"}};
constexpr FlagName kLockTypeNames[] = {{0, "F_RDLCK"}, {1, "F_WRLCK"}, {2, "F_UNLCK"}};
constexpr FlagName kMadviseNames[] = {
    {0, "MADV_NORMAL"},           {1, "MADV_RANDOM"},         {2, "MADV_SEQUENTIAL"},
    {3, "MADV_WILLNEED"},         {4, "MADV_DONTNEED"},       {8, "MADV_FREE"},
    {9, "MADV_REMOVE"},           {10, "MADV_DONTFORK"},      {11, "MADV_DOFORK"},
    {12, "MADV_MERGEABLE"},       {13, "MADV_UNMERGEABLE"},   {14, "MADV_HUGEPAGE"},
    {15, "MADV_NOHUGEPAGE"},      {16, "MADV_DONTDUMP"},      {17, "MADV_DODUMP"},
    {18, "MADV_WIPEONFORK"},      {19, "MADV_KEEPONFORK"},    {20, "MADV_COLD"},
    {21, "MADV_PAGEOUT"},         {22, "MADV_POPULATE_READ"}, {23, "MADV_POPULATE_WRITE"},
    {24, "MADV_DONTNEED_LOCKED"}, {25, "MADV_COLLAPSE"},      {100, "MADV_HWPOISON"},
    {102, "MADV_GUARD_INSTALL"},  {103, "MADV_GUARD_REMOVE"}};
constexpr FlagName kMapTypeNames[] = {
    {0, "MAP_FILE"}, {1, "MAP_SHARED"}, {2, "MAP_PRIVATE"}, {3, "MAP_SHARED_VALIDATE"}};
constexpr FlagName kMapNames[] = {{0x10, "MAP_FIXED"},
                                  {0x20, "MAP_ANONYMOUS"},
                                  {0x4000, "MAP_NORESERVE"},
                                  {0x8000, "MAP_POPULATE"},
                                  {0x10000, "MAP_NONBLOCK"},
                                  {0x100, "MAP_GROWSDOWN"},
                                  {0x800, "MAP_DENYWRITE"},
                                  {0x1000, "MAP_EXECUTABLE"},
                                  {0x2000, "MAP_LOCKED"},
                                  {0x20000, "MAP_STACK"},
                                  {0x40000, "MAP_HUGETLB"},
                                  {0x80000, "MAP_SYNC"},
                                  {0x100000, "MAP_FIXED_NOREPLACE"},
                                  {0x4000000, "MAP_UNINITIALIZED"}};
constexpr FlagName kMembarrierNames[] = {
    {0, "MEMBARRIER_CMD_QUERY"},
    {1, "MEMBARRIER_CMD_GLOBAL"},
    {2, "MEMBARRIER_CMD_GLOBAL_EXPEDITED"},
    {4, "MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED"},
    {8, "MEMBARRIER_CMD_PRIVATE_EXPEDITED"},
    {16, "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED"},
    {32, "MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE"},
    {64, "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE"},
    {128, "MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ"},
    {256, "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ"},
    {512, "MEMBARRIER_CMD_GET_REGISTRATIONS"}};
constexpr FlagName kMembarrierFlagNames[] = {{1, "MEMBARRIER_CMD_FLAG_CPU"}};
constexpr FlagName kMemfdNames[] = {{1, "MFD_CLOEXEC"},
                                    {2, "MFD_ALLOW_SEALING"},
                                    {4, "MFD_HUGETLB"},
                                    {8, "MFD_NOEXEC_SEAL"},
                                    {16, "MFD_EXEC"}};
constexpr FlagName kMlock2Names[] = {{1, "MLOCK_ONFAULT"}};
constexpr FlagName kMlockallNames[] = {{1, "MCL_CURRENT"}, {2, "MCL_FUTURE"}, {4, "MCL_ONFAULT"}};
constexpr FlagName kMremapNames[] = {
    {1, "MREMAP_MAYMOVE"}, {2, "MREMAP_FIXED"}, {4, "MREMAP_DONTUNMAP"}};
constexpr FlagName kSpliceNames[] = {
    {1, "SPLICE_F_MOVE"}, {2, "SPLICE_F_NONBLOCK"}, {4, "SPLICE_F_MORE"}, {8, "SPLICE_F_GIFT"}};
constexpr FlagName kMsyncNames[] = {{4, "MS_SYNC"}, {1, "MS_ASYNC"}, {2, "MS_INVALIDATE"}};
constexpr FlagName kOpenModeNames[] = {
    {0, "O_RDONLY"}, {1, "O_WRONLY"}, {2, "O_RDWR"}, {3, "O_ACCMODE"}};
constexpr FlagName kOpenNames[] = {
    {0100, "O_CREAT"},        {0200, "O_EXCL"},        {0400, "O_NOCTTY"},
    {01000, "O_TRUNC"},       {02000, "O_APPEND"},     {04000, "O_NONBLOCK"},
    {04010000, "O_SYNC"},     {010000, "O_DSYNC"},     {040000, "O_DIRECT"},
    {0100000, "O_LARGEFILE"}, {0400000, "O_NOFOLLOW"}, {01000000, "O_NOATIME"},
    {02000000, "O_CLOEXEC"},  {010000000, "O_PATH"},   {020200000, "O_TMPFILE"},
    {0200000, "O_DIRECTORY"}, {020000, "FASYNC"}};
constexpr FlagName kPollNames[] = {
    {0x1, "POLLIN"},       {0x2, "POLLPRI"},          {0x4, "POLLOUT"},     {0x8, "POLLERR"},
    {0x10, "POLLHUP"},     {0x20, "POLLNVAL"},        {0x40, "POLLRDNORM"}, {0x80, "POLLRDBAND"},
    {0x100, "POLLWRNORM"}, {0x200, "POLLWRBAND"},     {0x400, "POLLMSG"},   {0x1000, "POLLREMOVE"},
    {0x2000, "POLLRDHUP"}, {0x8000, "POLL_BUSY_LOOP"}};
constexpr FlagName kPrctlNames[] = {{1, "PR_SET_PDEATHSIG"},
                                    {2, "PR_GET_PDEATHSIG"},
                                    {3, "PR_GET_DUMPABLE"},
                                    {4, "PR_SET_DUMPABLE"},
                                    {7, "PR_GET_KEEPCAPS"},
                                    {8, "PR_SET_KEEPCAPS"},
                                    {0x706c7578, "PR_POLLUX_EXPLORE"},
                                    {15, "PR_SET_NAME"},
                                    {16, "PR_GET_NAME"},
                                    {21, "PR_GET_SECCOMP"},
                                    {22, "PR_SET_SECCOMP"},
                                    {23, "PR_CAPBSET_READ"},
                                    {24, "PR_CAPBSET_DROP"},
                                    {25, "PR_GET_TSC"},
                                    {26, "PR_SET_TSC"},
                                    {29, "PR_SET_TIMERSLACK"},
                                    {30, "PR_GET_TIMERSLACK"},
                                    {35, "PR_SET_MM"},
                                    {36, "PR_SET_CHILD_SUBREAPER"},
                                    {37, "PR_GET_CHILD_SUBREAPER"},
                                    {38, "PR_SET_NO_NEW_PRIVS"},
                                    {39, "PR_GET_NO_NEW_PRIVS"},
                                    {40, "PR_GET_TID_ADDRESS"},
                                    {41, "PR_SET_THP_DISABLE"},
                                    {42, "PR_GET_THP_DISABLE"},
                                    {47, "PR_CAP_AMBIENT"},
                                    {52, "PR_GET_SPECULATION_CTRL"},
                                    {53, "PR_SET_SPECULATION_CTRL"},
                                    {65, "PR_SET_MDWE"},
                                    {66, "PR_GET_MDWE"},
                                    {69, "PR_RISCV_V_SET_CONTROL"},
                                    {70, "PR_RISCV_V_GET_CONTROL"},
                                    {71, "PR_RISCV_SET_ICACHE_FLUSH_CTX"},
                                    {0x53564d41, "PR_SET_VMA"},
                                    {0x59616d61, "PR_SET_PTRACER"}};
constexpr FlagName kProtNames[] = {{1, "PROT_READ"},
                                   {2, "PROT_WRITE"},
                                   {4, "PROT_EXEC"},
                                   {8, "PROT_SEM"},
                                   {0x01000000, "PROT_GROWSDOWN"},
                                   {0x02000000, "PROT_GROWSUP"},
                                   {0, "PROT_NONE"}};
constexpr FlagName kRenameNames[] = {
    {1, "RENAME_NOREPLACE"}, {2, "RENAME_EXCHANGE"}, {4, "RENAME_WHITEOUT"}};
constexpr FlagName kResourceNames[] = {
    {0, "RLIMIT_CPU"},       {1, "RLIMIT_FSIZE"}, {2, "RLIMIT_DATA"},    {3, "RLIMIT_STACK"},
    {4, "RLIMIT_CORE"},      {5, "RLIMIT_RSS"},   {6, "RLIMIT_NPROC"},   {7, "RLIMIT_NOFILE"},
    {8, "RLIMIT_MEMLOCK"},   {9, "RLIMIT_AS"},    {10, "RLIMIT_LOCKS"},  {11, "RLIMIT_SIGPENDING"},
    {12, "RLIMIT_MSGQUEUE"}, {13, "RLIMIT_NICE"}, {14, "RLIMIT_RTPRIO"}, {15, "RLIMIT_RTTIME"}};
constexpr FlagName kRiscvFlushNames[] = {{1, "SYS_RISCV_FLUSH_ICACHE_LOCAL"}};
constexpr FlagName kRwfNames[] = {{1, "RWF_HIPRI"},   {2, "RWF_DSYNC"},      {4, "RWF_SYNC"},
                                  {8, "RWF_NOWAIT"},  {16, "RWF_APPEND"},    {32, "RWF_NOAPPEND"},
                                  {64, "RWF_ATOMIC"}, {128, "RWF_DONTCACHE"}};
constexpr FlagName kSaNames[] = {{0x04000000, "SA_RESTORER"}, {0x08000000, "SA_ONSTACK"},
                                 {0x10000000, "SA_RESTART"},  {0x20000000, "SA_INTERRUPT"},
                                 {0x40000000, "SA_NODEFER"},  {0x80000000, "SA_RESETHAND"},
                                 {4, "SA_SIGINFO"},           {1, "SA_NOCLDSTOP"},
                                 {2, "SA_NOCLDWAIT"},         {0x400, "SA_UNSUPPORTED"},
                                 {0x800, "SA_EXPOSE_TAGBITS"}};
constexpr FlagName kSchedNames[] = {{0, "SCHED_OTHER"}, {1, "SCHED_FIFO"}, {2, "SCHED_RR"},
                                    {3, "SCHED_BATCH"}, {5, "SCHED_IDLE"}, {6, "SCHED_DEADLINE"},
                                    {7, "SCHED_EXT"}};
constexpr FlagName kOwnerKindNames[] = {
    {0, "F_OWNER_TID"}, {1, "F_OWNER_PID"}, {2, "F_OWNER_PGRP"}};
constexpr FlagName kSeekNames[] = {
    {0, "SEEK_SET"}, {1, "SEEK_CUR"}, {2, "SEEK_END"}, {3, "SEEK_DATA"}, {4, "SEEK_HOLE"}};
constexpr FlagName kSigmaskNames[] = {{0, "SIG_BLOCK"}, {1, "SIG_UNBLOCK"}, {2, "SIG_SETMASK"}};
constexpr FlagName kSignalfdNames[] = {{02000000, "SFD_CLOEXEC"}, {04000, "SFD_NONBLOCK"}};
constexpr FlagName kSigstackNames[] = {
    {1, "SS_ONSTACK"}, {2, "SS_DISABLE"}, {0x80000000, "SS_AUTODISARM"}};
constexpr FlagName kFamilyNames[] = {{0, "AF_UNSPEC"}, {1, "AF_UNIX"},     {2, "AF_INET"},
                                     {10, "AF_INET6"}, {16, "AF_NETLINK"}, {17, "AF_PACKET"},
                                     {40, "AF_VSOCK"}};
constexpr FlagName kSocketTypeNames[] = {
    {1, "SOCK_STREAM"}, {2, "SOCK_DGRAM"}, {3, "SOCK_RAW"}, {4, "SOCK_RDM"}, {5, "SOCK_SEQPACKET"}};
constexpr FlagName kSocketLevelNames[] = {
    {0, "SOL_IP"},    {1, "SOL_SOCKET"}, {6, "SOL_TCP"},      {17, "SOL_UDP"},
    {41, "SOL_IPV6"}, {255, "SOL_RAW"},  {263, "SOL_PACKET"}, {270, "SOL_NETLINK"}};
constexpr FlagName kSocketOptionNames[] = {{1, "SO_DEBUG"},
                                           {2, "SO_REUSEADDR"},
                                           {3, "SO_TYPE"},
                                           {4, "SO_ERROR"},
                                           {5, "SO_DONTROUTE"},
                                           {6, "SO_BROADCAST"},
                                           {7, "SO_SNDBUF"},
                                           {8, "SO_RCVBUF"},
                                           {9, "SO_KEEPALIVE"},
                                           {10, "SO_OOBINLINE"},
                                           {11, "SO_NO_CHECK"},
                                           {12, "SO_PRIORITY"},
                                           {13, "SO_LINGER"},
                                           {14, "SO_BSDCOMPAT"},
                                           {15, "SO_REUSEPORT"},
                                           {16, "SO_PASSCRED"},
                                           {17, "SO_PEERCRED"},
                                           {18, "SO_RCVLOWAT"},
                                           {19, "SO_SNDLOWAT"},
                                           {20, "SO_RCVTIMEO_OLD"},
                                           {21, "SO_SNDTIMEO_OLD"},
                                           {25, "SO_BINDTODEVICE"},
                                           {26, "SO_ATTACH_FILTER"},
                                           {27, "SO_DETACH_FILTER"},
                                           {28, "SO_PEERNAME"},
                                           {29, "SO_TIMESTAMP_OLD"},
                                           {30, "SO_ACCEPTCONN"},
                                           {31, "SO_PEERSEC"},
                                           {32, "SO_SNDBUFFORCE"},
                                           {33, "SO_RCVBUFFORCE"},
                                           {34, "SO_PASSSEC"},
                                           {35, "SO_TIMESTAMPNS_OLD"},
                                           {36, "SO_MARK"},
                                           {37, "SO_TIMESTAMPING_OLD"},
                                           {38, "SO_PROTOCOL"},
                                           {39, "SO_DOMAIN"},
                                           {40, "SO_RXQ_OVFL"},
                                           {41, "SO_WIFI_STATUS"},
                                           {42, "SO_PEEK_OFF"},
                                           {43, "SO_NOFCS"},
                                           {44, "SO_LOCK_FILTER"},
                                           {45, "SO_SELECT_ERR_QUEUE"},
                                           {46, "SO_BUSY_POLL"},
                                           {47, "SO_MAX_PACING_RATE"},
                                           {48, "SO_BPF_EXTENSIONS"},
                                           {49, "SO_INCOMING_CPU"},
                                           {50, "SO_ATTACH_BPF"},
                                           {51, "SO_ATTACH_REUSEPORT_CBPF"},
                                           {52, "SO_ATTACH_REUSEPORT_EBPF"},
                                           {53, "SO_CNX_ADVICE"},
                                           {55, "SO_MEMINFO"},
                                           {56, "SO_INCOMING_NAPI_ID"},
                                           {57, "SO_COOKIE"},
                                           {59, "SO_PEERGROUPS"},
                                           {60, "SO_ZEROCOPY"},
                                           {61, "SO_TXTIME"},
                                           {62, "SO_BINDTOIFINDEX"},
                                           {63, "SO_TIMESTAMP_NEW"},
                                           {64, "SO_TIMESTAMPNS_NEW"},
                                           {65, "SO_TIMESTAMPING_NEW"},
                                           {66, "SO_RCVTIMEO_NEW"},
                                           {67, "SO_SNDTIMEO_NEW"},
                                           {68, "SO_DETACH_REUSEPORT_BPF"},
                                           {69, "SO_PREFER_BUSY_POLL"},
                                           {70, "SO_BUSY_POLL_BUDGET"},
                                           {71, "SO_NETNS_COOKIE"},
                                           {72, "SO_BUF_LOCK"},
                                           {73, "SO_RESERVE_MEM"},
                                           {74, "SO_TXREHASH"},
                                           {75, "SO_RCVMARK"},
                                           {76, "SO_PASSPIDFD"},
                                           {77, "SO_PEERPIDFD"},
                                           {82, "SO_RCVPRIORITY"},
                                           {83, "SO_PASSRIGHTS"},
                                           {84, "SO_INQ"}};
constexpr FlagName kSocketFlagNames[] = {{02000000, "SOCK_CLOEXEC"}, {04000, "SOCK_NONBLOCK"}};
constexpr FlagName kMessageNames[] = {{1, "MSG_OOB"},
                                      {2, "MSG_PEEK"},
                                      {4, "MSG_DONTROUTE"},
                                      {8, "MSG_CTRUNC"},
                                      {0x20, "MSG_TRUNC"},
                                      {0x40, "MSG_DONTWAIT"},
                                      {0x80, "MSG_EOR"},
                                      {0x100, "MSG_WAITALL"},
                                      {0x800, "MSG_CONFIRM"},
                                      {0x2000, "MSG_ERRQUEUE"},
                                      {0x4000, "MSG_NOSIGNAL"},
                                      {0x8000, "MSG_MORE"},
                                      {0x10000, "MSG_WAITFORONE"},
                                      {0x40000000, "MSG_CMSG_CLOEXEC"}};
constexpr FlagName kShutdownNames[] = {{0, "SHUT_RD"}, {1, "SHUT_WR"}, {2, "SHUT_RDWR"}};
constexpr FlagName kStatxMaskNames[] = {
    {0xfff, "STATX_ALL"},       {0x7ff, "STATX_BASIC_STATS"},   {0x1, "STATX_TYPE"},
    {0x2, "STATX_MODE"},        {0x4, "STATX_NLINK"},           {0x8, "STATX_UID"},
    {0x10, "STATX_GID"},        {0x20, "STATX_ATIME"},          {0x40, "STATX_MTIME"},
    {0x80, "STATX_CTIME"},      {0x100, "STATX_INO"},           {0x200, "STATX_SIZE"},
    {0x400, "STATX_BLOCKS"},    {0x800, "STATX_BTIME"},         {0x1000, "STATX_MNT_ID"},
    {0x2000, "STATX_DIOALIGN"}, {0x4000, "STATX_MNT_ID_UNIQUE"}};
constexpr FlagName kPidfdNames[] = {{04000, "PIDFD_NONBLOCK"}, {0200, "PIDFD_THREAD"}};
constexpr FlagName kPidfdSignalNames[] = {{1, "PIDFD_SIGNAL_THREAD"},
                                          {2, "PIDFD_SIGNAL_THREAD_GROUP"},
                                          {4, "PIDFD_SIGNAL_PROCESS_GROUP"}};
constexpr FlagName kSealNames[] = {{1, "F_SEAL_SEAL"},          {2, "F_SEAL_SHRINK"},
                                   {4, "F_SEAL_GROW"},          {8, "F_SEAL_WRITE"},
                                   {16, "F_SEAL_FUTURE_WRITE"}, {32, "F_SEAL_EXEC"}};
constexpr FlagName kSigevNames[] = {
    {0, "SIGEV_SIGNAL"}, {1, "SIGEV_NONE"}, {2, "SIGEV_THREAD"}, {4, "SIGEV_THREAD_ID"}};
constexpr FlagName kTimerfdSetNames[] = {{1, "TFD_TIMER_ABSTIME"}, {2, "TFD_TIMER_CANCEL_ON_SET"}};
constexpr FlagName kWaitIdNames[] = {{0, "P_ALL"}, {1, "P_PID"}, {2, "P_PGID"}, {3, "P_PIDFD"}};
constexpr FlagName kTimerNames[] = {{1, "TIMER_ABSTIME"}};
constexpr FlagName kTimerfdNames[] = {{02000000, "TFD_CLOEXEC"}, {04000, "TFD_NONBLOCK"}};
constexpr FlagName kUsageNames[] = {{0, "RUSAGE_SELF"},
                                    {~uint64_t{0}, "RUSAGE_CHILDREN"},
                                    {0xffffffff, "RUSAGE_CHILDREN"},
                                    {1, "RUSAGE_THREAD"}};
constexpr FlagName kWaitNames[] = {{1, "WNOHANG"},         {2, "WSTOPPED"},
                                   {4, "WEXITED"},         {8, "WCONTINUED"},
                                   {0x1000000, "WNOWAIT"}, {0x20000000, "__WNOTHREAD"},
                                   {0x40000000, "__WALL"}, {0x80000000, "__WCLONE"}};
constexpr FlagName kFileTypeNames[] = {
    {0140000, "S_IFSOCK"}, {0120000, "S_IFLNK"}, {0100000, "S_IFREG"}, {0060000, "S_IFBLK"},
    {0040000, "S_IFDIR"},  {0020000, "S_IFCHR"}, {0010000, "S_IFIFO"}};
constexpr FlagName kHwprobeNames[] = {{0, "RISCV_HWPROBE_KEY_MVENDORID"},
                                      {1, "RISCV_HWPROBE_KEY_MARCHID"},
                                      {2, "RISCV_HWPROBE_KEY_MIMPID"},
                                      {3, "RISCV_HWPROBE_KEY_BASE_BEHAVIOR"},
                                      {4, "RISCV_HWPROBE_KEY_IMA_EXT_0"},
                                      {5, "RISCV_HWPROBE_KEY_CPUPERF_0"},
                                      {6, "RISCV_HWPROBE_KEY_ZICBOZ_BLOCK_SIZE"},
                                      {7, "RISCV_HWPROBE_KEY_HIGHEST_VIRT_ADDRESS"},
                                      {8, "RISCV_HWPROBE_KEY_TIME_CSR_FREQ"},
                                      {9, "RISCV_HWPROBE_KEY_MISALIGNED_SCALAR_PERF"},
                                      {10, "RISCV_HWPROBE_KEY_MISALIGNED_VECTOR_PERF"}};
constexpr FlagName kFutex2SizeNames[] = {
    {0, "FUTEX2_SIZE_U8"}, {1, "FUTEX2_SIZE_U16"}, {2, "FUTEX2_SIZE_U32"}, {3, "FUTEX2_SIZE_U64"}};
constexpr FlagName kFutex2Names[] = {
    {4, "FUTEX2_NUMA"}, {8, "FUTEX2_MPOL"}, {128, "FUTEX2_PRIVATE"}};
constexpr FlagName kSuidDumpNames[] = {
    {0, "SUID_DUMP_DISABLE"}, {1, "SUID_DUMP_USER"}, {2, "SUID_DUMP_ROOT"}};

}  // namespace

const FlagSet kAccessModes{"?_OK", kAccessModeNames};
const FlagSet kAtFlags{"AT_???", kAtNames};
const FlagSet kAtAccessFlags{"AT_???", kAtAccessNames};
const FlagSet kAtStatxFlags{"AT_???", kAtNames, false, 0x6000, kStatxSyncNames};
const FlagSet kClockIds{"CLOCK_???", kClockNames, true};
const FlagSet kCloneFlags{"CLONE_???", kCloneNames};
const FlagSet kCloseRangeFlags{"CLOSE_RANGE_???", kCloseRangeNames};
const FlagSet kEpollCreateFlags{"EPOLL_???", kEpollCreateNames};
const FlagSet kEpollEvents{"EPOLL???", kEpollEventNames};
const FlagSet kEpollOps{"EPOLL_CTL_???", kEpollOpNames, true};
const FlagSet kEventfdFlags{"EFD_???", kEventfdNames};
const FlagSet kFallocateModes{"FALLOC_FL_???", kFallocateNames};
const FlagSet kFcntlCommands{"F_???", kFcntlNames, true};
const FlagSet kFdFlags{"FD_???", kFdFlagNames};
const FlagSet kFlockOps{"LOCK_???", kFlockNames};
const FlagSet kFutex2Flags{"FUTEX2_???", kFutex2Names, false, 3, kFutex2SizeNames};
const FlagSet kFutexCommands{"FUTEX_???", kFutexNames, true};
const FlagSet kGetrandomFlags{"GRND_???", kGetrandomNames};
const FlagSet kInotifyInitFlags{"IN_???", kInotifyInitNames};
const FlagSet kInotifyMask{"IN_???", kInotifyNames};
const FlagSet kIoctlRequests{"", kIoctlNames, true};
const FlagSet kItimerIds{"ITIMER_???", kItimerNames, true};
const FlagSet kLockTypes{"F_???", kLockTypeNames, true};
const FlagSet kMadviseAdvice{"MADV_???", kMadviseNames, true};
const FlagSet kMapFlags{"MAP_???", kMapNames, false, 0xf, kMapTypeNames};
const FlagSet kMembarrierCommands{"MEMBARRIER_CMD_???", kMembarrierNames, true};
const FlagSet kMembarrierMask{"MEMBARRIER_CMD_???", kMembarrierNames};
const FlagSet kMembarrierFlags{"MEMBARRIER_CMD_FLAG_???", kMembarrierFlagNames};
const FlagSet kMemfdFlags{"MFD_???", kMemfdNames};
const FlagSet kMlock2Flags{"MLOCK_???", kMlock2Names};
const FlagSet kMlockallFlags{"MCL_???", kMlockallNames};
const FlagSet kMremapFlags{"MREMAP_???", kMremapNames};
const FlagSet kSpliceFlags{"SPLICE_F_???", kSpliceNames};
const FlagSet kMsyncFlags{"MS_???", kMsyncNames};
const FlagSet kOpenFlags{"O_???", kOpenNames, false, 3, kOpenModeNames};
const FlagSet kPipeFlags{"O_???", kOpenNames};
const FlagSet kPollEvents{"POLL???", kPollNames};
const FlagSet kPrctlOptions{"PR_???", kPrctlNames, true};
const FlagSet kProtFlags{"PROT_???", kProtNames};
const FlagSet kRenameFlags{"RENAME_???", kRenameNames};
const FlagSet kResources{"RLIMIT_???", kResourceNames, true};
const FlagSet kRiscvFlushFlags{"SYS_RISCV_FLUSH_ICACHE_???", kRiscvFlushNames};
const FlagSet kRwfFlags{"RWF_???", kRwfNames};
const FlagSet kSaFlags{"SA_???", kSaNames};
const FlagSet kSchedPolicies{"SCHED_???", kSchedNames, true};
const FlagSet kOwnerKinds{"F_OWNER_???", kOwnerKindNames, true};
const FlagSet kSeekWhence{"SEEK_???", kSeekNames, true};
const FlagSet kSigmaskHow{"SIG_???", kSigmaskNames, true};
const FlagSet kSignalfdFlags{"SFD_???", kSignalfdNames};
const FlagSet kSigstackFlags{"SS_???", kSigstackNames};
const FlagSet kSocketFamilies{"AF_???", kFamilyNames, true};
const FlagSet kSocketLevels{"SOL_???", kSocketLevelNames, true};
const FlagSet kSocketOptions{"SO_???", kSocketOptionNames, true};
const FlagSet kSocketTypes{"SOCK_???", kSocketFlagNames, false, 0xf, kSocketTypeNames};
const FlagSet kMessageFlags{"MSG_???", kMessageNames};
const FlagSet kShutdownHow{"SHUT_???", kShutdownNames, true};
const FlagSet kStatxMask{"STATX_???", kStatxMaskNames};
const FlagSet kPidfdFlags{"PIDFD_???", kPidfdNames};
const FlagSet kPidfdSignalFlags{"PIDFD_SIGNAL_???", kPidfdSignalNames};
const FlagSet kSeals{"F_SEAL_???", kSealNames};
const FlagSet kSigevNotify{"SIGEV_???", kSigevNames, true};
const FlagSet kTimerfdSetFlags{"TFD_???", kTimerfdSetNames};
const FlagSet kWaitIds{"P_???", kWaitIdNames, true};
const FlagSet kTimerFlags{"TIMER_???", kTimerNames};
const FlagSet kTimerfdFlags{"TFD_???", kTimerfdNames};
const FlagSet kUsageWho{"RUSAGE_???", kUsageNames, true};
const FlagSet kWaitOptions{"W???", kWaitNames};
const FlagSet kFileTypes{"S_IF???", kFileTypeNames, true};
const FlagSet kHwprobeKeys{"RISCV_HWPROBE_KEY_???", kHwprobeNames, true};
const FlagSet kSuidDump{"SUID_DUMP_???", kSuidDumpNames, true};

const char* NameOf(const FlagSet& set, uint64_t value) {
  for (const FlagName& flag : set.names) {
    if (flag.value == value) return flag.name;
  }
  return nullptr;
}

std::string FlagText(const FlagSet& set, uint64_t value) {
  if (set.enumeration) {
    if (const char* name = NameOf(set, value)) return name;
    return absl::StrFormat("%#x /* %s */", value, set.unknown);
  }
  std::string text;
  uint64_t rest = value;
  if (set.mask != 0) {
    const uint64_t part = value & set.mask;
    rest &= ~set.mask;
    for (const FlagName& flag : set.masked) {
      if (flag.value == part) text = flag.name;
    }
    if (text.empty()) text = absl::StrFormat("%#x /* %s */", part, set.unknown);
  } else if (value == 0) {
    // F_OK, PROT_NONE.
    const char* zero = NameOf(set, 0);
    return zero != nullptr ? zero : "0";
  }
  bool known = !text.empty();
  for (const FlagName& flag : set.names) {
    if (flag.value == 0 || (rest & flag.value) != flag.value) continue;
    if (!text.empty()) text += "|";
    text += flag.name;
    rest &= ~flag.value;
    known = true;
  }
  if (rest == 0) return text;
  if (!known) return absl::StrFormat("%#x /* %s */", rest, set.unknown);
  return absl::StrFormat("%s|%#x", text, rest);
}

}  // namespace pollux::shims
