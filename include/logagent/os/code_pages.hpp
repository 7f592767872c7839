#pragma once

namespace logagent::os {

/// Takes the program's own code and constants out of its resident memory. What goes on being used
/// comes back from the page cache, page by page; what only the start needed does not. Nothing is
/// done under a debugger, whose breakpoints lie in those pages.
void release_code_pages();

}  // namespace logagent::os
