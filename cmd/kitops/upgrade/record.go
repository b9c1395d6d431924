package upgrade

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/cmd/kitops/release"
	"github.com/bittrance/kitops/poller/files"
)

// The files beside the state.
const (
	recordFile  = "upgrade.yaml"
	historyFile = "upgraded.yaml"
)

// maxRecord is what is read of either at most.
const maxRecord = 64 << 10

// Record is an upgrade that has not proved itself yet.
type Record struct {
	From   string `yaml:"from"`
	To     string `yaml:"to"`
	Starts int    `yaml:"starts"` // of To
}

// History is what became of upgrades.
type History struct {
	Floor      string    `yaml:"floor,omitempty"` // the newest version that was good
	From       string    `yaml:"from,omitempty"`  // of the last upgrade
	To         string    `yaml:"to,omitempty"`
	At         time.Time `yaml:"at,omitempty"`
	RolledBack string    `yaml:"rolled_back,omitempty"` // why; "": it was good
}

// Memory is the folder that has both files: the state's. The empty one
// remembers nothing.
type Memory string

// MemoryBeside is that of the agent with its files beside this one; "" for none.
func MemoryBeside(stateFile string) Memory {
	if stateFile == "" {
		return ""
	}
	real, _, err := files.Real(stateFile)
	if err != nil {
		real = stateFile
	}
	return Memory(filepath.Dir(real))
}

func (m Memory) read(name string, into any) (found bool, err error) {
	if m == "" {
		return false, nil
	}
	path := filepath.Join(string(m), name)
	data, err := files.ReadRegular(path, maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = yaml.Unmarshal(data, into)
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", path, err)
	}
	return true, nil
}

func (m Memory) write(name string, value any) error {
	if m == "" {
		return nil
	}
	mode := fs.FileMode(0o600)
	if name == recordFile {
		mode = 0o644 // whoever upgrades may be root, and the agent another user
	}
	data, err := yaml.Marshal(value)
	if err == nil {
		err = files.Replace(filepath.Join(string(m), name), data, mode)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Join(string(m), name), err)
	}
	return nil
}

// Record is the upgrade under way, nil for none.
func (m Memory) Record() (*Record, error) {
	var r Record
	if found, err := m.read(recordFile, &r); !found {
		return nil, err
	}
	return &r, nil
}

// forget removes the record of the upgrade under way.
func (m Memory) forget() error {
	if m == "" {
		return nil
	}
	err := os.Remove(filepath.Join(string(m), recordFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// History is what became of the last upgrade.
func (m Memory) History() (History, error) {
	var h History
	_, err := m.read(historyFile, &h)
	return h, err
}

// good raises the floor to a version that has proved itself.
func (m Memory) good(version string, r *Record) error {
	h, err := m.History()
	if err != nil {
		return err
	}
	if release.Newer(version, h.Floor) {
		h.Floor = version
	}
	if r != nil {
		h.From, h.To, h.At, h.RolledBack = r.From, r.To, time.Now().UTC().Truncate(time.Second), ""
	}
	return m.write(historyFile, h)
}

// bad remembers an upgrade that is rolled back.
func (m Memory) bad(r Record, why string) error {
	h, err := m.History()
	if err != nil {
		return err
	}
	h.From, h.To, h.At, h.RolledBack = r.From, r.To, time.Now().UTC().Truncate(time.Second), why
	return m.write(historyFile, h)
}

// Describe is a line for kitops version, of a program of this version; ""
// where nothing is known, or for others to know.
func (m Memory) Describe(version string) string {
	const when = "2006-01-02 15:04 MST"
	r, err := m.Record()
	switch {
	case err != nil:
		return ""
	case r != nil && r.Starts == 0:
		return fmt.Sprintf("upgrade    %s installed, runs after the actions that run now; %s runs still", r.To, r.From)
	case r != nil && r.Starts <= mostStarts:
		return fmt.Sprintf("upgrade    from %s to %s, not proved yet: start %d of %d", r.From, r.To, r.Starts, mostStarts)
	}
	h, err := m.History()
	switch {
	case err != nil || h.To == "":
		return ""
	case h.RolledBack != "":
		return fmt.Sprintf("upgrade    to %s was rolled back to %s at %s: %s", h.To, h.From, h.At.Format(when), h.RolledBack)
	case h.To == version:
		return fmt.Sprintf("upgrade    from %s, good since %s", h.From, h.At.Format(when))
	}
	return ""
}
