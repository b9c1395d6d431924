package document

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/goccy/go-yaml/ast"
)

// FormatVersion is that of all texts of kitops, unless they say more.
const FormatVersion = 1

// topKey finds the key of a line at the top level, and what follows it but comments.
var topKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\w+):(?:[ \t]+([^#\s].*?))?[ \t]*(?:[ \t]#.*)?$`) })

// NewerError is a version from the future.
type NewerError struct{ Line, Version, Newest int }

func (e *NewerError) Error() string {
	return fmt.Sprintf("written by a newer kitops: version %d, this one reads %d", e.Version, e.Newest)
}

// Block is an entry of a mapping in block style: its key's line and all lines indented deeper.
// Reading a file block by block bounds what the parser takes, in memory and in time, by the largest document.
type Block struct {
	Text string
	Line int // in the text that it is a part of, from 1
}

// Split cuts text at the indentation of its first line. What is indented deeper, empty or a comment belongs to the block above.
func Split(text string, line int) ([]Block, error) {
	var blocks []Block
	indent, start := -1, 0
	for offset := 0; offset < len(text); line++ {
		end := len(text)
		if i := strings.IndexByte(text[offset:], '\n'); i >= 0 {
			end = offset + i + 1
		}
		content := strings.TrimLeft(text[offset:end], " ")
		depth := end - offset - len(content)
		switch bare := strings.TrimSpace(content); {
		case bare == "" || bare[0] == '#' || indent >= 0 && depth > indent:
		case depth < indent:
			return nil, &SyntaxError{line, "indented less than the lines before it"}
		default:
			if indent >= 0 {
				blocks[len(blocks)-1].Text = text[start:offset]
			}
			indent, start = depth, offset
			blocks = append(blocks, Block{text[offset:], line})
		}
		offset = end
	}
	return blocks, nil
}

// Key returns the key of a block at the top level, "" for none.
func (b Block) Key() string {
	if m := topKey().FindStringSubmatch(b.FirstLine()); m != nil {
		return m[1]
	}
	return ""
}

// Value returns what stands behind the key, without comments.
func (b Block) Value() string { return topKey().FindStringSubmatch(b.FirstLine())[2] }

// FirstLine returns the line without its end.
func (b Block) FirstLine() string {
	first, _, _ := strings.Cut(b.Text, "\n")
	return first
}

// Version returns the version that the block is, or an error if that is newer than what this program reads.
func (b Block) Version(newest int) (int, error) {
	version, err := strconv.Atoi(b.Value())
	switch {
	case err != nil || version < 1:
		return 0, &SyntaxError{b.Line, fmt.Sprintf("the version is %q, not a number from 1", Clip(b.Value()))}
	case version > newest:
		return 0, &NewerError{b.Line, version, newest}
	}
	return version, nil
}

// Document reads one task: its name and what is indented under it. Data is nil where that is null.
func (b Block) Document() (key string, data []byte, err error) {
	if key, data, ok := b.canonical(); ok {
		return key, data, nil
	}
	node, err := parse(b.Text)
	if err != nil {
		return "", nil, err
	}
	entries, ok := node.(*ast.MappingNode)
	if !ok || len(entries.Values) != 1 || entries.IsFlowStyle {
		return "", nil, &SyntaxError{1, "not a task with what is known of it indented under its name"}
	}
	entry := entries.Values[0]
	if name, ok := entry.Key.(*ast.StringNode); ok {
		key = name.Value
	} else { // a number or the like: as it is spelled
		key = entry.Key.GetToken().Value
	}
	if _, err := scalar(entry.Key); err != nil {
		return "", nil, err
	}
	if _, null := entry.Value.(*ast.NullNode); null {
		return key, nil, nil
	}
	data, err = mapping(entry.Value)
	return key, data, err
}

// Clip shortens what an error quotes.
func Clip(s string) string {
	const most = 40
	if s = strings.TrimSpace(s); len(s) > most {
		s = s[:most] + "…"
	}
	return s
}
