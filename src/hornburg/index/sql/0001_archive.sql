-- The first step: resources, attachments, labels, logs, totals.
-- One row per resource: "tags" is the JSON object that answers show (simplified names), the
-- folded columns (upper case, no accents, 256 characters) are what searches compare. "activity" is
-- when something was last received, in Unix seconds rounded up, so that a burst of instances
-- writes it once a second.

CREATE TABLE patients (
    id INTEGER PRIMARY KEY,
    public_id TEXT NOT NULL UNIQUE,
    tags TEXT NOT NULL,
    metadata TEXT NOT NULL,
    revisions TEXT NOT NULL DEFAULT '{}',
    last_update TEXT NOT NULL,
    activity INTEGER NOT NULL,
    stable INTEGER NOT NULL DEFAULT 0,
    protected INTEGER NOT NULL DEFAULT 0,
    recycle INTEGER NOT NULL DEFAULT 0,
    patient_id TEXT,
    patient_name TEXT,
    patient_birth_date TEXT,
    patient_sex TEXT
) STRICT;
CREATE INDEX patients_patient_id ON patients (patient_id);
CREATE INDEX patients_patient_name ON patients (patient_name);
CREATE INDEX patients_birth_date ON patients (patient_birth_date);
CREATE INDEX patients_unstable ON patients (activity) WHERE stable = 0;
CREATE INDEX patients_recycle ON patients (recycle) WHERE protected = 0;

CREATE TABLE studies (
    id INTEGER PRIMARY KEY,
    public_id TEXT NOT NULL UNIQUE,
    parent INTEGER NOT NULL REFERENCES patients (id),
    tags TEXT NOT NULL,
    metadata TEXT NOT NULL,
    revisions TEXT NOT NULL DEFAULT '{}',
    last_update TEXT NOT NULL,
    activity INTEGER NOT NULL,
    stable INTEGER NOT NULL DEFAULT 0,
    study_instance_uid TEXT,
    study_date TEXT,
    study_time TEXT,
    study_id TEXT,
    study_description TEXT,
    accession_number TEXT,
    referring_physician_name TEXT,
    institution_name TEXT
) STRICT;
CREATE INDEX studies_parent ON studies (parent);
CREATE INDEX studies_uid ON studies (study_instance_uid);
CREATE INDEX studies_date ON studies (study_date);
CREATE INDEX studies_accession_number ON studies (accession_number);
CREATE INDEX studies_study_id ON studies (study_id);
CREATE INDEX studies_description ON studies (study_description);
CREATE INDEX studies_referring_physician ON studies (referring_physician_name);
CREATE INDEX studies_institution ON studies (institution_name);
CREATE INDEX studies_unstable ON studies (activity) WHERE stable = 0;

CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    public_id TEXT NOT NULL UNIQUE,
    parent INTEGER NOT NULL REFERENCES studies (id),
    tags TEXT NOT NULL,
    metadata TEXT NOT NULL,
    revisions TEXT NOT NULL DEFAULT '{}',
    last_update TEXT NOT NULL,
    activity INTEGER NOT NULL,
    stable INTEGER NOT NULL DEFAULT 0,
    instances INTEGER NOT NULL DEFAULT 0,
    disk_size INTEGER NOT NULL DEFAULT 0,
    uncompressed_size INTEGER NOT NULL DEFAULT 0,
    dicom_disk_size INTEGER NOT NULL DEFAULT 0,
    dicom_uncompressed_size INTEGER NOT NULL DEFAULT 0,
    series_instance_uid TEXT,
    modality TEXT,
    series_date TEXT,
    series_description TEXT,
    series_number TEXT,
    body_part_examined TEXT,
    protocol_name TEXT,
    manufacturer TEXT,
    station_name TEXT
) STRICT;
CREATE INDEX series_parent ON series (parent, modality);
CREATE INDEX series_modality ON series (modality, parent);
CREATE INDEX series_uid ON series (series_instance_uid);
CREATE INDEX series_date ON series (series_date);
CREATE INDEX series_description ON series (series_description);
CREATE INDEX series_unstable ON series (activity) WHERE stable = 0;

