"""The DICOM network: our server, our client, their TLS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from hornburg.settings.remotes import read_modalities
from hornburg.settings.rows import Row
from hornburg.settings.sections import freeze, read_addresses, read_title
from hornburg.settings.values import Modality, RetrieveMethod

__all__ = ["DicomNetworkOptions", "DicomScuOptions", "DicomTlsOptions"]


def _always(name: str, what: str) -> Row:
    return Row(name, f"Whether {what} is allowed to callers that aren't known.")


def _syntaxes(name: str, what: str) -> Row:
    return Row(
        name,
        f"Whether the {what} transfer syntaxes are accepted; null leaves it to "
        "AcceptedTransferSyntaxes.",
    )


@dataclass(frozen=True, kw_only=True)
class DicomNetworkOptions:
    """The DICOM server."""

    dicom_server_enabled: Annotated[
        bool,
        Row(
            "DicomServerEnabled",
            "Whether the DICOM server runs.",
        ),
    ] = True
    dicom_aet: Annotated[
        str,
        Row(
            "DicomAet",
            "Application entity title of this server.",
            read=read_title,
            allowed="1 to 16 printable ASCII characters without \\, not only spaces",
        ),
    ] = "ORTHANC"
    dicom_port: Annotated[
        int, Row("DicomPort", "Port of the DICOM server.", unit="TCP port", least=0, most=65535)
    ] = 4242
    dicom_bind_addresses: Annotated[
        tuple[str, ...] | None,
        Row(
            "DicomBindAddresses",
            "Addresses the DICOM server listens on; empty or null means all of them, or only the "
            "loopback while nothing at all is configured.",
            read=read_addresses,
            allowed="a list of at most 64 IPv4 or IPv6 addresses",
            ours=True,
        ),
    ] = None
    dicom_check_called_aet: Annotated[
        bool,
        Row(
            "DicomCheckCalledAet",
            "Whether callers must call this server by its title.",
        ),
    ] = False
    strict_aet_comparison: Annotated[
        bool,
        Row("StrictAetComparison", "Whether titles tell upper from lower case."),
    ] = False
    dicom_always_allow_echo: Annotated[bool, _always("DicomAlwaysAllowEcho", "C-ECHO")] = True
    dicom_always_allow_store: Annotated[bool, _always("DicomAlwaysAllowStore", "C-STORE")] = True
    dicom_always_allow_find: Annotated[bool, _always("DicomAlwaysAllowFind", "C-FIND")] = False
    dicom_always_allow_find_worklist: Annotated[
        bool, _always("DicomAlwaysAllowFindWorklist", "C-FIND on worklists")
    ] = False
    dicom_always_allow_get: Annotated[bool, _always("DicomAlwaysAllowGet", "C-GET")] = False
    dicom_always_allow_move: Annotated[bool, _always("DicomAlwaysAllowMove", "C-MOVE")] = False
    dicom_check_modality_host: Annotated[
        bool,
        Row(
            "DicomCheckModalityHost",
            "Whether a known caller must come from its known address.",
        ),
    ] = False
    dicom_scp_timeout: Annotated[
        int,
        Row(
            "DicomScpTimeout",
            "How long an association may be idle; 0 means for ever.",
            unit="seconds",
            least=0,
            most=86400,
        ),
    ] = 30
    dicom_maximum_associations: Annotated[
        int,
        Row(
            "DicomMaximumAssociations",
            "Associations with us at the same time; those beyond are rejected for the moment.",
            unit="associations",
            least=1,
            most=10_000,
            ours=True,
        ),
    ] = 100
    # Half of the default above, so that one machine can't shut out the others; behind one address
    # there may be a gateway with many modalities.
    dicom_maximum_associations_per_address: Annotated[
        int,
        Row(
            "DicomMaximumAssociationsPerAddress",
            "Associations of one address at the same time; 0 means no limit of its own.",
            unit="associations",
            least=0,
            most=10_000,
            ours=True,
        ),
    ] = 50
    dicom_threads_count: Annotated[
        int,
        Row(
            "DicomThreadsCount",
            "DICOM operations that run at the same time.",
            least=1,
            most=1024,
        ),
    ] = 4
    maximum_pdu_length: Annotated[
        int,
        Row(
            "MaximumPduLength",
            "Largest protocol data unit that we accept.",
            unit="bytes",
            least=4096,
            most=131072,
        ),
    ] = 16384
    accepted_transfer_syntaxes: Annotated[
        tuple[str, ...],
        Row(
            "AcceptedTransferSyntaxes",
            "Transfer syntaxes that C-STORE accepts; * and ? stand for any characters.",
        ),
    ] = ("1.2.840.10008.1.*",)
    accepted_sop_classes: Annotated[
        tuple[str, ...] | None,
        Row(
            "AcceptedSopClasses",
            "SOP classes that C-STORE accepts; null means all known ones.",
        ),
    ] = None
    rejected_sop_classes: Annotated[
        tuple[str, ...] | None,
        Row("RejectedSopClasses", "SOP classes that C-STORE refuses."),
    ] = None
    unknown_sop_class_accepted: Annotated[
        bool,
        Row(
            "UnknownSopClassAccepted",
            "Whether C-STORE accepts SOP classes that nobody knows.",
        ),
    ] = False
    deflated_transfer_syntax_accepted: Annotated[
        bool | None, _syntaxes("DeflatedTransferSyntaxAccepted", "deflated")
    ] = None
    jpeg_transfer_syntax_accepted: Annotated[
        bool | None, _syntaxes("JpegTransferSyntaxAccepted", "JPEG")
    ] = None
    jpeg2000_transfer_syntax_accepted: Annotated[
        bool | None, _syntaxes("Jpeg2000TransferSyntaxAccepted", "JPEG 2000")
    ] = None
    jpeg_lossless_transfer_syntax_accepted: Annotated[
        bool | None, _syntaxes("JpegLosslessTransferSyntaxAccepted", "JPEG-LS")
    ] = None
    jpip_transfer_syntax_accepted: Annotated[
        bool | None, _syntaxes("JpipTransferSyntaxAccepted", "JPIP")
    ] = None
    mpeg2_transfer_syntax_accepted: Annotated[
        bool | None, _syntaxes("Mpeg2TransferSyntaxAccepted", "MPEG-2")
    ] = None
    mpeg4_transfer_syntax_accepted: Annotated[
        bool | None, _syntaxes("Mpeg4TransferSyntaxAccepted", "MPEG-4")
    ] = None
    h265_transfer_syntax_accepted: Annotated[
        bool | None, _syntaxes("H265TransferSyntaxAccepted", "H.265")
    ] = None
    rle_transfer_syntax_accepted: Annotated[
        bool | None, _syntaxes("RleTransferSyntaxAccepted", "RLE")
    ] = None
    storage_commitment_reports_size: Annotated[
        int,
        Row(
            "StorageCommitmentReportsSize",
            "Storage commitment reports that are remembered.",
            unit="reports",
            least=0,
            most=1_000_000,
        ),
    ] = 100
    synchronous_c_move: Annotated[
        bool,
        Row(
            "SynchronousCMove",
            "Whether C-MOVE sends at once, not as a job in the background.",
        ),
    ] = True


@dataclass(frozen=True, kw_only=True)
class DicomScuOptions:
    """The DICOM client, and the modalities that are known."""

    dicom_modalities: Annotated[
        Mapping[str, Modality],
        Row(
            "DicomModalities",
            "The DICOM modalities that are known, by name.",
            read=read_modalities,
            allowed='an object { "name": [AET, host, port] }',
        ),
    ] = field(default_factory=lambda: freeze({}))
    dicom_modalities_in_database: Annotated[
        bool,
        Row(
            "DicomModalitiesInDatabase",
            "Whether modalities are kept in the index, not in the configuration.",
        ),
    ] = False
    dicom_scu_timeout: Annotated[
        int,
        Row(
            "DicomScuTimeout",
            "How long to wait for a modality to answer; 0 means for ever.",
            unit="seconds",
            least=0,
            most=86400,
        ),
    ] = 10
    dicom_scu_preferred_transfer_syntax: Annotated[
        str,
        Row(
            "DicomScuPreferredTransferSyntax",
            "Transfer syntax to change to when a modality refuses the original one.",
        ),
    ] = "1.2.840.10008.1.2.1"
    dicom_association_close_delay: Annotated[
        int,
        Row(
            "DicomAssociationCloseDelay",
            "How long an association stays open for the next command of a script.",
            unit="seconds",
            least=0,
            most=86400,
            supported=False,
        ),
    ] = 5
    dicom_default_retrieve_method: Annotated[
        RetrieveMethod,
        Row(
            "DicomDefaultRetrieveMethod",
            "How images are fetched from modalities that don't say otherwise.",
        ),
    ] = RetrieveMethod.C_MOVE
    dicom_echo_checks_find: Annotated[
        bool,
        Row(
            "DicomEchoChecksFind",
            "Whether testing a modality also tries a C-FIND.",
        ),
    ] = False
    query_retrieve_size: Annotated[
        int,
        Row(
            "QueryRetrieveSize",
            "Queries to modalities that are remembered.",
            unit="queries",
            least=1,
            most=1_000_000,
        ),
    ] = 100
    transcode_dicom_protocol: Annotated[
        bool,
        Row(
            "TranscodeDicomProtocol",
            "Whether instances are transcoded for modalities that need it.",
        ),
    ] = True


@dataclass(frozen=True, kw_only=True)
class DicomTlsOptions:
    """TLS on the DICOM network, in both directions."""

    dicom_tls_enabled: Annotated[
        bool, Row("DicomTlsEnabled", "Whether the DICOM server speaks TLS.")
    ] = False
    dicom_tls_certificate: Annotated[
        Path | None,
        Row(
            "DicomTlsCertificate",
            "PEM file of our certificate, and of those that lead to its authority.",
        ),
    ] = None
    dicom_tls_private_key: Annotated[
        Path | None,
        Row(
            "DicomTlsPrivateKey",
            "PEM file of our private key, without a passphrase.",
        ),
    ] = None
    dicom_tls_trusted_certificates: Annotated[
        Path | None,
        Row(
            "DicomTlsTrustedCertificates",
            "PEM file of the modalities' certificates, or of their authorities; names of hosts "
            "are not compared.",
        ),
    ] = None
    dicom_tls_remote_certificate_required: Annotated[
        bool,
        Row(
            "DicomTlsRemoteCertificateRequired",
            "Whether callers must show a trusted certificate; those that we call always must.",
        ),
    ] = True
    dicom_tls_minimum_protocol_version: Annotated[
        int,
        Row(
            "DicomTlsMinimumProtocolVersion",
            "Oldest TLS version: 0 follows BCP 195 (TLS 1.2, safe ciphers), 4 is TLS 1.2 and 5 "
            "TLS 1.3, both with DicomTlsCiphersAccepted; 1 to 3 are refused as broken.",
            least=0,
            most=5,
        ),
    ] = 0
    dicom_tls_ciphers_accepted: Annotated[
        tuple[str, ...] | None,
        Row(
            "DicomTlsCiphersAccepted",
            "Cipher suites by their names in the standard or in OpenSSL; null follows BCP 195.",
        ),
    ] = None
