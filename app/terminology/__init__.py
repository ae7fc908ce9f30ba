"""The code systems and value sets of Hallpass, and what is HL7's that it uses."""
