package settings

import (
	"github.com/goccy/go-yaml/ast"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/secret"
)

// commits is a number of commits, or full.
type commits struct {
	word
}

func (c *commits) inherit(from keyed) { take(c, from.(*commits)) }

func (c *commits) words() string { return "number or `full`" }

func (c *commits) schema(key, bool) schema {
	return schema{"anyOf": []schema{
		{"type": "integer", "minimum": 1, "maximum": git.MaxHistory},
		{"type": "string", "pattern": "^(full|[1-9][0-9]*)$"},
	}}
}

// variables are those of an action: a mapping, or a list of mappings as the
// first kitops had it.
type variables struct {
	place
	values map[string]secret.Text
}

func (v *variables) read(f taskFile, n ast.Node, k key) {
	parts := []ast.Node{n}
	if list, ok := f.Value(n).(*ast.SequenceNode); ok {
		parts = list.Values
	}
	v.values = map[string]secret.Text{}
	for _, part := range parts {
		m, ok := f.Value(part).(*ast.MappingNode)
		if !ok {
			f.WrongType(part, k.name, "a mapping")
			continue
		}
		for _, entry := range f.Entries(m, k.name) {
			if _, twice := v.values[entry.Key]; twice {
				f.Wrong(entry.At, "duplicate key %q in %s", entry.Key, k.name)
			}
			f.judge(entry.At, k.name, checkVariable(entry.Key))
			v.values[entry.Key] = secret.New(f.Scalar(entry.Value, k.name+" "+entry.Key))
		}
	}
}

// shown is called where actionShown has put *** in the place of the secret ones.
func (v *variables) shown() any { return plainly(v.values) }

func plainly(values map[string]secret.Text) map[string]string {
	all := map[string]string{}
	for name, value := range values {
		all[name] = value.Reveal()
	}
	return all
}

func (v *variables) inherit(from keyed) { take(v, from.(*variables)) }

func (v *variables) words() string { return "mapping of names to texts" }

func (v *variables) schema(key, bool) schema {
	mapping := schema{
		"type": "object", "patternProperties": schema{"^[A-Za-z_][A-Za-z0-9_.-]*$": schema{"type": []string{"string", "number", "boolean"}}, "^x-": true},
		"additionalProperties": false,
	}
	return schema{"anyOf": []schema{mapping, {"type": "array", "items": mapping}}}
}

// permissions is true for a token that reads the repository, or the
// permissions that it is to have.
type permissions struct {
	place
	values map[string]string // nil: none
}

func (p *permissions) read(f taskFile, n ast.Node, k key) {
	switch value := f.Value(n).(type) {
	case *ast.BoolNode:
		if value.Value {
			p.values = map[string]string{"contents": "read"}
		}
	case *ast.MappingNode:
		p.values = map[string]string{}
		for _, entry := range f.Entries(value, k.name) {
			level := f.Text(entry.Value, k.name)
			if level != "" && level != "read" && level != "write" {
				f.Wrong(entry.Value, "%s: a permission is read or write, not %q", k.name, level)
			}
			p.values[entry.Key] = level
		}
		if len(value.Values) == 0 {
			f.Wrong(n, "%s names no permission", k.name)
		}
	default:
		f.WrongType(n, k.name, "true, false or a mapping such as {contents: read}")
	}
}

func (p *permissions) shown() any {
	if p.values == nil {
		return false
	}
	return p.values
}

func (p *permissions) inherit(from keyed) { take(p, from.(*permissions)) }

func (p *permissions) words() string { return "true, false or a mapping" }

func (p *permissions) schema(key, bool) schema {
	return schema{"anyOf": []schema{
		{"type": "boolean"},
		{
			"type": "object", "minProperties": 1, "patternProperties": schema{"^x-": true},
			"additionalProperties": schema{"enum": []string{"read", "write"}},
		},
	}}
}