CREATE TABLE instances (
    id INTEGER PRIMARY KEY,
    public_id TEXT NOT NULL UNIQUE,
    parent INTEGER NOT NULL REFERENCES series (id),
    tags TEXT NOT NULL,
    metadata TEXT NOT NULL,
    revisions TEXT NOT NULL DEFAULT '{}',
    sop_instance_uid TEXT,
    instance_number TEXT
) STRICT;
CREATE INDEX instances_parent ON instances (parent);
CREATE INDEX instances_uid ON instances (sop_instance_uid);

-- level: 0 patient, 1 study, 2 series, 3 instance; resource: id in the table of that level.
CREATE TABLE attachments (
    level INTEGER NOT NULL,
    resource INTEGER NOT NULL,
    number INTEGER NOT NULL,
    uuid TEXT NOT NULL,
    size INTEGER NOT NULL,
    md5 TEXT NOT NULL,
    compression INTEGER NOT NULL,
    compressed_size INTEGER NOT NULL,
    compressed_md5 TEXT NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (level, resource, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX attachments_uuid ON attachments (uuid);

CREATE TABLE labels (
    level INTEGER NOT NULL,
    resource INTEGER NOT NULL,
    label TEXT NOT NULL,
    PRIMARY KEY (level, resource, label)
) STRICT, WITHOUT ROWID;
CREATE INDEX labels_label ON labels (label, level, resource);

-- A change is found by the row of its resource, not by its identifier, when that is deleted: rows
-- are in the order in which they came, so that the index grows at its end alone.
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    type TEXT NOT NULL,
    level INTEGER NOT NULL,
    resource INTEGER NOT NULL,
    public_id TEXT NOT NULL,
    date TEXT NOT NULL
) STRICT;
CREATE INDEX changes_resource ON changes (level, resource);

CREATE TABLE exports (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    level INTEGER NOT NULL,
    public_id TEXT NOT NULL,
    modality TEXT NOT NULL,
    date TEXT NOT NULL,
    patient_id TEXT NOT NULL,
    study_uid TEXT NOT NULL,
    series_uid TEXT NOT NULL,
    sop_uid TEXT NOT NULL
) STRICT;
CREATE INDEX exports_public_id ON exports (public_id);

-- Files that were taken from the index, until they are known to be removed.
CREATE TABLE removals (uuid TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

CREATE TABLE properties (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- One row: /statistics reads it instead of counting. Triggers keep it, so no road can forget it.
CREATE TABLE totals (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    patients INTEGER NOT NULL, studies INTEGER NOT NULL,
    series INTEGER NOT NULL, instances INTEGER NOT NULL,
    disk_size INTEGER NOT NULL, uncompressed_size INTEGER NOT NULL
) STRICT;
INSERT INTO totals VALUES (1, 0, 0, 0, 0, 0, 0);

CREATE TRIGGER patients_in AFTER INSERT ON patients BEGIN
    UPDATE totals SET patients = patients + 1; END;
CREATE TRIGGER patients_out AFTER DELETE ON patients BEGIN
    UPDATE totals SET patients = patients - 1; END;
CREATE TRIGGER studies_in AFTER INSERT ON studies BEGIN
    UPDATE totals SET studies = studies + 1; END;
CREATE TRIGGER studies_out AFTER DELETE ON studies BEGIN
    UPDATE totals SET studies = studies - 1; END;
CREATE TRIGGER series_in AFTER INSERT ON series BEGIN
    UPDATE totals SET series = series + 1; END;
CREATE TRIGGER series_out AFTER DELETE ON series BEGIN
    UPDATE totals SET series = series - 1; END;
CREATE TRIGGER instances_in AFTER INSERT ON instances BEGIN
    UPDATE totals SET instances = instances + 1;
    UPDATE series SET instances = instances + 1 WHERE id = NEW.parent; END;
CREATE TRIGGER instances_out AFTER DELETE ON instances BEGIN
    UPDATE totals SET instances = instances - 1;
    UPDATE series SET instances = instances - 1 WHERE id = OLD.parent; END;

CREATE TRIGGER attachments_in AFTER INSERT ON attachments BEGIN
    UPDATE totals SET disk_size = disk_size + NEW.compressed_size,
        uncompressed_size = uncompressed_size + NEW.size;
    UPDATE series SET
        disk_size = disk_size + NEW.compressed_size,
        uncompressed_size = uncompressed_size + NEW.size,
        dicom_disk_size = dicom_disk_size + iif(NEW.number = 1, NEW.compressed_size, 0),
        dicom_uncompressed_size = dicom_uncompressed_size + iif(NEW.number = 1, NEW.size, 0)
    WHERE NEW.level >= 2 AND id = iif(NEW.level = 2, NEW.resource,
        (SELECT parent FROM instances WHERE id = NEW.resource)); END;
CREATE TRIGGER attachments_out AFTER DELETE ON attachments BEGIN
    UPDATE totals SET disk_size = disk_size - OLD.compressed_size,
        uncompressed_size = uncompressed_size - OLD.size;
    UPDATE series SET
        disk_size = disk_size - OLD.compressed_size,
        uncompressed_size = uncompressed_size - OLD.size,
        dicom_disk_size = dicom_disk_size - iif(OLD.number = 1, OLD.compressed_size, 0),
        dicom_uncompressed_size = dicom_uncompressed_size - iif(OLD.number = 1, OLD.size, 0)
    WHERE OLD.level >= 2 AND id = iif(OLD.level = 2, OLD.resource,
        (SELECT parent FROM instances WHERE id = OLD.resource));
    INSERT OR IGNORE INTO removals VALUES (OLD.uuid); END;

-- What the planner is to believe: "rows, rows with the same first column, …" of a large archive
-- (https://www.sqlite.org/fileformat2.html, 2.6.3). Written down rather than measured, so that
-- plans are the same on every machine and at every size, and as the tests have checked them.
ANALYZE;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('patients', 'sqlite_autoindex_patients_1', '100000 1'),
    ('patients', 'patients_patient_id', '100000 1'),
    ('patients', 'patients_patient_name', '100000 2'),
    ('patients', 'patients_birth_date', '100000 5'),
    ('patients', 'patients_unstable', '10 2'),
    ('patients', 'patients_recycle', '100000 1'),
    ('studies', 'sqlite_autoindex_studies_1', '200000 1'),
    ('studies', 'studies_parent', '200000 2'),
    ('studies', 'studies_uid', '200000 1'),
    ('studies', 'studies_date', '200000 100'),
    ('studies', 'studies_accession_number', '200000 2'),
    ('studies', 'studies_study_id', '200000 20'),
    ('studies', 'studies_description', '200000 500'),
    ('studies', 'studies_referring_physician', '200000 200'),
    ('studies', 'studies_institution', '200000 20000'),
    ('studies', 'studies_unstable', '10 2'),
    ('series', 'sqlite_autoindex_series_1', '800000 1'),
    ('series', 'series_parent', '800000 4 2'),
    ('series', 'series_modality', '800000 80000 2'),
    ('series', 'series_uid', '800000 1'),
    ('series', 'series_date', '800000 400'),
    ('series', 'series_description', '800000 2000'),
    ('series', 'series_unstable', '10 2'),
    ('instances', 'sqlite_autoindex_instances_1', '20000000 1'),
    ('instances', 'instances_parent', '20000000 25'),
    ('instances', 'instances_uid', '20000000 1'),
    ('attachments', 'attachments', '20000000 5000000 1 1'),
    ('attachments', 'attachments_uuid', '20000000 1'),
    ('labels', 'labels', '10000 5000 2 1'),
    ('labels', 'labels_label', '10000 1000 500 1'),
    ('changes', 'changes_resource', '20000000 5000000 2');
