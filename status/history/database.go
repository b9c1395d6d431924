package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/bittrance/kitops/poller/files"
)

const (
	databaseFile = "runs.db"
	outputDir    = "output"
	// schemaVersion is the user_version of the schema below. A new column with a default needs no other one, see addColumns.
	schemaVersion = 1
	// checkTime is how long the check of a database may take at its opening.
	checkTime = 5 * time.Second
	readers   = 2 // connections
)

const schema = `
PRAGMA auto_vacuum = INCREMENTAL; -- before the first table, or it means nothing
CREATE TABLE runs (
	seq INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE, task TEXT NOT NULL, ref TEXT NOT NULL, sha TEXT NOT NULL,
	previous TEXT NOT NULL, attempt INTEGER NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT 0,
	took INTEGER NOT NULL DEFAULT 0, outcome TEXT NOT NULL DEFAULT 'running', action TEXT NOT NULL DEFAULT '',
	reason TEXT NOT NULL DEFAULT '', member TEXT NOT NULL, bytes INTEGER NOT NULL DEFAULT 0, removed TEXT NOT NULL DEFAULT '',
	signer TEXT NOT NULL DEFAULT ''
);
CREATE INDEX runs_by_task ON runs (task, seq);
CREATE INDEX runs_by_ref ON runs (ref, seq);
CREATE INDEX runs_by_outcome ON runs (outcome, seq);
CREATE TABLE actions (
	run TEXT NOT NULL, n INTEGER NOT NULL, name TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL,
	start INTEGER NOT NULL, PRIMARY KEY (run, n)
) WITHOUT ROWID;
CREATE TABLE events (
	seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, task TEXT NOT NULL, ref TEXT NOT NULL, sha TEXT NOT NULL,
	run TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX events_by_task ON events (task, seq);
PRAGMA user_version = 1;`

// database is the rows: one connection writes, some read.
type database struct {
	writer, reader *sql.DB
	output         *files.Dir
	aside          string   // where a damaged one went, "" for none
	left           bool     // by an agent that has ended: nothing runs
	life           *os.File // locked for as long as the agent lives; nil: it could not be

	mu      sync.Mutex
	runs    int64 // rows of them
	printed int64 // bytes of all their output
}

// errNewer says that a newer kitops has written the database.
var errNewer = errors.New("it was written by a newer kitops")

// openDatabase opens the database in a directory, or makes one. A damaged one
// is set aside, with its side files, and a new one made.
func openDatabase(ctx context.Context, dir *files.Dir) (*database, error) {
	db := &database{}
	path := filepath.Join(dir.Path(), databaseFile)
	err := db.connect(ctx, path)
	if err != nil && damaged(err) {
		db.close()
		if db.aside, err = setAside(path); err != nil {
			return nil, err
		}
		err = db.connect(ctx, path)
	}
	if err == nil {
		db.output, err = dir.Sub(outputDir, 0o700)
	}
	if err != nil {
		db.close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.claim(dir)
	return db, nil
}

// readDatabase opens what an agent has left, without changing it.
func readDatabase(dir *files.Dir) (*database, error) {
	path := filepath.Join(dir.Path(), databaseFile)
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	db := &database{left: orphaned(dir)}
	var err error
	source := address(path, "ro")
	if settled(path) {
		source += "&immutable=1" // else SQLite makes files beside it, also where it may not
	}
	if db.reader, err = sql.Open("sqlite", source); err == nil {
		db.output, err = files.OpenDir(filepath.Join(dir.Path(), outputDir))
	}
	if err != nil {
		db.close()
		return nil, err
	}
	return db, nil
}

// settled tells whether a database is one file: nobody writes it, and whoever did has ended well.
func settled(path string) bool {
	for _, side := range []string{"-wal", "-journal"} {
		if _, err := os.Lstat(path + side); !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	return true
}

func (db *database) connect(ctx context.Context, path string) (err error) {
	if file, err := files.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err // a link, somebody else's, or no regular file
	} else if err := file.Close(); err != nil {
		return err
	}
	if db.writer, err = sql.Open("sqlite", address(path, "rwc")); err != nil {
		return err
	}
	db.writer.SetMaxOpenConns(1)
	if db.reader, err = sql.Open("sqlite", address(path, "ro")); err != nil {
		return err
	}
	db.reader.SetMaxOpenConns(readers)
	db.reader.SetConnMaxIdleTime(time.Minute)
	if err := db.check(ctx); err != nil {
		return err
	}
	var version int
	if err := db.writer.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	switch {
	case version > schemaVersion:
		return errNewer
	case version == 0:
		if _, err := db.writer.ExecContext(ctx, schema); err != nil {
			return err
		}
	}
	if err := db.addColumns(ctx); err != nil {
		return err
	}
	var mode string // network file systems have no shared memory, and say so by the mode they are in
	if err := db.writer.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		if err := db.writer.QueryRowContext(ctx, "PRAGMA journal_mode = DELETE").Scan(&mode); err != nil {
			return err
		}
	}
	return db.closeCutOff(ctx)
}

