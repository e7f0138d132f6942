#include "shm/listener_table.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "common/check.h"
#include "common/worker_protocol.h"
#include "shm/shared_words.h"

namespace eradio {
namespace {

static_assert(std::is_trivially_copyable_v<ListenerIdentity>);
static_assert(std::is_trivially_copyable_v<ListenerRun>);
static_assert(std::is_trivially_copyable_v<ListenerProgress>);
static_assert(std::is_trivially_copyable_v<NotifyProgress>);
static_assert(sizeof(ListenerRecord) == 272);

template <typename Value>
Value load(std::span<const std::uint64_t> words) noexcept {
  Value value;
  load_words(words, std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

template <typename Value>
void store(std::span<std::uint64_t> words, const Value& value) noexcept {
  store_words(words, std::as_bytes(std::span(&value, 1)));
}

constexpr int attempts_max = 3;  // a worker that means harm must not hold us up

std::optional<ListenerProgress> progress_of(const ListenerRecord& record) {
  ListenerProgress progress;
  std::vector<std::byte> bytes;
  if (!read_locked(record.lock, record.progress, bytes, attempts_max) ||
      bytes.size() != sizeof progress) {
    return std::nullopt;
  }
  std::memcpy(&progress, bytes.data(), sizeof progress);
  return progress;
}

std::size_t table_bytes(std::size_t records) {
  return round_up_to_page(sizeof(ListenerTableHeader) + records * sizeof(ListenerRecord));
}

ListenerTableHeader& header_of(const boost::interprocess::mapped_region& region) {
  return *static_cast<ListenerTableHeader*>(region.get_address());
}

// As many as fit into the memory, whatever the header says by now.
std::span<ListenerRecord> records_of(const boost::interprocess::mapped_region& region) {
  return {reinterpret_cast<ListenerRecord*>(&header_of(region) + 1),
          (region.get_size() - sizeof(ListenerTableHeader)) / sizeof(ListenerRecord)};
}

std::span<ListenerRecord> checked_records(const boost::interprocess::mapped_region& region) {
  if (region.get_size() < table_bytes(0)) {
    throw std::runtime_error("the listener table's shared memory is too small to be one");
  }
  const ListenerTableHeader& header = header_of(region);
  if (header.magic != listener_table_magic) {
    throw std::runtime_error("this shared memory is not a listener table");
  }
  if (header.layout_version != listener_table_layout_version) {
    throw std::runtime_error("the listener table has layout version " +
                             std::to_string(header.layout_version) + ", this program reads " +
                             std::to_string(listener_table_layout_version));
  }
  const auto records = records_of(region);
  if (header.record_bytes != sizeof(ListenerRecord) || header.records > records.size() ||
      header.records > std::numeric_limits<std::uint32_t>::max()) {
    throw std::runtime_error("the listener table's sizes do not fit together");
  }
  return records.first(header.records);
}

}  // namespace

ListenerTable::ListenerTable(std::size_t listeners_max)
    : file_(MemoryFile::create("eradio-listeners", table_bytes(listeners_max))),
      region_(file_.map_writable(0, file_.bytes())),
      records_(listeners_max) {
  write_header();
}

ListenerTable::ListenerTable(Descriptor descriptor, std::size_t records)
    : file_(std::move(descriptor)),
      region_(file_.map_writable(0, file_.bytes())),
      records_(records) {
  if (region_.get_size() < table_bytes(0) || records > records_of(region_).size()) {
    throw std::runtime_error("the listener table's shared memory is too small to be one");
  }
  const std::uint64_t used = load_word(header_of(region_).used);
  write_header();
  store_word(header_of(region_).used, std::min<std::uint64_t>(used, records));
}

ListenerTable::ListenerTable(Descriptor descriptor)
    : file_(std::move(descriptor)),
      region_(file_.map_writable(0, file_.bytes())),
      records_(checked_records(region_).size()) {}

void ListenerTable::write_header() {
  new (region_.get_address()) ListenerTableHeader{.magic = listener_table_magic,
                                                  .layout_version = listener_table_layout_version,
                                                  .record_bytes = sizeof(ListenerRecord),
                                                  .records = records_,
                                                  .used = 0};
}

std::vector<ListenerStatus> ListenerTable::read() const {
  return read_page(0, records_, records_).listeners;
}

ListenerPage ListenerTable::read_page(std::size_t first, std::size_t listeners_max,
                                      std::size_t records_max) const {
  const auto records = records_of(region_).first(records_);
  const std::size_t used =
      std::min<std::size_t>(load_word(header_of(region_).used), records.size());
  const std::size_t end = first < used ? first + std::min(records_max, used - first) : first;
  ListenerPage page;
  std::size_t next = first;
  for (; next < end && page.listeners.size() < listeners_max; ++next) {
    const ListenerRecord& record = records[next];
    const std::uint64_t serial = load_word(record.serial);
    if (serial == 0) {
      continue;
    }
    ListenerStatus status;
    static_cast<ListenerIdentity&>(status) = load<ListenerIdentity>(record.identity);
    if (status.kind != ClientKind::listener) {
      continue;
    }
    static_cast<ListenerProgress&>(status) = progress_of(record).value_or(ListenerProgress{});
    if (load_word(record.serial) == serial) {  // and not another's by now
      page.listeners.push_back(status);
    }
  }
  page.records_read = next - first;
  if (next < used) {
    page.next = next;
  }
  return page;
}

std::optional<std::uint32_t> ListenerTable::take_from(ListenerTable& other, std::uint32_t record,
                                                      std::uint64_t serial) {
  const auto records = records_of(region_).first(records_);
  const auto others = records_of(other.region_).first(other.records_);
  if (record >= others.size() || serial == 0 || load_word(others[record].serial) != serial) {
    return std::nullopt;
  }
  const auto taken = [](const ListenerRecord& candidate) {
    return load_word(candidate.serial) != 0;
  };
  if (free_from_ >= records.size() || !taken(records[free_from_])) {
    free_from_ = 0;
  }
  auto found = std::find_if_not(records.begin() + static_cast<std::ptrdiff_t>(free_from_),
                                records.end(), taken);
  if (found == records.end()) {  // some before it may be free by now
    found = std::find_if_not(records.begin(), records.end(), taken);
  }
  if (found == records.end()) {
    return std::nullopt;
  }
  const auto number = static_cast<std::uint32_t>(found - records.begin());
  free_from_ = number;
  const auto words_of = [](ListenerRecord& whole) {
    return std::span(reinterpret_cast<std::uint64_t*>(&whole),
                     sizeof whole / sizeof(std::uint64_t));
  };
  const auto from = words_of(others[record]);
  const auto to = words_of(*found);
  for (std::size_t i = 1; i < from.size(); ++i) {  // but the serial, which comes last
    store_word(to[i], load_word(from[i]));
  }
  std::uint64_t& used = header_of(region_).used;
  store_word(used, std::max<std::uint64_t>(load_word(used), number + 1));
  store_word(found->serial, serial);
  store_word(others[record].serial, 0);
  return number;
}

void ListenerTable::clear() {
  const std::size_t used = std::min<std::size_t>(load_word(header_of(region_).used), records_);
  for (ListenerRecord& record : records_of(region_).first(used)) {
    store_word(record.serial, 0);
  }
  write_header();  // whatever the worker has done to it
}

WorkerListenerTable::WorkerListenerTable(Descriptor descriptor, std::uint64_t generation)
    : file_(std::move(descriptor)),
      region_(file_.map_writable(0, file_.bytes())),
      records_(checked_records(region_)),
      next_serial_((generation << 32U) + 1) {
  used_ = static_cast<std::uint32_t>(
      std::min<std::size_t>(load_word(header_of(region_).used), records_.size()));
  estates_.resize(used_);
  for (std::uint32_t number = 0; number < used_; ++number) {
    estates_[number] = load_word(records_[number].serial) != 0;
    if (!estates_[number]) {
      free_.push_back(number);
    }
  }
}

std::optional<std::uint32_t> WorkerListenerTable::find_free() {
  if (!free_.empty()) {
    const std::uint32_t number = free_.back();
    free_.pop_back();
    return number;
  }
  if (used_ == records_.size()) {
    return std::nullopt;
  }
  store_word(header_of(region_).used, used_ + 1);
  return used_++;
}

std::optional<std::uint32_t> WorkerListenerTable::take(const ListenerIdentity& identity,
                                                       const ListenerRun& run) {
  const auto number = find_free();
  if (number) {
    ListenerRecord& record = records_[*number];
    store(record.identity, identity);
    store_word(record.runs[1].version, 0);
    store(record.runs[0].words, run);
    store_word(record.runs[0].version, 1);
    store_word(record.handed_over, 0);
    write_progress(*number, {});
    store_word(record.serial, next_serial_++);  // from now on it counts
  }
  return number;
}

std::optional<std::uint32_t> WorkerListenerTable::take_notify_client(
    const ListenerIdentity& identity) {
  const auto number = find_free();
  if (number) {
    ListenerRecord& record = records_[*number];
    store(record.identity, identity);
    store_word(record.unsettled, 1);
    store_word(record.serial, next_serial_++);
  }
  return number;
}

void WorkerListenerTable::unsettle(std::uint32_t record) noexcept {
  ERADIO_CHECK(record < used_);
  store_word(records_[record].unsettled, 1);
}

void WorkerListenerTable::settle(std::uint32_t record, const NotifyProgress& progress) noexcept {
  ERADIO_CHECK(record < used_);
  store(records_[record].notify, progress);
  store_word(records_[record].unsettled, 0);
}

std::uint64_t WorkerListenerTable::serial(std::uint32_t record) const noexcept {
  ERADIO_CHECK(record < used_);
  return load_word(records_[record].serial);
}

void WorkerListenerTable::write_run(std::uint32_t record, const ListenerRun& run) noexcept {
  ERADIO_CHECK(record < used_);
  auto& runs = records_[record].runs;
  const std::uint64_t versions[] = {load_word(runs[0].version), load_word(runs[1].version)};
  auto& older = versions[0] < versions[1] ? runs[0] : runs[1];
  store_word(older.version, 0);
  store(older.words, run);
  store_word(older.version, std::max(versions[0], versions[1]) + 1);
}

void WorkerListenerTable::write_progress(std::uint32_t record,
                                         const ListenerProgress& progress) noexcept {
  ERADIO_CHECK(record < used_);
  write_locked(records_[record].lock, records_[record].progress,
               std::as_bytes(std::span(&progress, 1)));
}

void WorkerListenerTable::hand_over(std::uint32_t record, std::uint64_t bytes_sent) noexcept {
  ERADIO_CHECK(record < used_);
  store_word(records_[record].handed_over, bytes_sent + 1);
}

void WorkerListenerTable::give_back(std::uint32_t record) {
  ERADIO_CHECK(record < used_);
  store_word(records_[record].serial, 0);
  free_.push_back(record);
}

bool WorkerListenerTable::is_estate(std::uint32_t record, std::uint64_t serial) const noexcept {
  return record < estates_.size() && estates_[record] && serial != 0 &&
         load_word(records_[record].serial) == serial;
}

std::optional<ListenerEstate> WorkerListenerTable::adopt(std::uint32_t record,
                                                         std::uint64_t serial) {
  if (!is_estate(record, serial)) {
    return std::nullopt;
  }
  ListenerRecord& found = records_[record];
  const auto identity = load<ListenerIdentity>(found.identity);
  if (identity.kind != ClientKind::listener || identity.id > listener_id_max) {
    return std::nullopt;
  }
  const std::uint64_t versions[] = {load_word(found.runs[0].version),
                                    load_word(found.runs[1].version)};
  if (versions[0] == versions[1]) {
    return std::nullopt;  // nobody writes this: it is neither of a new record nor of an old one
  }
  estates_[record] = false;
  const std::uint64_t handed_over = load_word(found.handed_over);
  store_word(found.handed_over, 0);  // it holds until somebody sends
  return ListenerEstate{
      .serial = serial,
      .identity = identity,
      .run = load<ListenerRun>(found.runs[versions[0] > versions[1] ? 0 : 1].words),
      .progress = progress_of(found),
      .bytes_handed_over = handed_over > 0 ? std::optional(handed_over - 1) : std::nullopt};
}

std::optional<NotifyEstate> WorkerListenerTable::adopt_notify_client(std::uint32_t record,
                                                                     std::uint64_t serial) {
  if (!is_estate(record, serial)) {
    return std::nullopt;
  }
  const ListenerRecord& found = records_[record];
  NotifyEstate estate{.identity = load<ListenerIdentity>(found.identity), .progress = {}};
  if (estate.identity.kind != ClientKind::websocket &&
      estate.identity.kind != ClientKind::event_stream) {
    return std::nullopt;
  }
  estates_[record] = false;
  if (load_word(found.unsettled) == 0) {
    estate.progress = load<NotifyProgress>(found.notify);
  }
  return estate;
}

void WorkerListenerTable::forget_estates() {
  for (std::uint32_t number = 0; number < estates_.size(); ++number) {
    if (estates_[number]) {
      give_back(number);
    }
  }
  estates_.clear();
}

}  // namespace eradio
