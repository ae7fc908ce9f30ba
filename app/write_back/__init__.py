"""Services delivered, written back to a district's Ed-Fi ODS. docs/guides/write-back.md"""
