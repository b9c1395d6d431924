package yamlfile

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// extension begins the keys that are ignored: they are a place for anchors.
const extension = "x-"

// Entry is one key of a mapping with its value.
type Entry struct {
	Key   string
	At    ast.Node // the key
	Value ast.Node
}

// Entries are the keys of a mapping, with those that its merge keys (<<) bring;
// its own win. Keys that begin with x- are left out, and what is a mistake.
func (r *Reader) Entries(body *ast.MappingNode, what string) []Entry {
	return r.entries(body, what, 0)
}

func (r *Reader) entries(body *ast.MappingNode, what string, depth int) []Entry {
	if depth > maxNesting {
		r.Wrong(body, "nested too deeply")
		return nil
	}
	if !r.spend(body, len(body.Values)) {
		return nil
	}
	var all, merged []Entry
	has := map[string]bool{}
	for _, entry := range body.Values {
		if _, ok := entry.Key.(*ast.MergeKeyNode); ok {
			merged = append(merged, r.merged(entry.Value, what, depth)...)
			continue
		}
		key := r.Key(entry.Key)
		switch {
		case key == "", strings.HasPrefix(key, extension):
		case has[key]:
			r.Wrong(entry.Key, "duplicate key %q in %s", key, what)
		default:
			has[key] = true
			all = append(all, Entry{key, entry.Key, entry.Value})
		}
	}
	for _, entry := range merged { // of several the first wins
		if !has[entry.Key] {
			has[entry.Key] = true
			all = append(all, entry)
		}
	}
	return all
}

// merged are the entries of a mapping, or of a list of mappings, that a merge
// key names.
func (r *Reader) merged(n ast.Node, what string, depth int) []Entry {
	parts := []ast.Node{n}
	if list, ok := r.Value(n).(*ast.SequenceNode); ok {
		parts = list.Values
	}
	var all []Entry
	for _, part := range parts {
		if body, ok := r.Value(part).(*ast.MappingNode); ok {
			all = append(all, r.entries(body, what, depth+1)...)
		} else {
			r.WrongType(part, "<<", "a mapping or a list of mappings")
		}
	}
	return all
}
