package settings

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
)

// schema is a JSON schema, draft 7, which editors know.
type schema map[string]any

// SchemaURL is where the schema of this version of kitops is published.
const SchemaURL = "https://raw.githubusercontent.com/bittrance/kitops/main/docs/tasks.schema.json"

// WriteSchema writes the JSON schema of the task file. It holds a task file to
// as much as a schema can say; kitops check says the rest.
func WriteSchema(w io.Writer) error {
	s := schemaOf(reflect.TypeFor[topKeys](), false)
	s["$schema"], s["$id"] = "http://json-schema.org/draft-07/schema#", SchemaURL
	s["title"] = "Task file of kitops"
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write the schema: %w", err)
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

// schemaOf is that of a mapping whose keys a struct declares. Of defaults no
// key is required, and what is each task's own is unknown.
func schemaOf(t reflect.Type, common bool) schema {
	properties, excluded := schema{}, []schema{}
	var required []string
	var either []schema
	keys := reflect.New(t).Elem()
	for _, k := range keysOf(t) {
		if common && k.own {
			continue
		}
		property := valueOf(keys, k).schema(k, common)
		property["description"] = k.help
		properties[k.name] = property
		for _, other := range k.not {
			excluded = append(excluded, schema{"required": []string{other, k.name}})
		}
		switch {
		case common || len(k.need) == 0 || k.elsewhere:
		case slices.Equal(k.need, []string{"yes"}):
			required = append(required, k.name)
		default:
			one := []schema{{"required": []string{k.name}}}
			for _, other := range k.need {
				one = append(one, schema{"required": []string{other}})
			}
			either = append(either, schema{"anyOf": one})
		}
	}
	s := schema{
		"type": "object", "properties": properties, "additionalProperties": false,
		"patternProperties": schema{"^x-": true},
	}
	if len(required) > 0 {
		s["required"] = required
	}
	if len(excluded) > 0 {
		either = append(either, schema{"not": schema{"anyOf": excluded}})
	}
	if len(either) > 0 {
		s["allOf"] = either
	}
	return s
}
