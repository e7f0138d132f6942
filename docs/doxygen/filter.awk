# Comments as they are written here become comments that Doxygen reads: the one at the top of a file
# is the file's, one above a declaration, or behind it in the same line, is the declaration's.
NR == 1 && /^\/\// { top = 1; print "/// \\file"; print "///" }
top && !/^\/\// { top = 0; print "" }
/^ *\/\/( |$)/ { sub(/\/\//, "///"); gsub(/[<>@#\\%]/, "\\\\&"); gsub(/::/, "\\\\::"); print; next }
/[;,{})] +\/\/ / { sub(/ \/\/ /, " ///< "); }
{ print }
