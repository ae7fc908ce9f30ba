CREATE TABLE hallpass.provision (
    compartment           uuid NOT NULL,
    consent         uuid NOT NULL,
    node            integer NOT NULL,        -- in document order from the root, 0
    parent          integer NOT NULL,        -- the root's is -1
    permit          boolean NOT NULL,
    opens           timestamptz NOT NULL,
    closes          timestamptz NOT NULL,
    recipients      uuid[],                  -- NULL in any column below: the provision does not constrain it
    purposes        text[],
    classes         text[],
    codes           text[],
    confidentiality smallint,                -- named: the highest for a permit, the lowest for a deny
    labels          text[],                  -- named sensitivity and policy labels; NULL: no securityLabel at all
    instances       uuid[],                  -- provision.data, by meaning; all NULL: no data element
    related         uuid[],
    dependents      uuid[],
    authored        uuid[],
    about           tstzrange,               -- dataPeriod
    PRIMARY KEY (compartment, consent, node),
    FOREIGN KEY (compartment, consent) REFERENCES hallpass.release ON DELETE CASCADE
);
ALTER TABLE hallpass.provision ENABLE ROW LEVEL SECURITY;
