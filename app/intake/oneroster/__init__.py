"""OneRoster 1.1 and 1.2 CSV as a source of rosters. https://www.imsglobal.org/spec/oneroster/v1p2/bind/csv"""
