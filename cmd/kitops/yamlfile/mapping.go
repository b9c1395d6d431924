package yamlfile

import (
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Mapping is one mapping of the document, its keys checked against those known.
type Mapping struct {
	Node   ast.Node
	Values map[string]ast.Node
}

// Mapping returns an empty mapping after a mistake.
func (r *Reader) Mapping(n ast.Node, what string, known ...string) Mapping {
	m := Mapping{n, map[string]ast.Node{}}
	body, ok := r.Value(n).(*ast.MappingNode)
	if !ok {
		r.WrongType(n, what, "a mapping")
		return m
	}
	m.Node = body
	for _, entry := range r.Entries(body, what) {
		if slices.Contains(known, entry.Key) {
			m.Values[entry.Key] = entry.Value
			continue
		}
		near := Nearest(entry.Key, known)
		if distance(entry.Key, near) > 1+len(near)/3 {
			r.Wrong(entry.At, "unknown key %q in %s; it knows %s", entry.Key, what, strings.Join(known, ", "))
		} else {
			r.Wrong(entry.At, "unknown key %q in %s; did you mean %q?", entry.Key, what, near)
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
	default:
		r.Wrong(n, "a key must be plain text")
	}
	return ""
}

// spend counts what reading costs, which aliases can multiply without end.
func (r *Reader) spend(n ast.Node, visits int) bool {
	before := r.visits
	r.visits += visits
	if before < maxVisits && r.visits >= maxVisits {
		r.Wrong(n, "aliases make the file too large")
	}
	return r.visits < maxVisits
}

// Value looks through anchors and aliases. It returns nil after a mistake.
func (r *Reader) Value(n ast.Node) ast.Node {
	for {
		if !r.spend(n, 1) {
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

// Duration returns 0 after a mistake: none is 0.
func (r *Reader) Duration(n ast.Node, what string) time.Duration {
	before := len(r.Mistakes)
	text := r.Scalar(n, what)
	if len(r.Mistakes) > before {
		return 0
	}
	d, err := ParseDuration(text)
	if err != nil {
		r.Wrong(n, "%s: %s", what, err)
	}
	return d
}

// Null tells whether there is no value where one is expected.
func (r *Reader) Null(n ast.Node) bool {
	v := r.Value(n)
	return v != nil && v.Type() == ast.NullType
}
