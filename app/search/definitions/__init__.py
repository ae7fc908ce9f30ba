"""The search parameters of our types, as HL7 defines them, and the script that extracts them."""
