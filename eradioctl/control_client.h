// Asks the server: requests and answers of the control socket (docs/control.md), as HTTP over a
// Unix socket.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace eradio {

// How long an answer may take. The master answers at once, unless workers are to be replaced first.
enum class Patience { brief, for_workers };

class ControlClient {
 public:
  explicit ControlClient(std::string path) : path_(std::move(path)) {}

  // The JSON that the server answers with. Throws Failure when there is no server, it does not
  // answer in time, or it refuses: then refusal() is its answer.
  nlohmann::ordered_json get(const std::string& target);
  nlohmann::ordered_json post(const std::string& target, const std::string& body = "",
                              Patience patience = Patience::brief);
  nlohmann::ordered_json put(const std::string& target, const std::string& body);

  // What the server has refused with; empty if it has not.
  [[nodiscard]] const std::string& refusal() const noexcept { return refusal_; }

 private:
  nlohmann::ordered_json ask(const std::string& method, const std::string& target,
                             const std::string& body, Patience patience);

  std::string path_;
  std::string refusal_;
};

}  // namespace eradio
