module updraft.example/setup/kube/definitions

go 1.26.6

// For the files in them: definitions of kinds. No package is imported, so that `go mod tidy` would remove them.
require (
	github.com/kedacore/keda/v2 v2.17.2 // indirect
	github.com/prometheus-operator/prometheus-operator v0.85.0 // indirect
)
