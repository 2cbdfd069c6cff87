// The program recorded serves the schema of a provider from terraform/provider-schemas.json, for providers that cannot be
// built here. With it `tofu validate` checks types and blocks, and `tofu test` runs with mock_provider. It refuses to be
// configured, so that nothing can be planned or applied with it.
//
// The provider is named by the program's file name, as in a mirror of providers: terraform-provider-NAME_vVERSION. The
// variable UPDRAFT_PROVIDER_SCHEMAS is the path of the file.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

const variable = "UPDRAFT_PROVIDER_SCHEMAS"

// The recorded file has the form of `tofu providers schema -json`.
type recording struct {
	Providers map[string]provider `json:"provider_schemas"`
}

type provider struct {
	Provider    schema            `json:"provider"`
	Resources   map[string]schema `json:"resource_schemas"`
	DataSources map[string]schema `json:"data_source_schemas"`
}

type schema struct {
	Version int64 `json:"version"`
	Block   block `json:"block"`
}

type block struct {
	Attributes map[string]attribute   `json:"attributes"`
	Blocks     map[string]nestedBlock `json:"block_types"`
}

type nestedBlock struct {
	Nesting  string `json:"nesting_mode"`
	Block    block  `json:"block"`
	MinItems int64  `json:"min_items"`
	MaxItems int64  `json:"max_items"`
}

type attribute struct {
	Type      json.RawMessage `json:"type"`
	Nested    *nestedType     `json:"nested_type"`
	Required  bool            `json:"required"`
	Optional  bool            `json:"optional"`
	Computed  bool            `json:"computed"`
	Sensitive bool            `json:"sensitive"`
	WriteOnly bool            `json:"write_only"`
}

type nestedType struct {
	Nesting    string               `json:"nesting_mode"`
	Attributes map[string]attribute `json:"attributes"`
}

var blockNesting = map[string]tfprotov6.SchemaNestedBlockNestingMode{
	"single": tfprotov6.SchemaNestedBlockNestingModeSingle,
	"list":   tfprotov6.SchemaNestedBlockNestingModeList,
	"set":    tfprotov6.SchemaNestedBlockNestingModeSet,
	"map":    tfprotov6.SchemaNestedBlockNestingModeMap,
	"group":  tfprotov6.SchemaNestedBlockNestingModeGroup,
}

var attributeNesting = map[string]tfprotov6.SchemaObjectNestingMode{
	"single": tfprotov6.SchemaObjectNestingModeSingle,
	"list":   tfprotov6.SchemaObjectNestingModeList,
	"set":    tfprotov6.SchemaObjectNestingModeSet,
	"map":    tfprotov6.SchemaObjectNestingModeMap,
}

func (s schema) proto() (*tfprotov6.Schema, error) {
	inner, err := s.Block.proto()
	return &tfprotov6.Schema{Version: s.Version, Block: inner}, err
}

func (b block) proto() (*tfprotov6.SchemaBlock, error) {
	attributes, err := protoAttributes(b.Attributes)
	if err != nil {
		return nil, err
	}
	made := &tfprotov6.SchemaBlock{Attributes: attributes}
	for name, nested := range b.Blocks {
		inner, err := nested.Block.proto()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		made.BlockTypes = append(made.BlockTypes, &tfprotov6.SchemaNestedBlock{
			TypeName: name, Block: inner, Nesting: blockNesting[nested.Nesting], MinItems: nested.MinItems, MaxItems: nested.MaxItems,
		})
	}
	return made, nil
}

func protoAttributes(attributes map[string]attribute) ([]*tfprotov6.SchemaAttribute, error) {
	made := make([]*tfprotov6.SchemaAttribute, 0, len(attributes))
	for name, a := range attributes {
		one := &tfprotov6.SchemaAttribute{
			Name: name, Required: a.Required, Optional: a.Optional, Computed: a.Computed, Sensitive: a.Sensitive, WriteOnly: a.WriteOnly,
		}
		if a.Nested != nil {
			inner, err := protoAttributes(a.Nested.Attributes)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			one.NestedType = &tfprotov6.SchemaObject{Attributes: inner, Nesting: attributeNesting[a.Nested.Nesting]}
		} else {
			kind, err := tftypes.ParseJSONType(a.Type) //nolint:staticcheck // the form of the recorded file
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			one.Type = kind
		}
		made = append(made, one)
	}
	return made, nil
}

