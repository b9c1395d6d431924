package attributes

import (
	"bytes"
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/git/convert"
)

// Matcher finds the attributes of one file after another. It is for one
// goroutine.
type Matcher struct {
	*Vocabulary
	wildmatch
	native       bool // lines end in CRLF on this system
	macrosMatter bool // at least one does

	found  []setting // by attribute, as far as round says so
	rounds []uint32
	round  uint32
	open   int       // of the attributes before attrBinary
	todo   []setting // of a rule, the last one first
}

// NewMatcher comes after the file at the top was parsed, which has all
// macros.
func NewMatcher(v *Vocabulary, native bool) *Matcher {
	m := &Matcher{
		Vocabulary: v, wildmatch: wildmatch{Steps: maxSteps}, native: native,
		found: make([]setting, len(v.macros)), rounds: make([]uint32, len(v.macros)),
	}
	for _, macro := range v.macros {
		m.macrosMatter = m.macrosMatter || slices.ContainsFunc(macro, m.matters)
	}
	return m
}

// NewFile is one whose rules begin to matter with it, or above it.
func (m *Matcher) NewFile(above *File, depth int, rules []Rule) *File {
	f := newAttributesFile(above, depth, rules)
	f.Live = above != nil && above.Live || slices.ContainsFunc(rules, func(r Rule) bool {
		return slices.ContainsFunc(r.settings, m.matters)
	})
	return f
}

// File looks for the attributes of a file in f and above. The name of the file
// begins at base in its path.
func (m *Matcher) File(f *File, path []byte, base int) {
	m.round++
	m.open = attrBinary
	for ; f != nil; f = f.above {
		c := f.candidates(path, base)
		for m.Steps > 0 {
			number, sure, ok := c.next()
			if !ok {
				break
			}
			r := &f.rules[number]
			if !sure && !m.matches(r, path[f.depth:], path[base:]) {
				continue
			}
			if m.fill(r); m.open == 0 {
				return
			}
		}
	}
}

func (m *Matcher) matches(r *Rule, path, name []byte) bool {
	switch {
	case r.path:
		return m.match(r.pattern, path)
	case r.endsName():
		m.Steps--
		return bytes.HasSuffix(name, []byte(r.pattern[1:]))
	default:
		return m.match(r.pattern, name)
	}
}

// fill sets what the rule says and nothing before it did. A macro that is set
// brings what it stands for.
func (m *Matcher) fill(r *Rule) {
	m.todo = append(m.todo[:0], r.settings...)
	for len(m.todo) > 0 {
		m.Steps--
		s := m.todo[len(m.todo)-1]
		m.todo = m.todo[:len(m.todo)-1]
		if m.rounds[s.attr] == m.round {
			continue
		}
		m.rounds[s.attr], m.found[s.attr] = m.round, s
		if s.attr < attrBinary {
			m.open--
		}
		if s.State == set {
			m.todo = append(m.todo, m.macros[s.attr]...)
		}
	}
}

// Get is what the rules that matched the last path say of an attribute.
func (m *Matcher) Get(attr int) setting {
	if m.rounds[attr] != m.round {
		return setting{}
	}
	return m.found[attr]
}

// lineEnds is what git makes of text, or of crlf, which is its old name.
type lineEnds uint8

const (
	endsUndefined lineEnds = iota
	endsBinary
	endsText
	endsLF
	endsAuto
)

func (s setting) lineEnds() lineEnds {
	switch {
	case s.State == set:
		return endsText
	case s.State == unset:
		return endsBinary
	case s.State == Valued && s.Value == "input":
		return endsLF
	case s.State == Valued && s.Value == "auto":
		return endsAuto
	}
	return endsUndefined
}

// Convert is how the file is written that was looked for last.
func (m *Matcher) Convert() convert.Conversion {
	var c convert.Conversion
	ends := m.Get(attrText).lineEnds()
	if ends == endsUndefined {
		ends = m.Get(attrCRLF).lineEnds()
	}
	eol := m.Get(attrEOL)
	crlf := m.native && (ends == endsText || ends == endsAuto)
	if ends != endsBinary && eol.State == Valued {
		switch eol.Value {
		case "lf":
			crlf = false
			if ends == endsAuto { // git no longer looks at the content
				ends = endsLF
			}
		case "crlf":
			crlf = true
		}
	}
	if crlf {
		c |= convert.CRLF
	}
	if m.Get(attrIdent).State == set {
		c |= convert.Ident
	}
	if c != 0 && ends == endsAuto {
		c |= convert.Auto
	}
	return c
}

// Leaves says what git would do more with the file, if it were configured to:
// "filter" with its name, or "working-tree-encoding" with that of the encoding.
func (m *Matcher) Leaves() (filter, encoding string) {
	if s := m.Get(attrFilter); s.State == Valued {
		filter = s.Value
	}
	if s := m.Get(attrEncoding); s.State == Valued && !strings.EqualFold(s.Value, "utf-8") && !strings.EqualFold(s.Value, "utf8") {
		encoding = s.Value
	}
	return filter, encoding
}

// matters says whether a setting, or a macro behind it, can change how a file
// is written or be worth a warning.
func (m *Matcher) matters(s setting) bool {
	if s.State == set && m.macrosMatter && len(m.macros[s.attr]) > 0 {
		return true
	}
	switch s.attr {
	case attrText, attrCRLF:
		ends := s.lineEnds()
		return m.native && (ends == endsText || ends == endsAuto)
	case attrEOL:
		return s.Value == "crlf"
	case attrIdent:
		return s.State == set
	case attrFilter, attrEncoding:
		return s.State == Valued
	}
	return false
}
