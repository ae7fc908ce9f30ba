"""The three ways to patch a resource: JSON Patch, JSON Merge Patch and FHIRPath Patch."""
