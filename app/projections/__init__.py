"""What a write keeps up to date beside the record itself."""
