# Redis is rebuilt from the state topics when it is lost, so it is no resource to protect (sessions end with it): this module makes the two files
# that a Redis of any kind (container, package, operator) is started with, and the URLs of the programs.

locals {
  # The commands and keys of each program, and no others: the same file that docker-compose.prod.yml has.
  users = "${path.module}/../../../ops/redis/users.acl"
}
