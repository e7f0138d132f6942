#include "shm/listener_table.h"

#include <algorithm>
#include <limits>
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
static_assert(std::is_trivially_copyable_v<ListenerTally>);
static_assert(std::is_trivially_copyable_v<ListenerProgress>);
static_assert(std::is_trivially_copyable_v<NotifyProgress>);
static_assert(sizeof(ListenerRecord) == 256);

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

using Run = ListenerRecord::Run;
using Departed = ListenerTableHeader::Departed;

// Of two copies the one that holds; nothing when neither does, which no worker leaves behind.
template <typename Copy>
const Copy* newest_of(const Copy (&copies)[2]) noexcept {
  const std::uint64_t versions[] = {load_word(copies[0].version), load_word(copies[1].version)};
  return versions[0] == versions[1] ? nullptr : &copies[versions[0] > versions[1] ? 0 : 1];
}

// Has `write` overwrite the other copy, which holds from then on.
template <typename Copy, typename Write>
void replace_older_of(Copy (&copies)[2], Write write) noexcept {
  const std::uint64_t versions[] = {load_word(copies[0].version), load_word(copies[1].version)};
  Copy& older = copies[versions[0] < versions[1] ? 0 : 1];
  store_word(older.version, 0);
  write(older);
  store_word(older.version, std::max(versions[0], versions[1]) + 1);
}

// What `read` makes of the copy that holds, while a worker may be writing.
template <typename Copy, typename Read>
auto read_newest_of(const Copy (&copies)[2], Read read)
    -> std::optional<decltype(read(copies[0]))> {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    const Copy* copy = newest_of(copies);
    if (copy == nullptr) {
      return std::nullopt;
    }
    const std::uint64_t version = load_word(copy->version);
    const auto value = read(*copy);
    if (version != 0 && load_word(copy->version) == version) {
      return value;
    }
  }
  return std::nullopt;
}

ListenerTally tally_of(const ListenerRecord& record) {
  return read_newest_of(record.runs, [](const Run& run) { return load<ListenerTally>(run.tally); })
      .value_or(ListenerTally{});
}

ListenerTotals departed_of(const ListenerTableHeader& header) {
  return read_newest_of(header.departed,
                        [](const Departed& copy) { return load<ListenerTotals>(copy.totals); })
      .value_or(ListenerTotals{});
}

// Another one whenever somebody leaves.
std::uint64_t departures_of(const ListenerTableHeader& header) {
  return load_word(header.departed[0].version) + load_word(header.departed[1].version);
}

// The serial of the last who has left: counted already, though the record may be there still.
std::uint64_t last_departed(const ListenerTableHeader& header) {
  const Departed* const departed = newest_of(header.departed);
  return departed == nullptr ? 0 : load_word(departed->serial);
}

void add_departed(ListenerTableHeader& header, std::uint64_t serial, const ListenerTotals& totals) {
  ListenerTotals sum = departed_of(header);
  sum += totals;
  replace_older_of(header.departed, [&](Departed& copy) {
    store_word(copy.serial, serial);
    store(copy.totals, sum);
  });
}

// Whatever was there before.
void set_departed(ListenerTableHeader& header, const ListenerTotals& totals) {
  store_word(header.departed[1].version, 0);
  store_word(header.departed[0].version, 0);
  add_departed(header, 0, totals);
}

