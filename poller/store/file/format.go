package file

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/document"
)

const (
	grownVersion = 2 // of a file with changes at its end: see growth.go

	maxFile  = 64 << 20
	fullFile = 48 << 20 // of store.Documents, beyond which none may grow: what is there can still be saved

	header = "# Memory of kitops between executions. Safe to read; stop kitops before you edit it.\n"
	mend   = "fix the file, or move it away and kitops starts with an empty memory"
)

// decode reads a whole file, also one that a person has edited. An empty one, as `touch` makes it, holds no documents.
// Grown tells that it is in the form to which changes are added.
func decode(path string, data []byte) (docs store.Documents, grown bool, err error) {
	docs, grown, err = decodeText(strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n"))
	if err == nil {
		return docs, grown, nil
	}
	var newer *document.NewerError
	if errors.As(err, &newer) {
		return nil, false, &document.FormatError{Path: path, Line: newer.Line, Problem: newer.Error(), Remedy: "run that kitops, or move the file away and this one starts with an empty memory"}
	}
	var syntax *document.SyntaxError
	errors.As(err, &syntax)
	return nil, false, &document.FormatError{Path: path, Line: syntax.Line, Problem: syntax.Problem, Remedy: mend}
}

func decodeText(text string) (docs store.Documents, grown bool, err error) {
	text = withoutTorn(text)
	if at := strings.IndexByte(text, 0); at >= 0 {
		return nil, false, &document.SyntaxError{Line: 1 + strings.Count(text[:at], "\n"), Problem: "damaged, it holds zero bytes"}
	}
	blocks, err := document.Split(text, 1)
	if err != nil {
		return nil, false, err
	}
	if len(blocks) > 0 && strings.TrimSpace(blocks[0].Text) == "---" {
		blocks = blocks[1:]
	}
	if len(blocks) == 0 {
		return store.Documents{}, false, nil
	}
	blocks, changes := cutChanges(blocks)
	version, err := checkTop(blocks)
	if err != nil {
		if docs, ok := decodeFormer(text); ok {
			return docs, false, nil
		}
		return nil, false, err
	}
	docs = store.Documents{}
	for _, b := range blocks {
		if b.Key() == "tasks" {
			docs, err = tasksOf(b)
		}
	}
	if err == nil {
		err = makeChanges(docs, version, changes)
	}
	return docs, version == grownVersion, err
}

// checkTop looks for the version before all else: a newer file may hold anything besides.
func checkTop(blocks []document.Block) (version int, err error) {
	seen := map[string]bool{}
	var problem error
	for _, b := range blocks {
		key := b.Key()
		switch {
		case key == "version" && !seen[key]:
			if version, err = b.Version(grownVersion); err != nil {
				return 0, err
			}
		case problem != nil:
		case seen[key]:
			problem = &document.SyntaxError{Line: b.Line, Problem: fmt.Sprintf("the key %s is there twice", key)}
		case key != "tasks":
			problem = &document.SyntaxError{Line: b.Line, Problem: fmt.Sprintf("only version and tasks may stand here, not %q", document.Clip(b.Text))}
		}
		seen[key] = true
	}
	if problem == nil && !seen["version"] {
		return 0, &document.SyntaxError{Line: blocks[0].Line, Problem: "no version, so not a state file of kitops"}
	}
	return version, problem
}

func tasksOf(b document.Block) (store.Documents, error) {
	docs, err := below(b, false)
	if value := b.Value(); err == nil && value != "" && (value != "{}" || len(docs) > 0) {
		return nil, &document.SyntaxError{Line: b.Line, Problem: "tasks is not a mapping with each task on its own line"}
	}
	return docs, err
}

// below reads the tasks that are indented under a line. With nulls a task may have a null, which is nil.
func below(b document.Block, nulls bool) (store.Documents, error) {
	docs := store.Documents{}
	_, rest, _ := strings.Cut(b.Text, "\n")
	blocks, err := document.Split(rest, b.Line+1)
	if err != nil {
		return nil, err
	}
	for _, task := range blocks {
		key, data, err := task.Document()
		if err == nil && data == nil && !nulls {
			err = &document.SyntaxError{Line: 1, Problem: "not a mapping"}
		}
		if err != nil {
			var syntax *document.SyntaxError
			errors.As(err, &syntax)
			return nil, &document.SyntaxError{Line: task.Line + syntax.Line - 1, Problem: syntax.Problem}
		}
		if _, ok := docs[key]; ok {
			return nil, &document.SyntaxError{Line: task.Line, Problem: fmt.Sprintf("the task %s is there twice", key)}
		}
		docs[key] = data
	}
	return docs, nil
}
