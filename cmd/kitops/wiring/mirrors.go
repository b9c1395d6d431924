package wiring

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller/git"
)

// submoduleMark stands between the name of a mirror's directory and those of
// its submodules.
const submoduleMark = "-sub-"

// mirrors are those of all tasks there ever were: their directories stay as well.
type mirrors struct {
	dir       string
	maxSize   git.Size
	log       *slog.Logger
	transport http.RoundTripper // one, so that connections are kept between looks
	distant   http.RoundTripper // the same for addresses that a repository names
	sshAgent  string
	home      string
	agent     string
	hosts     *git.Hosts

	mu    sync.Mutex
	known map[mirrorKey]*git.Mirror
	named map[string]int          // how many have a name in common
	flows map[string]*git.WebFlow // by where they are
}

// mirrorKey tells mirrors apart. Tasks that have it in common share one, and
// with it connections, looks and what was fetched.
type mirrorKey struct {
	url        git.URL
	sshKeyFile string
	app        *app.App
	explicit   bool
	of         string // of a submodule: the name of the superproject's
	distant    bool   // nobody but that one's repository has named it
	foreign    bool   // what strangers have written
}

func newMirrors(p Process, dir string, maxSize git.Size, log *slog.Logger) *mirrors {
	return &mirrors{
		dir: dir, maxSize: maxSize, log: log, transport: git.NewTransport(), distant: git.NewDistantTransport(),
		sshAgent: p.SSHAgent, home: p.Home, agent: p.Agent, hosts: &git.Hosts{},
		known: map[mirrorKey]*git.Mirror{}, named: map[string]int{}, flows: map[string]*git.WebFlow{},
	}
}

// get returns the mirror of a task. That of an App's repository authenticates
// with the App's tokens.
func (m *mirrors) get(t settings.Task, r *Repository) *git.Mirror {
	key := mirrorKey{url: t.URL, sshKeyFile: t.SSHKeyFile}
	if r != nil {
		key = mirrorKey{url: r.clone, app: r.App, explicit: r.explicit}
	}
	return m.of(key, r)
}

// foreign returns the mirror of what strangers have written for a repository of an App: nothing of it comes into the other one.
func (m *mirrors) foreign(r *Repository) *git.Mirror {
	return m.of(mirrorKey{url: r.clone, app: r.App, explicit: r.explicit, foreign: true}, r)
}

// submodule returns the mirror of a submodule. Its directory goes when that of
// the superproject does.
func (m *mirrors) submodule(super *git.Mirror, key mirrorKey, r *Repository) *git.Mirror {
	key.of = filepath.Base(super.Dir)
	mirror := m.of(key, r)
	if r != nil {
		r.mirror = mirror
	}
	return mirror
}

func (m *mirrors) of(key mirrorKey, r *Repository) *git.Mirror {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.known[key]; ok {
		return known
	}
	mirror := &git.Mirror{
		URL: key.url, Dir: filepath.Join(m.dir, m.name(key)), Transport: m.transport, Agent: m.agent, Hosts: m.hosts,
		SSHKeyFile: key.sshKeyFile, SSHAgent: m.sshAgent, Home: m.home, MaxSize: m.maxSize, Log: m.log,
	}
	if key.distant {
		mirror.Transport = m.distant
	}
	if r != nil {
		mirror.Auth = r.auth
	}
	m.known[key] = mirror
	return mirror
}

// webFlow is the key of the GitHub that publishes it there.
func (m *mirrors) webFlow(at string) *git.WebFlow {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.flows[at]
	if !ok {
		sum := sha256.Sum256([]byte(at))
		known = &git.WebFlow{
			URL: at, File: filepath.Join(m.dir, "web-flow-"+hex.EncodeToString(sum[:8])+".gpg"),
			Transport: m.transport, Agent: m.agent, Log: m.log,
		}
		m.flows[at] = known
	}
	return known
}

// name is that of a mirror's directory. Mirrors that differ in credentials
// only, which no name may show, are numbered. But what credentials fetched of a
// submodule is not for a task that has none for it, now or after a restart.
func (m *mirrors) name(key mirrorKey) string {
	told := key.url.String() + "\x00" + key.sshKeyFile
	if anonymous, err := git.ParseURL(key.url.String()); key.of != "" && (err != nil || anonymous != key.url || key.app != nil) {
		told += "\x00with credentials"
	}
	if key.foreign {
		told += "\x00of strangers"
	}
	sum := sha256.Sum256([]byte(told))
	name := hex.EncodeToString(sum[:8])
	if key.of != "" {
		name = key.of + submoduleMark + name
	}
	m.named[name]++
	if n := m.named[name]; n > 1 {
		name += "-" + strconv.Itoa(n)
	}
	return name
}

// sweep removes the mirrors of tasks that are no more. Call it before anything runs.
func (m *mirrors) sweep() error {
	found, err := os.ReadDir(m.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, entry := range found {
		owner, _, _ := strings.Cut(entry.Name(), submoduleMark)
		if !m.used(filepath.Join(m.dir, owner)) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(m.dir, entry.Name())))
		}
	}
	return err
}

func (m *mirrors) used(path string) bool {
	for _, mirror := range m.known {
		if mirror.Keeps(path) {
			return true
		}
	}
	for _, flow := range m.flows {
		if flow.File == path {
			return true
		}
	}
	return false
}
