# For Terraform. OpenTofu reads references.tofutest.hcl instead: it plans with the values of mocks always.

mock_provider "restapi" {
  # Nothing is applied, since nothing could be destroyed afterwards.
  override_during = plan

  mock_resource "restapi_object" {
    defaults = { api_data = { version = "1", id = "7" } }
  }
}

run "references_name_the_version" {
  command = plan
  variables {
    prefix = "dev."
  }
  assert {
    condition     = jsonencode(jsondecode(restapi_object.value["dev.fanet.raw.v1-value"].data).references) == jsonencode([{ name = "updraft/v1/common.proto", subject = "updraft/v1/common.proto", version = 1 }])
    error_message = "raw.proto imports common.proto"
  }
}
