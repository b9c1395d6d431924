package attributes

import (
	"errors"
	"strings"
)

// Limits of git: what is beyond them is ignored.
const (
	FileName = ".gitattributes"
	maxLine  = 2048      // bytes
	maxFile  = 100 << 20 // bytes
)

// Limits of a revision: what is beyond them is refused.
const (
	MaxBytes = 64 << 20 // of all files together
	MaxRules = 1 << 19  // rules, and what they set, that have to do with conversion
	maxSteps = 1 << 32  // of matching; some seconds
)

// ErrTooMany says that the rules of a revision are beyond what is taken.
var ErrTooMany = errors.New("refused: the .gitattributes of the revision are too much")

const blanks = " \t\r\n"

// The attributes that say how a file is written. Those after them are macros.
const (
	attrText = iota
	attrCRLF
	attrEOL
	attrIdent
	attrFilter
	attrEncoding
	attrBinary
)

// state is what a line makes of an attribute.
type state uint8

// The states of gitattributes(5).
const (
	unspecified state = iota // !attr
	set                      // attr
	unset                    // -attr
	Valued                   // attr=value
)

// setting is one attribute with its state.
type setting struct {
	attr  int32
	State state
	Value string
}

// Rule is a line of a file: what it sets for the files that it matches.
type Rule struct {
	pattern  string // without the slash it may begin with
	path     bool   // it is for paths below the directory, not for names in any
	settings []setting
}

// Vocabulary are the attributes that matter in one repository. What all others
// are is not kept.
type Vocabulary struct {
	names  map[string]int32
	macros [][]setting // what an attribute sets that is a macro; by attribute
	bytes  int         // read so far
	rules  int         // kept so far
}

// NewVocabulary knows the attributes that matter, and git's own macros.
func NewVocabulary() *Vocabulary {
	v := &Vocabulary{names: map[string]int32{}}
	for i, name := range []string{"text", "crlf", "eol", "ident", "filter", "working-tree-encoding", "binary"} {
		v.names[name] = int32(i)
	}
	v.macros = make([][]setting, len(v.names))
	v.macros[attrBinary] = []setting{{attrText, unset, ""}}
	return v
}

// Parse reads a file. Only the one at the top defines macros, for itself and
// all others, so it comes first. Lines that git would not take are left out.
func (v *Vocabulary) Parse(text string, top bool) ([]Rule, error) {
	if len(text) >= maxFile {
		return nil, nil
	}
	if v.bytes += len(text); v.bytes > MaxBytes {
		return nil, ErrTooMany
	}
	text, _, _ = strings.Cut(text, "\x00")
	if top {
		for line := range strings.SplitSeq(text, "\n") {
			if l, ok := parseLine(line, top); ok && l.macro {
				v.add(l.name)
			}
		}
	}
	return v.readRules(text, top)
}

// add makes a name one of those that matter.
func (v *Vocabulary) add(name string) {
	if _, known := v.names[name]; !known && v.rules <= MaxRules {
		v.names[name] = int32(len(v.macros))
		v.macros = append(v.macros, nil)
		v.rules++
	}
}

// define gives a macro its meaning; the last one counts.
func (v *Vocabulary) define(name string, settings []setting) {
	if attr, known := v.names[name]; known {
		v.macros[attr] = settings
		v.rules += len(settings)
	}
}

func (v *Vocabulary) readRules(text string, top bool) ([]Rule, error) {
	var rules []Rule
	for line := range strings.SplitSeq(text, "\n") {
		l, ok := parseLine(line, top)
		if !ok {
			continue
		}
		settings, ok := v.settings(l.states)
		switch {
		case !ok:
		case l.macro:
			v.define(l.name, settings)
		case len(settings) > 0 && matchesFiles(l.name):
			rules = append(rules, Rule{strings.TrimPrefix(l.name, "/"), strings.Contains(l.name, "/"), settings})
			v.rules += 1 + len(settings)
		}
		if v.rules > MaxRules {
			return nil, ErrTooMany
		}
	}
	return rules, nil
}
