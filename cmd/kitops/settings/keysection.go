package settings

import (
	"reflect"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// section is a mapping with keys of its own. From defaults it inherits key by key.
type section[T any] struct {
	place
	keys T
	body ast.Node // the mapping itself, where place may be an alias
}

func (s *section[T]) read(f taskFile, n ast.Node, k key) {
	f.common = f.common || k.shared
	s.body = f.fill(&s.keys, n, k.name)
}

func (s *section[T]) shown() any { return show(&s.keys) }

func (s *section[T]) inherit(from keyed) {
	other := from.(*section[T])
	if !s.given {
		s.body = other.body
		s.place = place{node: other.node, given: true, inherited: true}
	}
	inherit(&s.keys, &other.keys)
}

func (s *section[T]) words() string { return "mapping" }

func (s *section[T]) schema(k key, common bool) schema {
	return schemaOf(reflect.TypeFor[T](), common || k.shared)
}

// list is a list of mappings.
type list[T any] struct {
	place
	entries []entry[T]
}

// entry is one mapping of a list.
type entry[T any] struct {
	keys T
	node ast.Node // as it stands in the list
	body ast.Node // the mapping itself
}

func (l *list[T]) read(f taskFile, n ast.Node, k key) {
	f.common = false // an entry is complete
	nodes := f.List(n, k.name)
	if seq, ok := f.Value(n).(*ast.SequenceNode); ok && len(seq.Values) == 0 {
		f.Wrong(n, "%s is empty; it needs at least one %s", k.name, k.each)
	}
	for _, node := range nodes {
		e := entry[T]{node: node}
		e.body = f.fill(&e.keys, node, k.each)
		l.entries = append(l.entries, e)
	}
}

func (l *list[T]) shown() any {
	var all []yaml.MapSlice
	for i := range l.entries {
		all = append(all, show(&l.entries[i].keys))
	}
	return all
}

func (l *list[T]) inherit(from keyed) { take(l, from.(*list[T])) }

func (l *list[T]) words() string { return "list of mappings" }

func (l *list[T]) schema(key, bool) schema {
	return schema{"type": "array", "minItems": 1, "items": schemaOf(reflect.TypeFor[T](), false)}
}
