CREATE OR REPLACE FUNCTION hallpass.export_withhold(
    p_export uuid, p_series text, p_after bigint, p_last bigint, p_given uuid[]
) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = hallpass, pg_temp AS $$
    INSERT INTO withheld
        SELECT r.custodian, instant(), i.export, i.id, i.version, i.type, i.compartment, caller(),
            current_setting('hallpass.purposes', true)::text[]
        FROM export e JOIN export_item i ON i.export = e.id
        JOIN resource r ON r.compartment = i.compartment AND r.id = i.id AND r.version = i.version
        WHERE e.id = p_export AND e.client = current_setting('hallpass.client', true)
          AND i.series = p_series AND i.n > p_after AND i.n <= p_last AND i.id <> ALL (p_given)
          AND NOT r.directory AND NOT holds(r.custodian)
    ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION hallpass.export_withhold IS
    'Keeps for their custodians which lines of a file were left out as it was fetched: those of a range that were not given.
     It answers nothing, so that the recipient learns nothing by it.';
