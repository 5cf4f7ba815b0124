// name_lookups: users, groups, hosts, services and protocols, as the C library finds them in /etc.
#include <arpa/inet.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>

#include "testsuite/basics/check.h"

int main() {
  const passwd* user = getpwuid(getuid());
  Must(user != nullptr && user->pw_name[0] != '\0' && user->pw_dir[0] == '/', "who runs this");
  const group* own = getgrgid(getgid());
  Must(own != nullptr && own->gr_name[0] != '\0', "and its group");
  user = getpwnam("root");
  Must(user != nullptr, "root");
  std::printf("root is %d:%d, home %s\n", user->pw_uid, user->pw_gid, user->pw_dir);
  user = getpwnam("nobody");
  std::printf("nobody is %d\n", user != nullptr ? static_cast<int>(user->pw_uid) : -1);
  std::printf("somebody unknown: %d\n", getpwnam("no such user") != nullptr);
  std::printf("nobody's number: %d\n", getpwuid(123456789) != nullptr);

  char name[256];
  Show("gethostname", gethostname(name, sizeof name));
  Must(name[0] != '\0', "a name");
  for (const char* service : {"http", "https", "domain", "ssh"}) {
    const servent* entry = getservbyname(service, "tcp");
    std::printf("%s: %d\n", service, entry != nullptr ? ntohs(entry->s_port) : -1);
  }
  const servent* entry = getservbyport(htons(443), "tcp");
  std::printf("443: %s\n", entry != nullptr ? entry->s_name : "nothing");
  std::printf("an unknown service: %d\n", getservbyname("nothing-at-all", "tcp") != nullptr);
  for (const char* protocol : {"tcp", "udp", "icmp", "ipv6"}) {
    const protoent* found = getprotobyname(protocol);
    std::printf("%s: %d\n", protocol, found != nullptr ? found->p_proto : -1);
  }

  // Numbers need no file, and no network.
  addrinfo hints = {}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  for (const char* address : {"127.0.0.1", "::1", "1.2.3", "localhost", "1.2.3.4.5"}) {
    const int result = getaddrinfo(address, "80", &hints, &found);
    std::printf("%s: %s", address, result == 0 ? "ok" : gai_strerror(result));
    if (result == 0) {
      Must(getnameinfo(found->ai_addr, found->ai_addrlen, name, sizeof name, nullptr, 0,
                       NI_NUMERICHOST) == 0,
           "getnameinfo");
      std::printf(" %s", name);
      freeaddrinfo(found);
    }
    std::printf("\n");
  }
  hints.ai_flags = 0;
  hints.ai_family = AF_INET;
  const int result = getaddrinfo("localhost", "http", &hints, &found);
  std::printf("localhost: %s\n", result == 0 ? "ok" : gai_strerror(result));
  if (result == 0) {
    // How many there are depends on what the host's file says of ::1.
    const auto* address = reinterpret_cast<const sockaddr_in*>(found->ai_addr);
    std::printf("  %s port %d\n", inet_ntoa(address->sin_addr), ntohs(address->sin_port));
  }
  return 0;
}
