"""Topic-based subscriptions: the topics, what a Subscription asks for, and which records it is about. Pure.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/
"""
