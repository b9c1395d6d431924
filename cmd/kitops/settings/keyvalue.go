package settings

import (
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/bittrance/kitops/cmd/kitops/yamlfile"
)

// given is the place of a value that comes from no file, to be printed.
func given() place { return place{given: true} }

// text is a text that is not empty.
type text struct {
	place
	value string
}

func (t *text) read(f taskFile, n ast.Node, k key) {
	if k.null != "" && f.Null(n) {
		f.Wrong(n, "%s has no value; %s", k.name, k.null)
		return
	}
	t.value = f.Text(n, k.name)
	if t.value != "" && len(k.values) > 0 && !slices.Contains(k.values, t.value) {
		f.Wrong(n, "%s must be %s, not %q", k.name, strings.Join(k.values, " or "), t.value)
		t.value = ""
	}
}

func (t *text) shown() any { return t.value }

func (t *text) inherit(from keyed) { take(t, from.(*text)) }

func (t *text) words() string { return "text" }

func (t *text) schema(k key, _ bool) schema {
	if len(k.values) > 0 {
		return schema{"enum": k.values}
	}
	return schema{"type": "string", "minLength": 1}
}

// word is a text, which a number or a boolean is as well, as it is written.
type word struct {
	place
	value string
}

func (w *word) read(f taskFile, n ast.Node, k key) { w.value = f.Scalar(n, k.name) }

func (w *word) shown() any { return w.value }

func (w *word) inherit(from keyed) { take(w, from.(*word)) }

func (w *word) words() string { return "text or number" }

func (w *word) schema(key, bool) schema {
	return schema{"type": []string{"string", "number", "boolean"}}
}

// boolean is true or false.
type boolean struct {
	place
	value bool
}

func (b *boolean) read(f taskFile, n ast.Node, k key) {
	if v, ok := f.Value(n).(*ast.BoolNode); ok {
		b.value = v.Value
		return
	}
	f.WrongType(n, k.name, "true or false")
}

func (b *boolean) shown() any { return b.value }

func (b *boolean) inherit(from keyed) { take(b, from.(*boolean)) }

func (b *boolean) words() string { return "true or false" }

func (b *boolean) schema(key, bool) schema { return schema{"type": "boolean"} }

// span is a duration.
type span struct {
	place
	value time.Duration
}

func (s *span) read(f taskFile, n ast.Node, k key) { s.value = f.Duration(n, k.name) }

func (s *span) shown() any { return yamlfile.FormatDuration(s.value) }

func (s *span) inherit(from keyed) { take(s, from.(*span)) }

// or is the duration, if one was given and makes sense.
func (s *span) or(fallback time.Duration) time.Duration {
	if s.value == 0 {
		return fallback
	}
	return s.value
}

func (s *span) words() string { return "duration" }

func (s *span) schema(key, bool) schema {
	return schema{"type": "string", "pattern": `^\s*([0-9]+(\.[0-9]+)?\s*[A-Za-zµμ]+\s*)+$`}
}

// texts is a list of texts, each with its place.
type texts struct {
	place
	entries []text
}

func (t *texts) read(f taskFile, n ast.Node, k key) {
	for _, entry := range f.List(n, k.name) {
		value := text{place: place{node: entry, given: true}}
		value.read(f, entry, key{name: k.each})
		t.entries = append(t.entries, value)
	}
}

// all are the texts that made sense.
func (t *texts) all() []string {
	var all []string
	for _, entry := range t.entries {
		if entry.value != "" {
			all = append(all, entry.value)
		}
	}
	return all
}

func (t *texts) shown() any { return t.all() }

func (t *texts) inherit(from keyed) { take(t, from.(*texts)) }

func (t *texts) words() string { return "list of texts" }

func (t *texts) schema(key, bool) schema {
	return schema{"type": "array", "items": schema{"type": "string", "minLength": 1}}
}

// words is a list of texts, numbers and booleans.
type words struct {
	place
	values []string
}

func (w *words) read(f taskFile, n ast.Node, k key) {
	for _, entry := range f.List(n, k.name) {
		w.values = append(w.values, f.Scalar(entry, k.each))
	}
}

func (w *words) shown() any { return w.values }

func (w *words) inherit(from keyed) { take(w, from.(*words)) }

func (w *words) words() string { return "list of texts" }

func (w *words) schema(key, bool) schema {
	return schema{"type": "array", "items": schema{"type": []string{"string", "number", "boolean"}}}
}

// take inherits a value that is not given.
func take[T any, P interface {
	*T
	keyed
}](to, from P) {
	if !to.at().given {
		*to = *from
		to.at().inherited = true
	}
}
