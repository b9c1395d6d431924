package yamlfile

import (
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Mapping is one mapping of the document, its keys checked against those known.
type Mapping struct {
	*Reader
	Node   ast.Node
	what   string // task, git, action
	Values map[string]ast.Node
}

// Mapping returns an empty mapping after a mistake.
func (r *Reader) Mapping(n ast.Node, what string, known ...string) Mapping {
	m := Mapping{r, n, what, map[string]ast.Node{}}
	body, ok := r.Value(n).(*ast.MappingNode)
	if !ok {
		r.WrongType(n, what, "a mapping")
		return m
	}
	m.Node = body
	for _, entry := range body.Values {
		key := r.Key(entry.Key)
		switch {
		case key == "":
			continue
		case !slices.Contains(known, key):
			near := Nearest(key, known)
			if distance(key, near) > 1+len(near)/3 {
				r.Wrong(entry.Key, "unknown key %q in %s; it knows %s", key, what, strings.Join(known, ", "))
			} else {
				r.Wrong(entry.Key, "unknown key %q in %s; did you mean %q?", key, what, near)
			}
		case m.Values[key] != nil:
			r.Wrong(entry.Key, "duplicate key %q in %s", key, what)
		default:
			m.Values[key] = entry.Value
		}
	}
	return m
}

// Key returns "" after a mistake.
func (r *Reader) Key(n ast.Node) string {
	switch k := n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		if text := k.GetToken().Value; text != "" {
			return text
		}
		r.Wrong(n, "empty key")
	case *ast.MappingKeyNode:
		return r.Key(k.Value)
	case *ast.MergeKeyNode:
		r.Wrong(n, "merge keys are not supported; use an alias for the whole value")
	default:
		r.Wrong(n, "a key must be plain text")
	}
	return ""
}

// Value looks through anchors and aliases. It returns nil after a mistake.
func (r *Reader) Value(n ast.Node) ast.Node {
	for {
		if r.visits++; r.visits >= maxVisits {
			if r.visits == maxVisits {
				r.Wrong(n, "aliases make the file too large")
			}
			return nil
		}
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.AliasNode:
			target := r.aliases[v]
			if target == nil {
				r.Wrong(v, "no anchor %q before this alias"+quotePattern, v.Value.GetToken().Value)
				return nil
			}
			n = target
		default:
			return n
		}
	}
}

// WrongType notes that a value is not what it should be, unless reading it was
// a mistake already. It never repeats the value, which may be a secret.
func (r *Reader) WrongType(n ast.Node, what, wanted string) {
	v := r.Value(n)
	if v == nil {
		return
	}
	found := "text"
	switch v.Type() {
	case ast.NullType:
		r.Wrong(n, "%s has no value; give %s or leave the key out", what, wanted)
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
	r.Wrong(n, "%s must be %s, not %s%s", what, wanted, found, hint)
}

// List returns the entries of a list, and nothing after a mistake.
func (r *Reader) List(n ast.Node, what string) []ast.Node {
	body, ok := r.Value(n).(*ast.SequenceNode)
	if !ok {
		r.WrongType(n, what, "a list")
		return nil
	}
	return body.Values
}

// Text returns "" after a mistake: it takes no empty text.
func (r *Reader) Text(n ast.Node, what string) string {
	var text string
	switch v := r.Value(n).(type) {
	case *ast.StringNode:
		text = v.Value
	case *ast.LiteralNode:
		text = v.Value.Value
	default:
		r.WrongType(n, what, "text")
		return ""
	}
	if text == "" {
		r.Wrong(n, "%s is empty", what)
	}
	return r.clean(n, what, text)
}

// Scalar takes numbers and booleans too, as they are written, and empty text.
func (r *Reader) Scalar(n ast.Node, what string) string {
	switch v := r.Value(n).(type) {
	case *ast.StringNode:
		return r.clean(n, what, v.Value)
	case *ast.LiteralNode:
		return r.clean(n, what, v.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return v.GetToken().Value
	default:
		r.WrongType(n, what, "text")
		return ""
	}
}

// clean refuses what no argument, variable or path can hold.
func (r *Reader) clean(n ast.Node, what, text string) string {
	if strings.Contains(text, "\x00") {
		r.Wrong(n, "%s contains a NUL character", what)
		return ""
	}
	return text
}

// Text returns the text under a key, and "" when it is missing.
func (m Mapping) Text(key string) string {
	n, ok := m.Values[key]
	if !ok {
		return ""
	}
	return m.Reader.Text(n, key)
}

// Require notes that keys are missing.
func (m Mapping) Require(keys ...string) {
	if _, ok := m.Value(m.Node).(*ast.MappingNode); !ok {
		return // that was the mistake
	}
	for _, key := range keys {
		if m.Values[key] == nil {
			m.Wrong(m.Node, "%s has no %s", m.what, key)
		}
	}
}

// Duration returns the duration under a key, and fallback when it is missing or
// a mistake.
func (m Mapping) Duration(key string, fallback time.Duration) time.Duration {
	n, ok := m.Values[key]
	if !ok {
		return fallback
	}
	before := len(m.Mistakes)
	text := m.Scalar(n, key)
	if len(m.Mistakes) > before {
		return fallback
	}
	d, err := ParseDuration(text)
	if err != nil {
		m.Wrong(n, "%s: %s", key, err)
		return fallback
	}
	return d
}

// Boolean returns what is under a key, false when it is missing or a mistake.
func (m Mapping) Boolean(key string) bool {
	n, ok := m.Values[key]
	if !ok {
		return false
	}
	v, ok := m.Value(n).(*ast.BoolNode)
	if !ok {
		m.WrongType(n, key, "true or false")
		return false
	}
	return v.Value
}
