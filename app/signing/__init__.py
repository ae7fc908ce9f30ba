"""Signing: a guardian or a student reads a release on a page, and signs or ends it. 34 CFR 99.30(d)"""
