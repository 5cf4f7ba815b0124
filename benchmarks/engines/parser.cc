// Branches, recursion and small allocations: texts like "(12 + x3) * 7" are made, cut into tokens,
// parsed into trees, simplified, evaluated, and printed again.
#include <cctype>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "benchmarks/engines/workload.h"

namespace {

constexpr int kVariables = 8;

struct Expression {
  char kind;  // An operator, or 'x': a variable, or '0': a number.
  uint64_t value = 0;
  std::unique_ptr<Expression> left, right;
};
using Tree = std::unique_ptr<Expression>;

void MakeText(Numbers& numbers, int depth, std::string& text) {
  const uint32_t choice = numbers.Below(8);
  if (depth == 0 || choice == 0) {
    if (choice % 2 == 0)
      text += 'x' + std::string(1, static_cast<char>('0' + numbers.Below(kVariables)));
    else
      text += std::to_string(numbers.Below(choice == 1 ? 2 : 100000));
    return;
  }
  const bool in_parentheses = choice < 4;
  if (in_parentheses) text += '(';
  MakeText(numbers, depth - 1, text);
  text += ' ';
  text += "+-*&|"[numbers.Below(5)];
  text += ' ';
  MakeText(numbers, depth - 1, text);
  if (in_parentheses) text += ')';
}

int Rank(char kind) {
  switch (kind) {
    case '*':
      return 4;
    case '+':
    case '-':
      return 3;
    case '&':
      return 2;
    case '|':
      return 1;
    default:
      return 0;
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) { Advance(); }

  // As long as operators of `rank` and more follow.
  Tree Parse(int rank) {
    Tree tree = ParsePrimary();
    while (Rank(kind_) >= rank) {
      const char kind = kind_;
      Advance();
      Tree right = Parse(Rank(kind) + 1);
      tree = std::make_unique<Expression>(Expression{kind, 0, std::move(tree), std::move(right)});
    }
    return tree;
  }

 private:
  Tree ParsePrimary() {
    if (kind_ == '(') {
      Advance();
      Tree tree = Parse(1);
      Advance();
      return tree;
    }
    auto tree = std::make_unique<Expression>(Expression{kind_, value_, nullptr, nullptr});
    Advance();
    return tree;
  }

  void Advance() {
    while (!rest_.empty() && std::isspace(rest_[0])) rest_.remove_prefix(1);
    if (rest_.empty()) {
      kind_ = '.';
      return;
    }
    kind_ = std::isdigit(rest_[0]) ? '0' : rest_[0];
    if (kind_ != '0') rest_.remove_prefix(1);
    if (kind_ != '0' && kind_ != 'x') return;
    for (value_ = 0; !rest_.empty() && std::isdigit(rest_[0]); rest_.remove_prefix(1))
      value_ = value_ * 10 + static_cast<uint64_t>(rest_[0] - '0');
  }

  std::string_view rest_;
  char kind_ = '.';  // Of the next token, as an Expression's; '.' is the end.
  uint64_t value_ = 0;
};

uint64_t Apply(char kind, uint64_t left, uint64_t right) {
  switch (kind) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '&':
      return left & right;
    default:
      return left | right;
  }
}

// Computes what is known, and leaves out what changes nothing.
Tree Simplified(Tree tree) {
  if (tree->left == nullptr) return tree;
  tree->left = Simplified(std::move(tree->left));
  tree->right = Simplified(std::move(tree->right));
  const bool left_known = tree->left->kind == '0', right_known = tree->right->kind == '0';
  if (left_known && right_known) {
    const uint64_t value = Apply(tree->kind, tree->left->value, tree->right->value);
    return std::make_unique<Expression>(Expression{'0', value, nullptr, nullptr});
  }
  const uint64_t neutral = tree->kind == '*' ? 1 : tree->kind == '&' ? ~uint64_t{0} : 0;
  if (right_known && tree->right->value == neutral) return std::move(tree->left);
  if (left_known && tree->left->value == neutral && tree->kind != '-')
    return std::move(tree->right);
  return tree;
}

uint64_t Evaluate(const Expression& tree, const uint64_t* variables) {
  if (tree.kind == '0') return tree.value;
  if (tree.kind == 'x') return variables[tree.value];
  return Apply(tree.kind, Evaluate(*tree.left, variables), Evaluate(*tree.right, variables));
}

void Print(const Expression& tree, std::string& text) {
  if (tree.kind == 'x') text += 'x';
  if (tree.left == nullptr) {
    text += std::to_string(tree.value);
    return;
  }
  for (const Tree* side : {&tree.left, &tree.right}) {
    if (side == &tree.right) (text += ' ') += tree.kind, text += ' ';
    const bool in_parentheses = (*side)->left != nullptr && Rank((*side)->kind) <= Rank(tree.kind);
    if (in_parentheses) text += '(';
    Print(**side, text);
    if (in_parentheses) text += ')';
  }
}

}  // namespace

uint64_t Work(uint64_t iterations) {
  Numbers numbers(13);
  uint64_t checksum = 0;
  for (uint64_t i = 0; i < iterations; ++i) {
    uint64_t variables[kVariables];
    for (uint64_t& variable : variables) variable = numbers.Below(1000);
    std::string text;
    MakeText(numbers, 8, text);
    const Tree tree = Simplified(Parser(text).Parse(1));
    checksum = Mix(checksum, Evaluate(*tree, variables));
    std::string printed;
    Print(*tree, printed);
    checksum = Mix(checksum, printed.size());
    for (char letter : printed) checksum += static_cast<unsigned char>(letter);
    // What was printed means the same.
    checksum = Mix(checksum, Evaluate(*Parser(printed).Parse(1), variables));
  }
  return checksum;
}
