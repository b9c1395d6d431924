package history

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/files"
)

const (
	// pruneBatch is how many runs are removed in one transaction.
	pruneBatch = 100
	// eventsPerRun is how many events are kept for each run that may be.
	eventsPerRun = 10
	// maxEvents is how many are kept at most.
	maxEvents = 100_000
)

// open opens the database when it is needed for the first time, and prunes it.
func (h *History) open(ctx context.Context) (*database, error) {
	h.opening.Lock()
	defer h.opening.Unlock()
	if h.db != nil {
		return h.db, nil
	}
	dir, err := h.directory()
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	db, err := openDatabase(ctx, dir)
	if err != nil {
		return nil, err
	}
	if db.aside != "" {
		h.log.Warn("the history was damaged: it is set aside, and a new one begins", "aside", db.aside)
	}
	if err := db.sweep(ctx); err != nil {
		db.close()
		return nil, err
	}
	h.db = db
	return db, nil
}

// directory opens the directory of the history, and makes it.
func (h *History) directory() (*files.Dir, error) {
	path, err := filepath.Abs(h.dir)
	if err != nil {
		return nil, err
	}
	parent, err := files.MakeDir(filepath.Dir(path), 0o700)
	if err != nil {
		return nil, err
	}
	defer parent.Close()
	return parent.Sub(filepath.Base(path), 0o700)
}

// setAside gives a database up that has been found damaged while it was used:
// its next opening sets it aside.
func (h *History) setAside(err error) error {
	if damaged(err) {
		h.opening.Lock()
		defer h.opening.Unlock()
		h.db.close()
		h.db = nil
	}
	return err
}

// renew gives a database up that somebody has deleted: its next opening makes another.
func (h *History) renew() {
	h.opening.Lock()
	defer h.opening.Unlock()
	if h.db != nil && h.db.deleted() {
		h.db.close()
		h.db = nil
	}
}

// prune removes the oldest runs and events until what is left is within the
// limits, and gives their bytes back.
func (h *History) prune(ctx context.Context, db *database) error {
	now := time.Now()
	for {
		old, err := db.beyond(ctx, h.keep, now)
		if err != nil {
			return err
		}
		if len(old) == 0 {
			break
		}
		if err := db.remove(ctx, old); err != nil {
			return err
		}
	}
	return db.forget(ctx, h.keep, now)
}

// beyond lists finished runs that are too many, too old or too large together, oldest first.
func (db *database) beyond(ctx context.Context, keep Keep, now time.Time) ([]oldRun, error) {
	runs, printed := db.totals(0, 0)
	size, err := db.size(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := db.writer.QueryContext(ctx, `SELECT run, ended, bytes FROM runs WHERE ended > 0 ORDER BY seq LIMIT ?`, pruneBatch)
	if err != nil {
		return nil, said("list old runs", err)
	}
	defer func() { _ = rows.Close() }()
	var all []oldRun
	for rows.Next() {
		var old oldRun
		var ended int64
		if err := rows.Scan(&old.id, &ended, &old.printed); err != nil {
			return nil, said("list old runs", err)
		}
		tooMany := keep.Runs > 0 && runs > int64(keep.Runs)
		tooOld := keep.Age > 0 && ended < now.Add(-keep.Age).UnixMilli()
		tooLarge := keep.Bytes > 0 && printed+size > keep.Bytes && runs > 1
		if !tooMany && !tooOld && !tooLarge {
			break
		}
		all = append(all, old)
		runs, printed = runs-1, printed-old.printed
	}
	return all, said("list old runs", rows.Err())
}

// oldRun is a run that is to be removed.
type oldRun struct {
	id      string
	printed int64 // bytes
}

// totals adds to the number of runs and to the bytes that they printed, and returns both.
func (db *database) totals(runs, printed int64) (allRuns, allPrinted int64) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.runs += runs
	db.printed += printed
	return db.runs, db.printed
}

// size is what the rows take, in bytes.
func (db *database) size(ctx context.Context) (size int64, err error) {
	err = db.writer.QueryRowContext(ctx, `SELECT (page_count - freelist_count) * page_size
		FROM pragma_page_count, pragma_freelist_count, pragma_page_size`).Scan(&size)
	return size, said("measure the history", err)
}

// forget removes events that are as old as runs may be, or too many.
func (db *database) forget(ctx context.Context, keep Keep, now time.Time) error {
	most := int64(maxEvents)
	if keep.Runs > 0 {
		most = min(most, eventsPerRun*int64(keep.Runs))
	}
	var oldest int64
	if keep.Age > 0 {
		oldest = now.Add(-keep.Age).UnixMilli()
	}
	_, err := db.writer.ExecContext(ctx, `DELETE FROM events WHERE seq <= max((SELECT ifnull(max(seq), 0) FROM events) - ?,
		ifnull((SELECT seq FROM events WHERE at >= ? ORDER BY seq LIMIT 1) - 1, (SELECT max(seq) FROM events)))`, most, oldest)
	return said("remove old events", err)
}

// remove removes runs with all that belongs to them, and events that are as old.
func (db *database) remove(ctx context.Context, runs []oldRun) error {
	var statements []statement
	var printed int64
	for _, run := range runs {
		if err := db.removeOutput(run.id); err != nil {
			return err
		}
		printed += run.printed
		statements = append(statements,
			statement{`DELETE FROM actions WHERE run = ?`, []any{run.id}},
			statement{`DELETE FROM runs WHERE run = ?`, []any{run.id}})
	}
	if err := db.all(ctx, "remove old runs", statements...); err != nil {
		return err
	}
	db.totals(-int64(len(runs)), -printed)
	return said("give bytes back", db.drain(ctx, "PRAGMA incremental_vacuum"))
}

// drain executes a statement that gives rows of no interest.
func (db *database) drain(ctx context.Context, text string) error {
	rows, err := db.writer.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	for rows.Next() {
		continue // each row is a page that was given back
	}
	return errors.Join(rows.Err(), rows.Close())
}

// removeOutput removes what a run printed. Sizes are of no more interest then.
func (db *database) removeOutput(run string) error {
	return said("remove what a run printed", errors.Join(db.output.Remove(run+".log"), db.output.Remove(run+".times")))
}

// sweep removes output of which no row knows, and measures that of runs that were cut off.
func (db *database) sweep(ctx context.Context) error {
	entries, err := os.ReadDir(db.output.Path())
	if err != nil {
		return err
	}
	for _, entry := range entries {
		id, log := strings.CutSuffix(entry.Name(), ".log")
		run, err := db.run(ctx, strings.TrimSuffix(id, ".times"))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = said("remove what a run printed", db.output.Remove(entry.Name()))
		case err == nil && log && run.Bytes == 0:
			err = db.measure(ctx, run.ID, entry)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// measure notes how much a run has printed.
func (db *database) measure(ctx context.Context, run string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil || info.Size() == 0 {
		return err
	}
	db.totals(0, info.Size())
	_, err = db.writer.ExecContext(ctx, `UPDATE runs SET bytes = ? WHERE run = ?`, info.Size(), run)
	return said("measure what a run printed", err)
}
