package service

import (
	"io"
	"os"
	"strings"
)

// sizeOf is 0 of a file that is not there.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// since is what a log has had since it was of this size, at most the end of it. Of a
// new log that is all.
func since(path string, before int64) (string, error) {
	const most = 64 << 10
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	if sizeOf(path) < before { // it was set aside, and begun anew
		before = 0
	}
	text, err := io.ReadAll(io.NewSectionReader(file, max(before, sizeOf(path)-most), most))
	return string(text), err
}

// tail are the last lines of that.
func tail(path string, before int64) string {
	const lines = 10
	text, err := since(path, before)
	if err != nil {
		return indented(err.Error())
	}
	all := strings.SplitAfter(strings.TrimRight(text, "\n"), "\n")
	return indented(strings.Join(all[max(0, len(all)-lines):], ""))
}

// ownLog makes a log that others cannot read, as those of other systems: actions print into it.
// launchd would make one that they can.
func ownLog(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}
