//go:build unix

package handover

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/cmd/kitops/wiring"
)

// canBecome tells whether a process can execute another program in its place.
const canBecome = true

// become executes another program in this process, with the same arguments and
// environment. What it keeps is named in a variable; everything else is closed.
// It returns only an error.
func (s *Start) become(next *Heir) error {
	environ := s.Process.Environ
	if len(next.kept) > 0 {
		var words []string
		for name, file := range next.kept {
			if _, err := unix.FcntlInt(file.Fd(), unix.F_SETFD, 0); err != nil {
				return fmt.Errorf("keep %s open: %w", name, err)
			}
			words = append(words, name+"="+strconv.Itoa(int(file.Fd())))
		}
		environ = append(append([]string{}, environ...), handedKey+"="+strings.Join(words, " "))
	}
	s.Systemd.Reloading()
	return fmt.Errorf("execute %s: %w", next.program, syscall.Exec(next.program, s.Args, environ))
}

// Received takes what was kept open by the program before this one, and its
// variable out of the environment. Everything is closed on exec(3) again: see
// actions.Isolate, which comes before.
func Received(environ []string) ([]string, wiring.Handed) {
	var rest []string
	handed := wiring.Handed{}
	for _, variable := range environ {
		words, ok := strings.CutPrefix(variable, handedKey+"=")
		if !ok {
			rest = append(rest, variable)
			continue
		}
		for word := range strings.FieldsSeq(words) {
			name, number, _ := strings.Cut(word, "=")
			if fd, err := strconv.Atoi(number); err == nil && fd > 2 {
				handed[name] = os.NewFile(uintptr(fd), name)
			}
		}
	}
	return rest, handed
}
