"""Made-up patients and examinations, the same for the same number every time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import blake2b

__all__ = ["FAMILY_NAMES", "Patient", "Study", "draw", "patient", "study", "uid"]

# Names as they stand in hospitals of Western Europe; all of them fit ISO_IR 100 (Latin-1).
FAMILY_NAMES = [
    "Andersson",
    "Åström",
    "Bauer",
    "Becker",
    "Bernard",
    "Bianchi",
    "Carlsen",
    "Castro",
    "Dubois",
    "Dupont",
    "Esposito",
    "Fernández",
    "Ferrari",
    "Fischer",
    "Fontaine",
    "García",
    "Girard",
    "Gómez",
    "Hansen",
    "Hoffmann",
    "Jansen",
    "Janssens",
    "Jensen",
    "Keller",
    "Koch",
    "Krüger",
    "Lambert",
    "Larsen",
    "Laurent",
    "Lefèvre",
    "Lehmann",
    "Lindqvist",
    "López",
    "Maes",
    "Martin",
    "Martínez",
    "Meier",
    "Meyer",
    "Moreau",
    "Moretti",
    "Müller",
    "Nilsson",
    "Olsen",
    "Peeters",
    "Pereira",
    "Petersen",
    "Ricci",
    "Richter",
    "Romano",
    "Rossi",
    "Roux",
    "Sánchez",
    "Schmidt",
    "Schneider",
    "Schulz",
    "Silva",
    "Svensson",
    "Vermeulen",
    "Visser",
    "Weber",
]
_GIVEN_NAMES = {
    "F": [
        "Anna",
        "Beatriz",
        "Camille",
        "Charlotte",
        "Elena",
        "Emma",
        "Eva",
        "Giulia",
        "Hanna",
        "Inès",
        "Ingrid",
        "Julie",
        "Karin",
        "Laura",
        "Lena",
        "Léa",
        "Lucía",
        "Maria",
        "Marie",
        "Petra",
        "Sara",
        "Sofia",
        "Ursula",
        "Zoë",
    ],
    "M": [
        "Alexander",
        "Antonio",
        "Björn",
        "David",
        "Erik",
        "Felix",
        "Giorgio",
        "Hans",
        "Hugo",
        "Jan",
        "João",
        "Julien",
        "Karl",
        "Lars",
        "Luca",
        "Marco",
        "Mathieu",
        "Noah",
        "Olaf",
        "Pedro",
        "Pierre",
        "René",
        "Thomas",
        "Viktor",
    ],
}
_FIRST_STUDY_DAY = date(2019, 1, 1)
_STUDY_DAYS = 2190
_FIRST_BIRTHDAY = date(1930, 1, 1)
_BIRTHDAYS = 29_000


@dataclass(frozen=True, slots=True)
class Patient:
    """A made-up patient; `name` is a PN value, `sex` is `F` or `M`."""

    id: str
    name: str
    sex: str
    birthday: date


@dataclass(frozen=True, slots=True)
class Study:
    """A made-up examination; `time` is a TM value, `age` an AS value."""

    accession_number: str
    id: str
    day: date
    time: str
    age: str
    referring_physician: str


def draw(*parts: object) -> int:
    """A 128-bit number that hangs on `parts` alone, spread evenly."""
    text = "|".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(text, digest_size=16).digest(), "big")


def uid(*parts: object) -> str:
    """A UID of always 44 characters under the root 2.25 (PS3.5 B.2), made from `parts`."""
    # 39 digits, first one not 0, and below 2**128, which a UUID-derived UID may not pass.
    return f"2.25.{10**38 + draw(*parts) % (2 * 10**38)}"


def patient(seed: str, number: int) -> Patient:
    """The patient with this number."""
    drawn = draw(seed, "patient", number)
    sex = "FM"[drawn & 1]
    given = _GIVEN_NAMES[sex]
    family = FAMILY_NAMES[(drawn >> 8) % len(FAMILY_NAMES)]
    return Patient(
        id=f"HB{number:07d}",
        name=f"{family}^{given[(drawn >> 24) % len(given)]}",
        sex=sex,
        birthday=_FIRST_BIRTHDAY + timedelta(days=(drawn >> 40) % _BIRTHDAYS),
    )


def study(seed: str, who: Patient, number: int) -> Study:
    """The study with this number of a patient; never before the patient's birth."""
    drawn = draw(seed, "study", who.id, number)
    day = _FIRST_STUDY_DAY + timedelta(days=drawn % _STUDY_DAYS)
    seconds = 7 * 3600 + (drawn >> 16) % (12 * 3600)
    years = max(0, (day - who.birthday).days) // 366
    physician = FAMILY_NAMES[(drawn >> 48) % len(FAMILY_NAMES)]
    return Study(
        accession_number=f"A{who.id[2:]}{number:03d}",
        id=str(1000 + (drawn >> 64) % 9000),
        day=day,
        time=f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}.000000",
        age=f"{years:03d}Y",
        referring_physician=f"{physician}^^^Dr.",
    )
