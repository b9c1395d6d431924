package document

import (
	"fmt"
	"strconv"
)

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