func protoSchemas(schemas map[string]schema) (map[string]*tfprotov6.Schema, error) {
	made := make(map[string]*tfprotov6.Schema, len(schemas))
	for name, one := range schemas {
		converted, err := one.proto()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		made[name] = converted
	}
	return made, nil
}

// server answers requests for schemas and for validation. The embedded interface is nil: other requests follow a
// configuration, which is refused.
type server struct {
	tfprotov6.ProviderServer
	name     string
	recorded provider
}

func (s server) GetMetadata(context.Context, *tfprotov6.GetMetadataRequest) (*tfprotov6.GetMetadataResponse, error) {
	answer := &tfprotov6.GetMetadataResponse{}
	for name := range s.recorded.Resources {
		answer.Resources = append(answer.Resources, tfprotov6.ResourceMetadata{TypeName: name})
	}
	for name := range s.recorded.DataSources {
		answer.DataSources = append(answer.DataSources, tfprotov6.DataSourceMetadata{TypeName: name})
	}
	return answer, nil
}

func (s server) GetProviderSchema(context.Context, *tfprotov6.GetProviderSchemaRequest) (*tfprotov6.GetProviderSchemaResponse, error) {
	own, err := s.recorded.Provider.proto()
	if err != nil {
		return nil, err
	}
	resources, err := protoSchemas(s.recorded.Resources)
	if err != nil {
		return nil, err
	}
	dataSources, err := protoSchemas(s.recorded.DataSources)
	if err != nil {
		return nil, err
	}
	return &tfprotov6.GetProviderSchemaResponse{Provider: own, ResourceSchemas: resources, DataSourceSchemas: dataSources}, nil
}

func (s server) GetResourceIdentitySchemas(context.Context, *tfprotov6.GetResourceIdentitySchemasRequest) (*tfprotov6.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov6.GetResourceIdentitySchemasResponse{}, nil
}

func (s server) ValidateProviderConfig(_ context.Context, request *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	return &tfprotov6.ValidateProviderConfigResponse{PreparedConfig: request.Config}, nil
}

func (s server) ValidateResourceConfig(context.Context, *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return &tfprotov6.ValidateResourceConfigResponse{}, nil
}

func (s server) ValidateDataResourceConfig(context.Context, *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	return &tfprotov6.ValidateDataResourceConfigResponse{}, nil
}

func (s server) ConfigureProvider(context.Context, *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	return &tfprotov6.ConfigureProviderResponse{Diagnostics: []*tfprotov6.Diagnostic{{
		Severity: tfprotov6.DiagnosticSeverityError,
		Summary:  fmt.Sprintf("%s is only a recorded schema", s.name),
		Detail:   "It can be validated and tested with mock_provider. To plan or apply, install the provider itself: unset TF_CLI_CONFIG_FILE where a registry can be reached.",
	}}}, nil
}

func (s server) StopProvider(context.Context, *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse, error) {
	return &tfprotov6.StopProviderResponse{}, nil
}

// providerName takes NAME out of terraform-provider-NAME_vVERSION.
func providerName(file string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(file), "terraform-provider-"), "_v")
	return name
}

func load(name string) (string, provider, error) {
	text, err := os.ReadFile(os.Getenv(variable))
	if err != nil {
		return "", provider{}, fmt.Errorf("invalid %s: %w; expected the path of terraform/provider-schemas.json", variable, err)
	}
	var recorded recording
	if err := json.Unmarshal(text, &recorded); err != nil {
		return "", provider{}, fmt.Errorf("%s: %w", os.Getenv(variable), err)
	}
	for address, found := range recorded.Providers {
		if path.Base(address) == name {
			return address, found, nil
		}
	}
	return "", provider{}, fmt.Errorf("%s has no provider %s", os.Getenv(variable), name)
}

func main() {
	name := providerName(os.Args[0])
	address, recorded, err := load(name)
	if err != nil {
		log.Fatal(err)
	}
	err = tf6server.Serve(address, func() tfprotov6.ProviderServer { return server{name: name, recorded: recorded} })
	if err != nil {
		log.Fatal(err)
	}
}
