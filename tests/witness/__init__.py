"""Tests of app/witness."""
