package runners

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/bittrance/kitops/poller/files"
)

const (
	diagDir     = "_diag"  // where GitHub's runner writes its log, and that of its worker
	diagFiles   = 2        // the newest
	diagBytes   = 16 << 10 // of the end of each
	diagEntries = 1000     // that are looked at
)

// Diagnosis is the end of what a runner wrote to its directory _diag, "" for nothing: whole lines of the newest files. It is for
// a runner that has ended. The jobs' user may have written anything there: no link is followed, nothing but regular files is opened,
// and where the job had a user, none but that user's.
func (c Copy) Diagnosis(dir string) string {
	diag, err := openDiag(dir)
	if err != nil {
		return "" // a runner in a container has none
	}
	defer diag.Close()
	var text bytes.Buffer
	for _, file := range c.newest(diag) {
		if end := tail(diag, file); len(end) > 0 {
			fmt.Fprintf(&text, "%s/%s ends:\n%s\n", diagDir, plain(file.Name(), 100), bytes.TrimRight(end, "\n"))
		}
	}
	return text.String()
}

func openDiag(dir string) (*os.Root, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if info, err := root.Lstat(diagDir); err != nil || !info.IsDir() {
		return nil, fs.ErrNotExist
	}
	return root.OpenRoot(diagDir) // should it be a link by now, that leads to nothing outside of the runner's own directory
}

// newest are the files to be shown, the last one the newest.
func (c Copy) newest(diag *os.Root) (all []fs.FileInfo) {
	list, err := diag.Open(".")
	if err != nil {
		return nil
	}
	defer list.Close()
	names, _ := list.Readdirnames(diagEntries) // what could be read has to do
	for _, name := range names {
		if info, err := diag.Lstat(name); err == nil && info.Mode().IsRegular() && info.Size() > 0 && c.wrote(info) {
			all = append(all, info)
		}
	}
	slices.SortFunc(all, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	return all[max(0, len(all)-diagFiles):]
}

// wrote tells whether a file is the jobs' user's: a hard link may be to anybody's.
func (c Copy) wrote(info fs.FileInfo) bool {
	uid, _, known := ownerOf(info)
	return c.User == nil || !known || uid == c.User.UID
}

// tail is the end of a file, from the beginning of a line: a secret that is cut in two would not be found in it.
func tail(diag *os.Root, file fs.FileInfo) []byte {
	f, info, err := files.OpenBelow(diag, file.Name())
	if err != nil {
		return nil
	}
	defer f.Close()
	if !info.Mode().IsRegular() || !os.SameFile(info, file) {
		return nil
	}
	from := max(0, info.Size()-diagBytes)
	end, _ := io.ReadAll(io.NewSectionReader(f, from, diagBytes)) // what could be read has to do
	if from > 0 {
		_, end, _ = bytes.Cut(end, []byte("\n"))
	}
	return end
}
