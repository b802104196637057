"""A plug-in of Hornburg: keeps files of some institutions out, says when a study is complete, and
shows how many it kept out.

    "Plugins": ["/etc/hornburg/plugins/quarantine.py"],
    "PluginOptions": {"quarantine": {"Institutions": ["TEST LAB"]}}
"""

import json

from hornburg.hooks.specs import (
    Answer,
    Event,
    Plugin,
    ReceivedInstance,
    Route,
    RouteRequest,
    ServerPort,
)
from hornburg.security.principals import Permission


class Quarantine(Plugin):
    version = "1.0"
    description = "Keeps files of some institutions out"
    # The counter is changed by the filter and read by the route.
    one_thread = True

    def __init__(self, server: ServerPort) -> None:
        self.server = server
        self.institutions = frozenset(server.options.get("Institutions", ()))
        self.kept_out = 0

    def filter_received(self, instance: ReceivedInstance) -> bool:
        if instance.tags().get("InstitutionName") not in self.institutions:
            return True
        self.kept_out += 1
        return False

    async def on_event(self, event: Event) -> None:
        if event.kind == "StableStudy":
            answer = await self.server.call("GET", f"/studies/{event.public_id}/statistics")
            count = json.loads(answer.body)["CountInstances"]
            self.server.log.info("study %s is complete: %s instances", event.public_id, count)

    def routes(self) -> list[Route]:
        return [Route("GET", "/quarantine", Permission.VIEW, self.show)]

    def show(self, request: RouteRequest) -> Answer:
        return Answer(json.dumps({"KeptOut": self.kept_out}).encode())


def create(server: ServerPort) -> Plugin:
    return Quarantine(server)
