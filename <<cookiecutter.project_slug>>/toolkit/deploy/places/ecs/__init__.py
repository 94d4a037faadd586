"""Amazon ECS with Fargate."""
