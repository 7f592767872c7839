#include "logagent/agent/settings.hpp"
#include "logagent/fleet/logconfig.hpp"

namespace logagent::agent {

std::string configuration_reference() {
    std::string out =
        "# Configuration reference\n\n"
        "Printed by `logagent check --reference` from the tables the program itself works from.\n\n"
        "## agent.ini\n\n"
        "`key = value`, one a line. `#` and `;` begin a comment at the start of a line and after "
        "a\n"
        "blank; a value in double quotes is taken as it stands. Lists are separated by commas. "
        "The\n"
        "same key twice, an unknown key and a value that is not allowed are errors (exit status "
        "2).\n"
        "`--set key=value` on the command line wins over the file.\n\n";
    out += base::render_markdown(setting_rows());
    out +=
        "\n## An entry of logconfig\n\n"
        "The value of `etcd_watch_key`, and the file of `--logconfig`: a JSON array of objects, "
        "at\n"
        "most 200 of them and 1.5 MiB. `log_path` and `topic` are needed, and together they are "
        "the\n"
        "identity of a target. A bad entry is refused alone; an unknown field is reported and\n"
        "ignored. A document that is no array changes nothing; `[]` stops everything.\n\n";
    out += base::render_markdown(fleet::target_fields());
    return out;
}

}  // namespace logagent::agent
