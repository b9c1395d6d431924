package file

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/document"
)

// A file of some size is not written anew for each change: what has changed is added to its end, as a further YAML document with
// the whole of each task that is different. As soon as there is as much of that as of the rest, and at the end of the agent, the
// file is written anew, so that a change costs what it has itself, however many tasks there are.
//
// Each document ends with a line of three dots. Without it the last one was cut off by a crash and does not count; it was never
// acknowledged then, since each is durable before the next begins.
const (
	largeFile = 64 << 10 // bytes from which on that pays

	growing   = "# What has changed since stands at its end: a task that is there again replaces the one above it.\n"
	beginning = "---\n"
	ending    = "...\n"
)

// form is that of a file.
type form struct {
	grown bool  // changes may be at its end
	whole int64 // bytes without the changes; 0: it was not written by this Store alone, and nothing may be added
}

// Fold writes the file as one document again, if changes may be at its end. The file is as good without it.
func (f *Store) Fold() error {
	f.turn <- struct{}{}
	defer func() { <-f.turn }()
	if err := f.reload(); err != nil || !f.form.grown {
		return err
	}
	text := f.text
	if text == nil {
		text = newFileText(f.docs, f.Writer)
	}
	info, err := save(f.path, text.bytes(false))
	if info != nil {
		f.mu.Lock()
		f.seen, f.form = files.StampFrom(info), form{}
		f.mu.Unlock()
	}
	return err
}

// Grown tells whether changes may be at the end of the file.
func (f *Store) Grown() bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.form.grown
}

// write saves what has changed, at the end of the file or with all of it. The results are those of save. The caller has the turn.
func (f *Store) write(next map[string][]byte) (fs.FileInfo, form, error) {
	if f.form.whole > 0 {
		if info := f.add(changeText(next)); info != nil {
			return info, f.form, nil
		}
	}
	grows := f.Grows && f.text.size >= f.large && (f.Held == nil || !f.Held())
	data := f.text.bytes(grows)
	info, err := save(f.path, data)
	now := form{grown: grows}
	if grows && err == nil {
		now.whole = int64(len(data))
	}
	return info, now, err
}

// add writes text to the end of the file, durably. It returns nil if it did not, and the file is to be written anew then: it is
// another than this Store left, has changes enough, or what came to its end is of doubt.
func (f *Store) add(text []byte) fs.FileInfo {
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil
	}
	defer file.Close()
	before, err := file.Stat()
	if err != nil || !f.seen.Same(files.StampFrom(before)) || files.Linked(before) {
		return nil
	}
	if after := before.Size() + int64(len(text)); after > 2*f.form.whole || after > maxFile {
		return nil
	}
	if _, err = file.Write(text); err == nil {
		err = file.Sync()
	}
	if err != nil {
		_ = file.Truncate(before.Size()) // else it does not count, or does: the same comes once more
		return nil
	}
	after, err := file.Stat()
	if err != nil {
		return nil
	}
	return after
}

// changeText is a document with what has changed; nil is null.
func changeText(next map[string][]byte) []byte {
	b := []byte(beginning)
	for _, key := range slices.Sorted(maps.Keys(next)) {
		if data := next[key]; data != nil {
			b = append(b, partOf(key, data)...)
		} else {
			b = append(b, "  "+document.Quote(key)+": null\n"...)
		}
	}
	return append(b, ending...)
}

// withoutTorn cuts off the change that a crash left unfinished at the end of a text, or with holes of zeros.
func withoutTorn(text string) string {
	if strings.HasSuffix(text, "\n"+strings.TrimSpace(ending)) { // the change is whole, also where an editor took the last line break
		text += "\n"
	}
	end := lastEnd(text)
	if end == 0 {
		return text
	}
	if rest := text[end:]; strings.HasPrefix(rest, beginning) || strings.HasPrefix(beginning, rest) || strings.IndexByte(rest, 0) >= 0 {
		text = text[:end]
	}
	if hole := strings.IndexByte(text, 0); hole >= 0 {
		if before := lastEnd(text[:hole]); before > 0 && lastEnd(text[:end-len(ending)]) <= hole {
			return text[:before]
		}
	}
	return text
}

// lastEnd is behind the last document of a text that is ended, 0 for none.
func lastEnd(text string) int {
	if at := strings.LastIndex(text, "\n"+ending); at >= 0 {
		return at + len("\n"+ending)
	}
	return 0
}

// cutChanges divides a file into its first document and the changes, with the lines between them.
func cutChanges(blocks []document.Block) (first, changes []document.Block) {
	for i, b := range blocks {
		if is(b, ending) || is(b, beginning) {
			return blocks[:i], blocks[i:]
		}
	}
	return blocks, nil
}

// makeChanges makes the changes.
func makeChanges(docs store.Documents, version int, changes []document.Block) error {
	if version == document.FormatVersion {
		if len(changes) > 0 {
			return &document.SyntaxError{Line: changes[0].Line, Problem: fmt.Sprintf("only version and tasks may stand here, not %q", document.Clip(changes[0].Text))}
		}
		return nil
	}
	for i, b := range changes {
		if want := []string{ending, beginning}[i%2]; !is(b, want) {
			return &document.SyntaxError{Line: b.Line, Problem: fmt.Sprintf("%q stands where %q belongs", document.Clip(b.Text), strings.TrimSpace(want))}
		}
		if !is(b, beginning) {
			continue
		}
		next, err := below(b, true)
		if err != nil {
			return err
		}
		for key, data := range next {
			docs.Set(key, data)
		}
	}
	if len(changes)%2 == 0 {
		return &document.SyntaxError{Line: 1, Problem: "damaged, its end is missing"}
	}
	return nil
}

// is tells whether a block is a line between documents.
func is(b document.Block, mark string) bool {
	return strings.TrimRight(b.FirstLine(), " \t") == mark[:3]
}
