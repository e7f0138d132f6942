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
#include "shm/shared_words.h"

namespace eradio {
namespace {

static_assert(std::is_trivially_copyable_v<ListenerStatus>);
static_assert(sizeof(ListenerRecord) <= 128, "two cache lines");

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

void free_records(const boost::interprocess::mapped_region& region,
                  std::span<ListenerRecord> records) {
  const std::size_t used = std::min<std::size_t>(load_word(header_of(region).used), records.size());
  for (ListenerRecord& record : records.first(used)) {
    write_locked(record.lock, record.words, {});
  }
  store_word(header_of(region).used, 0);
}

}  // namespace

ListenerTable::ListenerTable(std::size_t listeners_max)
    : file_(MemoryFile::create("eradio-listeners", table_bytes(listeners_max))),
      region_(file_.map_writable(0, file_.bytes())),
      records_(listeners_max) {
  write_header();
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
  const auto records = records_of(region_).first(records_);
  const std::size_t used =
      std::min<std::size_t>(load_word(header_of(region_).used), records.size());
  std::vector<ListenerStatus> all;
  std::vector<std::byte> bytes;
  constexpr int attempts_max = 3;  // a worker that means harm must not hold us up
  for (const ListenerRecord& record : records.first(used)) {
    ListenerStatus status;
    if (read_locked(record.lock, record.words, bytes, attempts_max) &&
        bytes.size() == sizeof status) {
      std::memcpy(&status, bytes.data(), sizeof status);
      all.push_back(status);
    }
  }
  return all;
}

void ListenerTable::clear() {
  free_records(region_, records_of(region_).first(records_));
  write_header();  // whatever the worker has done to it
}

WorkerListenerTable::WorkerListenerTable(Descriptor descriptor)
    : file_(std::move(descriptor)),
      region_(file_.map_writable(0, file_.bytes())),
      records_(checked_records(region_)) {
  free_records(region_, records_);
}

std::optional<std::uint32_t> WorkerListenerTable::take() {
  if (!free_.empty()) {
    const std::uint32_t record = free_.back();
    free_.pop_back();
    return record;
  }
  if (used_ == records_.size()) {
    return std::nullopt;
  }
  store_word(header_of(region_).used, used_ + 1);
  return used_++;
}

void WorkerListenerTable::write(std::uint32_t record, const ListenerStatus& status) noexcept {
  ERADIO_CHECK(record < used_);
  write_locked(records_[record].lock, records_[record].words, std::as_bytes(std::span(&status, 1)));
}

void WorkerListenerTable::give_back(std::uint32_t record) {
  ERADIO_CHECK(record < used_);
  write_locked(records_[record].lock, records_[record].words, {});
  free_.push_back(record);
}

}  // namespace eradio
