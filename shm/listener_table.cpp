#include "shm/listener_table.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "common/check.h"
#include "common/worker_protocol.h"
#include "shm/shared_words.h"

namespace eradio {
namespace {

template <std::size_t count>
std::array<std::uint64_t, count> load(const std::array<std::uint64_t, count>& shared) noexcept {
  std::array<std::uint64_t, count> words;
  std::transform(shared.begin(), shared.end(), words.begin(), load_word);
  return words;
}

template <std::size_t count>
void store(std::array<std::uint64_t, count>& shared,
           const std::array<std::uint64_t, count>& words) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    store_word(shared[i], words[i]);
  }
}

using Departed = ListenerTableHeader::Departed;
using Journal = ListenerTableHeader::Journal;

// Of two copies the one that holds; nothing when neither does, which no worker leaves behind.
const Departed* newest_of(const Departed (&copies)[2]) noexcept {
  const std::uint64_t versions[] = {load_word(copies[0].version), load_word(copies[1].version)};
  return versions[0] == versions[1] ? nullptr : &copies[versions[0] > versions[1] ? 0 : 1];
}

std::array<std::uint64_t, 4> words_of(const ListenerTotals& totals) noexcept {
  return {totals.frames_sent, totals.bytes_sent, totals.frames_skipped, totals.jumps};
}

// While a worker may be writing.
ListenerTotals departed_of(const ListenerTableHeader& header) {
  constexpr int attempts_max = 3;  // a worker that means harm must not hold us up
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    const Departed* copy = newest_of(header.departed);
    if (copy == nullptr) {
      break;
    }
    const std::uint64_t version = load_word(copy->version);
    const auto words = load(copy->totals);
    if (version != 0 && load_word(copy->version) == version) {
      return {.frames_sent = words[0],
              .bytes_sent = words[1],
              .frames_skipped = words[2],
              .jumps = words[3]};
    }
  }
  return {};
}

bool is_odd(std::uint64_t version) noexcept { return version % 2 != 0; }

// What holds of one record, while a worker may be writing; nothing when it never stops, which only
// one does that means harm.
std::optional<ListenerAccount> account_of(const ListenerTableHeader& header,
                                          const ListenerRecord& record, std::size_t number) {
  constexpr int attempts_max = 100;  // a write takes a fraction of a microsecond
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    const std::uint64_t version = load_word(header.journal.version);
    const bool being_changed = is_odd(version) && load_word(header.journal.record) == number;
    const AccountWords words = being_changed ? load(header.journal.account) : load(record.account);
    if (load_word(header.journal.version) == version) {
      return unpack_account(words);
    }
  }
  return std::nullopt;
}

// Killed at any point of it, the record has the account before or this one.
void replace_account(ListenerTableHeader& header, ListenerRecord& record, std::size_t number,
                     const AccountWords& words) noexcept {
  Journal& journal = header.journal;
  const std::uint64_t version = load_word(journal.version);
  store(journal.account, load(record.account));
  store_word(journal.record, number);
  store_word(journal.version, version + 1);
  store(record.account, words);
  store_word(journal.version, version + 2);
}

// What a worker was doing when it was killed is undone. There must be no worker.
void undo_unfinished(ListenerTableHeader& header, std::span<ListenerRecord> records) noexcept {
  const std::uint64_t version = load_word(header.journal.version);
  if (!is_odd(version)) {
    return;
  }
  if (const std::uint64_t number = load_word(header.journal.record); number < records.size()) {
    store(records[number].account, load(header.journal.account));
  }
  store_word(header.journal.version, version + 1);
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
  const std::uint64_t versions[] = {load_word(header.departed[0].version),
                                    load_word(header.departed[1].version)};
  Departed& older = header.departed[versions[0] < versions[1] ? 0 : 1];
  store_word(older.version, 0);
  store_word(older.serial, serial);
  store(older.totals, words_of(sum));
  store_word(older.version, std::max(versions[0], versions[1]) + 1);
}

// Whatever was there before.
void set_departed(ListenerTableHeader& header, const ListenerTotals& totals) {
  store_word(header.departed[1].version, 0);
  store_word(header.departed[0].version, 0);
  add_departed(header, 0, totals);
}

ListenerTotals totals_of(const ListenerTableHeader& header, const ListenerRecord& record,
                         std::size_t number) {
  const auto account = account_of(header, record, number);
  return account ? account->tally.totals : ListenerTotals{};
}

