package store

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/goccy/go-yaml/ast"
)

const (
	formatVersion = 1
	maxFile       = 64 << 20
	fullFile      = 48 << 20 // of documents, beyond which none may grow: what is there can still be saved

	header = "# Memory of kitops between executions. Safe to read; stop kitops before you edit it.\n"
	mend   = "fix the file, or move it away and kitops starts with an empty memory"
)

// topKey finds the key of a line at the top level, and what follows it but comments.
var topKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\w+):(?:[ \t]+([^#\s].*?))?[ \t]*(?:[ \t]#.*)?$`) })

// FormatError is a file that is not one of ours, is damaged, or was written by a newer kitops. It is never overwritten.
type FormatError struct {
	Path    string
	Line    int // 0: the file as a whole
	Problem string
	Remedy  string
}

func (e *FormatError) Error() string {
	at := e.Path
	if e.Line > 0 {
		at += ":" + strconv.Itoa(e.Line)
	}
	return fmt.Sprintf("%s: %s; %s", at, e.Problem, e.Remedy)
}

// decode reads a whole file, also one that a person has edited. An empty one, as `touch` makes it, holds no documents.
func decode(path string, data []byte) (documents, error) {
	docs, err := decodeText(strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n"))
	if err == nil {
		return docs, nil
	}
	var newer *newerError
	if errors.As(err, &newer) {
		return nil, &FormatError{path, newer.line, newer.Error(), "run that kitops, or move the file away and this one starts with an empty memory"}
	}
	var syntax *syntaxError
	errors.As(err, &syntax)
	return nil, &FormatError{path, syntax.line, syntax.problem, mend}
}

func decodeText(text string) (documents, error) {
	if at := strings.IndexByte(text, 0); at >= 0 {
		return nil, &syntaxError{1 + strings.Count(text[:at], "\n"), "damaged, it holds zero bytes"}
	}
	blocks, err := split(text, 1)
	if err != nil {
		return nil, err
	}
	if len(blocks) > 0 && strings.TrimSpace(blocks[0].text) == "---" {
		blocks = blocks[1:]
	}
	if len(blocks) == 0 {
		return documents{}, nil
	}
	if err := checkTop(blocks); err != nil {
		if docs, ok := decodeFormer(text); ok {
			return docs, nil
		}
		return nil, err
	}
	for _, b := range blocks {
		if b.key() == "tasks" {
			return b.tasks()
		}
	}
	return documents{}, nil
}

// checkTop looks for the version before all else: a newer file may hold anything besides.
func checkTop(blocks []block) error {
	seen := map[string]bool{}
	var problem error
	for _, b := range blocks {
		key := b.key()
		switch {
		case key == "version" && !seen[key]:
			if err := b.version(); err != nil {
				return err
			}
		case problem != nil:
		case seen[key]:
			problem = &syntaxError{b.line, fmt.Sprintf("the key %s is there twice", key)}
		case key != "tasks":
			problem = &syntaxError{b.line, fmt.Sprintf("only version and tasks may stand here, not %q", clip(b.text))}
		}
		seen[key] = true
	}
	if problem == nil && !seen["version"] {
		return &syntaxError{blocks[0].line, "no version, so not a state file of kitops"}
	}
	return problem
}

// newerError is a version from the future.
type newerError struct{ line, version int }

func (e *newerError) Error() string {
	return fmt.Sprintf("written by a newer kitops: version %d, this one reads %d", e.version, formatVersion)
}

// block is an entry of a mapping in block style: its key's line and all lines indented deeper.
// Reading a file block by block bounds what the parser takes, in memory and in time, by the largest document.
type block struct {
	text string
	line int
}

// split cuts text at the indentation of its first line. What is indented deeper, empty or a comment belongs to the block above.
func split(text string, line int) ([]block, error) {
	var blocks []block
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
			return nil, &syntaxError{line, "indented less than the lines before it"}
		default:
			if indent >= 0 {
				blocks[len(blocks)-1].text = text[start:offset]
			}
			indent, start = depth, offset
			blocks = append(blocks, block{text[offset:], line})
		}
		offset = end
	}
	return blocks, nil
}

// key returns the key of a block at the top level, "" for none.
func (b block) key() string {
	if m := topKey().FindStringSubmatch(b.firstLine()); m != nil {
		return m[1]
	}
	return ""
}

func (b block) value() string { return topKey().FindStringSubmatch(b.firstLine())[2] }

func (b block) firstLine() string {
	first, _, _ := strings.Cut(b.text, "\n")
	return first
}

func (b block) version() error {
	version, err := strconv.Atoi(b.value())
	switch {
	case err != nil || version < 1:
		return &syntaxError{b.line, fmt.Sprintf("the version is %q, not a number from 1", clip(b.value()))}
	case version > formatVersion:
		return &newerError{b.line, version}
	}
	return nil
}

func (b block) tasks() (documents, error) {
	docs := documents{}
	_, rest, _ := strings.Cut(b.text, "\n")
	blocks, err := split(rest, b.line+1)
	if err != nil {
		return nil, err
	}
	if value := b.value(); value != "" && (value != "{}" || len(blocks) > 0) {
		return nil, &syntaxError{b.line, "tasks is not a mapping with each task on its own line"}
	}
	for _, task := range blocks {
		key, data, err := task.document()
		if err != nil {
			var syntax *syntaxError
			errors.As(err, &syntax)
			return nil, &syntaxError{task.line + syntax.line - 1, syntax.problem}
		}
		if _, ok := docs[key]; ok {
			return nil, &syntaxError{task.line, fmt.Sprintf("the task %s is there twice", key)}
		}
		docs[key] = data
	}
	return docs, nil
}

// document reads one task: its name and what is indented under it.
func (b block) document() (key string, data []byte, err error) {
	node, err := parse(b.text)
	if err != nil {
		return "", nil, err
	}
	entries, ok := node.(*ast.MappingNode)
	if !ok || len(entries.Values) != 1 || entries.IsFlowStyle {
		return "", nil, &syntaxError{1, "not a task with what is known of it indented under its name"}
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
	data, err = mapping(entry.Value)
	return key, data, err
}

func clip(s string) string {
	const most = 40
	if s = strings.TrimSpace(s); len(s) > most {
		s = s[:most] + "…"
	}
	return s
}
