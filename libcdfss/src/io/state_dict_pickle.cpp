// A pickle is a program for a stack machine. This one knows the instructions of protocol 2, in
// which PyTorch writes, and of the functions that a program may call only the few that make tensors
// and dicts; it has no way to call any other. Containers live in the machine and point to each
// other, so that nothing recurses however deep or circular they are.
#include "io/state_dict_pickle.h"

#include <ATen/ATen.h>

#include <array>
#include <deque>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "cdfss/error.h"

namespace cdfss {
namespace {

struct Tuple;
struct Dict;
struct Opaque {};  // a value that no tensor depends on: None, bools, floats, lists, unknown objects
// Strings point into the pickle; a global is "module\nname", as it is written there.
using Value = std::variant<Opaque, std::int64_t, std::string_view, at::Tensor, const Tuple*, Dict*>;
struct Tuple {
  std::vector<Value> items;
};
struct Dict {
  std::vector<std::pair<Value, Value>> items;
};

constexpr std::array<std::pair<std::string_view, at::ScalarType>, 9> kStorages{{
    {"torch\nFloatStorage", at::kFloat},
    {"torch\nHalfStorage", at::kHalf},
    {"torch\nBFloat16Storage", at::kBFloat16},
    {"torch\nDoubleStorage", at::kDouble},
    {"torch\nLongStorage", at::kLong},
    {"torch\nIntStorage", at::kInt},
    {"torch\nShortStorage", at::kShort},
    {"torch\nCharStorage", at::kChar},
    {"torch\nByteStorage", at::kByte},
}};

class Unpickler {
 public:
  Unpickler(std::string_view pickle, const LoadStorage& load_storage,
            const std::filesystem::path& file)
      : rest_(pickle), load_storage_(load_storage), file_(file) {}

  // Dicts in it belong to the machine.
  Value run() {
    while (true) {
      const auto opcode = static_cast<unsigned char>(take(1).front());
      if (opcode == '.') return pop();
      execute(opcode);
    }
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::kBadModel, file_.string() + ": " + what);
  }

 private:
  // clang-format off
  void execute(unsigned char opcode) {
    switch (opcode) {
      case 0x80: take(1); break;                                            // PROTO
      case 'N': case 0x88: case 0x89: case ']': push(Opaque{}); break;      // None, bools, list
      case 'G': take(8); push(Opaque{}); break;                             // BINFLOAT
      case 'K': push(static_cast<std::int64_t>(number(1))); break;          // BININT1
      case 'M': push(static_cast<std::int64_t>(number(2))); break;          // BININT2
      case 'J': push(std::int64_t{static_cast<std::int32_t>(number(4))}); break;  // BININT
      case 0x8a: push(long_integer(take(number(1)))); break;                // LONG1
      case 'X': push(take(number(4))); break;                               // BINUNICODE
      case 'c': push(global()); break;                                      // GLOBAL
      case '}': push(&dicts_.emplace_back()); break;                        // EMPTY_DICT
      case ')': push_tuple(0); break;                                       // EMPTY_TUPLE
      case 0x85: push_tuple(1); break;                                      // TUPLE1 to 3
      case 0x86: push_tuple(2); break;
      case 0x87: push_tuple(3); break;
      case '(': marks_.push_back(stack_.size()); break;                     // MARK
      case 't': push_tuple(pop_mark()); break;                              // TUPLE
      case 'a': pop(); break;                                               // APPEND
      case 'e': stack_.resize(stack_.size() - pop_mark()); break;           // APPENDS
      case 's': set_items(2); break;                                        // SETITEM
      case 'u': set_items(pop_mark()); break;                               // SETITEMS
      case 'q': memo_[number(1)] = top(); break;                            // BINPUT
      case 'r': memo_[number(4)] = top(); break;                            // LONG_BINPUT
      case 'h': push(recall(number(1))); break;                             // BINGET
      case 'j': push(recall(number(4))); break;                             // LONG_BINGET
      case 'b': pop(); break;               // BUILD: attributes, such as a state dict's versions
      case 'R': case 0x81: call(); break;   // REDUCE, NEWOBJ
      case 'Q': push(storage()); break;     // BINPERSID
      default: refuse("pickle has the unknown instruction " + std::to_string(opcode));
    }
  }
  // clang-format on

