mock_provider "kafka" {}

variables {
  prefix     = "dev."
  principals = { bridge = "User:b", processor = "User:p", pusher = "User:u", historian = "User:h", analytics = "User:a" }
}

run "the_bridge_writes_and_never_reads" {
  command = plan
  assert {
    condition     = alltrue([for acl in kafka_acl.topic : acl.acl_operation == "Write" if acl.acl_principal == "User:b"])
    error_message = "the bridge has no right but to write"
  }
  assert {
    condition     = sort([for acl in kafka_acl.topic : acl.resource_name if acl.acl_principal == "User:b"]) == tolist(["dev.fanet.dead-letter.v1", "dev.fanet.raw.v1"])
    error_message = "the raw topic and dead letters"
  }
}

run "private_topics_are_closed_to_others" {
  command = plan
  assert {
    condition     = toset([for acl in kafka_acl.topic : acl.acl_principal if acl.resource_name == "dev.fanet.private.observation.v1" && acl.acl_operation == "Read"]) == toset(["User:p", "User:h"])
    error_message = "observations of hidden devices: their owner and the historian"
  }
  assert {
    condition     = toset([for acl in kafka_acl.topic : acl.acl_principal if acl.resource_name == "dev.fanet.private.state.v1" && acl.acl_operation == "Read"]) == toset(["User:p", "User:u"])
    error_message = "states of hidden devices: their owner and the pusher"
  }
}

run "nothing_is_given_to_all" {
  command = plan
  assert {
    condition     = alltrue([for acl in kafka_acl.topic : acl.acl_principal != "User:*" && acl.resource_name != "*" && acl.acl_operation != "All"])
    error_message = "no wildcard"
  }
  assert {
    condition     = alltrue([for acl in kafka_acl.topic : !contains(["Delete", "Alter", "AlterConfigs", "Create"], acl.acl_operation)])
    error_message = "topics are Terraform's"
  }
}

run "programs_left_out_get_nothing" {
  command = plan
  variables {
    principals = { bridge = "User:b" }
  }
  assert {
    condition     = length(kafka_acl.topic) == 2 && length(kafka_acl.group) == 0
    error_message = "the bridge's two rights alone"
  }
}

run "unknown_programs_are_refused" {
  command = plan
  variables {
    principals = { bridges = "User:b" }
  }
  expect_failures = [var.principals]
}

run "wildcard_principals_are_refused" {
  command = plan
  variables {
    principals = { bridge = "User:*" }
  }
  expect_failures = [var.principals]
}

run "groups_carry_the_prefix" {
  command = plan
  assert {
    condition     = sort([for acl in kafka_acl.group : "${acl.acl_operation} ${acl.resource_name}" if acl.acl_principal == "User:p"]) == tolist(["Describe updraft-processor-reader", "Read dev.processor"])
    error_message = "the processor's own group, and that of reads without a group"
  }
  assert {
    condition     = alltrue([for acl in kafka_acl.group : acl.resource_pattern_type_filter == "Literal" || acl.acl_principal == "User:a"])
    error_message = "prefixed groups are for analytics alone"
  }
}

run "the_autoscaler_sees_lag_and_no_record" {
  command = plan
  variables {
    principals = { autoscaler = "User:s" }
  }
  assert {
    condition     = sort([for acl in kafka_acl.topic : "${acl.acl_operation} ${acl.resource_name}"]) == tolist(["Describe dev.fanet.observation.v1", "Describe dev.fanet.raw.v1"])
    error_message = "the ends of the two topics, and no record"
  }
  assert {
    condition     = sort([for acl in kafka_acl.group : "${acl.acl_operation} ${acl.resource_name} ${acl.resource_pattern_type_filter}"]) == tolist(["Describe dev.historian Literal", "Describe dev.processor Literal"])
    error_message = "the offsets of the two groups"
  }
}

run "commands_of_the_processor_have_their_rights" {
  command = plan
  assert {
    condition     = alltrue([for right in ["Write dev.fanet.raw.v1", "Write dev.fanet.audit.v1"] : contains([for acl in kafka_acl.topic : "${acl.acl_operation} ${acl.resource_name}" if acl.acl_principal == "User:p"], right)])
    error_message = "processor command writes a command and its audit record"
  }
  assert {
    condition     = alltrue([for kind in ["aircraft", "ground", "thermal", "station"] : contains([for acl in kafka_acl.topic : acl.resource_name if acl.acl_principal == "User:p" && acl.acl_operation == "Read"], "dev.fanet.state.${kind}.v1")])
    error_message = "processor rebuild-redis reads all states that Redis has"
  }
}

run "a_capture_reads_the_raw_topic" {
  command = plan
  variables {
    principals = { replay = "User:r" }
  }
  assert {
    condition     = contains([for acl in kafka_acl.topic : "${acl.acl_operation} ${acl.resource_name}"], "Read dev.fanet.raw.v1") && [for acl in kafka_acl.group : "${acl.acl_operation} ${acl.resource_name}"] == ["Describe updraft-replay-capture-reader"]
    error_message = "the raw topic, and the group of reads without a group"
  }
}

run "the_backup_reads_what_it_saves" {
  command = plan
  variables {
    principals = { accounts = "User:c" }
  }
  assert {
    condition     = sort([for acl in kafka_acl.topic : "${acl.acl_operation} ${acl.resource_name}"]) == tolist(["Read dev.fanet.account.v1", "Read dev.fanet.audit.v1", "Read dev.fanet.private.privacy.v1", "Read dev.fanet.zone.v1"])
    error_message = "accounts, zones, restrictions and the audit trail, and nothing else"
  }
}

run "rights_are_listed_for_people" {
  command = plan
  variables {
    principals = { bridge = "User:b" }
  }
  assert {
    condition     = output.rights == tolist(["bridge Write fanet.dead-letter.v1", "bridge Write fanet.raw.v1"])
    error_message = "program, operation and topic"
  }
}