ClientKind kind_of(const ListenerRecord& record) {
  return load<ListenerIdentity>(record.identity).kind;
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

ListenerTotals& ListenerTotals::operator+=(const ListenerTotals& other) noexcept {
  frames_sent += other.frames_sent;
  bytes_sent += other.bytes_sent;
  frames_skipped += other.frames_skipped;
  jumps += other.jumps;
  return *this;
}

ListenerTable::ListenerTable(std::size_t listeners_max)
    : file_(MemoryFile::create("eradio-listeners", table_bytes(listeners_max))),
      region_(file_.map_writable(0, file_.bytes())),
      records_(listeners_max) {
  put_right();
}

ListenerTable::ListenerTable(Descriptor descriptor, std::size_t records)
    : file_(std::move(descriptor)),
      region_(file_.map_writable(0, file_.bytes())),
      records_(records) {
  if (region_.get_size() < table_bytes(0) || records > records_of(region_).size()) {
    throw std::runtime_error("the listener table's shared memory is too small to be one");
  }
  put_right();
}

ListenerTable::ListenerTable(Descriptor descriptor)
    : file_(std::move(descriptor)),
      region_(file_.map_writable(0, file_.bytes())),
      records_(checked_records(region_).size()) {}

void ListenerTable::put_right() {
  ListenerTableHeader& header = header_of(region_);
  header.magic = listener_table_magic;
  header.layout_version = listener_table_layout_version;
  header.record_bytes = sizeof(ListenerRecord);
  header.records = records_;
  store_word(header.used, std::min<std::uint64_t>(load_word(header.used), records_));
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
    static_cast<ListenerProgress&>(status) = load<ListenerProgress>(record.progress);
    static_cast<ListenerTotals&>(status) = tally_of(record).totals;
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

ListenerCounts ListenerTable::count() const {
  constexpr int count_attempts_max = 4;  // each takes some 100 ns for each client
  ListenerCounts counts;
  for (int attempt = 0; attempt < count_attempts_max; ++attempt) {
    const std::uint64_t before = departures_of(header_of(region_));
    counts = count_once();
    if (departures_of(header_of(region_)) == before) {
      break;  // or one who has left meanwhile would be counted twice, or not at all
    }
  }
  return counts;
}

ListenerCounts ListenerTable::count_once() const {
  ListenerCounts counts;
  counts.totals = departed_of(header_of(region_));
  const std::uint64_t departed_serial = last_departed(header_of(region_));
  const std::size_t used = std::min<std::size_t>(load_word(header_of(region_).used), records_);
  for (const ListenerRecord& record : records_of(region_).first(used)) {
    const std::uint64_t serial = load_word(record.serial);
    if (serial == 0 || serial == departed_serial) {
      continue;
    }
    const ClientKind kind = kind_of(record);
    const ListenerTotals totals =
        kind == ClientKind::listener ? tally_of(record).totals : ListenerTotals{};
    if (load_word(record.serial) != serial) {
      continue;  // it has left, and perhaps another has come
    }
    if (kind == ClientKind::listener) {
      ++counts.listeners;
      counts.totals += totals;
    } else {
      ++counts.notify_clients;
    }
  }
  return counts;
}

void ListenerTable::take_departed_from(ListenerTable& other) {
  add_departed(header_of(region_), 0, departed_of(header_of(other.region_)));
  set_departed(header_of(other.region_), {});
}

bool ListenerTable::take_from(ListenerTable& other, std::uint32_t record, std::uint64_t serial,
                              std::uint32_t place) {
  const auto records = records_of(region_).first(records_);
  const auto others = records_of(other.region_).first(other.records_);
  if (place >= records.size() || record >= others.size() || serial == 0 ||
      load_word(others[record].serial) != serial ||
      serial == last_departed(header_of(other.region_))) {
    return false;
  }
  const auto words_of = [](ListenerRecord& whole) {
    return std::span(reinterpret_cast<std::uint64_t*>(&whole),
                     sizeof whole / sizeof(std::uint64_t));
  };
  if (const std::uint64_t left = load_word(records[place].serial);
      left != 0 && kind_of(records[place]) == ClientKind::listener) {  // nobody goes on with it
    add_departed(header_of(region_), left, tally_of(records[place]).totals);
  }
  const auto from = words_of(others[record]);
  const auto to = words_of(records[place]);
  for (std::size_t i = 1; i < from.size(); ++i) {  // but the serial, which comes last
    store_word(to[i], load_word(from[i]));
  }
  std::uint64_t& used = header_of(region_).used;
  store_word(used, std::max<std::uint64_t>(load_word(used), place + 1));
  store_word(records[place].serial, serial);
  store_word(others[record].serial, 0);
  return true;
}

void ListenerTable::clear() {
  const std::size_t used = std::min<std::size_t>(load_word(header_of(region_).used), records_);
  const ListenerTotals totals = count().totals;
  for (ListenerRecord& record : records_of(region_).first(used)) {
    store_word(record.serial, 0);
  }
  ListenerTableHeader& header = header_of(region_);
  set_departed(header, totals);
  store_word(header.used, 0);
  put_right();
}

WorkerListenerTable::WorkerListenerTable(Descriptor descriptor, std::uint64_t generation)
    : file_(std::move(descriptor)),
      region_(file_.map_writable(0, file_.bytes())),
      records_(checked_records(region_)),
      next_serial_((generation << 32U) + 1) {
  used_ = static_cast<std::uint32_t>(
      std::min<std::size_t>(load_word(header_of(region_).used), records_.size()));
  estates_.resize(used_);
  const std::uint64_t departed_serial = last_departed(header_of(region_));
  for (std::uint32_t number = 0; number < used_; ++number) {
    const std::uint64_t serial = load_word(records_[number].serial);
    if (serial != 0 && serial == departed_serial) {
      store_word(records_[number].serial, 0);  // what its worker did not come to
    }
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
    store(record.runs[0].tally, ListenerTally{});
    store_word(record.runs[0].version, 1);
    store_word(record.taken, 0);
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
    store_word(record.notify.unsettled, 1);
    store_word(record.serial, next_serial_++);
  }
  return number;
}

void WorkerListenerTable::unsettle(std::uint32_t record) noexcept {
  ERADIO_CHECK(record < used_);
  store_word(records_[record].notify.unsettled, 1);
}

void WorkerListenerTable::settle(std::uint32_t record, const NotifyProgress& progress) noexcept {
  ERADIO_CHECK(record < used_);
  store(records_[record].notify.progress, progress);
  store_word(records_[record].notify.unsettled, 0);
}

std::uint64_t WorkerListenerTable::serial(std::uint32_t record) const noexcept {
  ERADIO_CHECK(record < used_);
  return load_word(records_[record].serial);
}

ListenerIdentity WorkerListenerTable::identity(std::uint32_t record) const noexcept {
  ERADIO_CHECK(record < used_);
  return load<ListenerIdentity>(records_[record].identity);
}

void WorkerListenerTable::write_run(std::uint32_t record, const ListenerRun& run,
                                    const ListenerTally& tally) noexcept {
  ERADIO_CHECK(record < used_);
  replace_older_of(records_[record].runs, [&](Run& older) {
    store(older.words, run);
    store(older.tally, tally);
  });
}

void WorkerListenerTable::write_tally(std::uint32_t record, const ListenerTally& tally) noexcept {
  ERADIO_CHECK(record < used_);
  if (const Run* const run = newest_of(records_[record].runs)) {
    write_run(record, load<ListenerRun>(run->words), tally);
  }
}

void WorkerListenerTable::write_progress(std::uint32_t record,
                                         const ListenerProgress& progress) noexcept {
  ERADIO_CHECK(record < used_);
  store(records_[record].progress, progress);
}

void WorkerListenerTable::forget_taken(std::uint32_t record) noexcept {
  ERADIO_CHECK(record < used_);
  store_word(records_[record].taken, 0);
}

void WorkerListenerTable::write_taken(std::uint32_t record, std::uint64_t bytes) noexcept {
  ERADIO_CHECK(record < used_);
  store_word(records_[record].taken, bytes + 1);
}

void WorkerListenerTable::give_back(std::uint32_t record) {
  ERADIO_CHECK(record < used_);
  if (kind_of(records_[record]) == ClientKind::listener) {
    add_departed(header_of(region_), load_word(records_[record].serial),
                 tally_of(records_[record]).totals);
  }
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
  const ListenerRecord& found = records_[record];
  const auto identity = load<ListenerIdentity>(found.identity);
  if (identity.kind != ClientKind::listener || identity.id > listener_id_max) {
    return std::nullopt;
  }
  const Run* const run = newest_of(found.runs);
  if (run == nullptr) {
    return std::nullopt;  // nobody writes this: it is neither of a new record nor of an old one
  }
  estates_[record] = false;
  const std::uint64_t taken = load_word(found.taken);
  return ListenerEstate{.serial = serial,
                        .identity = identity,
                        .run = load<ListenerRun>(run->words),
                        .tally = load<ListenerTally>(run->tally),
                        .bytes_taken = taken > 0 ? std::optional(taken - 1) : std::nullopt};
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
  if (load_word(found.notify.unsettled) == 0) {
    estate.progress = load<NotifyProgress>(found.notify.progress);
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
