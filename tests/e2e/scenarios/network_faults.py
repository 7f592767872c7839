"""The network between the agent and Kafka, and the rights there: slow, silent, cut, refused."""

import time

from harness.case import case
from harness.logs import Writer, append, expect_no_loss, lines
from harness.process import holds, wait_for
from harness.proxy import Proxy

BUDGET = 16 << 20


def behind_proxy(t):
    """A broker that clients reach only through a proxy, and the proxy."""
    proxy = t.owns(Proxy())
    kafka = t.own_kafka([f"advertised.listeners=PLAINTEXT://{proxy.address}"])
    proxy.target = kafka.port
    kafka.create({"t": 1})
    return kafka, proxy


def follow(t, kafka, log, topic="t"):
    return t.agent(kafka=kafka, arguments=["--file", log, "--topic", topic, "--start", "start"])


def finish(t, agent, kafka, writer, topic="t"):
    written = writer.stop()
    kafka.wait_count(topic, len(written), 60)
    agent.wait("everything is acknowledged", lambda: not agent.status()["ledger"]["in_flight"], 40)
    assert agent.stop() == 0
    return written


@case(
    "connections that are reset all the time lose nothing, repeat nothing and keep the order",
    needs=["kafka"],
)
def resets(t):
    kafka, proxy = behind_proxy(t)
    writer = t.owns(Writer(t.log(), 3000))
    agent = follow(t, proxy, t.log()).start()
    kafka.wait_count("t", 1000)
    for number in range(300 if t.full else 25):
        before = kafka.count("t")
        proxy.cut()
        time.sleep(0.05 + 0.013 * (number % 7))  # when, within a request, the next one comes
        if number % 5 == 4:
            kafka.wait_count("t", before + 1)
    written = finish(t, agent, kafka, writer)
    expect_no_loss(kafka.read("t"), written, duplicates=0)


@case(
    "a network that swallows everything without a sign: reported down, and nothing is lost",
    needs=["kafka"],
)
def frozen(t):
    kafka, proxy = behind_proxy(t)
    writer = t.owns(Writer(t.log(), 2000))
    agent = follow(t, proxy, t.log()).start()
    kafka.wait_count("t", 2000)
    proxy.frozen = True
    agent.wait("it is reported", lambda: agent.status()["kafka"]["state"] == "down", 30)
    if t.full:
        time.sleep(120)  # the length of the fault
    assert agent.status()["kafka"]["in_flight_bytes"] <= BUDGET
    proxy.frozen = False
    before = kafka.count("t")
    kafka.wait_count("t", before + 4000, 20)
    written = finish(t, agent, kafka, writer)
    expect_no_loss(kafka.read("t"), written, duplicates=0)


@case(
    "a network that is slow and far away costs neither lines nor memory",
    needs=["kafka"],
)
def slow(t):
    kafka, proxy = behind_proxy(t)
    agent = follow(t, proxy, t.log()).start()
    wanted = append(t.log(), lines(1000, "near"))
    kafka.wait_count("t", 1000)
    proxy.delay, proxy.rate = 1.0, 2_000_000
    wanted += append(t.log(), lines(200_000, "far", 200))

    def within_budget():
        return agent.status()["kafka"]["in_flight_bytes"] <= BUDGET

    holds("the budget holds", within_budget, 60 if t.full else 8)
    assert kafka.count("t") > 1000, "nothing passed"
    proxy.delay, proxy.rate = 0.0, 0
    kafka.wait_count("t", len(wanted), 60)
    if t.patience == 1:
        assert agent.memory_kib("VmHWM") <= 48 * 1024
    agent.wait("everything is acknowledged", lambda: not agent.status()["ledger"]["in_flight"])
    assert agent.stop() == 0
    expect_no_loss(kafka.read("t"), wanted, duplicates=0)


@case(
    "a right to write that is taken away and given back: the other topic flows, both arrive whole",
    needs=["kafka"],
)
def lost_right(t):
    kafka = t.own_kafka(
        [
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found=true",
        ]
    )
    kafka.create({"mine": 1, "other": 1})
    mine, other = t.owns(Writer(t.log("mine.log"), 500)), t.owns(Writer(t.log("other.log"), 500))
    agent = t.agent(
        kafka=kafka,
        arguments=[
            *("--file", t.log("mine.log"), "--topic", "mine", "--start", "start"),
            *("--file", t.log("other.log"), "--topic", "other", "--start", "start"),
        ],
    ).start()
    kafka.wait_count("mine", 500)
    kafka.deny_writing("mine")

    def refused():
        return [entry["topic"] for entry in agent.status()["kafka"]["blocked"]] == ["mine"]

    agent.wait("the topic is blocked, alone", refused, 30)
    before = kafka.count("other")
    kafka.wait_count("other", before + 2000, 20)
    agent.wait("it is still blocked", refused, 5)
    kafka.allow_writing("mine")
    began = time.monotonic()
    agent.wait("nothing is blocked", lambda: not agent.status()["kafka"]["blocked"])
    took = time.monotonic() - began
    written, others = mine.stop(), other.stop()
    for topic, lines_of in (("mine", written), ("other", others)):
        wait_for(f"{topic} is whole", lambda: kafka.count(topic) >= len(lines_of), 30)
    agent.wait("everything is acknowledged", lambda: not agent.status()["ledger"]["in_flight"])
    assert agent.stop() == 0
    expect_no_loss(kafka.read("mine"), written)
    expect_no_loss(kafka.read("other"), others, duplicates=0)
    assert took < 10 * t.patience, f"it took {took:.1f} s"
