# Access lists with the rights that each program needs and no others. The writers and readers of a topic are in
# schemas/topics.toml; further rights are listed here with their reason.

locals {
  catalogue = jsondecode(file("${path.module}/../../catalogue.json"))
  topics    = local.catalogue.topics

  writes = flatten([for name, topic in local.topics : [for program in topic.writers : { program = program, topic = name, operation = "Write" }]])
  reads  = flatten([for name, topic in local.topics : [for program in topic.readers : { program = program, topic = name, operation = "Read" }]])

  # An owner of a partition reads its own topics: it restores from them, and publishes again on top of late records of a
  # former owner.
  owners = ["processor", "thermals", "receivers"]
  reads_own = flatten([
    for name, topic in local.topics : [
      for program in topic.writers : { program = program, topic = name, operation = "Read" } if contains(local.owners, program)
    ]
  ])

  more = concat(
    # How many partitions the raw topic has decides which clocks the aggregator waits for.
    [{ program = "thermals", topic = "fanet.raw.v1", operation = "Describe" }],
    # `processor rebuild-redis` puts together what Redis had, thermals too.
    [{ program = "processor", topic = "fanet.state.thermal.v1", operation = "Read" }],
    # The archive is the raw topic in files.
    [{ program = "archive", topic = "fanet.raw.v1", operation = "Read" }],
    # The nightly backup by ops/topic-records.py: what no other topic has, and no file.
    [for topic in ["fanet.account.v1", "fanet.zone.v1", "fanet.private.privacy.v1", "fanet.audit.v1"] : { program = "accounts", topic = topic, operation = "Read" }],
    # The pusher lists the topics that it may see, with their settings.
    flatten([for name, topic in local.topics :
      [{ program = "pusher", topic = name, operation = "DescribeConfigs" }] if contains(concat(topic.readers, topic.writers), "pusher")
    ]),
    # KEDA compares the ends of the topics with the offsets of the groups; it reads no record.
    [for topic in ["fanet.raw.v1", "fanet.observation.v1"] : { program = "autoscaler", topic = topic, operation = "Describe" }],
    # `processor topics check` compares, and changes nothing: the topics are Terraform's.
    flatten([for name in keys(local.topics) : [
      { program = "topics", topic = name, operation = "Describe" },
      { program = "topics", topic = name, operation = "DescribeConfigs" },
    ]]),
  )

  # One entry for each right, even where several rules ask for it.
  rights = { for right in concat(local.writes, local.reads, local.reads_own, local.more) :
    "${right.program} ${right.operation} ${right.topic}" => right... if contains(keys(var.principals), right.program)
  }

  # Consumer groups have the program's name behind the prefix. Those of analytics begin with it.
  groups = concat(
    [for program in ["processor", "thermals", "receivers", "historian"] :
    { program = program, name = "${var.prefix}${program}", pattern = "Literal", operation = "Read" }],
    # The pusher's group makes notifications.
    [{ program = "pusher", name = "${var.prefix}notify", pattern = "Literal", operation = "Read" }],
    [{ program = "analytics", name = "${var.prefix}analytics", pattern = "Prefixed", operation = "Read" }],
    # The groups whose lag decides about replicas.
    [for group in ["processor", "historian"] :
    { program = "autoscaler", name = "${var.prefix}${group}", pattern = "Literal", operation = "Describe" }],
    # Partitions that are read in no group: the client library asks for the coordinator of a group of this name all the same.
    [for program in ["processor", "thermals", "receivers", "historian", "archive"] :
    { program = program, name = "updraft-processor-reader", pattern = "Literal", operation = "Describe" }],
    [{ program = "replay", name = "updraft-replay-capture-reader", pattern = "Literal", operation = "Describe" }],
    [{ program = "accounts", name = "topic-records", pattern = "Literal", operation = "Describe" }],
    [for group in ["updraft-pusher-reader", "updraft-pusher-watchdog"] : { program = "pusher", name = group, pattern = "Literal", operation = "Describe" }],
  )
}

resource "kafka_acl" "topic" {
  for_each = local.rights

  resource_name                = "${var.prefix}${each.value[0].topic}"
  resource_type                = "Topic"
  resource_pattern_type_filter = "Literal"
  acl_principal                = var.principals[each.value[0].program]
  acl_host                     = var.host
  acl_operation                = each.value[0].operation
  acl_permission_type          = "Allow"
}

resource "kafka_acl" "group" {
  for_each = {
    for group in local.groups : "${group.program} ${group.operation} ${group.name}" => group
    if contains(keys(var.principals), group.program)
  }

  resource_name                = each.value.name
  resource_type                = "Group"
  resource_pattern_type_filter = each.value.pattern
  acl_principal                = var.principals[each.value.program]
  acl_host                     = var.host
  acl_operation                = each.value.operation
  acl_permission_type          = "Allow"
}
