output "subjects" {
  description = "Every subject with the number of its schema."
  value       = { for subject, object in restapi_object.value : subject => tonumber(object.api_data["id"]) }
}
