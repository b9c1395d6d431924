package settings

import (
	"strconv"

	"github.com/goccy/go-yaml/ast"

	"github.com/bittrance/kitops/poller/git"
)

// count is a whole number that is not negative.
type count struct {
	place
	value int
}

func (c *count) read(f taskFile, n ast.Node, k key) {
	text := f.Scalar(n, k.name)
	value, err := strconv.Atoi(text)
	if text != "" && (err != nil || value < 0 || value > 10000) {
		f.Wrong(n, "%s must be a number from 0 to 10000, not %q", k.name, text)
		c.given = false
		return
	}
	c.value = value
}

func (c *count) shown() any { return c.value }

func (c *count) inherit(from keyed) { take(c, from.(*count)) }

func (c *count) words() string { return "number" }

func (c *count) schema(key, bool) schema {
	return schema{"type": "integer", "minimum": 0, "maximum": 10000}
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
	return schema{"type": []string{"string", "integer"}}
}
