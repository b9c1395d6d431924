package poller

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/secret"
)

// output is where the output of a run's actions goes: without its secrets to the
// observers and, where something runs after the actions, into a file for that.
type output struct {
	mask secret.Mask
	vars []string // of all actions of the run, beside those that tell of it
	path string   // of the file; "" for none
	file *os.File // nil from when it is handed over
}

// newOutput makes the file beside the workdir, where only kitops may write.
func (w *watch) newOutput(plan Plan, dir string) (*output, error) {
	o := &output{}
	if len(plan.OnFailure)+len(plan.Always) == 0 {
		return o, nil
	}
	path := filepath.Join(filepath.Dir(dir), "output.log")
	err := os.Remove(path) // of a run in the same workdir that was cut off
	if err == nil || errors.Is(err, os.ErrNotExist) {
		o.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("keep the output for what runs after the actions: %w", err)
	}
	o.path = path
	return o, nil
}

// hand gives the file to the user of the actions, to read only. It returns its path.
func (o *output) hand(user *actions.User) (string, error) {
	if o.file == nil {
		return o.path, nil
	}
	err := giveTo(user, o.file)
	o.file = nil
	return o.path, err
}

// remove removes the file. It may be called for no output.
func (o *output) remove() {
	if o == nil || o.path == "" {
		return
	}
	if o.file != nil {
		_ = o.file.Close()
	}
	_ = os.Remove(o.path) // or it goes with the workdir's folder
}

// writer takes what an action prints. The file gets what a log of it would have.
func (w *watch) writer(o *output, run Run) io.WriteCloser {
	lines := actions.Lines(actions.OutputLimit, func(line string) {
		w.tell(Event{Kind: Output, Run: run, Line: line})
		if o.file != nil {
			_, _ = o.file.WriteString(line + "\n") // a full disk is no reason to fail a run
		}
	})
	printed := printed(func(data []byte) { w.tell(Event{Kind: Printed, Run: run, Data: data, Mask: &o.mask}) })
	masked := o.mask.Writer(io.MultiWriter(printed, lines))
	masked.Short = func() {
		w.tell(Event{Kind: Noticed, Run: run, Reason: fmt.Sprintf("what ::add-mask:: names is not masked: it has less than %d bytes, or there is too much of it", secret.Shortest)})
	}
	return &maskedLines{masked, lines}
}

// maskedLines closes both.
type maskedLines struct {
	*secret.MaskWriter
	lines io.Closer
}

func (m *maskedLines) Close() error { return errors.Join(m.MaskWriter.Close(), m.lines.Close()) }

// printed is a writer that hands on what an action prints, byte by byte.
type printed func(data []byte)

func (f printed) Write(data []byte) (int, error) {
	f(data)
	return len(data), nil
}

// conceal has the secrets of an action masked, and says once which of them cannot be.
func (w *watch) conceal(o *output, action actions.Action, run Run, granted Granted) {
	short := func(name string) {
		w.noteOnce(run, fmt.Sprintf("%s is not masked in the output: it has less than %d bytes", name, secret.Shortest))
	}
	for name, value := range action.Environment {
		if secret.Named(name) && o.mask.Add(value) > 0 {
			short(name)
		}
	}
	for _, value := range granted.Secrets {
		if o.mask.Add(value) == 0 {
			continue
		}
		for _, entry := range granted.Vars {
			if name, is := strings.CutSuffix(entry, "="+value.Reveal()); is && !strings.Contains(name, "=") {
				short(name)
			}
		}
	}
}
