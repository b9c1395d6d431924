//go:build unix

package poller

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFileForComments: what a run has written is read, and nothing that it only points to, or that would not end.
func TestFileForComments(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	began := time.Now().Add(-time.Minute)
	for _, err := range []error{
		os.WriteFile(outside, []byte("secret"), 0o600), os.Mkdir(filepath.Join(dir, "out"), 0o755),
		os.WriteFile(filepath.Join(dir, "out", "good.md"), []byte("good"), 0o600), os.WriteFile(filepath.Join(dir, "old.md"), []byte("old"), 0o600),
		os.Chtimes(filepath.Join(dir, "old.md"), began, began.Add(-time.Hour)), os.Symlink(outside, filepath.Join(dir, "link.md")),
		os.Symlink("out", filepath.Join(dir, "folder")), os.Symlink(filepath.Dir(outside), filepath.Join(dir, "away")),
		syscall.Mkfifo(filepath.Join(dir, "pipe.md"), 0o600), os.WriteFile(filepath.Join(dir, "large.md"), []byte(strings.Repeat("x", 2*maxComment)), 0o600),
		os.WriteFile(filepath.Join(dir, "twice.md"), nil, 0o600), os.Link(filepath.Join(dir, "twice.md"), filepath.Join(dir, "thrice.md")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct{ text, err string }{
		"out/good.md": {"good", ""}, "old.md": {}, "missing.md": {}, "out/missing/none.md": {},
		"link.md": {"", "symbolic link"}, "folder/good.md": {"", "symbolic link"}, "away/secret": {"", "symbolic link"},
		"pipe.md": {"", "no regular file"}, "out": {"", "no regular file"}, "twice.md": {"", "another name"}, "../secret": {"", "escapes"},
		"large.md": {strings.Repeat("x", maxComment), ""},
	} {
		text, err := writtenSince(dir, name, began)
		if string(text) != c.text || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %d bytes, %v", name, len(text), err)
		}
	}
	var told []Event
	w := &watch{p: &Poller{Observers: []Observer{func(e Event) { told = append(told, e) }}}, task: Task{CommentFile: "link.md", Name: "shop"}}
	if got := w.readComment(Run{Started: began}, dir, &output{}); got != "" || len(told) != 1 || strings.Contains(told[0].Reason, dir) || !strings.Contains(told[0].Reason, "no comment: link.md: is a symbolic link") {
		t.Errorf("%q, %+v", got, told)
	}
}