ClientKind kind_of(const ListenerRecord& record) {
  return unpack_identity(load(record.identity)).kind;
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
  if (region.get_size() < listener_table_bytes(0)) {
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

std::size_t listener_table_bytes(std::size_t records) {
  return round_up_to_page(sizeof(ListenerTableHeader) + records * sizeof(ListenerRecord));
}

ListenerTable::ListenerTable(std::size_t listeners_max)
    : file_(MemoryFile::create("eradio-listeners", listener_table_bytes(listeners_max))),
      region_(file_.map_writable(0, file_.bytes())),
      records_(listeners_max) {
  put_right();
}

ListenerTable::ListenerTable(Descriptor descriptor, std::size_t records)
    : file_(std::move(descriptor)),
      region_(file_.map_writable(0, file_.bytes())),
      records_(records) {
  if (region_.get_size() < listener_table_bytes(0) || records > records_of(region_).size()) {
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

std::int64_t ListenerTable::heartbeat_ns() const noexcept {
  return static_cast<std::int64_t>(load_word(header_of(region_).heartbeat_ns));
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
    static_cast<ListenerIdentity&>(status) = unpack_identity(load(record.identity));
    if (status.kind != ClientKind::listener) {
      continue;
    }
    static_cast<ListenerProgress&>(status) = unpack_progress(load_word(record.progress));
    static_cast<ListenerTotals&>(status) = totals_of(header_of(region_), record, next);
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
  for (std::size_t number = 0; number < used; ++number) {
    const ListenerRecord& record = records_of(region_)[number];
    const std::uint64_t serial = load_word(record.serial);
    if (serial == 0 || serial == departed_serial) {
      continue;
    }
    const ClientKind kind = kind_of(record);
    const ListenerTotals totals = kind == ClientKind::listener
                                      ? totals_of(header_of(region_), record, number)
                                      : ListenerTotals{};
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
  const std::uint64_t departed_serial = last_departed(header_of(region_));
  const std::size_t used = std::min<std::size_t>(load_word(header_of(region_).used), records_);
  for (ListenerRecord& record : records_of(region_).first(used)) {
    if (departed_serial != 0 && load_word(record.serial) == departed_serial) {
      store_word(record.serial, 0);  // what its worker did not come to
    }
  }
  add_departed(header_of(region_), 0, departed_of(header_of(other.region_)));
  set_departed(header_of(other.region_), {});
}

bool ListenerTable::has_left(std::uint32_t record, std::uint64_t serial) const {
  const auto records = records_of(region_).first(records_);
  return record >= records.size() || serial == 0 || load_word(records[record].serial) != serial ||
         serial == last_departed(header_of(region_));
}

std::optional<std::uint64_t> ListenerTable::listener_id(std::uint32_t record,
                                                        std::uint64_t serial) const {
  if (has_left(record, serial)) {
    return std::nullopt;
  }
  const ListenerIdentity identity = unpack_identity(load(records_of(region_)[record].identity));
  return identity.kind == ClientKind::listener && identity.id <= listener_id_max
             ? std::optional(identity.id)
             : std::nullopt;
}

bool ListenerTable::take_from(ListenerTable& other, std::uint32_t record, std::uint64_t serial,
                              std::uint32_t place) {
  const auto records = records_of(region_).first(records_);
  const auto others = records_of(other.region_).first(other.records_);
  undo_unfinished(header_of(region_), records);
  undo_unfinished(header_of(other.region_), others);
  if (place >= records.size() || other.has_left(record, serial)) {
    return false;
  }
  const auto all_words_of = [](ListenerRecord& whole) {
    return std::span(reinterpret_cast<std::uint64_t*>(&whole),
                     sizeof whole / sizeof(std::uint64_t));
  };
  if (const std::uint64_t left = load_word(records[place].serial);
      left != 0 && left != last_departed(header_of(region_)) &&
      kind_of(records[place]) == ClientKind::listener) {  // nobody goes on with it
    add_departed(header_of(region_), left, totals_of(header_of(region_), records[place], place));
  }
  const auto from = all_words_of(others[record]);
  const auto to = all_words_of(records[place]);
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
  ERADIO_CHECK(next_serial_ <= serial_max);
  undo_unfinished(header_of(region_), records_);
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

void WorkerListenerTable::beat(std::int64_t now_ns) noexcept {
  store_word(header_of(region_).heartbeat_ns, static_cast<std::uint64_t>(now_ns));
}

std::optional<std::uint32_t> WorkerListenerTable::take(const ListenerIdentity& identity,
                                                       const ListenerRun& run) {
  const auto number = find_free();
  if (number) {
    ListenerRecord& record = records_[*number];
    store(record.identity, pack(identity));
    store(record.account, pack(ListenerAccount{.run = run, .tally = {}}));
    store_word(record.progress, 0);
    store_word(record.serial, next_serial_++);  // from now on it counts
  }
  return number;
}

std::optional<std::uint32_t> WorkerListenerTable::take_notify_client(
    const ListenerIdentity& identity) {
  const auto number = find_free();
  if (number) {
    ListenerRecord& record = records_[*number];
    store(record.identity, pack(identity));
    store_word(record.account[unsettled_word], 1);
    store_word(record.serial, next_serial_++);
  }
  return number;
}

void WorkerListenerTable::unsettle(std::uint32_t record) noexcept {
  ERADIO_CHECK(record < used_);
  store_word(records_[record].account[unsettled_word], 1);
}

void WorkerListenerTable::settle(std::uint32_t record, const NotifyProgress& progress) noexcept {
  ERADIO_CHECK(record < used_);
  AccountWords& words = records_[record].account;
  store_word(words[1], progress.told);
  store_word(words[2], static_cast<std::uint64_t>(progress.sent_ns));
  store_word(words[3], static_cast<std::uint64_t>(progress.heard_ns));
  store_word(words[unsettled_word], 0);
}

std::uint64_t WorkerListenerTable::serial(std::uint32_t record) const noexcept {
  ERADIO_CHECK(record < used_);
  return load_word(records_[record].serial);
}

ListenerIdentity WorkerListenerTable::identity(std::uint32_t record) const noexcept {
  ERADIO_CHECK(record < used_);
  return unpack_identity(load(records_[record].identity));
}

void WorkerListenerTable::write_run(std::uint32_t record, const ListenerRun& run,
                                    const ListenerTally& tally) noexcept {
  ERADIO_CHECK(record < used_);
  replace_account(header_of(region_), records_[record], record, pack({.run = run, .tally = tally}));
}

void WorkerListenerTable::write_tally(std::uint32_t record, const ListenerTally& tally) noexcept {
  ERADIO_CHECK(record < used_);
  const ListenerRun run = unpack_account(load(records_[record].account)).run;
  write_run(record, run, tally);
}

void WorkerListenerTable::write_progress(std::uint32_t record,
                                         const ListenerProgress& progress) noexcept {
  ERADIO_CHECK(record < used_);
  store_word(records_[record].progress, pack(progress));
}

void WorkerListenerTable::write_sending(std::uint32_t record) noexcept {
  ERADIO_CHECK(record < used_);
  std::uint64_t& word = records_[record].account[bytes_sent_word];
  store_word(word, pack_bytes_sent(load_word(word), true));
}

void WorkerListenerTable::write_taken(std::uint32_t record, std::uint64_t bytes) noexcept {
  ERADIO_CHECK(record < used_);
  store_word(records_[record].account[bytes_sent_word], pack_bytes_sent(bytes, false));
}

void WorkerListenerTable::give_back(std::uint32_t record) {
  ERADIO_CHECK(record < used_);
  if (kind_of(records_[record]) == ClientKind::listener) {
    add_departed(header_of(region_), load_word(records_[record].serial),
                 totals_of(header_of(region_), records_[record], record));
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
  const ListenerIdentity identity = unpack_identity(load(found.identity));
  if (identity.kind != ClientKind::listener || identity.id > listener_id_max) {
    return std::nullopt;
  }
  estates_[record] = false;
  const ListenerAccount account = unpack_account(load(found.account));
  ListenerEstate estate{.serial = serial,
                        .identity = identity,
                        .run = account.run,
                        .tally = account.tally,
                        .bytes_taken = {}};
  if (identity.peer == PeerKey{} && !account.sending) {
    estate.bytes_taken = account.tally.totals.bytes_sent;
  }
  return estate;
}

std::optional<NotifyEstate> WorkerListenerTable::adopt_notify_client(std::uint32_t record,
                                                                     std::uint64_t serial) {
  if (!is_estate(record, serial)) {
    return std::nullopt;
  }
  const ListenerRecord& found = records_[record];
  NotifyEstate estate{.identity = unpack_identity(load(found.identity)), .progress = {}};
  if (estate.identity.kind != ClientKind::websocket &&
      estate.identity.kind != ClientKind::event_stream) {
    return std::nullopt;
  }
  estates_[record] = false;
  if (const auto words = load(found.account); words[unsettled_word] == 0) {
    estate.progress = {.told = words[1],
                       .sent_ns = static_cast<std::int64_t>(words[2]),
                       .heard_ns = static_cast<std::int64_t>(words[3])};
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
