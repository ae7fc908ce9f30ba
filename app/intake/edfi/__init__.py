"""Ed-Fi as a source of rosters. https://docs.ed-fi.org/reference/data-exchange/data-standard"""
