package poller

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/bittrance/kitops/poller/files"
)

const (
	// commented begins the name of the place that takes comments.
	commented = "comment:"
	// maxComment is how much of a comment is read, in bytes: as much as GitHub takes, were each character four bytes long.
	maxComment = 4*65_536 + 1
)

// CommentTo is the name of the place that takes the comments of a task, of which each pull request has one.
func CommentTo(name string) string { return commented + name }

// Comment is the text that a report has for pull requests.
func (r Report) Comment() (name, text string, ok bool) {
	name, ok = strings.CutPrefix(r.To, commented)
	if !ok {
		return "", "", false
	}
	data, err := base64.StdEncoding.DecodeString(r.Text)
	return name, string(data), err == nil
}

// commentEnded adds what the run has written for the pull requests of its revision. An older text that has yet to arrive is
// old news.
func (t Task) commentEnded(s State, run Run) State {
	if t.CommentTo == "" || run.comment == "" {
		return s
	}
	s.Unreported = slices.DeleteFunc(slices.Clone(s.Unreported), func(old Report) bool {
		return old.To == t.CommentTo && old.Run.Revision.Ref == run.Revision.Ref
	})
	return s.reporting(Report{Run: run, URL: t.URL, To: t.CommentTo, Text: base64.StdEncoding.EncodeToString([]byte(run.comment))})
}

// readComment is what the run has written into the file for comments, without secrets; "" where it has not.
func (w *watch) readComment(run Run, dir string, out *output) string {
	text, err := writtenSince(dir, w.task.CommentFile, run.Started)
	if err != nil {
		w.tell(Event{Kind: Noticed, Run: run, Reason: fmt.Sprintf("no comment: %s: %s", w.task.CommentFile, bare(err))})
		return ""
	}
	return strings.TrimSpace(out.mask.Hide(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(out.mask.Hide(string(text)), "\uFFFD")))) // also what only comes together now
}

// bare is an error without the path below the workdir, which says nothing outside of it.
func bare(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// writtenSince reads a file below a directory in which others may have put anything: no link is followed, and what is not a
// file of its own is refused. It returns nothing for a file that is missing, or older.
func writtenSince(dir, name string, since time.Time) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	parts := strings.Split(filepath.ToSlash(filepath.Clean(name)), "/")
	for i := range parts {
		info, err := root.Lstat(filepath.Join(parts[:i+1]...))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, nil
		case err != nil:
			return nil, err
		case info.Mode()&fs.ModeSymlink != 0:
			return nil, errors.New("is a symbolic link, or behind one")
		case i == len(parts)-1 && !info.Mode().IsRegular():
			return nil, errors.New("is no regular file")
		}
	}
	file, info, err := files.OpenBelow(root, name) // exchanged for a link meanwhile it stays within
	if err != nil {
		return nil, err
	}
	defer file.Close()
	switch {
	case !info.Mode().IsRegular():
		return nil, errors.New("is no regular file")
	case files.Linked(info):
		return nil, errors.New("has another name, too")
	case info.ModTime().Before(since):
		return nil, nil
	}
	return io.ReadAll(io.LimitReader(file, maxComment))
}
