-- What the planner knows of columns that depend on each other. A type has few of all parameters, and an organization few
-- of all types: taken for independent, a criterion that thousands of others' records meet looks as if it had one row, and
-- is read from its index of everybody's terms instead of being asked of the few records that the caller may see.

ALTER STATISTICS hallpass.term_token_values SET STATISTICS 1000;
CREATE STATISTICS hallpass.term_string_params (mcv) ON type, param FROM hallpass.term_string;
CREATE STATISTICS hallpass.term_reference_params (mcv) ON type, param FROM hallpass.term_reference;
CREATE STATISTICS hallpass.term_date_params (mcv) ON type, param FROM hallpass.term_date;
CREATE STATISTICS hallpass.term_quantity_params (mcv) ON type, param FROM hallpass.term_quantity;
CREATE STATISTICS hallpass.term_uri_values (mcv) ON type, param, value FROM hallpass.term_uri;
CREATE STATISTICS hallpass.access_types (mcv) ON org, type FROM hallpass.access;
ALTER STATISTICS hallpass.term_string_params SET STATISTICS 1000;
ALTER STATISTICS hallpass.term_reference_params SET STATISTICS 1000;
ALTER STATISTICS hallpass.term_date_params SET STATISTICS 1000;
ALTER STATISTICS hallpass.term_quantity_params SET STATISTICS 1000;
ALTER STATISTICS hallpass.term_uri_values SET STATISTICS 1000;
ALTER STATISTICS hallpass.access_types SET STATISTICS 1000;
