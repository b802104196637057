"""Who brings an instance, and by which door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Origin"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an instance comes from; as far as the door can tell.

    ``kind`` is Orthanc's word: ``RestApi``, ``DicomProtocol``, ``WebDav``, ``Lua``, ``Plugins``
    or ``Unknown``. ``may_displace`` false: what is there already does not have to make room for
    it (``MaximumStorageMode`` Recycle), because nobody knows who brings it.
    """

    kind: str
    remote_ip: str = ""
    username: str = ""
    remote_aet: str = ""
    called_aet: str = ""
    may_displace: bool = True

    def metadata(self) -> Mapping[str, str]:
        """What is kept with the instance (Orthanc Book, users/rest, "Metadata")."""
        values = {"Origin": self.kind, "RemoteAET": self.remote_aet, "RemoteIP": self.remote_ip}
        if self.kind == "RestApi":
            values["HttpUsername"] = self.username
        if self.called_aet:
            values["CalledAET"] = self.called_aet
        return values

    def words(self) -> Mapping[str, str]:
        """The same as scripts and plug-ins see it (Orthanc Book, users/lua, "Origin of the
        instances")."""
        values = {"RequestOrigin": self.kind}
        if self.remote_ip:
            values["RemoteIp"] = self.remote_ip
        if self.kind == "DicomProtocol":
            values |= {"RemoteAet": self.remote_aet, "CalledAet": self.called_aet}
        if self.kind == "RestApi":
            values["Username"] = self.username
        return values
