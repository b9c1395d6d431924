package document

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
)

// The parser recurses once for each key of each mapping that is open and once for each level, and Go cannot recover from a full
// stack. It takes time by the square of the keys of a mapping.
const (
	maxDocument = 16 << 20
	maxOpen     = 50_000 // keys of mappings that are within each other
	maxColumn   = 500    // at which something may be nested
	maxDepth    = 64
	maxBlank    = 1000                      // line breaks in a row: the lexer is slower than linear in them
	maxWide     = 10_000                    // keys of one mapping
	maxEffort   = 5 * maxWide * maxWide / 2 // keys of all mappings, each as often as it stands behind others of its own
	maxLines    = 500_000                   // of which each takes a kilobyte while it is parsed, and so does what a comma ends
	maxCommas   = 100_000
)

// isLiteral knows how numbers, truth values and the like may be written.
func isLiteral(s string) bool {
	return s != "" && strings.Trim(s, "-+._0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == ""
}

// SyntaxError is a mistake in YAML text.
type SyntaxError struct {
	Line    int
	Problem string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Problem) }

// Canonical returns the one way to write what data means: block style, sorted keys, each scalar on one line.
// Texts that mean the same to their reader but spell a number differently stay different.
func Canonical(data []byte) ([]byte, error) {
	text := string(data)
	if isCanonical(text) {
		return []byte(text), nil
	}
	node, err := parse(text)
	if err != nil {
		return nil, err
	}
	return mapping(node)
}

// mapping writes a document's root.
func mapping(node ast.Node) ([]byte, error) {
	if _, ok := node.(ast.MapNode); !ok {
		return nil, &SyntaxError{lineOf(node), "not a mapping"}
	}
	lines, _, err := render(node, 0)
	if err != nil {
		return nil, err
	}
	return []byte(strings.Join(lines, "\n") + "\n"), nil
}

// parse reads text of one YAML document that holds no more than it shows.
func parse(text string) (node ast.Node, err error) {
	// The parser panics on some malformed input.
	defer func() {
		if p := recover(); p != nil {
			node, err = nil, &SyntaxError{1, fmt.Sprint("not YAML: ", p)}
		}
	}()
	if err := limits(text); err != nil {
		return nil, err
	}
	tokens := lexer.Tokenize(text)
	if err := guard(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, asSyntaxError(err)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, &SyntaxError{1, fmt.Sprintf("%d YAML documents instead of one", len(file.Docs))}
	}
	return file.Docs[0].Body, nil
}

// limits refuses what is too large, before anything is made of it.
func limits(text string) error {
	switch {
	case len(text) > maxDocument:
		return &SyntaxError{1, fmt.Sprintf("a document of %d bytes, at most %d are allowed", len(text), maxDocument)}
	case !utf8.ValidString(text):
		return &SyntaxError{1, "not valid UTF-8"}
	case strings.Count(text, "\n") > maxLines || strings.Count(text, ",") > maxCommas:
		return &SyntaxError{1, fmt.Sprintf("more than %d lines or %d commas", maxLines, maxCommas)}
	case longestGap(text) > maxBlank:
		return &SyntaxError{1, fmt.Sprintf("more than %d line breaks in a row", maxBlank)}
	}
	return nil
}

func longestGap(text string) int {
	breaks, longest := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '\n', '\r':
			breaks++
			longest = max(longest, breaks)
		case ' ', '\t':
		default:
			breaks = 0
		}
	}
	return longest
}

func asSyntaxError(err error) error {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		return &SyntaxError{at.GetToken().Position.Line, at.GetMessage()}
	}
	return &SyntaxError{1, err.Error()}
}

// render returns a node's lines without indentation; inline is a node that stands on its parent's line.
func render(node ast.Node, depth int) (lines []string, inline bool, err error) {
	if depth > maxDepth {
		return nil, false, &SyntaxError{lineOf(node), "nested too deeply"}
	}
	switch n := node.(type) {
	case ast.MapNode:
		lines, err = renderMap(n, depth)
		if len(lines) == 0 {
			return []string{"{}"}, true, err
		}
	case *ast.SequenceNode:
		if len(n.Values) == 0 {
			return []string{"[]"}, true, nil
		}
		for _, value := range n.Values {
			item, _, err := render(value, depth+1)
			if err != nil {
				return nil, false, err
			}
			lines = append(lines, "- "+item[0])
			lines = appendIndented(lines, item[1:])
		}
	default:
		text, err := scalar(node)
		return []string{text}, true, err
	}
	return lines, false, err
}

func renderMap(n ast.MapNode, depth int) ([]string, error) {
	type entry struct {
		key  string
		node *ast.MappingValueNode
	}
	var entries []entry
	seen := map[string]bool{}
	for it := n.MapRange(); it.Next(); {
		key, err := scalar(it.Key())
		if err != nil {
			return nil, err
		}
		// Readers that want strings take 1 and "1" for the same key, those that want numbers 1 and 01.
		same := fmt.Sprint(it.Key().(ast.ScalarNode).GetValue())
		if seen[same] {
			return nil, &SyntaxError{lineOf(it.Key()), fmt.Sprintf("the key %s is there twice", key)}
		}
		seen[same] = true
		entries = append(entries, entry{key, it.KeyValue()})
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
	var lines []string
	for _, e := range entries {
		value, inline, err := render(e.node.Value, depth+1)
		if err != nil {
			return nil, err
		}
		if inline {
			lines = append(lines, e.key+": "+value[0])
			continue
		}
		lines = appendIndented(append(lines, e.key+":"), value)
	}
	return lines, nil
}

func appendIndented(lines, more []string) []string {
	for _, line := range more {
		lines = append(lines, "  "+line)
	}
	return lines
}

// scalar keeps numbers, truth values and null as they were spelled: a reader may want them as strings.
func scalar(node ast.Node) (string, error) {
	switch n := node.(type) {
	case *ast.StringNode:
		return quoteValid(node, n.Value)
	case *ast.LiteralNode:
		return quoteValid(node, n.Value.Value)
	case *ast.NullNode:
		return "null", nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		if text := n.GetToken().Value; isLiteral(text) {
			return text, nil
		}
	}
	return "", &SyntaxError{lineOf(node), fmt.Sprintf("%s is not understood here", node.Type())}
}

func quoteValid(node ast.Node, s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", &SyntaxError{lineOf(node), "a string is not valid UTF-8"}
	}
	return Quote(s), nil
}

func lineOf(node ast.Node) int {
	if t := node.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 1
}
