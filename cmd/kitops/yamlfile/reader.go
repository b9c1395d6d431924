package yamlfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// What a document may hold. The parser's time and memory grow with the square
// of the nesting, and a few aliases of aliases make a document endless.
const (
	MaxDocument = 1 << 20
	maxTokens   = 200_000
	maxNesting  = 100
	maxVisits   = 200_000
)

const quotePattern = `; quote text that begins with * or !: "!release/*"`

// mistake is one thing wrong in a YAML document.
type mistake struct {
	line, column int
	text         string
}

// Reader walks a YAML document and collects every mistake with its place,
// where a decoder would stop at the first.
type Reader struct {
	File     string
	Needs    string // what an empty file lacks
	aliases  map[*ast.AliasNode]ast.Node
	visits   int
	Mistakes []mistake
}

// Parse returns the document's one body, or nil after a mistake.
func (r *Reader) Parse(source []byte) ast.Node {
	if !r.readable(source) {
		return nil
	}
	text := strings.TrimPrefix(string(source), "\ufeff")
	tokens := lexer.Tokenize(text)
	if !r.harmless(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntax(err, text)
		return nil
	}
	docs := slices.DeleteFunc(file.Docs, func(d *ast.DocumentNode) bool {
		return d.Body == nil || d.Body.Type() == ast.DirectiveType || d.Body.Type() == ast.CommentType
	})
	switch len(docs) {
	case 0:
		r.add(1, 1, "the file is empty; it needs %s:", r.Needs)
		return nil
	case 1:
		finder := aliasFinder{anchors: map[string]ast.Node{}, targets: map[*ast.AliasNode]ast.Node{}}
		ast.Walk(finder, docs[0].Body)
		r.aliases = finder.targets
		return docs[0].Body
	default:
		r.Wrong(docs[1].Body, "a second document; put all %s into one", r.Needs)
		return nil
	}
}

// readable refuses what is no text.
func (r *Reader) readable(source []byte) bool {
	if len(source) > MaxDocument {
		r.add(1, 1, "the file is larger than 1 MiB")
		return false
	}
	line, column := 1, 1
	for rest := source; len(rest) > 0; {
		c, size := utf8.DecodeRune(rest)
		switch {
		case c == utf8.RuneError && size == 1:
			r.add(line, column, "the file is not UTF-8")
			return false
		case c < ' ' && c != '\t' && c != '\n' && c != '\r', c == 0x7f:
			r.add(line, column, "control character %U", c)
			return false
		case c == '\n':
			line, column = line+1, 0
		}
		column++
		rest = rest[size:]
	}
	return true
}

// harmless refuses, before the parser sees it, what would cost too much, and
// tags: kitops has no use for them, and a forgotten quote makes one of a pattern.
func (r *Reader) harmless(tokens token.Tokens) bool {
	if len(tokens) > maxTokens {
		r.add(1, 1, "the file has more than %d words", maxTokens)
		return false
	}
	flow, nested, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, nested = t.Position.Line, 0
		}
		switch t.Type {
		case token.TagType:
			r.add(t.Position.Line, t.Position.Column, "YAML tags such as %q are not supported"+quotePattern, t.Value)
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType:
			nested++
		}
		if flow > maxNesting || nested > maxNesting {
			r.add(t.Position.Line, t.Position.Column, "nested too deeply")
			return false
		}
	}
	return len(r.Mistakes) == 0
}

// syntax takes over the parser's mistake, without its excerpt of the file.
func (r *Reader) syntax(err error, source string) {
	var located yaml.Error
	if !errors.As(err, &located) || located.GetToken() == nil {
		r.add(1, 1, "%s", err)
		return
	}
	at := located.GetToken().Position
	text := located.GetMessage()
	switch charAt(source, at.Line, at.Column) {
	case '\t':
		text = "a tab cannot indent; use spaces"
	case '*', '!':
		text += quotePattern
	case '@', '`', '%':
		text += "; put the text in quotes"
	}
	r.add(at.Line, at.Column, "%s", strings.Join(strings.Fields(text), " "))
}

func charAt(source string, line, column int) rune {
	lines := strings.Split(source, "\n")
	if line < 1 || line > len(lines) {
		return 0
	}
	if runes := []rune(lines[line-1]); column >= 1 && column <= len(runes) {
		return runes[column-1]
	}
	return 0
}

func (r *Reader) add(line, column int, format string, args ...any) {
	r.Mistakes = append(r.Mistakes, mistake{line, column, fmt.Sprintf(format, args...)})
}

// Wrong notes a mistake at the place of a node.
func (r *Reader) Wrong(n ast.Node, format string, args ...any) {
	at := position(n)
	r.add(at.Line, at.Column, format, args...)
}

// position is where a person would point: a block mapping's own token is its
// first colon.
func position(n ast.Node) *token.Position {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return position(m.Values[0].Key)
	}
	return n.GetToken().Position
}

// Errors lists the mistakes from the top of the file to its end.
func (r *Reader) Errors() []error {
	slices.SortStableFunc(r.Mistakes, func(a, b mistake) int {
		if a.line != b.line {
			return a.line - b.line
		}
		return a.column - b.column
	})
	var all []error
	told := map[mistake]bool{} // what several tasks share is told once
	for _, m := range r.Mistakes {
		if told[m] {
			continue
		}
		told[m] = true
		all = append(all, fmt.Errorf("%s:%d:%d: %s", r.File, m.line, m.column, m.text))
	}
	return all
}

// aliasFinder resolves every alias to the last anchor of its name before it.
type aliasFinder struct {
	anchors map[string]ast.Node
	targets map[*ast.AliasNode]ast.Node
}

func (f aliasFinder) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.AnchorNode:
		f.anchors[n.Name.GetToken().Value] = n.Value
	case *ast.AliasNode:
		f.targets[n] = f.anchors[n.Value.GetToken().Value]
	}
	return f
}