// addColumns adds what the table of an earlier kitops lacks. Those go on with it: they name their columns, and these have a default.
func (db *database) addColumns(ctx context.Context) error {
	var has bool
	err := db.writer.QueryRowContext(ctx, "SELECT count(*) FROM pragma_table_info('runs') WHERE name = 'signer'").Scan(&has)
	if err == nil && !has {
		_, err = db.writer.ExecContext(ctx, "ALTER TABLE runs ADD COLUMN signer TEXT NOT NULL DEFAULT ''")
	}
	return err
}

// address is the file as SQLite takes it. 500 kB of cache a connection are
// plenty; who finds the database busy waits.
func address(path, mode string) string {
	if path = filepath.ToSlash(path); !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive of Windows
	}
	options := url.Values{"mode": {mode}, "_pragma": {"busy_timeout(5000)", "synchronous(NORMAL)", "cache_size(-500)"}}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: options.Encode()}).String()
}

// check looks for damage, as far as the time for it goes.
func (db *database) check(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	var verdict string
	err := db.writer.QueryRowContext(limited, "PRAGMA quick_check(1)").Scan(&verdict)
	switch {
	case limited.Err() != nil:
		return ctx.Err()
	case err == nil && verdict != "ok":
		return &damageError{verdict}
	}
	return err
}

// damageError is what a check has found.
type damageError struct{ verdict string }

func (e *damageError) Error() string { return "it is damaged: " + e.verdict }

// damaged tells the errors after which a database is of no use.
func damaged(err error) bool {
	var found *damageError
	var failed *sqlite.Error
	if errors.As(err, &failed) {
		code := failed.Code() & 0xff
		return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
	}
	return errors.As(err, &found)
}

// setAside renames a database with its side files, and returns where it went.
func setAside(path string) (aside string, err error) {
	aside = path + ".damaged-" + time.Now().UTC().Format("20060102T150405")
	for _, side := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Rename(path+side, aside+side); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return aside, nil
}

// cutOff is the reason of a run that has no process any more.
const cutOff = "cut off: kitops ended before the run"

// closeCutOff ends the rows of runs whose process is gone with its agent, and counts what there is.
func (db *database) closeCutOff(ctx context.Context) error {
	if _, err := db.writer.ExecContext(ctx, `UPDATE runs SET outcome = 'error', reason = '`+cutOff+`', ended = max(started, ifnull((SELECT max(started) FROM actions WHERE actions.run = runs.run), 0)) WHERE outcome = 'running'`); err != nil {
		return err
	}
	return db.writer.QueryRowContext(ctx, `SELECT count(*), ifnull(sum(bytes), 0) FROM runs`).Scan(&db.runs, &db.printed)
}

// statement is one of several that count together.
type statement struct {
	text string
	args []any
}

// all executes statements in one transaction.
func (db *database) all(ctx context.Context, what string, statements ...statement) error {
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return said(what, err)
	}
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s.text, s.args...); err != nil {
			return said(what, errors.Join(err, tx.Rollback()))
		}
	}
	return said(what, tx.Commit())
}

// deleted tells whether any part of the database is not there any more.
func (db *database) deleted() bool {
	output := db.output.Path()
	for _, path := range []string{output, filepath.Join(filepath.Dir(output), databaseFile)} {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

func (db *database) close() {
	for _, conns := range []*sql.DB{db.reader, db.writer} {
		if conns != nil {
			_ = conns.Close()
		}
	}
	if db.output != nil {
		_ = db.output.Close()
	}
	if db.life != nil {
		_ = db.life.Close()
	}
}
