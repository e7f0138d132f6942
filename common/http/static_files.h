// Finds and opens the files below one directory that a client may have, and decides what a
// conditional or range request gets of them. Used by HttpServer. It must never give away anything
// outside the directory, anything hidden, or anything that is no regular file.
#pragma once

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/descriptor.h"
#include "common/http/http_message.h"

namespace eradio {

struct OpenFile {
  Descriptor file;
  std::uint64_t size = 0;  // bytes
  std::time_t modified = 0;
  std::string etag;  // with its quotes; strong
  std::string content_type;
};
struct NoSuchFile {};
struct DirectoryWithoutSlash {};  // exists; its relative links work only from "name/"
using FileLookup = std::variant<OpenFile, NoSuchFile, DirectoryWithoutSlash>;

class StaticFiles {
 public:
  // Whether this process can open any file, or the kernel confines it to the directory. Then links
  // need no looking at, and nothing is done that looks at paths and opens nothing: a process that
  // is confined may not (worker/sandbox.h).
  enum class Reach { any_file, this_directory };

  // Throws std::system_error when it is no directory.
  explicit StaticFiles(std::filesystem::path directory, Reach reach = Reach::any_file);

  // `path`: decoded, from the request. A path that ends in '/' means its index.html.
  [[nodiscard]] FileLookup open(std::string_view path) const;

 private:
  // Opened without regard to what it is.
  [[nodiscard]] static Descriptor open_anything(const std::filesystem::path& path);

  std::filesystem::path root_;  // canonical, unless confined to it
  Reach reach_;
};

// From a file name's extension; text comes with its charset.
std::string_view content_type_of(std::string_view file_name);

// What is to be sent of a file: pure, from the request's fields and the file's state.
enum class FilePart { whole, slice, nothing_new, precondition_failed, unsatisfiable };
struct FileDecision {
  FilePart part = FilePart::whole;
  std::uint64_t offset = 0;  // of what is sent
  std::uint64_t length = 0;
};
FileDecision decide_file_part(const HttpFields& request, const OpenFile& file);

}  // namespace eradio
