package status

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller"
)

// LastWords writes the errors that a program ends with, a line each, but none
// that observers were told. It waits at most so long for whoever reads them.
func LastWords(w io.Writer, err error, limit time.Duration) {
	untold := poller.Untold(err)
	if untold == nil {
		return
	}
	queue := NewLogQueue(w, func(w io.Writer, lines int) { fmt.Fprintf(w, "kitops: %d lines were not written\n", lines) })
	defer queue.Close(limit)
	for line := range strings.Lines(untold.Error()) {
		text := "kitops: " + Printable(strings.TrimRight(line, "\n"))
		if ToJournal(w) {
			text = priorityError + text
		}
		fmt.Fprintln(queue, text)
	}
}
