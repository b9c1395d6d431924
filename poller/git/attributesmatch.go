package git

import (
	"bytes"
	"slices"
	"strings"
)

// attributesMatch finds the attributes of one file after another. It is for one
// goroutine.
type attributesMatch struct {
	*vocabulary
	wildmatch
	native       bool // lines end in CRLF on this system
	macrosMatter bool // at least one does

	found  []setting // by attribute, as far as round says so
	rounds []uint32
	round  uint32
	open   int       // of the attributes before attrBinary
	todo   []setting // of a rule, the last one first
}

// newAttributesMatch comes after the file at the top was parsed, which has all
// macros.
func newAttributesMatch(v *vocabulary, native bool) *attributesMatch {
	m := &attributesMatch{
		vocabulary: v, wildmatch: wildmatch{steps: maxAttributesSteps}, native: native,
		found: make([]setting, len(v.macros)), rounds: make([]uint32, len(v.macros)),
	}
	for _, macro := range v.macros {
		m.macrosMatter = m.macrosMatter || slices.ContainsFunc(macro, m.matters)
	}
	return m
}

// newFile is one whose rules begin to matter with it, or above it.
func (m *attributesMatch) newFile(above *attributesFile, depth int, rules []rule) *attributesFile {
	f := newAttributesFile(above, depth, rules)
	f.live = above != nil && above.live || slices.ContainsFunc(rules, func(r rule) bool {
		return slices.ContainsFunc(r.settings, m.matters)
	})
	return f
}

// file looks for the attributes of a file in f and above. The name of the file
// begins at base in its path.
func (m *attributesMatch) file(f *attributesFile, path []byte, base int) {
	m.round++
	m.open = attrBinary
	for ; f != nil; f = f.above {
		c := f.candidates(path, base)
		for m.steps > 0 {
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

func (m *attributesMatch) matches(r *rule, path, name []byte) bool {
	switch {
	case r.path:
		return m.match(r.pattern, path)
	case r.endsName():
		m.steps--
		return bytes.HasSuffix(name, []byte(r.pattern[1:]))
	default:
		return m.match(r.pattern, name)
	}
}

// fill sets what the rule says and nothing before it did. A macro that is set
// brings what it stands for.
func (m *attributesMatch) fill(r *rule) {
	m.todo = append(m.todo[:0], r.settings...)
	for len(m.todo) > 0 {
		m.steps--
		s := m.todo[len(m.todo)-1]
		m.todo = m.todo[:len(m.todo)-1]
		if m.rounds[s.attr] == m.round {
			continue
		}
		m.rounds[s.attr], m.found[s.attr] = m.round, s
		if s.attr < attrBinary {
			m.open--
		}
		if s.state == set {
			m.todo = append(m.todo, m.macros[s.attr]...)
		}
	}
}

func (m *attributesMatch) get(attr int) setting {
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
	case s.state == set:
		return endsText
	case s.state == unset:
		return endsBinary
	case s.state == valued && s.value == "input":
		return endsLF
	case s.state == valued && s.value == "auto":
		return endsAuto
	}
	return endsUndefined
}

// convert is how the file is written that was looked for last.
func (m *attributesMatch) convert() convert {
	var c convert
	ends := m.get(attrText).lineEnds()
	if ends == endsUndefined {
		ends = m.get(attrCRLF).lineEnds()
	}
	eol := m.get(attrEOL)
	crlf := m.native && (ends == endsText || ends == endsAuto)
	if ends != endsBinary && eol.state == valued {
		switch eol.value {
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
		c |= convertCRLF
	}
	if m.get(attrIdent).state == set {
		c |= convertIdent
	}
	if c != 0 && ends == endsAuto {
		c |= convertAuto
	}
	return c
}

// leaves says what git would do more with the file, if it were configured to:
// "filter" with its name, or "working-tree-encoding" with that of the encoding.
func (m *attributesMatch) leaves() (filter, encoding string) {
	if s := m.get(attrFilter); s.state == valued {
		filter = s.value
	}
	if s := m.get(attrEncoding); s.state == valued && !strings.EqualFold(s.value, "utf-8") && !strings.EqualFold(s.value, "utf8") {
		encoding = s.value
	}
	return filter, encoding
}

// matters says whether a setting, or a macro behind it, can change how a file
// is written or be worth a warning.
func (m *attributesMatch) matters(s setting) bool {
	if s.state == set && m.macrosMatter && len(m.macros[s.attr]) > 0 {
		return true
	}
	switch s.attr {
	case attrText, attrCRLF:
		ends := s.lineEnds()
		return m.native && (ends == endsText || ends == endsAuto)
	case attrEOL:
		return s.value == "crlf"
	case attrIdent:
		return s.state == set
	case attrFilter, attrEncoding:
		return s.state == valued
	}
	return false
}
