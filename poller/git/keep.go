package git

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
)

const historyInfix = "-history-"

// keep is what a mirror keeps of its remote for one history: a bare repository.
type keep struct {
	dir   string
	depth int   // commits; FullHistory: all
	busy  mutex // who holds it has dir for itself

	tagged []plumbing.Hash // tag objects of the remote, as of late
}

// keeps are those of one mirror, by depth. It is safe for concurrent use.
type keeps struct {
	mu      sync.Mutex
	byDepth map[int]*keep
}

// keep is the one for a history, which must be normal.
func (m *Mirror) keep(depth int) *keep {
	m.keeps.mu.Lock()
	defer m.keeps.mu.Unlock()
	if k := m.keeps.byDepth[depth]; k != nil {
		return k
	}
	if m.keeps.byDepth == nil {
		m.keeps.byDepth = map[int]*keep{}
	}
	k := &keep{dir: m.Dir, depth: depth}
	switch depth {
	case 1:
	case FullHistory:
		k.dir += historyInfix + "full"
	default:
		k.dir += historyInfix + strconv.Itoa(depth)
	}
	m.keeps.byDepth[depth] = k
	return k
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
		return FullHistory
	}
	return o.History
}

func (k *keep) wipe(ctx context.Context) error {
	if err := k.busy.lock(ctx); err != nil {
		return err
	}
	defer k.busy.unlock()
	return os.RemoveAll(k.dir)
}
