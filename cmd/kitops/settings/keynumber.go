package settings

import (
	"strconv"

	"github.com/goccy/go-yaml/ast"

	"github.com/bittrance/kitops/poller/git"
)

// count is a whole number within the bounds of its key.
type count struct {
	place
	value int
}

func (c *count) read(f taskFile, n ast.Node, k key) {
	text := f.Scalar(n, k.name)
	if text == "" {
		return // that was the mistake
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < k.least || value > k.most {
		f.Wrong(n, "%s must be a whole number from %d to %d, not %q", k.name, k.least, k.most, text)
		return
	}
	c.value = value
}

func (c *count) shown() any { return c.value }

func (c *count) inherit(from keyed) { take(c, from.(*count)) }

func (c *count) words() string { return "number" }

func (c *count) schema(k key, _ bool) schema {
	return schema{"type": "integer", "minimum": k.least, "maximum": k.most}
}

// number is one above zero.
type number struct {
	place
	value float64
}

func (a *number) read(f taskFile, n ast.Node, k key) {
	switch f.Value(n).(type) {
	case *ast.IntegerNode, *ast.FloatNode:
	default:
		f.WrongType(n, k.name, "a number")
		return
	}
	value, err := strconv.ParseFloat(f.Scalar(n, k.name), 64)
	if err != nil || value <= 0 {
		f.Wrong(n, "%s must be a number above 0", k.name)
		return
	}
	a.value = value
}

func (a *number) shown() any {
	if whole := int(a.value); float64(whole) == a.value {
		return whole
	}
	return a.value
}

func (a *number) inherit(from keyed) { take(a, from.(*number)) }

func (a *number) words() string { return "number" }

func (a *number) schema(key, bool) schema {
	return schema{"type": "number", "exclusiveMinimum": 0}
}

// size is a number of bytes, as people write it.
type size struct {
	place
	value git.Size
}

func (s *size) read(f taskFile, n ast.Node, k key) {
	if text := f.Scalar(n, k.name); text != "" {
		f.judge(n, k.name, s.value.UnmarshalText([]byte(text)))
	}
}

func (s *size) shown() any { return s.value.String() }

func (s *size) inherit(from keyed) { take(s, from.(*size)) }

func (s *size) words() string { return "size" }

func (s *size) schema(key, bool) schema {
	return schema{"anyOf": []schema{{"type": "integer", "minimum": 1}, {"type": "string", "pattern": `^[0-9]+ *[KMGTkmgt]?[Bb]?$`}}}
}
