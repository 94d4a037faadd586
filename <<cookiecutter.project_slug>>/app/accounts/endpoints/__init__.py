"""HTTP operations of accounts."""
