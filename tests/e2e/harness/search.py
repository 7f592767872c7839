"""OpenSearch and Elasticsearch: real nodes, asked over HTTP."""

import http.client
import json

from .process import PATIENCE
from .servers import Backend


class SearchNode(Backend):
    """One node without plugins. `settings` are those of its YAML file."""

    ports = 2

    def ask(self, method, path, body=None):
        """The JSON of an answer; fails unless it is a good one."""
        status, text = self.ask_raw(method, path, body)
        assert status < 300, f"{method} {path}: {status} {text[:500]}"
        return json.loads(text)

    def ask_raw(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30 * PATIENCE)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def set_index(self, index, **settings):
        """set_index("x", blocks_write=True)"""
        body = {f"index.{name.replace('_', '.')}": value for name, value in settings.items()}
        self.ask("PUT", f"/{index}/_settings", body)

    def count(self, indices="logs-*"):
        """Documents that a search finds now."""
        self.ask("POST", f"/{indices}/_refresh?allow_no_indices=true")
        return self.ask("GET", f"/{indices}/_count?allow_no_indices=true")["count"]

    def documents(self, indices="logs-*"):
        """All documents with their index, in no order."""
        self.ask("POST", f"/{indices}/_refresh?allow_no_indices=true")
        page = self.ask(
            "POST", f"/{indices}/_search?scroll=5m&allow_no_indices=true", {"size": 5000}
        )
        found = []
        while page["hits"]["hits"]:
            found += [{"_index": one["_index"], **one["_source"]} for one in page["hits"]["hits"]]
            page = self.ask(
                "POST", "/_search/scroll", {"scroll": "5m", "scroll_id": page["_scroll_id"]}
            )
        self.ask("DELETE", "/_search/scroll", {"scroll_id": page["_scroll_id"]})
        return found


class OpenSearch(SearchNode):
    name = "opensearch"


class Elasticsearch(SearchNode):
    name = "elasticsearch"
