package settings

import (
	"fmt"
	"maps"

	"github.com/goccy/go-yaml/ast"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/files"
)

// sources says where secrets are: a mapping of variables to {file: PATH} or
// {env: NAME}, or in a file that a repository brings the names of those that it asks for.
type sources struct {
	place
	values map[string]actions.Secret
	names  []text
}

func (s *sources) read(f taskFile, n ast.Node, k key) {
	if list, ok := f.Value(n).(*ast.SequenceNode); ok {
		for _, node := range list.Values {
			name := text{place: place{node: node, given: true}}
			name.read(f, node, key{name: k.name})
			s.names = append(s.names, name)
		}
		return
	}
	m, ok := f.Value(n).(*ast.MappingNode)
	if !ok {
		f.WrongType(n, k.name, "a mapping such as {NAME: {file: PATH}}")
		return
	}
	s.values = map[string]actions.Secret{}
	for _, entry := range f.Entries(m, k.name) {
		f.judge(entry.At, k.name, checkVariable(entry.Key))
		var from sourceKeys
		f.require(&from, f.fill(&from, entry.Value, k.name+" "+entry.Key), k.name+" "+entry.Key)
		source := actions.Secret{Env: from.Env.value}
		if file := from.File.value; file != "" {
			source.File = f.path(file)
			_, err := files.ReadRegular(source.File, maxKey)
			f.judge(from.File.node, k.name+" "+entry.Key, err)
		}
		s.values[entry.Key] = source
	}
}

func (s *sources) shown() any {
	if s.values == nil {
		return (&texts{entries: s.names}).all()
	}
	all := map[string]map[string]string{}
	for name, from := range s.values {
		if all[name] = map[string]string{"env": from.Env}; from.File != "" {
			all[name] = map[string]string{"file": from.File}
		}
	}
	return all
}

func (s *sources) inherit(from keyed) { take(s, from.(*sources)) }

func (s *sources) words() string { return "mapping, or list of names" }

func (s *sources) schema(key, bool) schema {
	source := schema{"type": "object", "minProperties": 1, "maxProperties": 1, "properties": schema{"file": schema{"type": "string"}, "env": schema{"type": "string"}}, "additionalProperties": false}
	return schema{"anyOf": []schema{
		{"type": "object", "patternProperties": schema{"^[A-Za-z_][A-Za-z0-9_.-]*$": source, "^x-": true}, "additionalProperties": false},
		{"type": "array", "items": schema{"type": "string", "minLength": 1}},
	}}
}

// sourceKeys say where one secret is.
type sourceKeys struct {
	File text `key:"file" need:"env" help:"The file that holds it, relative to the task file."`
	Env  text `key:"env" not:"file" help:"The variable of the agent that holds it."`
}

// granted makes of the names that an action asks for, or of its own sources, what it gets beside common, those of its task.
func (f taskFile) granted(asked *sources, common map[string]actions.Secret) map[string]actions.Secret {
	if len(asked.names) > 0 {
		f.Wrong(asked.node, "secrets is a mapping such as {NAME: {file: PATH}}; only a file that the repository brings lists names")
	}
	if len(common)+len(asked.values) == 0 {
		return nil
	}
	all := maps.Clone(common)
	if all == nil {
		all = map[string]actions.Secret{}
	}
	maps.Copy(all, asked.values)
	return all
}

// lent are the secrets that a brought action names, of those that the operator allows.
func (f taskFile) lent(asked *sources, allowed map[string]actions.Secret) map[string]actions.Secret {
	if asked.values != nil {
		f.Wrong(asked.node, "secrets lists names here: where they are is the operator's to say")
	}
	var all map[string]actions.Secret
	for _, name := range asked.names {
		from, ok := allowed[name.value]
		if !ok {
			f.Wrong(name.node, "the secret %s is not allowed by this agent", fmt.Sprintf("%q", name.value))
			continue
		}
		if all == nil {
			all = map[string]actions.Secret{}
		}
		all[name.value] = from
	}
	return all
}
