#include "common/http/http_message.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace eradio {
namespace {

char to_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string_view trim(std::string_view text) noexcept {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Cuts what is before the next `separator` off the front of `text`.
std::string_view next_part(std::string_view& text, char separator) noexcept {
  const auto end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return part;
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

void HttpFields::add(std::string name, std::string value) {
  fields_.emplace_back(std::move(name), std::move(value));
}

void HttpFields::set(std::string_view name, std::string value) {
  erase(name);
  add(std::string(name), std::move(value));
}

void HttpFields::erase(std::string_view name) {
  std::erase_if(fields_, [&](const Field& f) { return equals_ignoring_case(f.first, name); });
}

std::optional<std::string_view> HttpFields::get(std::string_view name) const {
  for (const auto& [field_name, value] : fields_) {
    if (equals_ignoring_case(field_name, name)) {
      return trim(value);
    }
  }
  return std::nullopt;
}

std::size_t HttpFields::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields_.begin(), fields_.end(),
                    [&](const Field& f) { return equals_ignoring_case(f.first, name); }));
}

bool HttpFields::has_token(std::string_view name, std::string_view token) const {
  for (const auto& [field_name, value] : fields_) {
    if (!equals_ignoring_case(field_name, name)) {
      continue;
    }
    std::string_view rest = value;
    while (!rest.empty()) {
      if (equals_ignoring_case(trim(next_part(rest, ',')), token)) {
        return true;
      }
    }
  }
  return false;
}

std::optional<std::string_view> HttpRequest::parameter(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) {
      return value;
    }
  }
  return std::nullopt;
}

bool HttpRequest::is_repeated(std::string_view name) const {
  return std::count_if(query.begin(), query.end(),
                       [&](const auto& parameter) { return parameter.first == name; }) > 1;
}

void add_api_fields(HttpFields& fields) {
  fields.set("Cache-Control", "no-cache, no-store");
  fields.set("Pragma", "no-cache");
  fields.set("Expires", "Thu, 01 Jan 1970 00:00:00 GMT");
  fields.set("Access-Control-Allow-Origin", "*");
}

HttpResponse HttpResponse::error(int status, std::string_view message) {
  const nlohmann::json body{{"error", message}};
  return json(body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), status);
}

HttpResponse HttpResponse::json(std::string body, int status) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  response.fields.set("Content-Type", "application/json");
  add_api_fields(response.fields);
  return response;
}

}  // namespace eradio