  std::string_view take(std::size_t size) {
    if (size > rest_.size()) refuse("pickle ends too early");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::uint32_t number(std::size_t size) {  // little-endian
    std::uint32_t value = 0;
    int shift = 0;
    for (const char byte : take(size)) {
      value |= std::uint32_t{static_cast<unsigned char>(byte)} << shift;
      shift += 8;
    }
    return value;
  }

  // Two's complement, little-endian, as short as possible. What exceeds 64 bits sizes no tensor.
  static Value long_integer(std::string_view bytes) {
    if (bytes.size() > 8) return Opaque{};
    std::uint64_t value = !bytes.empty() && bytes.back() < 0 ? ~std::uint64_t{0} : 0;
    for (std::size_t i = bytes.size(); i-- > 0;) {
      value = value << 8 | static_cast<unsigned char>(bytes[i]);
    }
    return static_cast<std::int64_t>(value);
  }

  std::string_view global() {
    const std::size_t module_end = rest_.find('\n');
    const std::size_t name_end =
        module_end == rest_.npos ? rest_.npos : rest_.find('\n', module_end + 1);
    if (name_end == rest_.npos) refuse("pickle ends too early");
    const std::string_view text = take(name_end);
    take(1);
    return text;
  }

  void push(Value value) { stack_.push_back(std::move(value)); }

  Value& top() {
    if (stack_.empty()) refuse("pickle takes a value where there is none");
    return stack_.back();
  }

  Value pop() {
    Value value = std::move(top());
    stack_.pop_back();
    return value;
  }

  // Number of values above the last mark.
  std::size_t pop_mark() {
    if (marks_.empty() || marks_.back() > stack_.size()) refuse("pickle has a mark out of place");
    const std::size_t mark = marks_.back();
    marks_.pop_back();
    return stack_.size() - mark;
  }

  std::vector<Value> pop_values(std::size_t count) {
    if (count > stack_.size()) refuse("pickle takes a value where there is none");
    std::vector<Value> values(std::make_move_iterator(stack_.end() - count),
                              std::make_move_iterator(stack_.end()));
    stack_.resize(stack_.size() - count);
    return values;
  }

  void push_tuple(std::size_t size) {
    const Tuple& tuple = tuples_.emplace_back(Tuple{pop_values(size)});
    push(&tuple);
  }

  void set_items(std::size_t count) {
    std::vector<Value> values = pop_values(count);
    Dict** dict = std::get_if<Dict*>(&top());
    if (dict == nullptr || count % 2 != 0) refuse("pickle sets items of what is no dict");
    for (std::size_t i = 0; i < count; i += 2) {
      (*dict)->items.emplace_back(std::move(values[i]), std::move(values[i + 1]));
    }
  }

  const Value& recall(std::uint32_t key) {
    const auto value = memo_.find(key);
    if (value == memo_.end()) refuse("pickle refers to a value that it never stored");
    return value->second;
  }

  void call() {
    const Value arguments = pop();
    const Value function = pop();
    const auto* name = std::get_if<std::string_view>(&function);
    const auto* tuple = std::get_if<const Tuple*>(&arguments);
    if (name == nullptr || tuple == nullptr) {
      push(Opaque{});
    } else if (*name == "collections\nOrderedDict" && (*tuple)->items.empty()) {
      push(&dicts_.emplace_back());
    } else if (*name == "torch._utils\n_rebuild_tensor_v2") {
      push(tensor((*tuple)->items));
    } else if (*name == "torch._utils\n_rebuild_parameter" && !(*tuple)->items.empty()) {
      push((*tuple)->items.front());
    } else {
      push(Opaque{});
    }
  }

  // ("storage", type, key, device, elements) to the storage as a 1-D tensor. The device is left
  // aside: what was saved on another one is read as it lies in the file.
  Value storage() {
    const Value id = pop();
    const auto* tuple = std::get_if<const Tuple*>(&id);
    if (tuple == nullptr || (*tuple)->items.size() != 5) refuse("pickle has a malformed storage");
    const auto& items = (*tuple)->items;
    const auto* type = std::get_if<std::string_view>(&items[1]);
    const auto* key = std::get_if<std::string_view>(&items[2]);
    const auto* elements = std::get_if<std::int64_t>(&items[4]);
    if (type == nullptr || key == nullptr || elements == nullptr || *elements < 0) {
      refuse("pickle has a malformed storage");
    }
    for (const auto& [name, dtype] : kStorages) {
      if (*type != name) continue;
      const auto [known, is_new] = storages_.try_emplace(std::string(*key));
      if (is_new) known->second = load_storage_(known->first, dtype, *elements);
      if (known->second.scalar_type() != dtype || known->second.numel() != *elements) {
        refuse("storage " + known->first + " is used with two types or sizes");
      }
      return known->second;
    }
    return Opaque{};
  }

  // (storage, offset, sizes, strides, ...) to a view, once all of it is known to lie inside.
  Value tensor(const std::vector<Value>& arguments) {
    if (arguments.size() < 4) refuse("pickle has a malformed tensor");
    const auto* storage = std::get_if<at::Tensor>(&arguments[0]);
    if (storage == nullptr) return Opaque{};
    const auto* offset = std::get_if<std::int64_t>(&arguments[1]);
    const std::vector<std::int64_t> sizes = integers(arguments[2]);
    const std::vector<std::int64_t> strides = integers(arguments[3]);
    if (offset == nullptr || sizes.size() != strides.size())
      refuse("pickle has a malformed tensor");
    std::int64_t last = *offset;  // index of the last element
    std::int64_t elements = 1;
    bool overflow = false;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      std::int64_t step = 0;
      overflow |= __builtin_mul_overflow(sizes[i] - 1, strides[i], &step);
      overflow |= __builtin_add_overflow(last, step, &last);
      overflow |= __builtin_mul_overflow(elements, sizes[i], &elements);
    }
    if (*offset < 0 || overflow || (elements > 0 && last >= storage->numel()) ||
        *offset > storage->numel()) {
      refuse(c10::str("a tensor of ", at::IntArrayRef(sizes), " at element ", *offset,
                      " does not fit its storage of ", storage->numel()));
    }
    return storage->as_strided(sizes, strides, *offset);
  }

