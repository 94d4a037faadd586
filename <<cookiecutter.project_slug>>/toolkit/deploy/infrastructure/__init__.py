"""Keys of the inventory from the outputs of Terraform, its checks, and a policy for its plans."""
