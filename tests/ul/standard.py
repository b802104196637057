"""PS3.8 tables 9-6 to 9-10, written down from the standard, to hold the code against."""

from __future__ import annotations

# Table 9-10: events down, states Sta1 to Sta13 across.
_TRANSITIONS = """
Evt1   AE-1  -     -     -     -     -     -     -     -     -     -     -     -
Evt2   -     -     -     AE-2  -     -     -     -     -     -     -     -     -
Evt3   -     AA-1  AA-8  -     AE-3  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
Evt4   -     AA-1  AA-8  -     AE-4  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
Evt5   AE-5  -     -     -     -     -     -     -     -     -     -     -     -
Evt6   -     AE-6  AA-8  -     AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-7
Evt7   -     -     AE-7  -     -     -     -     -     -     -     -     -     -
Evt8   -     -     AE-8  -     -     -     -     -     -     -     -     -     -
Evt9   -     -     -     -     -     DT-1  -     AR-7  -     -     -     -     -
Evt10  -     AA-1  AA-8  -     AA-8  DT-2  AR-6  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
Evt11  -     -     -     -     -     AR-1  -     -     -     -     -     -     -
Evt12  -     AA-1  AA-8  -     AA-8  AR-2  AR-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
Evt13  -     AA-1  AA-8  -     AA-8  AA-8  AR-3  AA-8  AA-8  AR-10 AR-3  AA-8  AA-6
Evt14  -     -     -     -     -     -     -     AR-4  AR-9  -     -     AR-4  -
Evt15  -     -     AA-1  AA-2  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  -
Evt16  -     AA-2  AA-3  -     AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-2
Evt17  -     AA-5  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AR-5
Evt18  -     AA-2  -     -     -     -     -     -     -     -     -     -     AA-2
Evt19  -     AA-1  AA-8  -     AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-7
"""

TRANSITIONS: dict[tuple[str, str], str] = {
    (row.split()[0], f"Sta{number}"): action
    for row in _TRANSITIONS.strip().splitlines()
    for number, action in enumerate(row.split()[1:], start=1)
    if action != "-"
}
"""(event, state) -> action; what is not there can't happen."""

# Tables 9-6 to 9-9: what an action does. Next state; what is sent (a PDU type); what is told to
# the user (the name of an event); whether the transport is closed by us. AE-6 is for a request
# that the provider accepts, AR-8 for the requestor (the acceptor goes to Sta10).
ACTIONS: dict[str, tuple[str, int | None, str | None, bool]] = {
    "AE-1": ("Sta4", None, None, False),
    "AE-2": ("Sta5", 1, None, False),
    "AE-3": ("Sta6", None, "AssociateAccept", False),
    "AE-4": ("Sta1", None, "AssociateReject", True),
    "AE-5": ("Sta2", None, None, False),
    "AE-6": ("Sta3", None, "AssociateRequest", False),
    "AE-7": ("Sta6", 2, None, False),
    "AE-8": ("Sta13", 3, None, False),
    "DT-1": ("Sta6", 4, None, False),
    "DT-2": ("Sta6", None, "DataReceived", False),
    "AR-1": ("Sta7", 5, None, False),
    "AR-2": ("Sta8", None, "ReleaseRequest", False),
    "AR-3": ("Sta1", None, "ReleaseReply", True),
    "AR-4": ("Sta13", 6, None, False),
    "AR-5": ("Sta1", None, None, False),
    "AR-6": ("Sta7", None, "DataReceived", False),
    "AR-7": ("Sta8", 4, None, False),
    "AR-8": ("Sta9", None, "ReleaseRequest", False),
    "AR-9": ("Sta11", 6, None, False),
    "AR-10": ("Sta12", None, "ReleaseReply", False),
    "AA-1": ("Sta13", 7, None, False),
    "AA-2": ("Sta1", None, None, True),
    "AA-3": ("Sta1", None, "Abort", True),
    "AA-4": ("Sta1", None, "Closed", False),
    "AA-5": ("Sta1", None, None, False),
    "AA-6": ("Sta13", None, None, False),
    "AA-7": ("Sta13", 7, None, False),
    "AA-8": ("Sta13", 7, "Abort", False),
}

# PS3.8 9.1.5 and the actions that start and stop the timer: AE-5, AE-6, AE-8, AR-4, AR-5, AA-1,
# AA-2, AA-5, AA-8. It runs in these states.
TIMER = {"Sta2", "Sta13"}
