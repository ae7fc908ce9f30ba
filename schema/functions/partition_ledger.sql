CREATE OR REPLACE FUNCTION hallpass.partition_ledger(p_from date, p_until date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
DECLARE
    v_start date := date_trunc('quarter', p_from);
    v_made  integer := 0;
    v_name  text;
BEGIN
    WHILE v_start < p_until LOOP
        v_name := format('disclosure_%sq%s', extract(year FROM v_start), extract(quarter FROM v_start));
        IF to_regclass('hallpass.' || v_name) IS NULL
           AND NOT EXISTS (SELECT 1 FROM disclosure_other d WHERE d.at >= (v_start::timestamp AT TIME ZONE 'UTC')
                           AND d.at < ((v_start + interval '3 months') AT TIME ZONE 'UTC')) THEN
            EXECUTE format('CREATE TABLE hallpass.%I PARTITION OF hallpass.disclosure FOR VALUES FROM (%L) TO (%L)',
                           v_name, v_start::timestamp AT TIME ZONE 'UTC',
                           (v_start + interval '3 months') AT TIME ZONE 'UTC');
            v_made := v_made + 1;
        END IF;
        v_start := v_start + interval '3 months';
    END LOOP;
    RETURN v_made;
END $$;
COMMENT ON FUNCTION hallpass.partition_ledger IS
    'Makes the partitions of the ledger, a quarter of a year each in UTC, that cover a span and are not there yet.';
