package history_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/history"
)

// TestTheHistoryOfAnEarlierKitops is read as it is, goes on, and can be gone on with by the earlier one.
func TestTheHistoryOfAnEarlierKitops(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir(), history.DefaultKeep())
	old := run("20260504t120000-aaaaaaaaaa")
	d.whole(old, "old\n")
	d.Close(time.Minute)
	execute(t, d.dir, "ALTER TABLE runs DROP COLUMN signer")

	left, err := history.Read(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer left.Close(time.Minute)
	if got, err := left.Run(t.Context(), old.ID); err != nil || got.Outcome != "success" || got.Signer != "" {
		t.Errorf("read only: %+v, %v", got, err)
	}
	d = open(t, d.dir, history.DefaultKeep())
	next := run("20260504t120001-aaaaaaaaaa")
	next.Signer = "anna"
	d.whole(next, "new\n")
	d = d.written(t, history.DefaultKeep())
	runs, _ := d.all(t)
	if len(runs) != 2 || runs[0].Signer != "anna" || runs[1].Signer != "" || d.log.Len() > 0 {
		t.Errorf("%+v\n%s", runs, d.log)
	}
	d.Close(time.Minute)
	execute(t, d.dir, `INSERT INTO runs (run, task, ref, sha, previous, attempt, started, outcome, action, reason, member)
		VALUES ('20260504t120002-aaaaaaaaaa', 'shop', 'refs/heads/main', 'a', '', 1, 1, 'success', '', '', '')`)
	d = open(t, d.dir, history.DefaultKeep())
	if got, err := d.Run(t.Context(), "20260504t120002-aaaaaaaaaa"); err != nil || got.Outcome != string(poller.Success) || got.Signer != "" {
		t.Errorf("of an earlier kitops again: %+v, %v", got, err)
	}
}

// execute changes the database of a history, which nobody has open, and finds that its version is still the first.
func execute(t *testing.T, dir, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "runs.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var version int
	if err := db.QueryRowContext(t.Context(), "PRAGMA user_version").Scan(&version); err != nil || version != 1 {
		t.Errorf("version %d, %v", version, err)
	}
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
