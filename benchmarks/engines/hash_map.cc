// Pointers, allocation and virtual calls: objects of several classes, found by their keys in a hash
// map.
#include <memory>
#include <string>
#include <unordered_map>

#include "benchmarks/engines/workload.h"

namespace {

class Account {
 public:
  virtual ~Account() = default;
  virtual void Pay(uint64_t amount) = 0;
  virtual uint64_t Balance() const = 0;
};

class Simple final : public Account {
 public:
  void Pay(uint64_t amount) override { balance_ += amount; }
  uint64_t Balance() const override { return balance_; }

 private:
  uint64_t balance_ = 0;
};

// Keeps its last payments.
class Remembering final : public Account {
 public:
  void Pay(uint64_t amount) override { payments_[count_++ % kKept] = amount; }
  uint64_t Balance() const override {
    uint64_t sum = count_;
    for (uint64_t payment : payments_) sum += payment;
    return sum;
  }

 private:
  static constexpr int kKept = 8;
  uint64_t payments_[kKept] = {};
  uint64_t count_ = 0;
};

class Named final : public Account {
 public:
  explicit Named(uint64_t number) : name_("account number " + std::to_string(number)) {}
  void Pay(uint64_t amount) override {
    name_[name_.size() - 1 - amount % 4] = static_cast<char>('0' + amount % 10);
    paid_ ^= amount;
  }
  uint64_t Balance() const override { return paid_ + std::hash<char>()(name_.back()); }

 private:
  std::string name_;
  uint64_t paid_ = 0;
};

std::unique_ptr<Account> MakeAccount(uint64_t number) {
  switch (number % 3) {
    case 0:
      return std::make_unique<Simple>();
    case 1:
      return std::make_unique<Remembering>();
    default:
      return std::make_unique<Named>(number);
  }
}

}  // namespace

uint64_t Work(uint64_t iterations) {
  constexpr uint64_t kPayments = 1000, kKeys = 20000;
  std::unordered_map<uint64_t, std::unique_ptr<Account>> accounts;
  Numbers numbers(5);
  uint64_t checksum = 0;
  for (uint64_t i = 0; i < iterations; ++i) {
    for (uint64_t payment = 0; payment < kPayments; ++payment) {
      const uint64_t key = numbers.Below(kKeys) * uint64_t{0x1000193};
      std::unique_ptr<Account>& account = accounts[key];
      if (account == nullptr) account = MakeAccount(key);
      account->Pay(numbers.Below(1000));
      if (payment % 16 == 0) {
        // The account is closed.
        checksum = Mix(checksum, account->Balance());
        accounts.erase(key);
      }
    }
    checksum = Mix(checksum, accounts.size());
  }
  uint64_t sum = 0;  // In any order.
  for (const auto& [key, account] : accounts) sum += key ^ account->Balance();
  return Mix(checksum, sum);
}
