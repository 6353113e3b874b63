package provider

import (
	_ "embed"
	"slices"
)

//go:embed profile.schema.json
var profileSchema []byte

// SchemaID names the JSON Schema of a profile; only additions are made under it.
const SchemaID = "urn:clearance:provider:v1"

// Schema is the JSON Schema (draft 2020-12) of one profile, for editors and for
// who checks a file without this program. Whatever [Check] accepts, it accepts;
// what no schema can say (that a fact is named which is there, that an id stands
// once, how the files go together) Check alone says.
func Schema() []byte { return slices.Clone(profileSchema) }