  std::vector<std::int64_t> integers(const Value& value) {
    std::vector<std::int64_t> result;
    const auto* tuple = std::get_if<const Tuple*>(&value);
    if (tuple == nullptr) refuse("pickle has a malformed tensor");
    for (const Value& item : (*tuple)->items) {
      const auto* integer = std::get_if<std::int64_t>(&item);
      if (integer == nullptr || *integer < 0) refuse("pickle has a malformed tensor");
      result.push_back(*integer);
    }
    return result;
  }

  std::string_view rest_;
  const LoadStorage& load_storage_;
  const std::filesystem::path& file_;
  std::vector<Value> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint32_t, Value> memo_;
  std::deque<Tuple> tuples_;
  std::deque<Dict> dicts_;
  std::map<std::string, at::Tensor> storages_;
};

const Value* find(const Dict& dict, std::string_view name) {
  for (const auto& [key, value] : dict.items) {
    const auto* text = std::get_if<std::string_view>(&key);
    if (text != nullptr && *text == name) return &value;
  }
  return nullptr;
}

}  // namespace

std::map<std::string, at::Tensor> parse_state_dict(std::string_view pickle,
                                                   const LoadStorage& load_storage,
                                                   const std::filesystem::path& file) {
  Unpickler unpickler(pickle, load_storage, file);
  Value root = unpickler.run();
  if (Dict** outer = std::get_if<Dict*>(&root)) {
    if (const Value* inner = find(**outer, "state_dict")) root = *inner;
  }
  Dict** state = std::get_if<Dict*>(&root);
  if (state == nullptr) unpickler.refuse("holds no state dict (a dict of tensors by name)");

  std::map<std::string, at::Tensor> tensors;
  for (const auto& [key, value] : (*state)->items) {
    const auto* text = std::get_if<std::string_view>(&key);
    if (text == nullptr) unpickler.refuse("state dict has a key that is not a string");
    std::string name(*text);
    const auto* tensor = std::get_if<at::Tensor>(&value);
    if (tensor == nullptr) {
      unpickler.refuse("state dict entry \"" + name + "\" is not a tensor of a known type");
    }
    constexpr std::string_view kParallel = "module.";
    if (name.starts_with(kParallel)) name.erase(0, kParallel.size());
    if (!tensors.emplace(name, *tensor).second) {
      unpickler.refuse("state dict has \"" + name + "\" twice");
    }
  }
  return tensors;
}

}  // namespace cdfss
