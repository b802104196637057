"""Who brings an instance, and by which door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Origin"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an instance comes from; empty texts are not recorded.

    ``kind`` is Orthanc's word: ``RestApi``, ``DicomProtocol``, ``WebDav``, ``Lua``, ``Plugins``
    or ``Unknown``.
    """

    kind: str
    remote_ip: str = ""
    username: str = ""
    host: str = ""
    remote_aet: str = ""
    called_aet: str = ""

    def metadata(self) -> Mapping[str, str]:
        """What is kept with the instance (Orthanc Book, users/rest, "Metadata")."""
        values = {
            "Origin": self.kind,
            "RemoteIP": self.remote_ip,
            "HttpUsername": self.username,
            "HttpHost": self.host,
            "RemoteAET": self.remote_aet,
            "CalledAET": self.called_aet,
        }
        return {name: value for name, value in values.items() if value}
