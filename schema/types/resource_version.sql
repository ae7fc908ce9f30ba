-- What hallpass.put_many stores. A type of its own, and not the table's row: a migration that adds a column to the table does
-- not change what the version before calls.
CREATE TYPE hallpass.resource_version AS (
    compartment     uuid,
    id              uuid,
    version         integer,
    type            text,
    custodian       uuid,
    student         uuid,
    directory       boolean,
    current         boolean,
    deleted         boolean,
    updated         timestamptz,
    method          text,
    body            bytea,
    label_at        integer,
    digest          bytea,
    profiles        text[],
    codes           text[],
    confidentiality smallint,
    labels          text[],
    parties         uuid[],
    refs            uuid[],
    authors         uuid[],
    clinical        tstzrange
);
