package poller

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/poller/store"
)

// parksKey is the document of this host in which parked workdirs are known, where instances
// share the memory of tasks: a workdir is of one host.
const parksKey = "parked workdirs"

// parkBook is that document.
type parkBook struct {
	Folders map[string]Parked `yaml:"folders,omitempty"` // by their names
}

// readParks reads what this host knows of parked workdirs.
func (p *Poller) readParks(ctx context.Context) (book parkBook, version string, err error) {
	doc, err := p.Parks.Get(ctx, parksKey)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return parkBook{Folders: map[string]Parked{}}, "", nil
	case err == nil:
		err = yaml.Unmarshal(doc.Data, &book)
	}
	if err != nil {
		return book, "", fmt.Errorf("read what is parked: %w", err)
	}
	if book.Folders == nil {
		book.Folders = map[string]Parked{}
	}
	return book, doc.Version, nil
}

// changeParks changes what this host knows of parked workdirs.
func (p *Poller) changeParks(ctx context.Context, change func(map[string]Parked) error) error {
	ctx = context.WithoutCancel(ctx)
	for {
		book, version, err := p.readParks(ctx)
		if err == nil {
			err = change(book.Folders)
		}
		if err != nil {
			return err
		}
		data, err := yaml.Marshal(book)
		if err == nil {
			_, err = p.Parks.Put(ctx, parksKey, data, version)
		}
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// takeParked returns what this host knows of the workdir of a ref, and forgets it. Without
// that nothing of it is used.
func (w *watch) takeParked(ctx context.Context, ref string) (taken *Parked) {
	folder := filepath.Base(w.p.parkDir(w.task.Name, w.task.URL, ref))
	err := w.p.changeParks(ctx, func(folders map[string]Parked) error {
		if parked, known := folders[folder]; known {
			taken = &parked
			delete(folders, folder)
		}
		return nil
	})
	if err != nil {
		w.tell(Event{Kind: Troubled, Err: err})
		return nil
	}
	return taken
}

// bookParked has this host know of the workdir of a ref.
func (w *watch) bookParked(ctx context.Context, ref string, parked Parked) {
	folder := filepath.Base(w.p.parkDir(w.task.Name, w.task.URL, ref))
	if err := w.p.changeParks(ctx, func(folders map[string]Parked) error { folders[folder] = parked; return nil }); err != nil {
		w.tell(Event{Kind: Troubled, Err: err})
	}
}

// findBooked learns of the workdirs that this host knows of.
func (p *Poller) findBooked(ctx context.Context) error {
	if p.Parks == nil || p.KeepWorkdirs == 0 {
		return nil
	}
	book, _, err := p.readParks(ctx)
	for folder, parked := range book.Folders {
		if dir := filepath.Join(p.RepoDir, ParkDir, folder); isDir(dir) {
			p.parks.add(dir, parked)
		}
	}
	return err
}
