// How long a plan takes for a whole fleet: 10,000 hosts and 1,000 services, selected in every way.
//
//     logagent_plan_bench [HOSTS [SERVICES [ROUNDS]]]
//
// Prints the CPU milliseconds of each step, at best, in the middle and at worst over the rounds.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <string>
#include <vector>

#include "logagent/fleet/adopt.hpp"
#include "logagent/fleet/plan.hpp"
#include "logagent/fleet/transaction.hpp"

using namespace logagent::fleet;

namespace {

class stop_watch {
public:
    /// Runs one step and notes how long it took.
    template <class Step>
    auto run(const std::string& name, Step&& step) {
        const auto begin = std::clock();
        auto out = step();
        times_[name].push_back(static_cast<double>(std::clock() - begin) * 1000 / CLOCKS_PER_SEC);
        return out;
    }

    void print() {
        for (auto& [name, times] : times_) {
            std::sort(times.begin(), times.end());
            std::printf("%-34s %8.1f %8.1f %8.1f ms\n", name.c_str(), times.front(),
                        times[times.size() / 2], times.back());
        }
    }

private:
    std::map<std::string, std::vector<double>> times_;
};

std::string number(std::size_t value) {
    return std::to_string(value);
}

std::string address_of(std::size_t i) {
    return "10." + number(i / 62'500) + "." + number(i / 250 % 250) + "." + number(i % 250 + 1);
}

std::vector<host> make_hosts(std::size_t count) {
    std::vector<host> out(count);
    for (std::size_t i = 0; i < count; ++i) {
        out[i].name = "app" + number(i % 500) + "-" + number(i / 500);
        out[i].ips = {address_of(i)};
        out[i].primary_ip = out[i].ips.front();
        out[i].labels = {{"env", i % 5 == 0 ? "test" : "prod"},
                         {"idc", "idc" + number(i % 7)},
                         {"app", "app" + number(i % 500)}};
        out[i].live = true;
    }
    return out;
}

/// The ways in which services select hosts; the first reaches every host.
host_selection selection_of(std::size_t i, const std::vector<host>& hosts) {
    host_selection out;
    if (i == 0) {
        out.selector = "env=~.*";
    } else if (i % 5 == 0) {
        for (std::size_t n = 0; n < 200; ++n)
            out.list.push_back(hosts[(i * 37 + n * 11) % hosts.size()].name);
    } else if (i % 5 == 1) {
        out.selector = "env=prod,app=app" + number(i % 500);
    } else if (i % 5 == 2) {
        out.selector = "idc!=idc3,host=~app" + number(i % 500) + "-.*";
    } else if (i % 5 == 3) {
        out.cidr = {"10.0." + number(i % 40) + ".0/24"};
    } else {
        out.selector = "env=test,idc=idc" + number(i % 7) + ",host=~.*-" + number(i % 20);
    }
    return out;
}

std::vector<service_state> make_services(std::size_t count, const std::vector<host>& hosts) {
    std::vector<service_state> out(count);
    for (std::size_t i = 0; i < count; ++i) {
        auto& one = out[i].current;
        one.name = "service" + number(i);
        one.hosts = selection_of(i, hosts);
        for (const auto* const file : {"app.log", "error.log", "access*.log"}) {
            service_file entry;
            entry.target.service = one.name;
            entry.target.log_path = "/data/logs/" + one.name + "/" + file;
            entry.target.topic = "topic" + number(i % 50);
            entry.target.send_rate = 1000;
            entry.target.drop = {"^DEBUG " + number(i)};
            one.files.push_back(std::move(entry));
        }
    }
    return out;
}

std::vector<key_state> keys_of(const rendering& rendered) {
    std::vector<key_state> out;
    for (const auto& one : rendered.hosts) {
        auto value = rendered.value_of(one);
        auto hash = content_hash(value);
        out.push_back({one.address, std::move(value), 7, std::move(hash)});
    }
    return out;
}

void tell_size(const rendering& rendered, const plan& all, std::size_t batches) {
    std::size_t entries = 0, bytes = 0;
    for (const auto& one : rendered.hosts) {
        entries += one.entries.size();
        bytes += rendered.size_of(one);
    }
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    std::printf(
        "%zu hosts, %zu entries, %.1f MB of arrays, %zu errors; %zu writes, %zu changes, "
        "%zu transactions; %ld MB resident\n",
        rendered.hosts.size(), entries, static_cast<double>(bytes) / 1e6, rendered.errors.size(),
        all.writes.size(), all.changes.size(), batches, used.ru_maxrss / 1024);
}

void adopt_all(stop_watch& watch, const host_index& index, const std::vector<key_state>& keys) {
    std::vector<written_key> written;
    for (const auto& key : keys)
        written.push_back({key.address, *key.value});
    watch.run("9 adopt every key", [&] { return adopt(written, index).services.size(); });
}

void run_round(stop_watch& watch, const std::vector<host>& hosts,
               std::vector<service_state> services, bool tell) {
    auto index = watch.run("1 index", [&] { return host_index{hosts}; });
    const auto before = watch.run("2 render", [&] { return render(services, index); });
    const auto keys = keys_of(before);
    watch.run("3 plan without a change",
              [&] { return make_plan(before, index, keys).writes.size(); });
    services[0].current.files[0].target.send_rate = 500;
    services[7].current.files[1].target.keep = {"ERROR"};
    const auto after =
        watch.run("4 render, remembered terms", [&] { return render(services, index); });
    const auto all =
        watch.run("5 plan, every host changes", [&] { return make_plan(after, index, keys); });
    planning slices{after, index, keys};
    while (watch.run("5 of it, a slice of 200 keys", [&] { return slices.advance(200); })) {
    }
    const auto batches =
        watch.run("6 split", [&] { return split(all, "/logagent/", {.operations_each = 2}); });
    watch.run("7 all writes", [&] {
        std::size_t bytes = 0;
        for (const auto& batch : batches)
            for (const auto& write : writes_of(all, after, "/logagent/", batch))
                bytes += write.value.size();
        return bytes;
    });
    watch.run("8 plan, no key exists", [&] { return make_plan(after, index, {}).writes.size(); });
    adopt_all(watch, index, keys);
    if (tell) tell_size(after, all, batches.size());
}

std::size_t argument(int count, char** values, int index, std::size_t otherwise) {
    return index < count ? std::strtoull(values[index], nullptr, 10) : otherwise;
}

}  // namespace

int main(int count, char** values) {
    const auto hosts = make_hosts(argument(count, values, 1, 10'000));
    const auto services = make_services(argument(count, values, 2, 1000), hosts);
    const auto rounds = argument(count, values, 3, 5);
    stop_watch watch;
    for (std::size_t round = 0; round < rounds; ++round)
        run_round(watch, hosts, services, round == 0);
    watch.print();
}
