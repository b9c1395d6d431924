package git

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/object"
)

const historyInfix = "-history-"

// repo is what a mirror keeps of its remote for one history: a bare repository.
type repo struct {
	dir    string
	depth  int           // commits; FullHistory: all
	busy   mutex         // who holds it has dir for itself
	format object.Format // as of late

	tagged  []object.ID      // tag objects of the remote, as of late
	members ancestry.Members // where tags of the remote lead to, in a full history as of late
}

// repos are those of one mirror, by depth. It is safe for concurrent use.
type repos struct {
	mu      sync.Mutex
	byDepth map[int]*repo
}

// depot is the one for a history, which must be normal.
func (m *Mirror) depot(depth int) *repo {
	m.depots.mu.Lock()
	defer m.depots.mu.Unlock()
	if d := m.depots.byDepth[depth]; d != nil {
		return d
	}
	if m.depots.byDepth == nil {
		m.depots.byDepth = map[int]*repo{}
	}
	d := &repo{dir: m.Dir, depth: depth}
	switch depth {
	case 1:
	case ancestry.FullHistory:
		d.dir += historyInfix + "full"
	default:
		d.dir += historyInfix + strconv.Itoa(depth)
	}
	m.depots.byDepth[depth] = d
	return d
}

// Keeps says whether a directory is one that the mirror uses: Dir, or that of a
// longer history beside it.
func (m *Mirror) Keeps(dir string) bool {
	return dir == m.Dir || strings.HasPrefix(dir, filepath.Clean(m.Dir)+historyInfix)
}

// depth is how many commits of history the options ask for.
func (o Options) depth() int {
	switch {
	case !o.DotGit || o.History == 0:
		return 1
	case o.History < 0:
		return ancestry.FullHistory
	}
	return o.History
}

func (d *repo) wipe(ctx context.Context) error {
	if err := d.busy.lock(ctx); err != nil {
		return err
	}
	defer d.busy.unlock()
	return os.RemoveAll(d.dir)
}
