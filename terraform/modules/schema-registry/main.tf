# Subjects of the values (TopicNameStrategy) and of the files that they import (the file's name), each with its
# compatibility. Registered in the order of their imports, since a reference names a version that is there.

locals {
  catalogue = jsondecode(file("${path.module}/../../catalogue.json"))
  proto     = "${path.module}/../../../schemas/proto"

  # Only files that others import have a subject of their own.
  imported = toset(flatten([for file in values(local.catalogue.schemas) : file.imports]))
  leaves   = toset([for name in local.imported : name if local.catalogue.schemas[name].depth == 0])
  inner    = toset([for name in local.imported : name if local.catalogue.schemas[name].depth == 1])

  values = { for name, topic in local.catalogue.topics : "${var.prefix}${name}-value" => topic.schema if topic.schema != null }

  versions = merge(
    { for name, subject in restapi_object.leaf : name => tonumber(subject.api_data["version"]) },
    { for name, subject in restapi_object.inner : name => tonumber(subject.api_data["version"]) },
  )

  # Fields that the registry adds to a schema.
  added = ["subject", "id", "version", "deleted", "guid", "ts"]

  subjects = toset(concat(tolist(local.imported), keys(local.values)))
}

resource "restapi_object" "leaf" {
  for_each = local.leaves

  object_id         = each.value
  path              = "/subjects"
  create_path       = "/subjects/${urlencode(each.value)}/versions"
  update_path       = "/subjects/${urlencode(each.value)}/versions"
  read_path         = "/subjects/${urlencode(each.value)}/versions/latest"
  destroy_path      = "/subjects/${urlencode(each.value)}"
  create_method     = "POST"
  update_method     = "POST"
  ignore_changes_to = local.added
  data              = jsonencode({ schemaType = "PROTOBUF", schema = file("${local.proto}/${each.value}") })

  lifecycle {
    # Records name their schema by its number: without it they cannot be read.
    prevent_destroy = true
  }
}

resource "restapi_object" "inner" {
  for_each = local.inner

  object_id         = each.value
  path              = "/subjects"
  create_path       = "/subjects/${urlencode(each.value)}/versions"
  update_path       = "/subjects/${urlencode(each.value)}/versions"
  read_path         = "/subjects/${urlencode(each.value)}/versions/latest"
  destroy_path      = "/subjects/${urlencode(each.value)}"
  create_method     = "POST"
  update_method     = "POST"
  ignore_changes_to = local.added
  data = jsonencode({
    schemaType = "PROTOBUF"
    schema     = file("${local.proto}/${each.value}")
    references = [for name in local.catalogue.schemas[each.value].imports : {
      name = name, subject = name, version = tonumber(restapi_object.leaf[name].api_data["version"])
    }]
  })

  lifecycle {
    prevent_destroy = true

    precondition {
      condition     = alltrue([for name in local.imported : local.catalogue.schemas[name].depth <= 1])
      error_message = "A file that others import imports one that imports others: add a step to this module."
    }
  }
}

resource "restapi_object" "value" {
  for_each = local.values

  object_id         = each.key
  path              = "/subjects"
  create_path       = "/subjects/${urlencode(each.key)}/versions"
  update_path       = "/subjects/${urlencode(each.key)}/versions"
  read_path         = "/subjects/${urlencode(each.key)}/versions/latest"
  destroy_path      = "/subjects/${urlencode(each.key)}"
  create_method     = "POST"
  update_method     = "POST"
  ignore_changes_to = local.added
  data = jsonencode(merge(
    { schemaType = "PROTOBUF", schema = file("${local.proto}/${each.value}") },
    length(local.catalogue.schemas[each.value].imports) == 0 ? {} : {
      references = [for name in local.catalogue.schemas[each.value].imports : {
        name = name, subject = name, version = local.versions[name]
      }]
    },
  ))

  lifecycle {
    prevent_destroy = true
  }
}

resource "restapi_object" "compatibility" {
  for_each = local.subjects

  object_id     = "config ${each.value}"
  path          = "/config"
  create_path   = "/config/${urlencode(each.value)}"
  update_path   = "/config/${urlencode(each.value)}"
  read_path     = "/config/${urlencode(each.value)}"
  destroy_path  = "/config/${urlencode(each.value)}"
  create_method = "PUT"
  # The registry takes one name and answers with another.
  data              = jsonencode({ compatibility = var.compatibility, compatibilityLevel = var.compatibility })
  ignore_changes_to = ["compatibility"]

  depends_on = [restapi_object.leaf, restapi_object.inner, restapi_object.value]
}
