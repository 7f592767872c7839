"""Several agents and the `logagent web` that steers them."""

from .process import wait_for
from .web import Web


def start(t, etcd, kafka=None, name="web", arguments=()):
    brokers = ["--set", f"kafka_addr={kafka.address}"] if kafka else []
    web = t.owns(Web(t.binary, t.directory / name, etcd, [*brokers, *arguments])).start()
    web.first_token()
    return web


def fleet(t, etcd, names, *, ini_more=None, **options):
    """An agent for each name, with the addresses 10.1.0.1 and so on."""
    agents = []
    for number, name in enumerate(names, 1):
        agent = t.agent(
            name,
            etcd=etcd,
            ip=f"10.1.0.{number}",
            ini={"host": name, **(ini_more or {})},
            **options,
        )
        agents.append(agent.start())
    return agents


def define(web, name, files, hosts=("*",), message="a test"):
    made = web.api(
        "PUT",
        f"/services/{name}",
        {"hosts": {"list": list(hosts)}, "files": files, "message": message},
        If_None_Match="*",
    )
    assert made.status == 201, made
    return made


def online(web, names):
    def all_there():
        items = web.api("GET", "/hosts").json["items"]
        return {one["host"] for one in items if one["online"]} >= set(names)

    wait_for("the agents have reported", all_there, 30)


def applied(web, etag, names):
    """The agents have the configuration of that change."""
    revision = int(etag.strip('"'))

    def there():
        items = web.api("GET", "/hosts").json["items"]
        reached = {
            one["host"]
            for one in items
            if ((one["status"].get("config") or {}).get("applied") or {}).get("revision", 0)
            >= revision
        }
        return reached >= set(names) or f"only {reached}" and None

    wait_for("the agents have applied it", there, 30)
