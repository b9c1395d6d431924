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

const (
	historyInfix = "-history-"
	sparseInfix  = "-sparse"
	lfsInfix     = "-lfs"
)

// repo is what a mirror keeps of its remote for one history: a bare repository.
type repo struct {
	dir string
	repoKind
	busy   mutex         // who holds it has dir for itself
	format object.Format // as of late

	tagged  []object.ID      // tag objects of the remote, as of late
	members ancestry.Members // where tags of the remote lead to, in a full history as of late
}

// repoKind tells the repositories of a mirror apart.
type repoKind struct {
	depth   int  // commits; FullHistory: all
	partial bool // blobs are there as far as somebody needed them
}

// repos are those of one mirror, by kind. It is safe for concurrent use.
type repos struct {
	mu     sync.Mutex
	byKind map[repoKind]*repo
}

// depot is the one for a history, which must be normal.
func (m *Mirror) depot(depth int) *repo { return m.depotOf(repoKind{depth: depth}) }

// depotFor is the one for the revisions of a checkout.
func (m *Mirror) depotFor(o Options) *repo { return m.depotOf(repoKind{o.depth(), o.Sparse != nil}) }

func (m *Mirror) depotOf(k repoKind) *repo {
	m.depots.mu.Lock()
	defer m.depots.mu.Unlock()
	if d := m.depots.byKind[k]; d != nil {
		return d
	}
	if m.depots.byKind == nil {
		m.depots.byKind = map[repoKind]*repo{}
	}
	d := &repo{dir: m.Dir, repoKind: k}
	if k.partial {
		d.dir += sparseInfix
	}
	switch k.depth {
	case 1:
	case ancestry.FullHistory:
		d.dir += historyInfix + "full"
	default:
		d.dir += historyInfix + strconv.Itoa(k.depth)
	}
	m.depots.byKind[k] = d
	return d
}

// Keeps says whether a directory is one that the mirror uses: Dir, or one of those
// beside it.
func (m *Mirror) Keeps(dir string) bool {
	if dir == m.Dir {
		return true
	}
	beside, ok := strings.CutPrefix(dir, filepath.Clean(m.Dir))
	return ok && (strings.HasPrefix(beside, historyInfix) || beside == sparseInfix || beside == lfsInfix || strings.HasPrefix(beside, sparseInfix+historyInfix))
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
