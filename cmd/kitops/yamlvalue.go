package main

import (
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// mapping is one mapping of the document, its keys checked against those known.
type mapping struct {
	*yamlReader
	node   ast.Node
	what   string // task, git, action
	values map[string]ast.Node
}

// mapping returns an empty mapping after a mistake.
func (r *yamlReader) mapping(n ast.Node, what string, known ...string) mapping {
	m := mapping{r, n, what, map[string]ast.Node{}}
	body, ok := r.value(n).(*ast.MappingNode)
	if !ok {
		r.wrongType(n, what, "a mapping")
		return m
	}
	m.node = body
	for _, entry := range body.Values {
		key := r.key(entry.Key)
		switch {
		case key == "":
			continue
		case !slices.Contains(known, key):
			near := nearest(key, known)
			if distance(key, near) > 1+len(near)/3 {
				r.wrong(entry.Key, "unknown key %q in %s; it knows %s", key, what, strings.Join(known, ", "))
			} else {
				r.wrong(entry.Key, "unknown key %q in %s; did you mean %q?", key, what, near)
			}
		case m.values[key] != nil:
			r.wrong(entry.Key, "duplicate key %q in %s", key, what)
		default:
			m.values[key] = entry.Value
		}
	}
	return m
}

// key returns "" after a mistake.
func (r *yamlReader) key(n ast.Node) string {
	switch k := n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		if text := k.GetToken().Value; text != "" {
			return text
		}
		r.wrong(n, "empty key")
	case *ast.MappingKeyNode:
		return r.key(k.Value)
	case *ast.MergeKeyNode:
		r.wrong(n, "merge keys are not supported; use an alias for the whole value")
	default:
		r.wrong(n, "a key must be plain text")
	}
	return ""
}

// value looks through anchors and aliases. It returns nil after a mistake.
func (r *yamlReader) value(n ast.Node) ast.Node {
	for {
		if r.visits++; r.visits >= maxVisits {
			if r.visits == maxVisits {
				r.wrong(n, "aliases make the file too large")
			}
			return nil
		}
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.AliasNode:
			target := r.aliases[v]
			if target == nil {
				r.wrong(v, "no anchor %q before this alias"+quotePattern, v.Value.GetToken().Value)
				return nil
			}
			n = target
		default:
			return n
		}
	}
}

// wrongType notes that a value is not what it should be, unless reading it was
// a mistake already. It never repeats the value, which may be a secret.
func (r *yamlReader) wrongType(n ast.Node, what, wanted string) {
	v := r.value(n)
	if v == nil {
		return
	}
	found := "text"
	switch v.Type() {
	case ast.NullType:
		r.wrong(n, "%s has no value; give %s or leave the key out", what, wanted)
		return
	case ast.MappingType:
		found = "a mapping"
	case ast.SequenceType:
		found = "a list"
	case ast.IntegerType, ast.FloatType, ast.InfinityType, ast.NanType:
		found = "a number"
	case ast.BoolType:
		found = "a boolean"
	}
	hint := ""
	if wanted == "text" && found != "a mapping" && found != "a list" {
		hint = "; put it in quotes"
	}
	r.wrong(n, "%s must be %s, not %s%s", what, wanted, found, hint)
}

// list returns the entries of a list, and nothing after a mistake.
func (r *yamlReader) list(n ast.Node, what string) []ast.Node {
	body, ok := r.value(n).(*ast.SequenceNode)
	if !ok {
		r.wrongType(n, what, "a list")
		return nil
	}
	return body.Values
}

// text returns "" after a mistake: it takes no empty text.
func (r *yamlReader) text(n ast.Node, what string) string {
	var text string
	switch v := r.value(n).(type) {
	case *ast.StringNode:
		text = v.Value
	case *ast.LiteralNode:
		text = v.Value.Value
	default:
		r.wrongType(n, what, "text")
		return ""
	}
	if text == "" {
		r.wrong(n, "%s is empty", what)
	}
	return r.clean(n, what, text)
}

// scalar takes numbers and booleans too, as they are written, and empty text.
func (r *yamlReader) scalar(n ast.Node, what string) string {
	switch v := r.value(n).(type) {
	case *ast.StringNode:
		return r.clean(n, what, v.Value)
	case *ast.LiteralNode:
		return r.clean(n, what, v.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return v.GetToken().Value
	default:
		r.wrongType(n, what, "text")
		return ""
	}
}

// clean refuses what no argument, variable or path can hold.
func (r *yamlReader) clean(n ast.Node, what, text string) string {
	if strings.Contains(text, "\x00") {
		r.wrong(n, "%s contains a NUL character", what)
		return ""
	}
	return text
}

// text returns the text under a key, and "" when it is missing.
func (m mapping) text(key string) string {
	n, ok := m.values[key]
	if !ok {
		return ""
	}
	return m.yamlReader.text(n, key)
}

// require notes that keys are missing.
func (m mapping) require(keys ...string) {
	if _, ok := m.value(m.node).(*ast.MappingNode); !ok {
		return // that was the mistake
	}
	for _, key := range keys {
		if m.values[key] == nil {
			m.wrong(m.node, "%s has no %s", m.what, key)
		}
	}
}

func (m mapping) duration(key string, fallback time.Duration) time.Duration {
	n, ok := m.values[key]
	if !ok {
		return fallback
	}
	before := len(m.mistakes)
	text := m.scalar(n, key)
	if len(m.mistakes) > before {
		return fallback
	}
	d, err := parseDuration(text)
	if err != nil {
		m.wrong(n, "%s: %s", key, err)
		return fallback
	}
	return d
}

func (m mapping) boolean(key string) bool {
	n, ok := m.values[key]
	if !ok {
		return false
	}
	v, ok := m.value(n).(*ast.BoolNode)
	if !ok {
		m.wrongType(n, key, "true or false")
		return false
	}
	return v.Value
}
